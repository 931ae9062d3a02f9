#include "gateway/openapi.hpp"

#include <string_view>

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
       parameter("status", ref("PaymentStatus"), "only payments in this state"),
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
  if (route.operation_id == "listPayments")
    for (Json& parameter : query_parameters()) out.push_back(std::move(parameter));
  if (route.is_command && route.access == Access::merchant)
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

Json answer_of(const HttpRoute& route, std::string_view description) {
  Json content;
  if (!route.answer_schema.empty()) {
    content["application/json"]["schema"] = ref(route.answer_schema);
  } else {
    content["text/plain"]["schema"] = type("string");
  }
  return {{"description", description}, {"content", content}};
}

Json refusal(std::string_view description) {
  return {{"description", description},
          {"content", {{"application/problem+json", {{"schema", ref("Problem")}}}}}};
}

// Beside each channel's own refusals stand problem documents: of a callback whose account is not
// there, or that found no room before anybody looked whose it is.
Json callback_answers() {
  Json taken{{"description", "Taken, or old news, in the channel's words"}};
  taken["content"]["application/json"]["schema"] = ref("CallbackTaken");
  taken["content"]["text/plain"]["schema"]["enum"] = {"success", "ok"};
  Json in_plain = refusal("Refused by Alipay's or UnionPay's word, or for the sandbox");
  in_plain["content"]["application/json"]["schema"] = ref("CallbackRefused");
  in_plain["content"]["text/plain"]["schema"]["enum"] = {"fail"};
  Json in_json = refusal("Refused in WeChat Pay's or Stripe's words, or for the sandbox");
  in_json["content"]["application/json"]["schema"] = ref("CallbackRefused");
  Json other = refusal("Refused for the sandbox, or for nobody's account");
  other["content"]["application/json"]["schema"] = ref("CallbackRefused");
  return {{"200", std::move(taken)},
          {"400", std::move(in_plain)},
          {"500", std::move(in_json)},
          {"default", std::move(other)}};
}

Json answers_of(const HttpRoute& route) {
  if (route.access == Access::channel) return callback_answers();
  Json out;
  const bool creates =
      route.operation_id == "createPayment" || route.operation_id == "createRefund";
  if (creates) out["201"] = answer_of(route, "Made now");
  out["200"] =
      answer_of(route, creates ? "Was there already, made by the same request" : "As asked");
  if (route.operation_id == "getReadiness") out["503"] = answer_of(route, "Not now");
  out["default"] = refusal("Refused");
  return out;
}

Json request_body_of(const HttpRoute& route) {
  Json content;
  if (route.body == Body::raw) {
    content["*/*"]["schema"] = Json::object();
  } else {
    content["application/json"]["schema"] = ref(route.request_schema);
  }
  return {{"required", route.body != Body::maybe}, {"content", content}};
}

std::string_view tag_of(const HttpRoute& route) {
  switch (route.access) {
    case Access::merchant:
      return "payments";
    case Access::admin:
      return "operators";
    case Access::channel:
      return "channels";
    case Access::anyone:
      return "node";
  }
  return "node";
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
  const Json bearer{{"type", "http"}, {"scheme", "bearer"}};
  const Json document{{"openapi", "3.1.0"},
                      {"info",
                       {{"title", "Welkin"},
                        {"version", "1"},
                        {"license", {{"name", "Apache-2.0"}}},
                        {"description",
                         "Payments: create, follow, capture, refund. Amounts are integers in the "
                         "currency's minor unit; times are RFC 3339 in UTC."}}},
                      {"paths", paths},
                      {"components",
                       {{"schemas", schemas()},
                        {"securitySchemes", {{"merchantKey", bearer}, {"operatorKey", bearer}}}}}};
  return document.dump(2);
}

}  // namespace welkin
