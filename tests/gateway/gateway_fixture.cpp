#include "tests/gateway/gateway_fixture.hpp"

#include <algorithm>
#include <map>

namespace welkin::test {
namespace {

std::string content_type_of(const RawAnswer& answer) {
  const std::string type = answer.header("content-type");
  return type.substr(0, type.find(';'));
}

// What the document says an answer to this request looks like, or null when it says nothing of its
// status.
Json documented_answer(std::string_view method, std::string_view path, const RawAnswer& answer) {
  const RouteMatch match = match_route(method, path.substr(0, path.find('?')));
  if (match.route == nullptr)  // of no operation
    return Json{
        {"content",
         {{"application/problem+json", {{"schema", {{"$ref", "#/components/schemas/Problem"}}}}}}}};
  std::string verb(match.route->method);
  for (char& c : verb) c = static_cast<char>(c | 0x20);
  const Json& operation = openapi_json()["paths"][std::string(match.route->pattern)][verb];
  return resolved(operation["responses"].value(std::to_string(answer.status), Json()));
}

// What every answer may have, and HTTP says what it means.
bool is_common(const std::string& header) {
  return header == "content-type" || header == "content-length" || header == "connection" ||
         header == "date";
}

std::string lower(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  return text;
}

// Empty when exactly the headers that the document has for the answer are there, and fit.
std::string header_problem(const Json& documented, const RawAnswer& answer) {
  std::map<std::string, Json> known;
  for (const auto& [name, header] : documented.items()) known[lower(name)] = resolved(header);
  for (const auto& [name, header] : known) {
    if (header["required"] == true && answer.headers.count(name) == 0) return "lacks " + name;
    if (answer.headers.count(name) == 0) continue;
    const std::string& text = answer.headers.at(name);
    const bool is_number = header["schema"]["type"] == "integer";
    const Json value = is_number ? Json::parse(text) : Json(text);
    const auto problem = SchemaCheck(openapi_json()).problem_of(value, header["schema"], name);
    if (!problem.empty()) return problem;
  }
  for (const auto& [name, value] : answer.headers)
    if (!is_common(name) && known.count(name) == 0) return "has " + name;
  return "";
}

}  // namespace

const Json& openapi_json() {
  static const Json document = Json::parse(openapi_document());
  return document;
}

Json resolved(const Json& value) {
  if (!value.is_object() || !value.contains("$ref")) return value;
  return openapi_json().at(Json::json_pointer(value["$ref"].get<std::string>().substr(1)));
}

void check_against_openapi(std::string_view method, std::string_view path,
                           const RawAnswer& answer) {
  const Json documented = documented_answer(method, path, answer);
  CAPTURE(method, path, answer.status, answer.body);
  REQUIRE_FALSE(documented.is_null());
  const std::string type = content_type_of(answer);
  REQUIRE(documented["content"].contains(type));
  const bool is_json = type == "application/json" || type == "application/problem+json";
  const Json value = is_json ? Json::parse(answer.body) : Json(answer.body);
  const SchemaCheck check(openapi_json());
  CHECK(check.problem_of(value, documented["content"][type]["schema"]) == "");
  CHECK_FALSE(answer.header("x-request-id").empty());
  if (documented.contains("headers")) CHECK(header_problem(documented["headers"], answer) == "");
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
