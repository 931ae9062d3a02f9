#include "gateway/openapi.hpp"

#include <algorithm>
#include <string_view>

#include "gateway/openapi_answers.hpp"
#include "gateway/openapi_examples.hpp"
#include "gateway/openapi_parts.hpp"
#include "gateway/openapi_schemas.hpp"
#include "gateway/request_limits.hpp"
#include "gateway/route.hpp"

namespace welkin {
namespace {

using namespace openapi_doc;

Json query_parameters() {
  const auto parameter = [](std::string_view name, Json schema, std::string_view description) {
    return Json{{"name", name},
                {"in", "query"},
                {"schema", std::move(schema)},
                {"description", description}};
  };
  Json limit{{"type", "integer"},
             {"minimum", 1},
             {"maximum", max_page_size},
             {"default", default_page_size}};
  return Json::array(
      {parameter("merchant_order_no", text(1, max_order_no_characters), "exactly this order"),
       parameter("status", schema_ref("PaymentStatus"), "only payments in this state"),
       parameter("created_from", time(), "this moment or later"),
       parameter("created_to", time(), "before this moment"),
       parameter("limit", std::move(limit), "how many a page"),
       parameter("cursor", text(1, max_cursor_characters), "next_cursor of the page before")});
}

// The names in the pattern's braces.
Json path_parameters(std::string_view pattern) {
  Json out = Json::array();
  for (std::size_t open = pattern.find('{'); open != std::string_view::npos;
       open = pattern.find('{', open + 1)) {
    const std::size_t close = pattern.find('}', open);
    out.push_back({{"name", pattern.substr(open + 1, close - open - 1)},
                   {"in", "path"},
                   {"required", true},
                   {"schema", type("string")}});
  }
  return out;
}

Json parameters_of(const HttpRoute& route) {
  Json out = path_parameters(route.pattern);
  for (Json& parameter : query_parameters())
    if (std::find(route.query.begin(), route.query.end(), parameter["name"]) != route.query.end())
      out.push_back(std::move(parameter));
  if (takes_idempotency_key(route))
    out.push_back({{"name", "Idempotency-Key"},
                   {"in", "header"},
                   {"schema", text(1, 255)},
                   {"description", "the same key and request get the first answer again"}});
  out.push_back({{"name", "X-Request-Id"},
                 {"in", "header"},
                 {"schema", text(1, 64, "^[A-Za-z0-9_-]+$")},
                 {"description", "comes back in the answer"}});
  return out;
}

Json request_body_of(const HttpRoute& route) {
  Json content;
  if (route.body == Body::raw) {
    content["*/*"]["schema"] = Json::object();
  } else {
    content["application/json"] = {{"schema", schema_ref(route.request_schema)},
                                   {"example", example_of(route.request_schema)}};
  }
  return {{"required", route.body != Body::maybe}, {"content", content}};
}

struct Audience {
  Access access;
  std::string_view tag;
  std::string_view description;
};
constexpr Audience audiences[] = {
    {Access::merchant, "payments", "What merchants ask for"},
    {Access::admin, "operators", "What operators ask for"},
    {Access::channel, "channels", "What channels tell"},
    {Access::anyone, "node", "What anyone may ask about the node itself"},
};

std::string_view tag_of(const HttpRoute& route) {
  for (const Audience& audience : audiences)
    if (audience.access == route.access) return audience.tag;
  return {};
}

Json tags() {
  Json out = Json::array();
  for (const Audience& audience : audiences)
    out.push_back({{"name", audience.tag}, {"description", audience.description}});
  return out;
}

Json info() {
  return {{"title", "Welkin"},
          {"version", "1"},
          {"license", {{"name", "Apache License 2.0"}, {"identifier", "Apache-2.0"}}},
          {"description",
           "Payments: create, follow, capture, refund. Amounts are integers in the currency's "
           "minor unit; times are RFC 3339 in UTC."}};
}

Json security_schemes() {
  Json merchant{{"type", "http"}, {"scheme", "bearer"}, {"description", "a merchant's API key"}};
  Json operators{{"type", "http"}, {"scheme", "bearer"}, {"description", "the operators' key"}};
  return {{"merchantKey", std::move(merchant)}, {"operatorKey", std::move(operators)}};
}

Json operation_of(const HttpRoute& route) {
  Json out{{"operationId", route.operation_id},
           {"summary", route.summary},
           {"tags", {tag_of(route)}},
           {"parameters", parameters_of(route)}};
  if (route.body != Body::none) out["requestBody"] = request_body_of(route);
  out["responses"] = answers_of(route);
  out["security"] = Json::array();
  if (route.access == Access::merchant) out["security"].push_back({{"merchantKey", Json::array()}});
  if (route.access == Access::admin) out["security"].push_back({{"operatorKey", Json::array()}});
  return out;
}

}  // namespace

std::string openapi_document() {
  Json paths;
  for (const HttpRoute& route : routes()) {
    std::string method(route.method);
    for (char& c : method) c = static_cast<char>(c | 0x20);
    paths[std::string(route.pattern)][method] = operation_of(route);
  }
  const Json document{{"openapi", "3.1.0"},
                      {"info", info()},
                      // Wherever the document came from.
                      {"servers", Json::array({{{"url", "/"}, {"description", "this node"}}})},
                      {"tags", tags()},
                      {"paths", paths},
                      {"components",
                       {{"schemas", schemas()},
                        {"responses", shared_answers()},
                        {"headers", shared_headers()},
                        {"securitySchemes", security_schemes()}}}};
  return document.dump(1);
}

}  // namespace welkin
