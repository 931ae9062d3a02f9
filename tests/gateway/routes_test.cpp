#include <set>

#include "tests/gateway/gateway_fixture.hpp"

using namespace welkin;
using namespace welkin::test;

TEST_CASE("a payment is created once and found again by its order number's id", "[gateway]") {
  GatewayFixture gateway;
  Json body = GatewayFixture::create_body();
  body["capture"] = "manual";
  body["method"] = "jsapi";
  body["payer"] = {{"id", "openid-1"}, {"ip", "2001:db8::7"}, {"instrument", "pm_1"}};
  body["expires_in_s"] = 600;
  body["return_url"] = "https://shop.example/back?x=1";
  body["metadata"] = {{"cart", "7"}, {"note", "a \"quoted\" 茶"}};
  const RawAnswer first = gateway.call("POST", "/v1/payments", body.dump());
  CHECK(first.status == 201);
  const Json payment = json_of(first);
  CHECK(payment["id"] == payment_id_of("m_1", "order-1").text());
  CHECK(payment["status"] == "PAYING");
  CHECK(payment["amount"] == 1000);
  CHECK(payment["capture"] == "manual");
  CHECK(payment["method"] == "jsapi");
  const auto& asked = std::get<CreatePayment>(gateway.service.last_command.body);
  CHECK(asked.payer.id == "openid-1");
  CHECK(asked.payer.ip == "2001:db8::7");
  CHECK(asked.payer.instrument == "pm_1");
  CHECK_FALSE(payment.contains("payer"));  // nothing of the payer comes back
  CHECK(payment["metadata"] == body["metadata"]);
  CHECK(payment["return_url"] == body["return_url"]);
  CHECK(payment["next_action"]["value"] == "https://pay.example/\"q\"");
  CHECK(payment["failure"].is_null());
  CHECK(payment["created_at"] == "2030-03-17T17:46:40.000Z");
  CHECK(payment["expires_at"] == "2030-03-17T17:56:40.000Z");

  const RawAnswer again = gateway.call("POST", "/v1/payments", body.dump());
  CHECK(again.status == 200);
  CHECK(again.body == first.body);
  const RawAnswer got = gateway.call("GET", "/v1/payments/" + payment["id"].get<std::string>());
  CHECK(got.status == 200);
  CHECK(got.body == first.body);
}

TEST_CASE("an order number with another body is a conflict", "[gateway]") {
  GatewayFixture gateway;
  gateway.create();
  Json body = GatewayFixture::create_body();
  body["amount"] = 1001;
  const RawAnswer answer = gateway.call("POST", "/v1/payments", body.dump());
  CHECK(answer.status == 409);
  CHECK(code_of(answer) == "order_exists_with_other_body");
}

TEST_CASE("what is left out means the same as its default spelled out", "[gateway]") {
  GatewayFixture gateway;
  gateway.create();
  const RawAnswer answer = gateway.call(
      "POST", "/v1/payments",
      R"( { "subject":"Tea", "amount":1000, "currency":"CNY", "channel":"sandbox", )"
      R"( "expires_in_s":1800, "capture":"automatic", "metadata":{}, "return_url":"", )"
      R"( "merchant_order_no":"order-1" } )");
  CHECK(answer.status == 200);
}

TEST_CASE("the commands reach the service as what they are", "[gateway]") {
  GatewayFixture gateway;
  const std::string path = "/v1/payments/" + gateway.create();
  SECTION("close") {
    const RawAnswer answer = gateway.call("POST", path + "/close");
    CHECK(answer.status == 200);
    CHECK(json_of(answer)["status"] == "CLOSED");
    CHECK(json_of(answer)["close_reason"] == "merchant");
    CHECK(json_of(answer)["next_action"].is_null());
  }
  SECTION("close with an empty object") {
    CHECK(gateway.call("POST", path + "/close", "{}").status == 200);
  }
  SECTION("capture of all") {
    CHECK(gateway.call("POST", path + "/capture").status == 200);
    CHECK_FALSE(std::get<CapturePayment>(gateway.service.last_command.body).amount_minor);
  }
  SECTION("capture of a part") {
    const RawAnswer answer = gateway.call("POST", path + "/capture", R"({"amount":7})");
    CHECK(json_of(answer)["captured_amount"] == 7);
  }
  SECTION("void") {
    const RawAnswer answer = gateway.call("POST", path + "/void");
    CHECK(json_of(answer)["close_reason"] == "voided");
  }
  CHECK(gateway.service.last_command.merchant_id == "m_1");
}

