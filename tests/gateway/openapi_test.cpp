#include <set>

#include "protocol/channels/alipay/format.hpp"
#include "protocol/channels/stripe/format.hpp"
#include "protocol/channels/union_pay/format.hpp"
#include "protocol/channels/wechat_pay/format.hpp"
#include "tests/gateway/gateway_fixture.hpp"
#include "tests/support/alipay_fixture.hpp"
#include "tests/support/stripe_fixture.hpp"
#include "tests/support/union_pay_fixture.hpp"
#include "tests/support/wechat_fixture.hpp"

using namespace welkin;
using namespace welkin::test;

TEST_CASE("the OpenAPI document has exactly the routes of the table", "[gateway]") {
  std::set<std::string> documented;
  for (const auto& [path, item] : openapi_json()["paths"].items())
    for (const auto& [method, operation] : item.items()) documented.insert(method + " " + path);
  std::set<std::string> routed;
  for (const HttpRoute& route : routes()) {
    std::string method(route.method);
    for (char& c : method) c = static_cast<char>(c | 0x20);
    routed.insert(method + " " + std::string(route.pattern));
  }
  CHECK(documented == routed);
}

namespace {

void collect_refs(const Json& value, std::set<std::string>& out) {
  if (value.is_object() && value.contains("$ref")) out.insert(value["$ref"].get<std::string>());
  if (value.is_structured())
    for (const Json& child : value) collect_refs(child, out);
}

}  // namespace

TEST_CASE("every reference in the document leads somewhere, and no schema is left unused",
          "[gateway]") {
  std::set<std::string> refs;
  collect_refs(openapi_json(), refs);
  std::set<std::string> schemas;
  for (const auto& [name, schema] : openapi_json()["components"]["schemas"].items())
    schemas.insert("#/components/schemas/" + name);
  CHECK(refs == schemas);
}

TEST_CASE("every operation has an id of its own, its path's parameters and a refusal",
          "[gateway]") {
  std::set<std::string> ids;
  for (const HttpRoute& route : routes()) {
    std::string method(route.method);
    for (char& c : method) c = static_cast<char>(c | 0x20);
    const Json& operation = openapi_json()["paths"][std::string(route.pattern)][method];
    CAPTURE(std::string(route.pattern), method);
    CHECK(ids.insert(operation["operationId"]).second);
    CHECK_FALSE(operation["summary"].get<std::string>().empty());
    CHECK(operation["responses"]["default"]["content"].contains("application/problem+json"));
    const auto braces = std::count(route.pattern.begin(), route.pattern.end(), '{');
    const auto& parameters = operation["parameters"];
    CHECK(std::count_if(parameters.begin(), parameters.end(), [](const Json& parameter) {
            return parameter["in"] == "path" && parameter["required"] == true;
          }) == braces);
    CHECK(operation.contains("requestBody") == (route.body != Body::none));
    const bool has_key = route.access == Access::merchant || route.access == Access::admin;
    CHECK(operation["security"].size() == (has_key ? 1U : 0U));
  }
}

namespace {

// An account of each kind, as the configuration would open it.
std::map<std::string, WireFormatPtr> one_of_each_kind() {
  std::map<std::string, WireFormatPtr> accounts;
  accounts["wechat_pay"] =
      wechat_pay::wire_format_of(wechat_account(), wechat_pay::Certificates::as_configured);
  accounts["alipay"] =
      alipay::wire_format_of(alipay_test::account_of(alipay_test::public_key_config()));
  accounts["union_pay"] =
      union_pay::wire_format_of(union_pay_test::account_of(union_pay_test::rsa_config()));
  accounts["stripe"] = stripe::wire_format_of(stripe_account());
  accounts["sandbox"] = sandbox_wire::wire_format_of({"http://x", "secret", ""});
  return accounts;
}

// "500 application/json {…}"
std::string told(const RawAnswer& answer) {
  return std::to_string(answer.status) + " " + answer.header("content-type") + " " + answer.body;
}

}  // namespace

TEST_CASE("each channel is answered in its own words, and the document has them all", "[gateway]") {
  GatewayFixture gateway;
  gateway.service.accounts = one_of_each_kind();
  struct Words {
    const char* account;
    const char* taken;
    const char* refused;  // whatever the reason is
  };
  for (const Words& words :
       {Words{"wechat_pay", R"(200 application/json {"code":"SUCCESS"})",
              R"(500 application/json {"code":"FAIL","message":"FAIL"})"},
        Words{"alipay", "200 text/plain success", "400 text/plain fail"},
        Words{"union_pay", "200 text/plain ok", "400 text/plain fail"},
        Words{"stripe", R"(200 application/json {"received":true})",
              R"(500 application/json {"received":false})"},
        Words{"sandbox", R"(200 application/json {"code":"SUCCESS"})", nullptr}}) {
    CAPTURE(words.account);
    const std::string path = std::string("/channels/") + words.account + "/notify";
    CHECK(told(gateway.call("POST", path, "genuine", {}, "")) == words.taken);
    RawClient large(gateway.port);
    large.send("POST " + path + " HTTP/1.1\r\nHost: h\r\nContent-Length: 9000000\r\n\r\n");
    const RawAnswer refusals[] = {gateway.call("POST", path, "forged", {}, ""),
                                  *large.read_answer()};
    for (const RawAnswer& refused : refusals) {
      check_against_openapi("POST", path, refused);
      if (words.refused) CHECK(told(refused) == words.refused);
    }
    if (words.refused) continue;
    CHECK(refusals[0].status == 401);
    CHECK(code_of(refusals[0]) == "bad_signature");
    CHECK(refusals[1].status == 413);
    CHECK(code_of(refusals[1]) == "body_too_large");
  }
  GatewayConfig full;
  full.max_commands_in_flight = 0;
  CHECK(GatewayFixture(std::move(full)).call("POST", "/channels/sandbox/notify", "x").status ==
        503);
}

