// Where callbacks come in: what is told to the channel, what is counted, and when the same bytes
// may come again.
#include "actors/callback_desk.hpp"

#include <spdlog/spdlog.h>

#include <caf/all.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <catch2/catch.hpp>
#include <functional>

#include "actors/http_channel.hpp"
#include "actors/messages.hpp"
#include "protocol/channels/stripe/format.hpp"
#include "tests/support/fake_edges.hpp"
#include "tests/support/stripe_fixture.hpp"

using namespace welkin;
using Catch::Contains;

namespace {

struct SteppedConfig : caf::actor_system_config {
  SteppedConfig() { set("scheduler.policy", caf::atom("testing")); }
};

class VectorsClock : public WallClock {
 public:
  UnixUs now_us() const override { return at_us; }
  UnixUs at_us = vectors_now_us;
};

// A desk for one account at Stripe, with a shard that answers as the test says.
class Bench {
 public:
  Bench() {
    spdlog::set_level(spdlog::level::off);
    context_->clock = &clock;
    context_->metrics = &metrics;
    context_->shards.push_back(system_.spawn([this](caf::event_based_actor*) -> caf::behavior {
      return {[this](report_atom, const ReportRequestPtr& request) {
        if (request->refused)
          kept.push_back(request->report.payment.text() + " " +
                         std::string(spec_of(request->refused->code).name));
        else
          reports.push_back(request->report);
        answer_to(request->reply_to, answer);
      }};
    }));
    HttpChannelOptions options;
    options.account = "stripe_main";
    port_ = std::make_unique<HttpChannel>(options, stripe::wire_format_of(stripe_account()), http_,
                                          [] { return vectors_now_us; });
    desk = std::make_unique<CallbackDesk>(context_, answers_);
    desk->add(*port_);
  }
  ~Bench() {
    caf::anon_send_exit(context_->shards[0], caf::exit_reason::user_shutdown);
    scheduler_.run();
    context_->shards.clear();
  }

  // "200 body", or the problem's code.
  std::string take(RawCallback callback, const std::string& account = "stripe_main") {
    callback.channel = account;
    std::string told = "nothing yet";
    desk->take(callback, [&told](PaymentService::TakenCallback taken) {
      if (const auto* problem = std::get_if<Problem>(&taken))
        told = std::string(spec_of(problem->code).name);
      else
        told = std::to_string(std::get<CallbackAck>(taken).http_status) + " " +
               std::get<CallbackAck>(taken).body;
    });
    scheduler_.run();
    return told;
  }
  std::string metrics_text() { return metrics.text(); }

