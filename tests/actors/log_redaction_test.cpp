// What the log says of a channel account when things go wrong: that they do, and nothing of what
// came along. Secrets are fed through every way that leads to a line, at the most talkative level.
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <caf/all.hpp>
#include <catch2/catch.hpp>
#include <chrono>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "actors/callback_desk.hpp"
#include "actors/channel_actor.hpp"
#include "actors/http_channel.hpp"
#include "actors/trouble_log.hpp"
#include "protocol/channel/sandbox_format.hpp"
#include "protocol/channels/alipay/format.hpp"
#include "protocol/channels/stripe/format.hpp"
#include "protocol/channels/union_pay/format.hpp"
#include "protocol/channels/wechat_pay/format.hpp"
#include "tests/actors/canned_server.hpp"
#include "tests/support/alipay_fixture.hpp"
#include "tests/support/fake_edges.hpp"
#include "tests/support/stripe_fixture.hpp"
#include "tests/support/union_pay_fixture.hpp"
#include "tests/support/wechat_certificates.hpp"

using namespace welkin;
using nlohmann::json;
using Op = ChannelOperation;

namespace {

const std::string card_number = "4242424242424242";
const std::string client_secret = "pi_3Mtw_secret_YrKJUKribcBjcG8HVhfZluoGH";
const std::string openid = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o";
const std::string instrument = "pm_1MtwABCDEFGH";
const std::string stripe_key = "sk_test_TESTONLYhunter2hunter2";
const std::string sandbox_secret = "hunter3-shared-secret";
const std::string auth_token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJodW50ZXIifQ";

std::vector<std::string> secrets() {
  std::vector<std::string> all{card_number,     client_secret, openid,
                               instrument,      stripe_key,    sandbox_secret,
                               auth_token,      stripe_secret, wechat_config().api_v3_key,
                               "BEGIN PRIVATE", "88888888"};
  // Of each private key a piece of its text.
  for (const char* name : {"wechat_merchant_key", "alipay_app_key", "unionpay_merchant_key"})
    all.push_back(vector_key(name).substr(100, 40));
  return all;
}

// The whole log of this process while it lives.
class LogKept {
 public:
  LogKept() : before_(spdlog::default_logger()) {
    auto logger = std::make_shared<spdlog::logger>(
        "kept", std::make_shared<spdlog::sinks::ostream_sink_mt>(text_));
    logger->set_level(spdlog::level::trace);
    spdlog::set_default_logger(std::move(logger));
    spdlog::set_level(spdlog::level::trace);
  }
  ~LogKept() { spdlog::set_default_logger(before_); }
  std::string text() {
    spdlog::default_logger()->flush();
    return text_.str();
  }

 private:
  std::ostringstream text_;
  std::shared_ptr<spdlog::logger> before_;
};

std::size_t count_of(const std::string& text, const std::string& what) {
  std::size_t count = 0;
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1))
    ++count;
  return count;
}

std::vector<WireFormatPtr> formats(const std::string& url) {
  std::vector<WireFormatPtr> all;
  for (const bool knows_keys : {true, false}) {
    wechat_pay::AccountConfig config = knows_keys ? wechat_config() : wechat_config_without_keys();
    config.base_url = url;
    all.push_back(wechat_pay::wire_format_of(
        std::get<wechat_pay::Account>(wechat_pay::make_account(config, vectors_now_us)),
        knows_keys ? wechat_pay::Certificates::as_configured : wechat_pay::Certificates::fetched));
  }
  alipay::AccountConfig alipay_config = alipay_test::public_key_config();
  alipay_config.base_url = url;
  all.push_back(alipay::wire_format_of(alipay_test::account_of(alipay_config)));
  union_pay::AccountConfig union_pay_config = union_pay_test::secret_config();
  union_pay_config.base_url = url;
  all.push_back(union_pay::wire_format_of(union_pay_test::account_of(union_pay_config)));
  stripe::AccountConfig config = stripe_config();
  config.base_url = url;
  config.secret_key = stripe_key;
  all.push_back(stripe::wire_format_of(std::get<stripe::Account>(stripe::make_account(config))));
  all.push_back(sandbox_wire::wire_format_of({url, sandbox_secret, ""}));
  return all;
}

// Bodies in which a secret stands wherever a channel's words are read from.
std::vector<std::string> loose_tongues() {
  std::vector<std::string> bodies;
  for (const std::string& secret : secrets()) {
    const json words{{"code", secret}, {"message", secret}, {"sub_code", secret}, {"msg", secret}};
    bodies.push_back(words.dump());
    bodies.push_back(json{{"alipay_trade_precreate_response", words}, {"sign", secret}}.dump());
    bodies.push_back(json{{"error_response", words}}.dump());
    bodies.push_back(
        json{{"error",
              {{"type", secret}, {"code", secret}, {"decline_code", secret}, {"message", secret}}}}
            .dump());
    bodies.push_back("respCode=" + secret + "&respMsg=" + secret);
    bodies.push_back(json{{"object", "payment_intent"},
                          {"id", secret},
                          {"status", secret},
                          {"amount", 101},
                          {"currency", "usd"},
                          {"metadata", {{"order_no", example_call(Op::create).channel_order_no}}}}
                         .dump());
    bodies.push_back(secret);
  }
  return bodies;
}

ChannelCall talkative_call(Op operation, std::string_view currency) {
  ChannelCall call = example_call(operation, currency);
  call.subject = "card " + card_number;
  call.payer_id = openid;
  call.payer_instrument = instrument;
  call.return_url = "https://shop.example.com/back?token=" + auth_token;
  call.channel_reference = "pi_1";
  return call;
}