TEST_CASE("the document says of callbacks no more than what is told", "[gateway]") {
  const SchemaCheck check(openapi_json());
  const Json& responses =
      openapi_json()["paths"]["/channels/{account}/notify"]["post"]["responses"];
  std::set<std::string> statuses;
  for (const auto& [status, response] : responses.items()) statuses.insert(status);
  CHECK(statuses == std::set<std::string>{"200", "400", "500", "default"});
  const auto fits = [&](const char* status, const char* type, const Json& body) {
    const Json& content = responses[status]["content"];
    return content.contains(type) && check.problem_of(body, content[type]["schema"]).empty();
  };
  CHECK(fits("200", "text/plain", "ok"));
  CHECK(fits("200", "text/plain", "success"));
  CHECK_FALSE(fits("200", "text/plain", "fail"));
  CHECK_FALSE(fits("200", "application/json", {{"code", "FAIL"}, {"message", "FAIL"}}));
  CHECK_FALSE(fits("200", "application/problem+json", Json::object()));
  CHECK_FALSE(fits("400", "text/plain", "success"));
  CHECK_FALSE(fits("500", "text/plain", "fail"));
  CHECK_FALSE(fits("500", "application/json", {{"received", true}}));
  CHECK_FALSE(fits("500", "application/json", {{"code", "SUCCESS"}}));
  CHECK_FALSE(fits("default", "application/json", {{"code", "no_such_code"}, {"message", ""}}));
}

TEST_CASE("the document's enums are the tables of the protocol", "[gateway]") {
  const Json& schemas = openapi_json()["components"]["schemas"];
  CHECK(schemas["PaymentStatus"]["enum"] == Json{"CREATED", "PAYING", "AUTHORIZED", "PAID",
                                                 "FAILED", "CLOSED", "PARTIALLY_REFUNDED",
                                                 "REFUNDED"});
  CHECK(schemas["ProblemCode"]["enum"].size() ==
        static_cast<std::size_t>(ProblemCode::internal) + 1);
  CHECK(schemas["Breaker"]["properties"]["state"]["enum"] ==
        Json{"CLOSED", "OPEN", "HALF_OPEN", "RECOVERING", "FORCED_OPEN", "DISABLED"});
  CHECK(schemas["OperateBreaker"]["properties"]["action"]["enum"] ==
        Json{"force_open", "disable", "release"});
  CHECK(schemas["RefundStatus"]["enum"] == Json{"PENDING", "SUCCEEDED", "FAILED"});
  CHECK(schemas["Event"]["properties"]["type"]["enum"].size() == payment_event_kind_count);
}

TEST_CASE("the request schemas take what the gateway takes and refuse what it refuses",
          "[gateway]") {
  const SchemaCheck check(openapi_json());
  const Json& schema = openapi_json()["components"]["schemas"]["CreatePayment"];
  GatewayFixture gateway;
  const auto agree = [&](const Json& body) {
    CAPTURE(body.dump());
    const bool fits = check.problem_of(body, schema).empty();
    const bool taken = gateway.call("POST", "/v1/payments", body.dump()).status < 300;
    CHECK(fits == taken);
    return taken;
  };
  Json body = GatewayFixture::create_body();
  CHECK(agree(body));
  const Json required = body;
  for (const auto& [member, value] : required.items()) {
    Json changed = body;
    changed.erase(member);
    CHECK_FALSE(agree(changed));
    changed[member] = true;
    CHECK_FALSE(agree(changed));
  }
  for (const auto& [member, value] : {std::pair<std::string, Json>{"amount", 0},
                                      {"amount", max_amount_minor + 1},
                                      {"extra", 1},
                                      {"expires_in_s", 0},
                                      {"capture", "never"},
                                      {"metadata", {{"k", 1}}},
                                      {"merchant_order_no", "a b"},
                                      {"method", "JSAPI"},
                                      {"method", ""},
                                      {"payer", "p"},
                                      {"payer", {{"colour", "red"}}},
                                      {"payer", {{"id", ""}}},
                                      {"payer", {{"instrument", "pm 1"}}},
                                      {"subject", ""}}) {
    Json changed = body;
    changed[member] = value;
    CHECK_FALSE(agree(changed));
  }
  body["merchant_order_no"] = "order-2";
  body["method"] = "h5";
  body["payer"] = {{"id", "openid-1"}, {"ip", "203.0.113.7"}, {"instrument", "pm_1"}};
  CHECK(agree(body));
}

TEST_CASE("the schema checker finds what does not fit", "[gateway]") {
  const SchemaCheck check(openapi_json());
  const Json& schema = openapi_json()["components"]["schemas"]["Readiness"];
  CHECK(check.problem_of({{"ready", true}, {"reason", ""}}, schema).empty());
  CHECK_FALSE(check.problem_of({{"ready", true}}, schema).empty());
  CHECK_FALSE(check.problem_of({{"ready", 1}, {"reason", ""}}, schema).empty());
  CHECK_FALSE(check.problem_of({{"ready", true}, {"reason", ""}, {"x", 1}}, schema).empty());
  CHECK_FALSE(check.problem_of(Json::array(), schema).empty());
  CHECK_THROWS(check.problem_of(1, {{"multipleOf", 2}}));
}