TEST_CASE("refunds are made once, listed and shown", "[gateway]") {
  GatewayFixture gateway;
  const std::string path = "/v1/payments/" + gateway.create() + "/refunds";
  const std::string body = R"({"merchant_refund_no":"r-1","amount":300,"reason":"broken cup"})";
  const RawAnswer made = gateway.call("POST", path, body);
  CHECK(made.status == 201);
  const Json refund = json_of(made);
  CHECK(refund["status"] == "PENDING");
  CHECK(refund["amount"] == 300);
  CHECK(refund["reason"] == "broken cup");
  CHECK(gateway.call("POST", path, body).status == 200);
  const Json listed = json_of(gateway.call("GET", path));
  CHECK(listed["items"].size() == 1);
  CHECK(listed["items"][0] == refund);
  const RawAnswer shown = gateway.call("GET", path + "/" + refund["id"].get<std::string>());
  CHECK(json_of(shown) == refund);
  CHECK(code_of(gateway.call("GET", path + "/rfd_none")) == "not_found");
  const RawAnswer too_much =
      gateway.call("POST", path, R"({"merchant_refund_no":"r-2","amount":5000})");
  CHECK(too_much.status == 422);
  CHECK(code_of(too_much) == "amount_exceeds_refundable");
}

TEST_CASE("failures, closings and surplus refunds are shown in the documented form", "[gateway]") {
  GatewayFixture gateway;
  const std::string id = gateway.create();
  gateway.service.change(payment_id_of("m_1", "order-1"), [](Payment& payment) {
    payment.state = PaymentState::failed;
    payment.failure_code = "NO_FUNDS";
    payment.failure_message = "line\nbreak";
    Refund surplus;
    surplus.refund_id = refund_id_of(payment_id_of("m_1", "order-1"), "s").text();
    surplus.surplus = true;
    surplus.state = RefundState::succeeded;
    payment.refunds.push_back(surplus);
  });
  const Json payment = json_of(gateway.call("GET", "/v1/payments/" + id));
  CHECK(payment["failure"] == Json{{"code", "NO_FUNDS"}, {"message", "line\nbreak"}});
  const Json refunds = json_of(gateway.call("GET", "/v1/payments/" + id + "/refunds"));
  CHECK(refunds["items"][0]["merchant_refund_no"].is_null());
}

