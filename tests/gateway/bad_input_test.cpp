#include "tests/gateway/gateway_fixture.hpp"

using namespace welkin;
using namespace welkin::test;

namespace {

struct BadBody {
  std::string name;
  std::string body;
  std::string code;
  std::string field;
};

std::string with(const std::string& member, const Json& value) {
  Json body = GatewayFixture::create_body();
  body[member] = value;
  return body.dump();
}
std::string without(const std::string& member) {
  Json body = GatewayFixture::create_body();
  body.erase(member);
  return body.dump();
}

// In place of the amount, text that no JSON library would write.
std::string with_amount_text(const std::string& text) {
  std::string body = GatewayFixture::create_body().dump();
  body.replace(body.find("1000"), 4, text);
  return body;
}

Json many_entries(int count) {
  Json out = Json::object();
  for (int i = 0; i < count; ++i) out["k" + std::to_string(i)] = "v";
  return out;
}

std::vector<BadBody> bad_create_bodies() {
  const std::string number = "/merchant_order_no";
  return {
      {"no body", "", "malformed_json", ""},
      {"not JSON", "{", "malformed_json", ""},
      {"text behind", GatewayFixture::create_body().dump() + "x", "malformed_json", ""},
      {"an array", "[]", "wrong_type", ""},
      {"a duplicate member", R"({"amount":1,"amount":2})", "malformed_json", "/amount"},
      {"broken UTF-8", with_amount_text("1,\"x\":\"\xff\""), "malformed_json", ""},
      {"too deep", "{\"a\":" + std::string(40, '[') + std::string(40, ']') + "}", "malformed_json",
       ""},
      {"a comment", "{/* */}", "malformed_json", ""},
      {"unknown member", with("colour", 1), "unknown_field", "/colour"},
      {"unknown member to escape", with("a/b~", 1), "unknown_field", "/a~1b~0"},
      {"no order number", without("merchant_order_no"), "missing_field", number},
      {"empty order number", with("merchant_order_no", ""), "invalid_value", number},
      {"long order number", with("merchant_order_no", std::string(65, 'a')), "invalid_value",
       number},
      {"order number with a space", with("merchant_order_no", "a b"), "invalid_value", number},
      {"order number of another type", with("merchant_order_no", 7), "wrong_type", number},
      {"null order number", with("merchant_order_no", nullptr), "wrong_type", number},
      {"no amount", without("amount"), "missing_field", "/amount"},
      {"zero", with("amount", 0), "amount_out_of_range", "/amount"},
      {"negative", with("amount", -5), "amount_out_of_range", "/amount"},
      {"above the maximum", with("amount", max_amount_minor + 1), "amount_out_of_range", "/amount"},
      {"beyond 63 bits", with_amount_text("9223372036854775808"), "amount_out_of_range", "/amount"},
      {"beyond 64 bits", with_amount_text("99999999999999999999999"), "amount_out_of_range",
       "/amount"},
      {"below 64 bits", with_amount_text("-99999999999999999999999"), "amount_out_of_range",
       "/amount"},
      {"a fraction", with_amount_text("10.5"), "wrong_type", "/amount"},
      {"a whole number as a fraction", with_amount_text("10.0"), "wrong_type", "/amount"},
      {"an exponent", with_amount_text("1e3"), "wrong_type", "/amount"},
      {"a text amount", with("amount", "10"), "wrong_type", "/amount"},
      {"no currency", without("currency"), "missing_field", "/currency"},
      {"unknown currency", with("currency", "XYZ"), "unknown_currency", "/currency"},
      {"lower-case currency", with("currency", "cny"), "unknown_currency", "/currency"},
      {"currency of another type", with("currency", 156), "wrong_type", "/currency"},
      {"no channel", without("channel"), "missing_field", "/channel"},
      {"unknown channel", with("channel", "none"), "unknown_channel", "/channel"},
      {"empty method", with("method", ""), "invalid_value", "/method"},
      {"long method", with("method", std::string(33, 'm')), "invalid_value", "/method"},
      {"upper-case method", with("method", "JSAPI"), "invalid_value", "/method"},
      {"method of another type", with("method", 1), "wrong_type", "/method"},
      {"payer of another type", with("payer", "p"), "wrong_type", "/payer"},
      {"null payer", with("payer", nullptr), "wrong_type", "/payer"},
      {"unknown member of the payer", with("payer", {{"name", "x"}}), "unknown_field",
       "/payer/name"},
      {"payer's id of another type", with("payer", {{"id", 7}}), "wrong_type", "/payer/id"},
      {"empty payer's id", with("payer", {{"id", ""}}), "invalid_value", "/payer/id"},
      {"long payer's id", with("payer", {{"id", std::string(129, 'i')}}), "invalid_value",
       "/payer/id"},
      {"control character in the payer's id", with("payer", {{"id", "a\nb"}}), "invalid_value",
       "/payer/id"},
      {"no address", with("payer", {{"ip", "203.0.113"}}), "invalid_value", "/payer/ip"},
      {"an address with a port", with("payer", {{"ip", "203.0.113.7:80"}}), "invalid_value",
       "/payer/ip"},
      {"a host's name", with("payer", {{"ip", "localhost"}}), "invalid_value", "/payer/ip"},
      {"long address", with("payer", {{"ip", std::string(46, '1')}}), "invalid_value", "/payer/ip"},
      {"instrument with a space", with("payer", {{"instrument", "pm 1"}}), "invalid_value",
       "/payer/instrument"},
      {"long instrument", with("payer", {{"instrument", std::string(256, 'p')}}), "invalid_value",
       "/payer/instrument"},
      {"a card's number", with("payer", {{"instrument", "4242424242424242"}}), "invalid_value",
       "/payer/instrument"},
      {"a card's number in groups", with("payer", {{"instrument", "4242-4242-4242-4242"}}),
       "invalid_value", "/payer/instrument"},
      {"no subject", without("subject"), "missing_field", "/subject"},
      {"empty subject", with("subject", ""), "invalid_value", "/subject"},
      {"long subject", with("subject", std::string(129, 's')), "invalid_value", "/subject"},
      {"control character", with("subject", "a\u0001b"), "invalid_value", "/subject"},
      {"unknown capture", with("capture", "later"), "invalid_value", "/capture"},
      {"capture of another type", with("capture", true), "wrong_type", "/capture"},
      {"short expiry", with("expires_in_s", 0), "invalid_value", "/expires_in_s"},
      {"long expiry", with("expires_in_s", 604801), "invalid_value", "/expires_in_s"},
      {"fractional expiry", with("expires_in_s", 90.5), "wrong_type", "/expires_in_s"},
      {"relative URL", with("return_url", "/back"), "invalid_value", "/return_url"},
      {"script URL", with("return_url", "javascript:alert(1)"), "invalid_value", "/return_url"},
      {"URL without host", with("return_url", "https://"), "invalid_value", "/return_url"},
      {"long URL", with("return_url", "https://h/" + std::string(2048, 'u')), "invalid_value",
       "/return_url"},
      {"metadata of another type", with("metadata", Json::array()), "wrong_type", "/metadata"},
      {"many entries", with("metadata", many_entries(21)), "invalid_value", "/metadata"},
      {"long key", with("metadata", {{std::string(41, 'k'), "v"}}), "invalid_value",
       "/metadata/" + std::string(41, 'k')},
      {"empty key", with("metadata", {{"", "v"}}), "invalid_value", "/metadata"},
      {"long value", with("metadata", {{"k", std::string(501, 'v')}}), "invalid_value",
       "/metadata/k"},
      {"value of another type", with("metadata", {{"k", 1}}), "wrong_type", "/metadata/k"},
  };
}

}  // namespace