// Goes on between any two looks at it, so that no line is left out as one too many of its kind.
class HurriedClock : public WallClock {
 public:
  UnixUs now_us() const override { return vectors_now_us + 11 * us_per_s * ++looks_; }

 private:
  mutable std::atomic<int> looks_{0};
};

// Channel actors over real HTTP with a shard that counts the reports.
struct Node {
  Node() {
    context->clock = &clock;
    context->metrics = &metrics;
    context->shards.push_back(system.spawn([this](caf::event_based_actor* self) -> caf::behavior {
      return {[this](report_atom, const ReportRequestPtr&) { ++reports; },
              [self](stop_atom) { self->quit(); }};
    }));
  }
  ~Node() {
    for (const caf::actor& channel : channels) caf::anon_send(channel, stop_atom::value);
    caf::anon_send(context->shards[0], stop_atom::value);
    channels.clear();
    context->shards.clear();
    system.await_all_actors_done();
  }
  void await_reports(int count) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (reports < count) {
      REQUIRE(std::chrono::steady_clock::now() < limit);
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }

  caf::actor_system_config config;
  caf::actor_system system{config};
  HurriedClock clock;
  RuntimeMetrics metrics;
  RuntimeContextPtr context = std::make_shared<RuntimeContext>();
  std::atomic<int> reports{0};
  std::vector<caf::actor> channels;
};

}  // namespace

TEST_CASE("no secret comes into the log, whatever a channel answers and whoever calls back") {
#ifdef WELKIN_THREAD_SANITIZER
  // The packaged CAF is not instrumented, so that its work queues look like races; the other builds
  // run this.
  return;
#endif
  LogKept log;
  std::vector<std::string> bodies = loose_tongues();
  std::atomic<std::size_t> next{0};
  CannedServer server([&](const WireRequest&) {
    const std::size_t number = next++;
    return WireAnswer{number % 2 == 0 ? 200 : 400, {}, bodies[(number / 2) % bodies.size()]};
  });
  HttpClient http;
  std::vector<std::unique_ptr<HttpChannel>> ports;
  Node node;
  PendingAnswers answers(std::chrono::milliseconds(1'000));
  CallbackDesk desk(node.context, answers);
  int calls = 0;
  for (WireFormatPtr& format : formats(server.url())) {
    HttpChannelOptions options;
    options.account = "account_" + std::to_string(ports.size());
    ports.push_back(std::make_unique<HttpChannel>(options, std::move(format), http,
                                                  [&node] { return node.clock.now_us(); }));
    desk.add(*ports.back());
    ChannelActorOptions carried;
    carried.retry.max_tries = 1;
    carried.max_in_flight = 50;  // so that some find no room
    const auto channel = node.system.spawn<ChannelActor>(node.context, *ports.back(), carried);
    node.channels.push_back(channel);
    next = 0;
    for (int round = 0; round < 2 * static_cast<int>(bodies.size()); ++round) {
      ChannelCall call =
          talkative_call(round % 5 == 0 ? Op::refund : Op::create, round % 4 == 0 ? "USD" : "CNY");
      call.query = round % 3 == 0;
      caf::anon_send(channel, call_atom::value, std::make_shared<const ChannelCall>(call));
      ++calls;
    }
    node.await_reports(calls);
  }
  for (const auto& port : ports)
    for (const std::string& body : bodies)
      desk.take({std::string(port->name()),
                 {{"authorization", auth_token},
                  {"stripe-signature", "t=1,v1=" + auth_token},
                  {"wechatpay-serial", auth_token}},
                 body},
                [](PaymentService::TakenCallback) {});
  http.stop();

  const std::string text = log.text();
  for (const std::string& secret : secrets()) {
    CAPTURE(secret);
    CHECK(text.find(secret) == std::string::npos);
  }
  // It does speak.
  CHECK(count_of(text, "garbled answer") >= 100);
  CHECK(count_of(text, "callback refused") == ports.size() * bodies.size());
  CHECK(count_of(text, "too many calls at once") >= 1);
  CHECK(count_of(text, "not made") >= 1);
  CHECK(count_of(text, "(withheld)") >= 1);  // how many depends on which calls found room
}

TEST_CASE(
    "a channel that is away or silent is told in one line that names the order and the code") {
  LogKept log;
  const ChannelCall call = example_call(Op::create);
  TroubleLog trouble("wechat_main");
  UnixUs now_us = vectors_now_us;
  for (int i = 0; i < 1'000; ++i)
    trouble.note(Trouble::not_sent, "create", call.channel_order_no, "not_sent", now_us);
  std::string text = log.text();
  CHECK(count_of(text, "\n") == 1);
  CHECK(text.find("channel account wechat_main: not sent: create of order " +
                  call.channel_order_no + ": not_sent") != std::string::npos);
  now_us += 10 * us_per_s;
  trouble.note(Trouble::not_sent, "create", call.channel_order_no, "not_sent", now_us);
  text = log.text();
  CHECK(count_of(text, "\n") == 2);
  CHECK(text.find("999 like it not shown") != std::string::npos);
}

TEST_CASE("codes that channels document may be logged, and what could be something else may not") {
  for (const char* code : {"ACQ.TRADE_NOT_EXIST", "isv.invalid-app-id", "SYSTEM_ERROR", "00", "A6",
                           "card_declined", "http_500", "40004", "not_sent", ""})
    CHECK(loggable_code(code) == code);
  for (const std::string& secret : secrets()) {
    CAPTURE(secret);
    CHECK(loggable_code(secret) == "(withheld)");
  }
  CHECK(loggable_code("two words") == "(withheld)");
  CHECK(loggable_code("a\nline") == "(withheld)");
  CHECK(loggable_code(std::string(49, 'a')) == "(withheld)");
}
