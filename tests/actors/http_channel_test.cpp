// The port that carries every wire format: what is sent and what is not, what may be believed of an
// account when nothing came back, and the keys it fetches while it runs.
#include "actors/http_channel.hpp"

#include <catch2/catch.hpp>
#include <chrono>
#include <future>
#include <nlohmann/json.hpp>

#include "protocol/channel/sandbox_format.hpp"
#include "protocol/channels/alipay/format.hpp"
#include "protocol/channels/stripe/format.hpp"
#include "protocol/channels/union_pay/format.hpp"
#include "protocol/channels/wechat_pay/format.hpp"
#include "tests/actors/canned_server.hpp"
#include "tests/support/alipay_fixture.hpp"
#include "tests/support/stripe_fixture.hpp"
#include "tests/support/union_pay_fixture.hpp"
#include "tests/support/wechat_certificates.hpp"

using namespace welkin;
using nlohmann::json;
using F = CallFate;
using Op = ChannelOperation;
using V = ChannelVerdict;

namespace {

constexpr int patience_s = 30;  // for what must happen; no test waits this long when all is well

HttpChannelOptions options() {
  HttpChannelOptions made;
  made.account = "main";
  made.timeout_ms = 20'000;
  return made;
}

ChannelReport ask(HttpChannel& channel, const ChannelCall& call) {
  auto promise = std::make_shared<std::promise<ChannelReport>>();
  auto future = promise->get_future();
  channel.call(call, [promise](ChannelReport report) { promise->set_value(std::move(report)); });
  REQUIRE(future.wait_for(std::chrono::seconds(patience_s)) == std::future_status::ready);
  return future.get();
}

UnixUs standing_clock() { return vectors_now_us; }

WireFormatPtr stripe_at(const std::string& url) {
  stripe::AccountConfig config = stripe_config();
  config.base_url = url;
  return stripe::wire_format_of(std::get<stripe::Account>(stripe::make_account(config)));
}

WireFormatPtr wechat_at(const std::string& url, wechat_pay::AccountConfig config,
                        wechat_pay::Certificates certificates) {
  config.base_url = url;
  return wechat_pay::wire_format_of(
      std::get<wechat_pay::Account>(wechat_pay::make_account(config, vectors_now_us)),
      certificates);
}

ChannelCall stripe_refund_call() {
  ChannelCall call = example_call(Op::refund, "USD");
  call.order_created_at_us = vectors_now_us - 3'600 * us_per_s;  // found by a search
  return call;
}

// Waits until `condition` holds.
void wait_until(const std::function<bool()>& condition) {
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(patience_s);
  while (!condition()) {
    REQUIRE(std::chrono::steady_clock::now() < limit);
    std::this_thread::yield();
  }
}

}  // namespace

