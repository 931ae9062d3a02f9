#include <set>
#include <thread>

#include "tests/gateway/gateway_fixture.hpp"

using namespace welkin;
using namespace welkin::test;

namespace {

const HeaderList with_key{{"Idempotency-Key", "key:1"}};

}  // namespace

TEST_CASE("the same key and request get the first answer and status again", "[gateway]") {
  GatewayFixture gateway;
  const std::string body = GatewayFixture::create_body().dump();
  const RawAnswer first = gateway.call("POST", "/v1/payments", body, with_key);
  CHECK(first.status == 201);
  CHECK(first.header("idempotency-replayed").empty());
  gateway.service.change(payment_id_of("m_1", "order-1"),
                         [](Payment& payment) { payment.state = PaymentState::paid; });
  const int executed = gateway.service.executed;
  const RawAnswer again = gateway.call("POST", "/v1/payments", body, with_key);
  CHECK(again.status == 201);
  CHECK(again.header("idempotency-replayed") == "true");
  CHECK(again.body == first.body);
  CHECK(gateway.service.executed == executed);
}

TEST_CASE("a replayed refund is the refund's answer", "[gateway]") {
  GatewayFixture gateway;
  const std::string path = "/v1/payments/" + gateway.create() + "/refunds";
  const std::string body = R"({"merchant_refund_no":"r","amount":5})";
  const RawAnswer first = gateway.call("POST", path, body, with_key);
  const RawAnswer again = gateway.call("POST", path, body, with_key);
  CHECK(again.status == 201);
  CHECK(again.body == first.body);
}

TEST_CASE("the same key with another request is refused", "[gateway]") {
  GatewayFixture gateway;
  gateway.call("POST", "/v1/payments", GatewayFixture::create_body().dump(), with_key);
  Json other = GatewayFixture::create_body();
  other["subject"] = "Coffee";
  const std::string path = "/v1/payments/" + payment_id_of("m_1", "order-1").text();
  for (const auto& [target, body] :
       {std::pair{std::string("/v1/payments"), other.dump()},
        std::pair{path + "/close", std::string()}, std::pair{path + "/capture", std::string()}}) {
    CAPTURE(target);
    const RawAnswer answer = gateway.call("POST", target, body, with_key);
    CHECK(answer.status == 422);
    CHECK(code_of(answer) == "idempotency_key_reused");
    CHECK(field_of(answer) == "Idempotency-Key");
  }
}

TEST_CASE("two merchants may use the same key", "[gateway]") {
  GatewayFixture gateway;
  const std::string body = GatewayFixture::create_body().dump();
  CHECK(gateway.call("POST", "/v1/payments", body, with_key, "key-1").status == 201);
  const RawAnswer other = gateway.call("POST", "/v1/payments", body, with_key, "key-2");
  CHECK(other.status == 201);
  CHECK(other.header("idempotency-replayed").empty());
}

TEST_CASE("a refusal is not kept under its key", "[gateway]") {
  GatewayFixture gateway;
  const std::string body = GatewayFixture::create_body().dump();
  gateway.service.refuse_with = Problem{ProblemCode::store_unavailable, "", ""};
  CHECK(gateway.call("POST", "/v1/payments", body, with_key).status == 503);
  gateway.service.refuse_with.reset();
  CHECK(gateway.call("POST", "/v1/payments", body, with_key).status == 201);
}

TEST_CASE("a twin of a request in flight is told to wait, and its key is free afterwards",
          "[gateway]") {
  GatewayFixture gateway;
  const std::string body = GatewayFixture::create_body().dump();
  gateway.service.shut_gate();
  RawClient first(gateway.port);
  HeaderList headers = with_key;
  headers.emplace_back("Authorization", "Bearer key-1");
  headers.emplace_back("Content-Type", "application/json");
  REQUIRE(first.send(request_text("POST", "/v1/payments", body, headers)));
  gateway.service.wait_for_waiting(1);
  const RawAnswer twin = gateway.call("POST", "/v1/payments", body, with_key);
  CHECK(twin.status == 409);
  CHECK(code_of(twin) == "idempotency_in_flight");
  CHECK(twin.header("retry-after") == "1");
  gateway.service.open_gate();
  CHECK(first.read_answer()->status == 201);
  CHECK(gateway.call("POST", "/v1/payments", body, with_key).header("idempotency-replayed") ==
        "true");
}

