#include <set>

#include "tests/gateway/gateway_fixture.hpp"

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