TEST_CASE("each bad payment body is refused with its code and field, and nothing is executed",
          "[gateway]") {
  GatewayFixture gateway;
  RawClient client(gateway.port);
  for (const BadBody& bad : bad_create_bodies()) {
    CAPTURE(bad.name);
    const RawAnswer answer =
        gateway.exchange(client, "POST", "/v1/payments", bad.body,
                         {{"Authorization", "Bearer key-1"}, {"Content-Type", "application/json"}});
    CHECK(answer.status == 400);
    CHECK(code_of(answer) == bad.code);
    CHECK(field_of(answer) == bad.field);
  }
  CHECK(gateway.service.executed == 0);
}

TEST_CASE("what is just within the limits is taken", "[gateway]") {
  GatewayFixture gateway;
  Json body = GatewayFixture::create_body(std::string(64, 'a'));
  body["amount"] = max_amount_minor;
  std::string tea;
  for (int i = 0; i < 128; ++i) tea += "茶";
  body["subject"] = tea;
  body["metadata"] = many_entries(19);
  body["metadata"][std::string(40, 'k')] = std::string(500, 'v');
  body["expires_in_s"] = 604800;
  body["return_url"] = "http://h/" + std::string(2039, 'u');
  CHECK(gateway.call("POST", "/v1/payments", body.dump()).status == 201);
}