 private:
  SteppedConfig config_;
  caf::actor_system system_{config_};
  caf::scheduler::test_coordinator& scheduler_ =
      dynamic_cast<caf::scheduler::test_coordinator&>(system_.scheduler());
  RuntimeContextPtr context_ = std::make_shared<RuntimeContext>();
  PendingAnswers answers_{std::chrono::milliseconds(60'000)};
  HttpClient http_;
  std::unique_ptr<HttpChannel> port_;

 public:
  VectorsClock clock;
  RuntimeMetrics metrics;
  std::unique_ptr<CallbackDesk> desk;
  CommandAnswer answer = CommandOutcome{};
  std::vector<ChannelReport> reports;
  std::vector<std::string> kept;  // refusals that their payment is told of
};

// Signed by Stripe, and without what it should say, so that it is believed in nothing but names an
// order.
RawCallback contradicting_itself(const std::string& order_no) {
  nlohmann::json intent = stripe_intent("succeeded");
  intent["metadata"]["order_no"] = order_no;
  intent["amount_received"] = nullptr;
  return stripe_callback(stripe_event("payment_intent.succeeded", intent));
}

RawCallback paid() {
  return stripe_callback(stripe_event("payment_intent.succeeded", stripe_intent("succeeded")));
}

const std::string taken = R"(200 {"received":true})";
const std::string refused = R"(500 {"received":false})";

std::string passed_by(const std::string& reason, int count) {
  return "welkin_channel_callbacks_ignored_total{account=\"stripe_main\",reason=\"" + reason +
         "\"} " + std::to_string(count);
}

std::string refusals(const std::string& reason, int count) {
  return "welkin_channel_callbacks_refused_total{account=\"stripe_main\",reason=\"" + reason +
         "\"} " + std::to_string(count);
}

}  // namespace

TEST_CASE("a callback that is durable is acknowledged, and so is the same one again, once more") {
  Bench bench;
  CHECK(bench.take(paid()) == taken);
  REQUIRE(bench.reports.size() == 1);
  CHECK(bench.reports[0].account == "stripe_main");
  CHECK(bench.reports[0].source == ReportSource::callback);
  CHECK(bench.take(paid()) == taken);
  CHECK(bench.reports.size() == 1);
  CHECK(bench.kept.empty());
  CHECK_THAT(bench.metrics_text(), Contains(passed_by("repeated", 1)));
  CHECK(bench.metrics.account("stripe_main").callbacks_taken.Value() == 1);
}

TEST_CASE(
    "a callback that could not be written is refused in the channel's words and may come again") {
  Bench bench;
  bench.answer = Problem{ProblemCode::store_unavailable, "", ""};
  CHECK(bench.take(paid()) == refused);
  CHECK(bench.take(paid()) == refused);
  CHECK(bench.reports.size() == 2);
  CHECK_THAT(bench.metrics_text(), Contains(refusals("store_unavailable", 2)));
  bench.answer = CommandOutcome{};
  CHECK(bench.take(paid()) == taken);
}

TEST_CASE("a callback that does not fit its payment is refused for good") {
  Bench bench;
  bench.answer = Problem{ProblemCode::report_mismatch, "", ""};
  CHECK(bench.take(paid()) == refused);
  CHECK(bench.take(paid()) == refused);
  CHECK(bench.reports.size() == 1);
  CHECK_THAT(bench.metrics_text(), Contains(refusals("report_mismatch", 2)));
  CHECK(bench.kept.empty());
}

TEST_CASE("what is not believed reaches no payment, and is counted by its reason") {
  Bench bench;
  RawCallback forged = paid();
  forged.body += " ";
  CHECK(bench.take(forged) == refused);
  RawCallback stale = paid();
  stale.headers[0].second =
      stripe::sign_webhook(stripe_secret, stale.body, vectors_now_us - 400 * us_per_s);
  CHECK(bench.take(stale) == refused);
  CHECK(bench.reports.empty());
  const std::string text = bench.metrics_text();
  CHECK_THAT(text, Contains(refusals("bad_signature", 1)));
  CHECK_THAT(text, Contains(refusals("stale_timestamp", 1)));
}

TEST_CASE("genuine news of nothing of ours is acknowledged, so that it does not come for days") {
  Bench bench;
  CHECK(bench.take(stripe_callback(stripe_event("customer.created", nlohmann::json::object()))) ==
        taken);
  CHECK(bench.reports.empty());
  CHECK_THAT(bench.metrics_text(), Contains(passed_by("other_kind", 1)));
}

TEST_CASE("what the whole account's endpoint hears of strangers is acknowledged and counted") {
  Bench bench;
  const auto event_with = [](const std::function<void(nlohmann::json&)>& bend) {
    nlohmann::json event =
        nlohmann::json::parse(stripe_event("payment_intent.succeeded", stripe_intent("succeeded")));
    bend(event);
    return stripe_callback(event.dump());
  };
  const auto intent = [](nlohmann::json& event) -> nlohmann::json& {
    return event["data"]["object"];
  };
  CHECK(bench.take(event_with([&](auto& e) { intent(e)["metadata"]["order_no"] = "1042"; })) ==
        taken);
  CHECK(bench.take(event_with([](auto& e) { e["account"] = "acct_1"; })) == taken);
  CHECK(bench.take(event_with([](auto& e) { e["object"] = "v2.core.event"; })) == taken);
  CHECK(bench.take(event_with([](auto& e) { e["livemode"] = true; })) == taken);
  nlohmann::json refund = stripe_refund("succeeded");
  refund["metadata"] = {{"order_no", "1042"}, {"refund_no", "77"}};
  CHECK(bench.take(stripe_callback(stripe_event("refund.updated", refund))) == taken);
  CHECK(bench.reports.empty());
  CHECK(bench.kept.empty());
  const std::string text = bench.metrics_text();
  for (const char* reason :
       {"foreign_order", "other_account", "thin_event", "other_mode", "foreign_refund"})
    CHECK_THAT(text, Contains(passed_by(reason, 1)));
}

TEST_CASE("a number of our form that names no payment is acknowledged where strangers are heard") {
  Bench bench;
  bench.answer = Problem{ProblemCode::not_found, "", ""};
  CHECK(bench.take(paid()) == taken);
  CHECK(bench.take(paid()) == taken);
  CHECK(bench.reports.size() == 2);  // the payment is asked for each time: it may be there by then
  CHECK_THAT(bench.metrics_text(), Contains(passed_by("unknown_payment", 2)));
  CHECK(bench.metrics.account("stripe_main").callbacks_taken.Value() == 0);
}

TEST_CASE("a callback to an account that is not there is told so") {
  Bench bench;
  CHECK(bench.take(paid(), "stripe") == "unknown_channel");
  CHECK(bench.desk->knows("stripe_main"));
  CHECK_FALSE(bench.desk->knows("stripe"));
}

TEST_CASE("what could not be read whole is refused in the channel's words, and counted") {
  Bench bench;
  const auto refused_by = [&bench](const char* account, ProblemCode code) {
    const auto ack = bench.desk->refuse(account, Problem{code, "", ""});
    return ack ? std::to_string(ack->http_status) + " " + ack->body : "nothing";
  };
  CHECK(refused_by("stripe_main", ProblemCode::body_too_large) == refused);
  CHECK(refused_by("stripe_main", ProblemCode::body_too_large) == refused);
  CHECK(refused_by("stripe_main", ProblemCode::transfer_encoding_refused) == refused);
  CHECK(refused_by("stripe", ProblemCode::body_too_large) == "nothing");
  const std::string text = bench.metrics_text();
  CHECK_THAT(text, Contains(refusals("body_too_large", 2)));
  CHECK_THAT(text, Contains(refusals("transfer_encoding_refused", 1)));
  CHECK_THAT(text, !Contains("account=\"stripe\""));
  CHECK(bench.reports.empty());
  CHECK(bench.kept.empty());
}

TEST_CASE(
    "a refusal that names an order of ours goes to its payment, and one that does not nowhere") {
  Bench bench;
  const ChannelCall call = example_call(ChannelOperation::create);
  CHECK(bench.take(contradicting_itself(call.channel_order_no)) == refused);
  CHECK(bench.kept == std::vector<std::string>{call.payment.text() + " malformed_callback"});
  CHECK(bench.take(contradicting_itself("not-a-number-of-ours")) == taken);
  CHECK(bench.kept.size() == 1);
  CHECK_THAT(bench.metrics_text(), Contains(refusals("malformed_callback", 1)));
}

TEST_CASE("whoever sends many refused callbacks does not make the node look at many payments") {
  Bench bench;
  for (int i = 0; i < 100; ++i) {
    const PaymentId payment = payment_id_of("m_1", "order-" + std::to_string(i));
    CHECK(bench.take(contradicting_itself(channel_order_no(payment, 1))) == refused);
  }
  CHECK(bench.kept.size() == 20);
  bench.clock.at_us += 3 * us_per_s;
  for (int i = 0; i < 100; ++i)
    bench.take(contradicting_itself(example_call(ChannelOperation::create).channel_order_no));
  CHECK(bench.kept.size() == 23);
  CHECK_THAT(bench.metrics_text(), Contains(refusals("malformed_callback", 200)));
}