TEST_CASE("a list is paged by cursor and filtered", "[gateway]") {
  GatewayFixture gateway;
  for (const char* order : {"a", "b", "c"}) gateway.create(order);
  const Json first = json_of(gateway.call("GET", "/v1/payments?limit=2"));
  CHECK(first["items"].size() == 2);
  const std::string cursor = first["next_cursor"];
  const Json second = json_of(gateway.call("GET", "/v1/payments?limit=2&cursor=" + cursor));
  CHECK(second["items"].size() == 1);
  CHECK(second["next_cursor"].is_null());

  gateway.call("GET",
               "/v1/payments?status=PAID&created_from=2030-01-01T00%3A00%3A00Z"
               "&created_to=2030-01-01T02:00:00%2B01:00");
  CHECK(gateway.service.last_list.state == PaymentState::paid);
  CHECK(gateway.service.last_list.limit == 20);
  CHECK(gateway.service.last_list.created_from_us == 1'893'456'000LL * us_per_s);
  CHECK(gateway.service.last_list.created_to_us == 1'893'459'600LL * us_per_s);
}

TEST_CASE("an order number is looked up exactly, with the other filters applied", "[gateway]") {
  GatewayFixture gateway;
  gateway.create("a");
  const auto count = [&](const std::string& query) {
    return json_of(gateway.call("GET", "/v1/payments?" + query))["items"].size();
  };
  CHECK(count("merchant_order_no=a") == 1);
  CHECK(count("merchant_order_no=b") == 0);
  CHECK(count("merchant_order_no=a&status=PAYING") == 1);
  CHECK(count("merchant_order_no=a&status=PAID") == 0);
  CHECK(count("merchant_order_no=a&created_to=2030-03-17T17:46:40Z") == 0);
  CHECK(count("merchant_order_no=a&created_from=2030-03-17T17:46:40Z") == 1);
}

TEST_CASE("a payment's events are listed with their payload as JSON", "[gateway]") {
  GatewayFixture gateway;
  const Json events = json_of(gateway.call("GET", "/v1/payments/" + gateway.create() + "/events"));
  CHECK(events["items"][0]["type"] == "payment_created");
  CHECK(events["items"][0]["payload"]["merchant_order_no"] == "o");
}

TEST_CASE("a callback reaches the service as raw bytes and is answered in the channel's words",
          "[gateway]") {
  GatewayFixture gateway;
  const RawAnswer answer =
      gateway.call("POST", "/channels/sandbox/notify", "raw %41 bytes",
                   {{"X-Signature", "a%2Fb"}, {"Content-Type", "text/weird"}}, "");
  CHECK(answer.status == 200);
  CHECK(answer.body == R"({"code":"SUCCESS"})");
  CHECK(answer.header("content-type") == "application/json");
  const RawCallback& callback = gateway.service.last_callback;
  CHECK(callback.channel == "sandbox");
  CHECK(callback.body == "raw %41 bytes");
  const std::pair<std::string, std::string> signature{"x-signature", "a%2Fb"};
  CHECK(std::count(callback.headers.begin(), callback.headers.end(), signature) == 1);

  const RawAnswer forged = gateway.call("POST", "/channels/sandbox/notify", "forged", {}, "");
  CHECK(forged.status == 401);
  CHECK(code_of(forged) == "bad_signature");
  CHECK(gateway.call("POST", "/channels/other/notify", "x", {}, "").status == 404);
}

TEST_CASE("a callback that cannot be read whole is refused in its channel's own words",
          "[gateway]") {
  GatewayFixture gateway;
  const auto refusal_of = [&](const std::string& path, const std::string& head) {
    RawClient client(gateway.port);
    client.send("POST " + path + " HTTP/1.1\r\nHost: h\r\n" + head + "\r\n");
    RawAnswer answer = *client.read_answer();
    check_against_openapi("POST", path, answer);
    return answer;
  };
  const auto code_and_type = [](const RawAnswer& answer) {
    return std::to_string(answer.status) + " " + answer.header("content-type") + " " +
           code_of(answer);
  };
  const std::string large = "Content-Length: 9000000\r\n";
  CHECK(code_and_type(refusal_of("/channels/sandbox/notify?x=1", large)) ==
        "413 application/json body_too_large");
  CHECK(code_and_type(refusal_of("/channels/sandbox/notify", "Transfer-Encoding: chunked\r\n")) ==
        "411 application/json transfer_encoding_refused");
  CHECK(code_and_type(refusal_of("/channels/sandbox/notify?x=1", "Content-Length: 0\r\n")) ==
        "400 application/json unknown_field");
  CHECK(code_and_type(refusal_of("/channels/sandbox/notify", "Content-Length: x\r\n")) ==
        "400 application/json bad_request");
  for (const char* path : {"/channels/other/notify", "/channels/notify", "/v1/payments"})
    CHECK(code_and_type(refusal_of(path, large)) == "413 application/problem+json body_too_large");
}

TEST_CASE("health, readiness, metrics and the document need no key", "[gateway]") {
  GatewayFixture gateway;
  CHECK(gateway.call("GET", "/healthz", {}, {}, "").status == 200);
  CHECK(gateway.call("GET", "/readyz", {}, {}, "").status == 200);
  gateway.service.ready = false;
  const RawAnswer not_ready = gateway.call("GET", "/readyz", {}, {}, "");
  CHECK(not_ready.status == 503);
  CHECK(json_of(not_ready)["reason"] == "store_unavailable");
  CHECK(gateway.call("GET", "/healthz", {}, {}, "").status == 200);
  const std::string metrics = gateway.call("GET", "/metrics", {}, {}, "").body;
  CHECK(metrics.find("fake 1\n") != std::string::npos);
  CHECK(metrics.find(R"(welkin_http_requests_total{route="GET /readyz",status="5xx"} 1)") !=
        std::string::npos);
  CHECK(metrics.find("welkin_http_request_seconds_bucket{le=\"+Inf\"} ") != std::string::npos);
  CHECK(json_of(gateway.call("GET", "/openapi.json", {}, {}, ""))["openapi"] == "3.1.0");
}

TEST_CASE("operators see and resume what is parked, with their own key only", "[gateway]") {
  GatewayFixture gateway;
  const std::string id = gateway.create();
  const RawAnswer parked = gateway.call("GET", "/admin/v1/parked", {}, {}, "op-key");
  CHECK(parked.status == 200);
  CHECK(json_of(parked)["items"][0]["reason"] == "gave up");
  CHECK(json_of(parked)["items"][0]["part"] == "refund");
  CHECK(json_of(parked)["items"][0]["refund_id"] == "rfd_1");
  const std::string resume = "/admin/v1/payments/" + id + "/resume";
  CHECK(gateway.call("POST", resume, {}, {}, "op-key").status == 200);
  CHECK(gateway.service.last_command.merchant_id.empty());
  CHECK(std::get<ResumePayment>(gateway.service.last_command.body).by == "operator");
  CHECK(code_of(gateway.call("POST", resume, {}, {}, "key-1")) == "forbidden");
  CHECK(code_of(gateway.call("GET", "/v1/payments/" + id, {}, {}, "op-key")) == "forbidden");
  CHECK(gateway.call("POST", "/admin/v1/payments/pay_x/resume", {}, {}, "op-key").status == 404);
}

TEST_CASE("operators see the breakers, and force, disable and release them", "[gateway]") {
  GatewayFixture gateway;
  const std::string path = "/admin/v1/breakers/sandbox";
  const RawAnswer found = gateway.call("GET", "/admin/v1/breakers", {}, {}, "op-key");
  CHECK(found.status == 200);
  CHECK(json_of(found) ==
        Json::parse(R"({"items":[{"account":"sandbox","state":"CLOSED","since":null,"reason":null,)"
                    R"("by":null,"trips":0,"window":{"calls":7,"failures":1,"slow":2},)"
                    R"("next_probe_at":null,"refused_calls":3}],"next_cursor":null})"));
  const auto order = [&](const char* action, const char* key = "op-key") {
    const Json body = {{"action", action}, {"reason", "they said so"}};
    return gateway.call("POST", path, body.dump(), {{"X-Request-Id", "req_42"}}, key);
  };
  const RawAnswer forced = order("force_open");
  CHECK(forced.status == 200);
  CHECK(json_of(forced)["state"] == "FORCED_OPEN");
  CHECK(json_of(forced)["by"] == "operator");
  CHECK(json_of(forced)["reason"] == "they said so");
  CHECK(json_of(forced)["since"] == "2030-03-17T17:46:40.000Z");
  CHECK(gateway.service.last_order.by == "operator");
  CHECK(gateway.service.last_order.request_id == "req_42");
  CHECK(gateway.service.last_order.cause.size() == std::string("request:").size() + 26);
  CHECK(json_of(order("release"))["state"] == "HALF_OPEN");
  CHECK(code_of(order("release")) == "illegal_transition");
  CHECK(json_of(order("disable"))["state"] == "DISABLED");
  CHECK(code_of(order("disable", "key-1")) == "forbidden");
  CHECK(code_of(order("disable", "")) == "unauthorized");
  CHECK(code_of(gateway.call("GET", "/admin/v1/breakers", {}, {}, "key-1")) == "forbidden");
  CHECK(gateway
            .call("POST", "/admin/v1/breakers/other", R"({"action":"disable","reason":"x"})", {},
                  "op-key")
            .status == 404);
}

TEST_CASE("a command to a breaker that cannot be understood is refused by its field", "[gateway]") {
  GatewayFixture gateway;
  struct Row {
    const char* body;
    const char* code;
    const char* field;
  };
  const std::string long_reason =
      R"({"action":"disable","reason":")" + std::string(257, 'x') + "\"}";
  const Row rows[] = {
      {"", "unsupported_media_type", ""},  // nothing was sent, not even its type
      {"{", "malformed_json", ""},
      {R"({"reason":"x"})", "missing_field", "/action"},
      {R"({"action":"disable"})", "missing_field", "/reason"},
      {R"({"action":"disable","reason":""})", "invalid_value", "/reason"},
      {R"({"action":"disable","reason":7})", "wrong_type", "/reason"},
      {R"({"action":"close","reason":"x"})", "invalid_value", "/action"},
      {R"({"action":"","reason":"x"})", "invalid_value", "/action"},
      {R"({"action":"disable","reason":"x","for_s":9})", "unknown_field", "/for_s"},
      {long_reason.c_str(), "invalid_value", "/reason"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.body);
    const RawAnswer refused =
        gateway.call("POST", "/admin/v1/breakers/sandbox", row.body, {}, "op-key");
    CHECK(code_of(refused) == row.code);
    if (*row.field) CHECK(json_of(refused)["field"] == row.field);
  }
  CHECK(gateway.service.breaker.state == BreakerState::closed);
}

TEST_CASE("a HEAD request is answered as GET without the body", "[gateway]") {
  GatewayFixture gateway;
  RawClient client(gateway.port);
  const RawAnswer head = gateway.exchange(client, "HEAD", "/healthz", {}, {});
  CHECK(head.status == 200);
  CHECK(head.header("content-length") == "15");
  CHECK(gateway.exchange(client, "GET", "/healthz", {}, {}).body.size() == 15);
}

TEST_CASE("a cause is the node's own, and what the client calls its request stands beside it",
          "[gateway]") {
  GatewayFixture gateway;
  const std::string kind = "request:";
  std::set<std::string> causes;
  for (const char* sent : {"timer", "timer", "req_0123456789abcdefghjkmnpqrs", "query"}) {
    CAPTURE(sent);
    const RawAnswer answer = gateway.call(
        "POST", "/v1/payments", GatewayFixture::create_body().dump(), {{"X-Request-Id", sent}});
    CHECK(answer.header("x-request-id") == sent);
    const PaymentCommand& command = gateway.service.last_command;
    CHECK(command.request.request_id == sent);
    CHECK(command.cause.rfind(kind, 0) == 0);
    CHECK(command.cause.size() == kind.size() + 26);
    CHECK(command.cause.find(sent) == std::string::npos);
    causes.insert(command.cause);
  }
  CHECK(causes.size() == 4);
  // Where the client sent none, or none that can be taken, the answer tells what the journal has.
  for (const HeaderList& headers : {HeaderList{}, HeaderList{{"X-Request-Id", "no id"}}}) {
    const RawAnswer answer =
        gateway.call("POST", "/v1/payments", GatewayFixture::create_body().dump(), headers);
    const PaymentCommand& command = gateway.service.last_command;
    CHECK(command.request.request_id.empty());
    CHECK("req_" + command.cause.substr(kind.size()) == answer.header("x-request-id"));
  }
}

TEST_CASE("a request id comes back, and is made when none fit to use was sent", "[gateway]") {
  GatewayFixture gateway;
  CHECK(gateway.call("GET", "/healthz", {}, {{"X-Request-Id", "abc_1-X"}}).header("x-request-id") ==
        "abc_1-X");
  std::set<std::string> made;
  for (const char* sent : {"", "with space", "quote\"", "%0d%0aSet-Cookie"}) {
    const std::string id =
        gateway.call("GET", "/healthz", {}, {{"X-Request-Id", sent}}).header("x-request-id");
    CHECK(id.rfind("req_", 0) == 0);
    made.insert(id);
  }
  CHECK(made.size() == 4);
  const RawAnswer problem = gateway.call("GET", "/nowhere", {}, {{"X-Request-Id", "p1"}});
  CHECK(json_of(problem)["request_id"] == "p1");
}