TEST_CASE("bad bodies of the other commands are refused", "[gateway]") {
  GatewayFixture gateway;
  const std::string path = "/v1/payments/" + gateway.create();
  const int executed_before = gateway.service.executed;
  const auto refused = [&](const std::string& below, const std::string& body,
                           const std::string& code, const std::string& field) {
    CAPTURE(below, body);
    const RawAnswer answer = gateway.call("POST", path + below, body);
    CHECK(code_of(answer) == code);
    CHECK(field_of(answer) == field);
  };
  refused("/close", R"({"why":1})", "unknown_field", "/why");
  refused("/close", "[", "malformed_json", "");
  refused("/void", R"({"amount":1})", "unknown_field", "/amount");
  refused("/capture", R"({"amount":0})", "amount_out_of_range", "/amount");
  refused("/capture", R"({"amount":"1"})", "wrong_type", "/amount");
  refused("/capture", R"({"amount":null})", "wrong_type", "/amount");
  refused("/refunds", R"({"amount":1})", "missing_field", "/merchant_refund_no");
  refused("/refunds", R"({"merchant_refund_no":"r"})", "missing_field", "/amount");
  refused("/refunds", R"({"merchant_refund_no":"r r","amount":1})", "invalid_value",
          "/merchant_refund_no");
  refused("/refunds", R"({"merchant_refund_no":"r","amount":-1})", "amount_out_of_range",
          "/amount");
  refused("/refunds", R"({"merchant_refund_no":"r","amount":1,"x":1})", "unknown_field", "/x");
  CHECK(gateway.service.executed == executed_before);
}

TEST_CASE("a body of another media type is refused", "[gateway]") {
  GatewayFixture gateway;
  const std::string body = GatewayFixture::create_body().dump();
  for (const char* type : {"text/plain", "application/x-www-form-urlencoded", "application/jsonx",
                           "multipart/form-data; boundary=x", ""}) {
    CAPTURE(type);
    const RawAnswer answer = gateway.call("POST", "/v1/payments", body, {{"Content-Type", type}});
    CHECK(answer.status == 415);
    CHECK(code_of(answer) == "unsupported_media_type");
  }
  CHECK(
      gateway
          .call("POST", "/v1/payments", body, {{"Content-Type", "Application/JSON; charset=utf-8"}})
          .status == 201);
}

TEST_CASE("bad query parameters are refused by name", "[gateway]") {
  GatewayFixture gateway;
  const auto refused = [&](const std::string& query, const std::string& code,
                           const std::string& field) {
    CAPTURE(query);
    const RawAnswer answer = gateway.call("GET", "/v1/payments?" + query);
    CHECK(answer.status == 400);
    CHECK(code_of(answer) == code);
    CHECK(field_of(answer) == field);
  };
  refused("limit=0", "invalid_value", "?limit");
  refused("limit=101", "invalid_value", "?limit");
  refused("limit=ten", "invalid_value", "?limit");
  refused("limit=", "invalid_value", "?limit");
  refused("limit=5&limit=6", "invalid_value", "?limit");
  refused("page=2", "unknown_field", "?page");
  refused("status=LOST", "invalid_value", "?status");
  refused("status=NONE", "invalid_value", "?status");
  refused("created_from=yesterday", "invalid_value", "?created_from");
  refused("created_to=2030-02-30T00:00:00Z", "invalid_value", "?created_to");
  refused("merchant_order_no=a%20b", "invalid_value", "?merchant_order_no");
  refused("merchant_order_no=a%", "invalid_value", "?merchant_order_no");
  refused("merchant_order_no=a%00", "invalid_value", "?merchant_order_no");
  refused("merchant_order_no=a&cursor=c", "invalid_value", "?cursor");
}

TEST_CASE("no route takes a parameter that it does not know, and nothing happens then",
          "[gateway]") {
  GatewayFixture gateway;
  const std::string id = gateway.create();
  const std::string refund = R"({"merchant_refund_no":"r","amount":1})";
  const std::string breaker = R"({"action":"disable","reason":"test"})";
  const int executed_before = gateway.service.executed;
  for (const HttpRoute& route : routes()) {
    const std::string method(route.method);
    std::string path(route.pattern);
    for (const auto& [name, value] : {std::pair<std::string, std::string>{"{payment_id}", id},
                                      {"{refund_id}", "r"},
                                      {"{account}", "sandbox"}})
      if (const std::size_t at = path.find(name); at != std::string::npos)
        path.replace(at, name.size(), value);
    const std::string body = route.request_schema == "CreatePayment"
                                 ? GatewayFixture::create_body("order-2").dump()
                             : route.request_schema == "CreateRefund"   ? refund
                             : route.request_schema == "OperateBreaker" ? breaker
                                                                        : "";
    const std::string key = route.access == Access::admin ? "op-key" : "key-1";
    for (const char* query : {"amount=600", "limits=1", "%61mount", "=", "limit=1&x"}) {
      CAPTURE(method, path, query);
      const RawAnswer answer = gateway.call(method, path.append("?").append(query), body, {}, key);
      path.resize(path.find('?'));
      CHECK(answer.status == 400);
      CHECK(code_of(answer) == "unknown_field");
    }
  }
  const std::string capture = "/v1/payments/" + id + "/capture?amount=600";
  CHECK(field_of(gateway.call("POST", capture)) == "?amount");
  CHECK(gateway.service.executed == executed_before);
}