TEST_CASE("a key that is no key is refused", "[gateway]") {
  GatewayFixture gateway;
  const std::string body = GatewayFixture::create_body().dump();
  for (const std::string& key :
       {std::string(), std::string(256, 'k'), std::string("a b"), std::string("caf\xc3\xa9")}) {
    CAPTURE(key);
    const RawAnswer answer = gateway.call("POST", "/v1/payments", body, {{"Idempotency-Key", key}});
    CHECK(answer.status == 400);
    CHECK(code_of(answer) == "invalid_value");
    CHECK(field_of(answer) == "Idempotency-Key");
  }
  CHECK(
      gateway
          .call("POST", "/v1/payments", body, {{"Idempotency-Key", "a"}, {"idempotency-key", "b"}})
          .status == 400);
  CHECK(gateway.call("POST", "/v1/payments", body, {{"Idempotency-Key", std::string(255, 'k')}})
            .status == 201);
}

TEST_CASE("a request is marked with its meaning, whether or not it brings a key", "[gateway]") {
  GatewayFixture gateway;
  gateway.create("a");
  const RequestMark bare = gateway.service.last_command.request;
  CHECK(bare.idempotency_key.empty());
  CHECK(bare.fingerprint.size() == 64);
  gateway.call("POST", "/v1/payments", GatewayFixture::create_body("a").dump(), with_key);
  CHECK(gateway.service.last_command.request.fingerprint == bare.fingerprint);
  gateway.create("b");
  CHECK(gateway.service.last_command.request.fingerprint != bare.fingerprint);
}

TEST_CASE("how a payer pays and who he is belong to the meaning of a request", "[gateway]") {
  GatewayFixture gateway;
  std::set<std::string> fingerprints;
  const auto mark_of = [&](const Json& more) {
    Json body = GatewayFixture::create_body();
    for (const auto& [name, value] : more.items()) body[name] = value;
    gateway.call("POST", "/v1/payments", body.dump());
    return gateway.service.last_command.request.fingerprint;
  };
  const Json meanings[] = {Json::object(),
                           {{"method", "h5"}},
                           {{"method", "jsapi"}},
                           {{"payer", {{"id", "x"}}}},
                           {{"payer", {{"instrument", "x"}}}},
                           {{"payer", {{"ip", "203.0.113.7"}}}},
                           {{"payer", {{"ip", "203.0.113.8"}}}},
                           {{"metadata", {{"method", "h5"}}}},
                           {{"method", "h5"}, {"payer", {{"id", "x"}}}}};
  for (const Json& meaning : meanings) {
    CAPTURE(meaning.dump());
    CHECK(fingerprints.insert(mark_of(meaning)).second);
  }
  // A payer of whom nothing is told is none; and requests from before there were these fields,
  // which may be repeated after an upgrade, keep the fingerprint they had.
  CHECK(mark_of({{"payer", Json::object()}}) == mark_of(Json::object()));
  CHECK(mark_of(Json::object()) ==
        "6158a73d898e42cf48b4eb99d9e8ff0676898c33e130c1e27e8a2cb8435f0a59");
}

