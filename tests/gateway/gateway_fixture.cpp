#include "tests/gateway/gateway_fixture.hpp"

#include <algorithm>

namespace welkin::test {
namespace {

std::string schema_name_for(const RawAnswer& answer) {
  const std::string type = answer.header("content-type");
  return type.substr(0, type.find(';'));
}

// What the document says an answer to this request looks like, or null when it says nothing.
Json documented_schema(std::string_view method, std::string_view path, const RawAnswer& answer) {
  const RouteMatch match = match_route(method, path.substr(0, path.find('?')));
  if (match.route == nullptr) return {{"$ref", "#/components/schemas/Problem"}};
  std::string verb(match.route->method);
  for (char& c : verb) c = static_cast<char>(c | 0x20);
  const Json& responses =
      openapi_json()["paths"][std::string(match.route->pattern)][verb]["responses"];
  const std::string status = std::to_string(answer.status);
  const Json& content = responses[responses.contains(status) ? status : "default"]["content"];
  const std::string type = schema_name_for(answer);
  return content.contains(type) ? content[type]["schema"] : Json();
}

}  // namespace

const Json& openapi_json() {
  static const Json document = Json::parse(openapi_document());
  return document;
}

void check_against_openapi(std::string_view method, std::string_view path,
                           const RawAnswer& answer) {
  const Json schema = documented_schema(method, path, answer);
  CAPTURE(method, path, answer.status, answer.body);
  REQUIRE_FALSE(schema.is_null());
  const std::string type = schema_name_for(answer);
  const bool is_json = type == "application/json" || type == "application/problem+json";
  const Json value = is_json ? Json::parse(answer.body) : Json(answer.body);
  CHECK(SchemaCheck(openapi_json()).problem_of(value, schema) == "");
  CHECK_FALSE(answer.header("x-request-id").empty());
}

std::string request_text(std::string_view method, std::string_view path, const std::string& body,
                         const HeaderList& headers) {
  std::string out = std::string(method).append(" ").append(path).append(" HTTP/1.1\r\nHost: h\r\n");
  for (const auto& [name, value] : headers) out += name + ": " + value + "\r\n";
  if (method == "POST" || !body.empty())
    out += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  return out + "\r\n" + body;
}

GatewayFixture::GatewayFixture(GatewayConfig config) {
  config.merchants = {{"m_1", {sha256_hex("key-1"), sha256_hex("key-1-new")}},
                      {"m_2", {sha256_hex("key-2")}}};
  config.operator_key_sha256 = sha256_hex("op-key");
  gateway = std::make_unique<GatewayServer>(std::move(config), service);
  const auto started = gateway->start();
  INFO(started.error);
  REQUIRE(started.port != 0);
  port = started.port;
}

RawAnswer GatewayFixture::exchange(RawClient& client, std::string_view method,
                                   std::string_view path, const std::string& body,
                                   const HeaderList& headers) {
  REQUIRE(client.send(request_text(method, path, body, headers)));
  auto answer = client.read_answer(method == "HEAD");
  REQUIRE(answer.has_value());
  if (method != "HEAD") check_against_openapi(method, path, *answer);
  return *answer;
}

RawAnswer GatewayFixture::call(std::string_view method, std::string_view path,
                               const std::string& body, HeaderList headers,
                               const std::string& key) {
  RawClient client(port);
  if (!key.empty()) headers.emplace_back("Authorization", "Bearer " + key);
  const auto is_type = [](const auto& header) { return header.first == "Content-Type"; };
  if (!body.empty() && std::none_of(headers.begin(), headers.end(), is_type))
    headers.emplace_back("Content-Type", "application/json");
  return exchange(client, method, path, body, headers);
}

Json GatewayFixture::create_body(const std::string& order_no) {
  return {{"merchant_order_no", order_no},
          {"amount", 1000},
          {"currency", "CNY"},
          {"channel", "sandbox"},
          {"subject", "Tea"}};
}

std::string GatewayFixture::create(const std::string& order_no) {
  const RawAnswer answer = call("POST", "/v1/payments", create_body(order_no).dump());
  REQUIRE(answer.status == 201);
  return Json::parse(answer.body)["id"];
}

Json json_of(const RawAnswer& answer) { return Json::parse(answer.body); }
std::string code_of(const RawAnswer& answer) { return json_of(answer).value("code", ""); }
std::string field_of(const RawAnswer& answer) { return json_of(answer).value("field", ""); }

}  // namespace welkin::test