TEST_CASE("every byte of a body is judged: nothing hides behind a NUL or before the text",
          "[gateway]") {
  GatewayFixture gateway;
  const std::string id = gateway.create();
  const int executed_before = gateway.service.executed;
  const auto detail_of = [&](const std::string& path, const std::string& body) {
    const RawAnswer answer = gateway.call("POST", path, body);
    CHECK(answer.status == 400);
    CHECK(code_of(answer) == "malformed_json");
    return json_of(answer).value("detail", "");
  };
  const std::string nul(1, '\0');
  const std::string at_byte = "not valid JSON (RFC 8259, UTF-8) at byte ";
  const std::string capture = "/v1/payments/" + id + "/capture";
  const std::string create = GatewayFixture::create_body("order-2").dump();
  CHECK(detail_of(capture, "{}" + nul + R"({"amount":600})") == at_byte + "3");
  CHECK(detail_of(capture, "{" + nul + "}") == at_byte + "2");
  CHECK(detail_of(capture, nul) == at_byte + "1");
  CHECK(detail_of("/v1/payments", create + nul) == at_byte + std::to_string(create.size() + 1));
  CHECK(detail_of("/v1/payments", create + " \n" + nul) ==
        at_byte + std::to_string(create.size() + 3));
  CHECK(detail_of("/v1/payments", "\xef\xbb\xbf" + create) ==
        "the body begins with a byte order mark");
  CHECK(detail_of("/v1/payments", "\xef\xbb\xbf") == "the body begins with a byte order mark");
  CHECK(gateway.service.executed == executed_before);
}

TEST_CASE("a missing or wrong key is 401 and says how to do better", "[gateway]") {
  GatewayFixture gateway;
  const std::string id = gateway.create();
  const auto status_with = [&](const HeaderList& headers) {
    const RawAnswer answer = gateway.call("GET", "/v1/payments/" + id, {}, headers, "");
    if (answer.status == 401) {
      CHECK(code_of(answer) == "unauthorized");
      CHECK(answer.header("www-authenticate").rfind("Bearer", 0) == 0);
    }
    return answer.status;
  };
  CHECK(status_with({}) == 401);
  CHECK(status_with({{"Authorization", "Bearer "}}) == 401);
  CHECK(status_with({{"Authorization", "Bearer nobody"}}) == 401);
  CHECK(status_with({{"Authorization", "Basic key-1"}}) == 401);
  CHECK(status_with({{"Authorization", "key-1"}}) == 401);
  CHECK(status_with({{"Authorization", "Bearer " + sha256_hex("key-1")}}) == 401);
  CHECK(status_with({{"Authorization", "bearer key-1"}}) == 200);
  CHECK(status_with({{"Authorization", "Bearer   key-1"}}) == 200);
  CHECK(status_with({{"Authorization", "Bearer    "}}) == 401);
  CHECK(status_with({{"Authorization", "Bearer\tkey-1"}}) == 401);
  CHECK(status_with({{"Authorization", "Bearer key-1-new"}}) == 200);
}

TEST_CASE("another merchant's payment looks exactly like none", "[gateway]") {
  GatewayFixture gateway;
  const std::string foreign = gateway.create();
  const std::string missing = payment_id_of("m_2", "never").text();
  const std::string refund = R"({"merchant_refund_no":"r","amount":1})";
  const int executed_before = gateway.service.executed;
  const std::vector<std::array<std::string, 3>> requests = {
      {"GET", "", ""},           {"POST", "/close", ""},       {"POST", "/capture", ""},
      {"POST", "/void", ""},     {"POST", "/refunds", refund}, {"GET", "/refunds", ""},
      {"GET", "/refunds/r", ""}, {"GET", "/events", ""}};
  for (const auto& [method, below, body] : requests) {
    CAPTURE(method, below);
    const HeaderList headers{{"X-Request-Id", "same"}};
    const auto ask = [&, &verb = method, &rest = below, &sent = body](const std::string& id) {
      return gateway.call(verb, "/v1/payments/" + id + rest, sent, headers, "key-2");
    };
    const RawAnswer of_foreign = ask(foreign);
    CHECK(of_foreign.status == 404);
    CHECK(of_foreign.body == ask(missing).body);
    CHECK(of_foreign.body == ask("nonsense").body);
  }
  CHECK(gateway.service.executed == executed_before);
  CHECK(json_of(gateway.call("GET", "/v1/payments", {}, {}, "key-2"))["items"].empty());
  // The same order number of two merchants is two payments.
  CHECK(gateway.call("POST", "/v1/payments", GatewayFixture::create_body().dump(), {}, "key-2")
            .status == 201);
}