TEST_CASE("a default is the same order and the same request, left out or spelled out",
          "[gateway]") {
  Json bare = GatewayFixture::create_body();
  bare["channel"] = "wechat_pay";
  Json spelled = bare;
  spelled["method"] = "native";
  spelled["capture"] = "automatic";
  spelled["expires_in_s"] = 1800;
  spelled["return_url"] = "";
  spelled["metadata"] = Json::object();
  spelled["payer"] = Json::object();
  for (const auto& [first, second] : {std::pair{bare, spelled}, std::pair{spelled, bare}}) {
    CAPTURE(first.dump());
    GatewayFixture gateway;
    const RawAnswer created = gateway.call("POST", "/v1/payments", first.dump(), with_key);
    REQUIRE(created.status == 201);
    CHECK(json_of(created)["method"] == "native");
    const RawAnswer again = gateway.call("POST", "/v1/payments", second.dump());
    CHECK(again.status == 200);
    CHECK(json_of(again)["id"] == json_of(created)["id"]);
    const RawAnswer replayed = gateway.call("POST", "/v1/payments", second.dump(), with_key);
    CHECK(replayed.status == 201);
    CHECK(replayed.header("idempotency-replayed") == "true");
    Json other = second;
    other["method"] = "h5";
    CHECK(code_of(gateway.call("POST", "/v1/payments", other.dump())) ==
          "order_exists_with_other_body");
    CHECK(code_of(gateway.call("POST", "/v1/payments", other.dump(), with_key)) ==
          "idempotency_key_reused");
  }
}

TEST_CASE("an order that an earlier program took is known again, however its default was written",
          "[gateway]") {
  Json bare = GatewayFixture::create_body();
  bare["channel"] = "wechat_pay";
  Json spelled = bare;
  spelled["method"] = "native";
  for (const Json& before : {bare, spelled}) {
    for (const Json& now : {bare, spelled}) {
      CAPTURE(before.dump(), now.dump());
      GatewayFixture gateway;
      gateway.service.knows_defaults = false;
      REQUIRE(gateway.call("POST", "/v1/payments", before.dump(), with_key).status == 201);
      gateway.service.knows_defaults = true;
      CHECK(gateway.call("POST", "/v1/payments", now.dump()).status == 200);
      const RawAnswer replayed = gateway.call("POST", "/v1/payments", now.dump(), with_key);
      CHECK(replayed.status == 201);
      CHECK(replayed.header("idempotency-replayed") == "true");
      Json other = now;
      other["subject"] = "Coffee";
      CHECK(code_of(gateway.call("POST", "/v1/payments", other.dump())) ==
            "order_exists_with_other_body");
      CHECK(code_of(gateway.call("POST", "/v1/payments", other.dump(), with_key)) ==
            "idempotency_key_reused");
    }
  }
}

TEST_CASE("a capture of all that is authorized is the same request with and without its amount",
          "[gateway]") {
  const char* const bodies[] = {"", "{}", R"({"amount":1000})"};
  for (const char* first : bodies) {
    for (const char* second : bodies) {
      CAPTURE(first, second);
      GatewayFixture gateway;
      const std::string path = "/v1/payments/" + gateway.create() + "/capture";
      gateway.service.change(payment_id_of("m_1", "order-1"),
                             [](Payment& payment) { payment.authorized_minor = 1'000; });
      CHECK(gateway.call("POST", path, first, with_key).status == 200);
      CHECK(gateway.call("POST", path, second, with_key).header("idempotency-replayed") == "true");
      CHECK(code_of(gateway.call("POST", path, R"({"amount":600})", with_key)) ==
            "idempotency_key_reused");
    }
  }
}

TEST_CASE("a key of an order whose channel is gone still replays, and the order is still known",
          "[gateway]") {
  GatewayFixture gateway;
  Json body = GatewayFixture::create_body();
  body["channel"] = "wechat_pay";
  REQUIRE(gateway.call("POST", "/v1/payments", body.dump(), with_key).status == 201);
  gateway.service.channels.erase("wechat_pay");
  CHECK(gateway.call("POST", "/v1/payments", body.dump()).status == 200);
  body["method"] = "native";
  const RawAnswer replayed = gateway.call("POST", "/v1/payments", body.dump(), with_key);
  CHECK(replayed.status == 201);
  CHECK(replayed.header("idempotency-replayed") == "true");
  body["merchant_order_no"] = "order-2";
  const RawAnswer refused = gateway.call("POST", "/v1/payments", body.dump());
  CHECK(refused.status == 400);
  CHECK(code_of(refused) == "unknown_channel");
  CHECK(field_of(refused) == "/channel");
}
