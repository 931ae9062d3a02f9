#include <set>

#include "gateway/openapi_answers.hpp"
#include "protocol/channels/alipay/format.hpp"
#include "protocol/channels/stripe/format.hpp"
#include "protocol/channels/union_pay/format.hpp"
#include "protocol/channels/wechat_pay/format.hpp"
#include "protocol/payment/event_codec.hpp"
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

TEST_CASE("every reference in the document leads somewhere, and no component is left unused",
          "[gateway]") {
  std::set<std::string> refs;
  collect_refs(openapi_json(), refs);
  std::set<std::string> components;
  for (const char* kind : {"schemas", "responses", "headers"})
    for (const auto& [name, component] : openapi_json()["components"][kind].items())
      components.insert(std::string("#/components/").append(kind).append("/").append(name));
  CHECK(refs == components);
}

TEST_CASE("every operation has an id of its own, its path's parameters and its refusals by status",
          "[gateway]") {
  std::set<std::string> ids;
  for (const HttpRoute& route : routes()) {
    std::string method(route.method);
    for (char& c : method) c = static_cast<char>(c | 0x20);
    const Json& operation = openapi_json()["paths"][std::string(route.pattern)][method];
    CAPTURE(std::string(route.pattern), method);
    CHECK(ids.insert(operation["operationId"]).second);
    CHECK_FALSE(operation["summary"].get<std::string>().empty());
    for (const char* status : {"400", "408", "411", "413", "431", "500", "503"})
      CHECK(
          resolved(operation["responses"][status])["content"].contains("application/problem+json"));
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

TEST_CASE("the document has the query parameters that each route knows, and no others",
          "[gateway]") {
  for (const HttpRoute& route : routes()) {
    std::string method(route.method);
    for (char& c : method) c = static_cast<char>(c | 0x20);
    std::vector<std::string> documented;
    for (const Json& parameter :
         openapi_json()["paths"][std::string(route.pattern)][method]["parameters"])
      if (parameter["in"] == "query") documented.push_back(parameter["name"]);
    CAPTURE(route.operation_id);
    CHECK(documented == std::vector<std::string>(route.query.begin(), route.query.end()));
  }
}

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
  CHECK(statuses == std::set<std::string>{"200", "400", "401", "404", "408", "409", "411", "413",
                                          "422", "431", "500", "503"});
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
  CHECK_FALSE(fits("401", "application/json", {{"code", "no_such_code"}, {"message", ""}}));
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
  CHECK(schemas["Event"]["oneOf"].size() == payment_event_kind_count);
}

TEST_CASE("the document says of every operation which codes it may be refused with", "[gateway]") {
  std::set<std::string> told;
  for (const HttpRoute& route : routes())
    for (int i = 0; i <= static_cast<int>(ProblemCode::internal); ++i)
      if (openapi_doc::may_be_refused_with(route, static_cast<ProblemCode>(i)))
        told.insert(std::string(spec_of(static_cast<ProblemCode>(i)).name));
  std::set<std::string> known;
  for (const Json& name : openapi_json()["components"]["schemas"]["ProblemCode"]["enum"])
    known.insert(name.get<std::string>());
  // Said where there is no operation.
  known.erase(std::string(spec_of(ProblemCode::method_not_allowed).name));
  CHECK(told == known);

  const Json& paths = openapi_json()["paths"];
  const Json& capture = paths["/v1/payments/{payment_id}/capture"]["post"]["responses"];
  const auto codes = [](const Json& answer) {
    return resolved(answer)["content"]["application/problem+json"]["schema"]["allOf"][1]
                           ["properties"]["code"]["enum"];
  };
  CHECK(codes(capture["422"]) == Json{"idempotency_key_reused", "amount_exceeds_authorized"});
  CHECK(codes(capture["401"]) == Json{"unauthorized"});
  CHECK(codes(paths["/admin/v1/breakers/{account}"]["post"]["responses"]["409"]) ==
        Json{"illegal_transition"});
}

TEST_CASE("what is not about a payment is not refused in a payment's words", "[gateway]") {
  for (const HttpRoute& route : routes()) {
    // What channels report is about payments.
    if (route.pattern.find("/payments") != std::string_view::npos ||
        route.access == Access::channel)
      continue;
    for (int i = 0; i <= static_cast<int>(ProblemCode::internal); ++i) {
      const auto code = static_cast<ProblemCode>(i);
      if (!openapi_doc::may_be_refused_with(route, code)) continue;
      CAPTURE(std::string(route.operation_id), std::string(spec_of(code).title));
      CHECK(spec_of(code).title.find("payment") == std::string_view::npos);
      CHECK(spec_of(code).title.find("order") == std::string_view::npos);
    }
  }
}

namespace {

// The places of all examples, with the schema each of them is an example of.
void collect_examples(const Json& value, const std::string& at,
                      std::map<std::string, std::pair<Json, Json>>& out) {
  if (value.is_object() && value.contains("example") && value.contains("schema"))
    out[at] = {value["example"], value["schema"]};
  if (value.is_object())
    for (const auto& [name, child] : value.items()) collect_examples(child, at + "/" + name, out);
}

}  // namespace

TEST_CASE("every example fits its schema, and every JSON body has one", "[gateway]") {
  std::map<std::string, std::pair<Json, Json>> examples;
  collect_examples(openapi_json(), "", examples);
  const SchemaCheck check(openapi_json());
  for (const auto& [at, example] : examples) {
    CAPTURE(at, example.first.dump());
    CHECK(check.problem_of(example.first, example.second) == "");
  }
  for (const auto& [path, item] : openapi_json()["paths"].items()) {
    for (const auto& [method, operation] : item.items()) {
      CAPTURE(path, method);
      const Json body = operation.value("requestBody", Json());
      if (body.is_object() && body["content"].contains("application/json"))
        CHECK(body["content"]["application/json"].contains("example"));
      const Json& content = operation["responses"]["200"]["content"];
      if (content.contains("application/json") && path != "/openapi.json")
        CHECK(content["application/json"].contains("example"));
    }
  }
}

TEST_CASE("the example of a create is taken as it stands", "[gateway]") {
  GatewayFixture gateway;
  const Json& create = openapi_json()["paths"]["/v1/payments"]["post"];
  const Json& example = create["requestBody"]["content"]["application/json"]["example"];
  CHECK(gateway.call("POST", "/v1/payments", example.dump()).status == 201);
}

namespace {

template <std::size_t... I>
std::vector<PaymentEvent> one_of_each_event(std::index_sequence<I...>) {
  return {PaymentEvent(std::in_place_index<I>)...};
}

Json event_json(const PaymentEvent& event, int version, const Json& payload) {
  return {{"seq", 1},           {"type", name_of(kind_of(event))},
          {"version", version}, {"at", "2030-01-01T00:00:00.000Z"},
          {"causation_id", ""}, {"correlation_id", ""},
          {"payload", payload}};
}

}  // namespace

TEST_CASE("each kind of event has a schema that its payloads fit, of all versions", "[gateway]") {
  const SchemaCheck check(openapi_json());
  const Json& schemas = openapi_json()["components"]["schemas"];
  const Json& schema = schemas["Event"];
  for (const PaymentEvent& event :
       one_of_each_event(std::make_index_sequence<payment_event_kind_count>{})) {
    std::string text;
    write_event(event, text);
    Json payload = Json::parse(text);
    if (payload.contains("currency")) payload["currency"] = "CNY";
    CAPTURE(text);
    CHECK(check.problem_of(event_json(event, version_of(event), payload), schema) == "");
    CHECK_FALSE(check.problem_of(event_json(event, version_of(event) + 1, payload), schema) == "");
    Json strange = payload;
    strange["strange"] = 1;
    CHECK_FALSE(check.problem_of(event_json(event, version_of(event), strange), schema) == "");
    const std::vector<std::string> later = fields_of_later_versions(event);
    CHECK(later.empty() == (version_of(event) == 1));
    for (const std::string& pointer : later) {
      const Json::json_pointer place(pointer);
      REQUIRE(payload[place.parent_pointer()].erase(place.back()) == 1);
    }
    CHECK(check.problem_of(event_json(event, 1, payload), schema) == "");
    for (const auto& [name, value] : payload.items()) {
      Json lacking = payload;
      lacking.erase(name);
      CHECK_FALSE(check.problem_of(event_json(event, 1, lacking), schema) == "");
    }
  }
}

TEST_CASE("an event's names are all in its schema", "[gateway]") {
  const Json& schemas = openapi_json()["components"]["schemas"];
  const auto names = [&](const char* event, const char* field) {
    return schemas[event]["properties"]["payload"]["properties"][field]["enum"];
  };
  for (const Json& name : names("PaymentUnsettledEvent", "operation"))
    CHECK(parse_channel_operation(name.get<std::string>()));
  CHECK(names("PaymentUnsettledEvent", "source") == Json{"answer", "query", "callback"});
  CHECK(names("PaymentUnsettledEvent", "outcome") ==
        Json{"succeeded", "failed", "pending", "unknown"});
  CHECK(names("PaymentClosedEvent", "reason") == Json{"merchant", "expired", "voided"});
  CHECK(names("PaymentCreatedEvent", "capture_method") == Json{"automatic", "manual"});
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