TEST_CASE("unknown paths are 404 and known paths name their methods", "[gateway]") {
  GatewayFixture gateway;
  for (const char* path : {"/", "/v1", "/v1/", "/v1/payments/", "/v1/payments/x/y", "/v1/noop",
                           "/v1//payments", "/a/b/c/d/e/f/g/h/i/j", "/v1/payments%2Fx"}) {
    CAPTURE(path);
    CHECK(gateway.call("GET", path).status == 404);
  }
  const RawAnswer wrong = gateway.call("DELETE", "/v1/payments");
  CHECK(wrong.status == 405);
  CHECK(code_of(wrong) == "method_not_allowed");
  CHECK(wrong.header("allow") == "POST, GET, HEAD");
  CHECK(gateway.call("GET", "/v1/payments/x/close").header("allow") == "POST");
  CHECK(gateway.call("POST", "/healthz").status == 405);
}

TEST_CASE("the service's refusals keep their status and their Retry-After", "[gateway]") {
  GatewayFixture gateway;
  for (int i = 0; i <= static_cast<int>(ProblemCode::internal); ++i) {
    const ProblemSpec& spec = spec_of(static_cast<ProblemCode>(i));
    gateway.service.refuse_with = Problem{spec.code, "because", "/here"};
    // Not held against the document, which has only the codes that a create may be refused with.
    RawClient client(gateway.port);
    client.send(
        request_text("POST", "/v1/payments", GatewayFixture::create_body().dump(),
                     {{"Authorization", "Bearer key-1"}, {"Content-Type", "application/json"}}));
    const RawAnswer answer = client.read_answer().value();
    CAPTURE(std::string(spec.name));
    CHECK(answer.status == spec.http_status);
    CHECK(code_of(answer) == spec.name);
    CHECK(field_of(answer) == "/here");
    const std::string retry = spec.retry_after_s > 0 ? std::to_string(spec.retry_after_s) : "";
    CHECK(answer.header("retry-after") == retry);
    CHECK(json_of(answer)["type"] == "urn:welkin:problem:" + std::string(spec.name));
  }
}

TEST_CASE("what a handler throws is not told to the client", "[gateway]") {
  GatewayConfig config;
  config.extra_routes.push_back({"POST", "/throws", [](const HttpRequest&, HttpAnswer&) {
                                   throw std::runtime_error("secret of the extra route");
                                 }});
  GatewayFixture gateway(std::move(config));
  gateway.service.before_execute = [](const PaymentCommand&) {
    throw std::runtime_error("secret of the service");
  };
  RawClient client(gateway.port);
  const HeaderList headers{{"Authorization", "Bearer key-1"}, {"Content-Type", "application/json"}};
  for (const char* path : {"/v1/payments", "/throws"}) {
    const RawAnswer answer =
        gateway.exchange(client, "POST", path, GatewayFixture::create_body().dump(), headers);
    CHECK(answer.status == 500);
    CHECK(code_of(answer) == "internal");
    CHECK(answer.body.find("secret") == std::string::npos);
    for (const auto& [name, value] : answer.headers)
      CHECK(value.find("secret") == std::string::npos);
  }
  gateway.service.before_execute = nullptr;
  CHECK(gateway.create() != "");
}

TEST_CASE("a gateway does not start on a bad key hash or a taken port", "[gateway]") {
  FakeService service;
  GatewayConfig bad_hash;
  bad_hash.merchants = {{"m_1", {"not a hash"}}};
  CHECK(GatewayServer(bad_hash, service).start().error.find("m_1") != std::string::npos);
  GatewayConfig twice;
  twice.merchants = {{"m_1", {sha256_hex("k")}}, {"m_2", {sha256_hex("k")}}};
  CHECK_FALSE(GatewayServer(twice, service).start().error.empty());
  GatewayFixture running;
  GatewayConfig taken;
  taken.edge.port = running.port;
  const auto started = GatewayServer(taken, service).start();
  CHECK(started.port == 0);
  CHECK(started.error.find(std::to_string(running.port)) != std::string::npos);
}