TEST_CASE(
    "what the order asks for and no account can do refuses it; what the account lacks does not") {
  struct Row {
    WireFormatPtr format;
    ChannelCall call;
    V verdict;
  };
  const auto call_with = [](Op operation, auto bend) {
    ChannelCall call = example_call(operation);
    bend(call);
    return call;
  };
  const auto wechat = [] {
    return wechat_at("http://127.0.0.1:1", wechat_config(),
                     wechat_pay::Certificates::as_configured);
  };
  const auto alipay = [] {
    return alipay::wire_format_of(alipay_test::account_of(alipay_test::public_key_config()));
  };
  const auto union_pay = [] {
    return union_pay::wire_format_of(union_pay_test::account_of(union_pay_test::secret_config()));
  };
  std::vector<Row> rows;
  const auto in_dollars = [](ChannelCall& call) { call.currency = *Currency::parse("USD"); };
  rows.push_back({wechat(), call_with(Op::create, in_dollars), V::refused});
  rows.push_back({alipay(), call_with(Op::create, in_dollars), V::refused});
  rows.push_back({union_pay(), call_with(Op::create, in_dollars), V::refused});
  rows.push_back({wechat(), call_with(Op::refund, in_dollars), V::refund_refused});
  const auto held = [](ChannelCall& call) { call.manual_capture = true; };
  rows.push_back({wechat(), call_with(Op::create, held), V::refused});
  rows.push_back({alipay(), call_with(Op::create, held), V::refused});
  rows.push_back({union_pay(), call_with(Op::create, held), V::refused});
  rows.push_back({wechat(), call_with(Op::capture, [](ChannelCall&) {}), V::refused});
  const auto by = [](const char* method) {
    return [method](ChannelCall& c) { c.method = method; };
  };
  rows.push_back({wechat(), call_with(Op::create, by("jsapi")), V::refused});
  rows.push_back({wechat(), call_with(Op::create, by("h5")), V::refused});
  rows.push_back({wechat(), call_with(Op::create, by("cash")), V::refused});
  rows.push_back({alipay(), call_with(Op::create, by("cash")), V::refused});
  rows.push_back({union_pay(), call_with(Op::create, by("cash")), V::refused});
  rows.push_back({union_pay(),
                  call_with(Op::create,
                            [](ChannelCall& c) {
                              c.method = "page";
                              c.return_url.clear();
                            }),
                  V::refused});
  rows.push_back(
      {alipay(), call_with(Op::create, [](ChannelCall& c) { c.amount_minor = 0; }), V::refused});
  rows.push_back(
      {stripe_at("http://127.0.0.1:1"),
       call_with(Op::create, [](ChannelCall& c) { c.currency = *Currency::parse("KWD"); }),
       V::refused});
  // Not known yet; and what the account itself has to learn first.
  rows.push_back({union_pay(), call_with(Op::refund, [](ChannelCall&) {}), V::not_taken});
  rows.push_back({wechat_at("http://127.0.0.1:1", wechat_config_without_keys(),
                            wechat_pay::Certificates::fetched),
                  call_with(Op::create, [](ChannelCall&) {}), V::not_taken});
  // A query refuses nothing.
  rows.push_back({wechat(),
                  call_with(Op::create,
                            [&](ChannelCall& c) {
                              in_dollars(c);
                              c.query = true;
                            }),
                  V::not_taken});
  HttpClient http;
  for (Row& row : rows) {
    CAPTURE(row.format->kind(), name_of(row.call.operation), row.call.method);
    HttpChannel channel(options(), std::move(row.format), http, standing_clock);
    const ChannelReport report = ask(channel, row.call);
    CHECK(report.verdict == row.verdict);
    CHECK(report.fate == F::not_made);
    CHECK_FALSE(report.code.empty());
    CHECK_FALSE(report.message.empty());
  }
}

TEST_CASE("an order that the payer's browser carries calls nobody") {
  HttpClient http;
  http.stop();
  HttpChannel channel(
      options(), alipay::wire_format_of(alipay_test::account_of(alipay_test::public_key_config())),
      http, standing_clock);
  ChannelCall call = example_call(Op::create);
  call.method = "page";
  const ChannelReport report = ask(channel, call);
  CHECK(report.verdict == V::accepted);
  CHECK(report.next_action.type == "redirect");
  CHECK_FALSE(report.id.empty());
}

TEST_CASE("what cannot be sent was not taken; only an unreachable channel is the channel's fault") {
  int dead_port = 0;
  {
    CannedServer gone([](const WireRequest&) { return WireAnswer{200, {}, ""}; });
    dead_port = std::stoi(gone.url().substr(gone.url().rfind(':') + 1));
  }
  HttpClient http;
  const auto format = [&] { return stripe_at("http://127.0.0.1:" + std::to_string(dead_port)); };
  HttpChannel channel(options(), format(), http, standing_clock);
  const ChannelReport unreachable = ask(channel, example_call(Op::create, "USD"));
  CHECK(unreachable.verdict == V::not_taken);
  CHECK(unreachable.fate == F::not_sent);
  CHECK(unreachable.code == "not_sent");
  http.stop();
  const ChannelReport stopped = ask(channel, example_call(Op::create, "USD"));
  CHECK(stopped.verdict == V::not_taken);
  CHECK(stopped.fate == F::not_made);
}

TEST_CASE("a server that is not well, or asked too often, is told from one that judges") {
  CannedServer server([](const WireRequest&) { return WireAnswer{}; });
  HttpClient http;
  HttpChannel channel(options(), stripe_at(server.url()), http, standing_clock);
  const auto answered = [&](int status, std::string body) {
    server.answer_with([=](const WireRequest&) { return WireAnswer{status, {}, body}; });
    return ask(channel, example_call(Op::create, "USD"));
  };
  const std::string limited =
      R"({"error":{"type":"invalid_request_error","code":"rate_limit","message":"m"}})";
  const std::string invalid = R"({"error":{"type":"invalid_request_error","message":"m"}})";
  CHECK(answered(503, "<html>").fate == F::unwell);
  CHECK(answered(500, R"({"error":{"type":"api_error"}})").fate == F::unwell);
  CHECK(answered(429, limited).fate == F::unwell);
  CHECK(answered(429, limited).verdict == V::not_taken);
  CHECK(answered(400, invalid).fate == F::answered);
  CHECK(answered(400, invalid).verdict == V::refused);
  CHECK(answered(200, "<html>").fate == F::garbled);
  http.stop();
}

TEST_CASE("each try is signed anew") {
  CannedServer server([](const WireRequest&) { return WireAnswer{500, {}, ""}; });
  HttpClient http;
  HttpChannel channel(
      options(), wechat_at(server.url(), wechat_config(), wechat_pay::Certificates::as_configured),
      http, standing_clock);
  const ChannelReport first = ask(channel, example_query(Op::create));
  const ChannelReport second = ask(channel, example_query(Op::create));
  CHECK(first.id != second.id);
  const auto requests = server.requests();
  REQUIRE(requests.size() == 2);
  CHECK(requests[0].target == requests[1].target);
  const std::string authorization(only_header(requests[0].headers, "authorization"));
  CHECK(authorization.find(first.id) != std::string::npos);
  CHECK(authorization != only_header(requests[1].headers, "authorization"));
  http.stop();
}

TEST_CASE(
    "a refund at Stripe asks first where the charge is, and is not made when that is not known") {
  const auto found =
      json{{"object", "search_result"}, {"data", json::array({stripe_intent("succeeded")})}};
  const auto nothing = json{{"object", "search_result"}, {"data", json::array()}};
  CannedServer server([&](const WireRequest& request) {
    if (request.method == "GET") return WireAnswer{200, {}, found.dump()};
    return WireAnswer{200, {}, stripe_refund("succeeded").dump()};
  });
  HttpClient http;
  HttpChannel channel(options(), stripe_at(server.url()), http, standing_clock);
  CHECK(ask(channel, stripe_refund_call()).verdict == V::refunded);
  auto requests = server.requests();
  REQUIRE(requests.size() == 2);
  CHECK(requests[0].target.find("/v1/payment_intents/search?") == 0);
  CHECK(requests[1].target == "/v1/refunds");
  CHECK(requests[1].body.find("payment_intent=pi_1&") == 0);

  server.answer_with([&](const WireRequest&) { return WireAnswer{200, {}, nothing.dump()}; });
  const ChannelReport absent = ask(channel, stripe_refund_call());
  CHECK(absent.verdict == V::not_found);
  CHECK(absent.refund_id == stripe_refund_call().refund_id);

  server.answer_with([&](const WireRequest&) { return WireAnswer{500, {}, ""}; });
  const ChannelReport unwell = ask(channel, stripe_refund_call());
  CHECK(unwell.verdict == V::not_taken);  // the refund itself was certainly not asked for
  CHECK(unwell.fate == F::unwell);
  CHECK(server.requests().size() == 4);
  http.stop();
}

TEST_CASE("what Stripe says of an order without its id may be old, and is asked again with it") {
  ChannelCall call = example_query(Op::create);
  call.currency = *Currency::parse("USD");
  // The answer kept under the order's key is its first one; the payer has paid since.
  const auto paid_since = [](int status) {
    return [status](const WireRequest& request) {
      if (request.method == "POST")
        return WireAnswer{200, {}, stripe_intent("requires_action").dump()};
      return WireAnswer{status, {}, stripe_intent("succeeded").dump()};
    };
  };
  CannedServer server(paid_since(200));
  HttpClient http;
  HttpChannel channel(options(), stripe_at(server.url()), http, standing_clock);
  const ChannelReport paid = ask(channel, call);
  CHECK(paid.verdict == V::paid);
  CHECK(paid.source == ReportSource::query);
  CHECK(paid.channel_order_no == call.channel_order_no);
  const auto requests = server.requests();
  REQUIRE(requests.size() == 2);
  CHECK(requests[0].target == "/v1/payment_intents");
  CHECK(requests[1].target == "/v1/payment_intents/pi_1");

  // What is known is kept when the second question is not answered, and with it the intent's id.
  server.answer_with(paid_since(500));
  const ChannelReport open = ask(channel, call);
  CHECK(open.verdict == V::accepted);
  CHECK(open.channel_reference == "pi_1");
  CHECK(open.next_action.type == "client_secret");
  CHECK(open.fate == F::unwell);
  CHECK(server.requests().size() == 4);
  http.stop();
}

// ---- keys that are fetched

TEST_CASE("WeChat's keys are fetched, and when it signs with the next one that is fetched too") {
  const PlatformCertificate first = platform_certificate("wechat_platform");
  const PlatformCertificate next = platform_certificate("alipay_platform");
  std::atomic<bool> rotated{false};
  CannedServer server([&](const WireRequest& request) {
    const PlatformCertificate& signer = rotated ? next : first;
    if (request.target == "/v3/certificates")
      return certificates_answer(rotated ? std::vector{first, next} : std::vector{first}, signer);
    return signed_by(signer, R"({"code_url":"weixin://wxpay/bizpayurl?pr=1"})");
  });
  HttpClient http;
  std::atomic<UnixUs> now_us{vectors_now_us};
  HttpChannel channel(
      options(),
      wechat_at(server.url(), wechat_config_without_keys(), wechat_pay::Certificates::fetched),
      http, [&] { return now_us.load(); });
  const auto verdict = [&] { return ask(channel, example_call(Op::create)).verdict; };
  CHECK(channel.needs_upkeep());
  CHECK(verdict() == V::not_taken);  // nothing is asked before the keys are there
  CHECK(server.requests().empty());
  channel.upkeep();
  wait_until([&] { return verdict() == V::accepted; });

  rotated = true;
  now_us += 61 * us_per_s;
  CHECK(verdict() == V::unknown);  // and the keys are being fetched
  wait_until([&] { return verdict() == V::accepted; });
  http.stop();
}

TEST_CASE("messages with unknown serials make it ask for keys at most once in a pause") {
  std::atomic<int> fetches{0};
  CannedServer server([&](const WireRequest&) {
    ++fetches;
    return WireAnswer{500, {}, ""};
  });
  HttpClient http;
  std::atomic<UnixUs> now_us{vectors_now_us};
  HttpChannel channel(
      options(),
      wechat_at(server.url(), wechat_config_without_keys(), wechat_pay::Certificates::fetched),
      http, [&] { return now_us.load(); });
  const RawCallback callback =
      wechat_callback("TRANSACTION.SUCCESS", wechat_transaction("SUCCESS"));
  const auto hear = [&](int times) {
    for (int i = 0; i < times; ++i) {
      const auto checked = channel.verify(callback, vectors_now_us);
      REQUIRE(std::holds_alternative<CallbackRefused>(checked));
      CHECK(std::get<CallbackRefused>(checked).problem.code == ProblemCode::unknown_serial);
    }
  };
  hear(100);
  wait_until([&] { return fetches == 1; });
  now_us += 59 * us_per_s;
  hear(100);
  now_us += 2 * us_per_s;
  // The first fetch must be over for another one to begin.
  wait_until([&] {
    hear(1);
    return fetches == 2;
  });
  hear(100);
  http.stop();
  CHECK(fetches == 2);
}

TEST_CASE("an account whose keys are configured asks for none, whatever it hears") {
  CannedServer server([](const WireRequest&) { return WireAnswer{500, {}, ""}; });
  HttpClient http;
  HttpChannel channel(
      options(), wechat_at(server.url(), wechat_config(), wechat_pay::Certificates::as_configured),
      http, standing_clock);
  CHECK_FALSE(channel.needs_upkeep());
  RawCallback callback = wechat_callback("TRANSACTION.SUCCESS", wechat_transaction("SUCCESS"));
  for (auto& [name, value] : callback.headers)
    if (name == "wechatpay-serial") value = "0123";
  CHECK(std::holds_alternative<CallbackRefused>(channel.verify(callback, vectors_now_us)));
  channel.upkeep();
  http.stop();
  CHECK(server.requests().empty());
}

// ---- callbacks

TEST_CASE("the same bytes of WeChat's are acknowledged twice, its nonce over others is refused") {
  HttpClient http;
  HttpChannel channel(
      options(),
      wechat_at("http://127.0.0.1:1", wechat_config(), wechat_pay::Certificates::as_configured),
      http, standing_clock);
  const RawCallback callback =
      wechat_callback("TRANSACTION.SUCCESS", wechat_transaction("SUCCESS"));
  const auto first = channel.verify(callback, vectors_now_us);
  REQUIRE(std::holds_alternative<VerifiedCallback>(first));
  channel.settle(std::get<VerifiedCallback>(first), Settled::taken);
  const auto again = channel.verify(callback, vectors_now_us);
  REQUIRE(std::holds_alternative<IgnoredCallback>(again));
  CHECK(std::get<IgnoredCallback>(again).reason == IgnoredFor::repeated);
  CHECK(std::get<IgnoredCallback>(again).ack.http_status == 200);

  const std::string another_body = callback.body + " ";
  const auto other = channel.verify(
      {"wechat_pay",
       wechat_pay::sign_message(wechat_platform_serial, wechat_platform_key(), another_body,
                                {vectors_now_us, wechat_pay::signed_nonce(callback.headers)}),
       another_body},
      vectors_now_us);
  REQUIRE(std::holds_alternative<CallbackRefused>(other));
  CHECK(std::get<CallbackRefused>(other).problem.code == ProblemCode::repeated_nonce);
  CHECK(channel.refusal(std::get<CallbackRefused>(other).problem).http_status == 500);
}

TEST_CASE(
    "a real channel's callback is believed once, acknowledged in its words, and named its "
    "account") {
  HttpClient http;
  HttpChannel channel(options(), stripe_at("http://127.0.0.1:1"), http, standing_clock);
  const RawCallback callback =
      stripe_callback(stripe_event("payment_intent.succeeded", stripe_intent("succeeded")));
  const auto first = channel.verify(callback, vectors_now_us);
  REQUIRE(std::holds_alternative<VerifiedCallback>(first));
  CHECK(std::get<VerifiedCallback>(first).report.account == "main");
  CHECK(std::get<VerifiedCallback>(first).ack.body == R"({"received":true})");
  CHECK(std::holds_alternative<VerifiedCallback>(channel.verify(callback, vectors_now_us)));
  channel.settle(std::get<VerifiedCallback>(first), Settled::taken);
  const auto again = channel.verify(callback, vectors_now_us);
  REQUIRE(std::holds_alternative<IgnoredCallback>(again));
  CHECK(std::get<IgnoredCallback>(again).reason == IgnoredFor::repeated);
  CHECK(std::get<IgnoredCallback>(again).ack.body == R"({"received":true})");

  const RawCallback of_another_kind =
      stripe_callback(stripe_event("customer.created", json::object()));
  const auto ignored = channel.verify(of_another_kind, vectors_now_us);
  REQUIRE(std::holds_alternative<IgnoredCallback>(ignored));
  CHECK(std::get<IgnoredCallback>(ignored).ack.http_status == 200);
  CHECK(std::get<IgnoredCallback>(ignored).reason == IgnoredFor::other_kind);
}

TEST_CASE("Stripe's address hears of strangers' orders; those given with an order do not") {
  HttpClient http;
  const auto may_be_a_strangers = [&http](WireFormatPtr format, const RawCallback& callback) {
    HttpChannel channel(options(), std::move(format), http, standing_clock);
    const auto checked = channel.verify(callback, vectors_now_us);
    REQUIRE(std::holds_alternative<VerifiedCallback>(checked));
    return std::get<VerifiedCallback>(checked).may_be_a_strangers;
  };
  CHECK(may_be_a_strangers(
      stripe_at("http://127.0.0.1:1"),
      stripe_callback(stripe_event("payment_intent.succeeded", stripe_intent("succeeded")))));
  CHECK_FALSE(may_be_a_strangers(
      wechat_at("http://127.0.0.1:1", wechat_config(), wechat_pay::Certificates::as_configured),
      wechat_callback("TRANSACTION.SUCCESS", wechat_transaction("SUCCESS"))));
}
