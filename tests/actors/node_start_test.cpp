// A whole runtime over a journal that somebody wrote before: what it believes of the time, and what
// it says when it must not go on.
#include <catch2/catch.hpp>
#include <condition_variable>
#include <mutex>

#include "actors/journal_clock.hpp"
#include "actors/runtime.hpp"
#include "persistence/memory/memory_store.hpp"
#include "tests/support/fake_edges.hpp"
#include "tests/support/payment_script.hpp"

using namespace welkin;

namespace {

// Far enough for the slowest machine; reached only when something is wrong.
constexpr auto patience = std::chrono::seconds(60);
constexpr UnixUs two_hours_us = 7'200 * us_per_s;

// What happens on other threads and is waited for.
class Counted {
 public:
  void count() {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++count_;
    changed_.notify_all();
  }
  bool reaches(int wanted) {
    std::unique_lock<std::mutex> lock(mutex_);
    return changed_.wait_for(lock, patience, [&] { return count_ >= wanted; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int count_ = 0;
};

class Wall : public WallClock {
 public:
  UnixUs now_us() const override {
    if (is_broken) throw std::runtime_error("no time");
    return SystemClock().now_us() + set_by_us;
  }
  std::atomic<UnixUs> set_by_us{0};
  std::atomic<bool> is_broken{false};
};

// Never knows what became of an order.
class SilentChannel : public ChannelPort {
 public:
  std::string_view name() const override { return "sandbox"; }
  void call(const ChannelCall& call, Done done) override {
    if (call.query) queries.count();
    ChannelReport report = ScriptedChannel::report_on(call, ChannelVerdict::unknown);
    report.fate = CallFate::no_answer;
    done(std::move(report));
  }
  CheckedCallback verify(const RawCallback&, UnixUs) override { return CallbackRefused{}; }
  void settle(const VerifiedCallback&, Settled) override {}
  CallbackAck refusal(const Problem&) const override { return {400, "text/plain", "fail"}; }

  Counted queries;
};

struct Bench {
  std::unique_ptr<JournalStore> store =
      std::move(std::get<std::unique_ptr<JournalStore>>(open_memory_store({"memory:"})));
  SilentChannel channel;
  Wall wall;
  std::unique_ptr<Runtime> runtime;

  void start() {
    RuntimeConfig config;
    config.shard_count = 4;
    config.wall = &wall;
    auto started = Runtime::start(config, *store, {&channel});
    REQUIRE(!error_of(started));
    runtime = std::move(std::get<std::unique_ptr<Runtime>>(started));
  }

  CommandAnswer create(const std::string& order_no) {
    PaymentCommand command;
    command.payment = payment_id_of("m_1", order_no);
    command.merchant_id = "m_1";
    command.cause = "request:1";
    CreatePayment body = PaymentScript().create_body();
    body.merchant_order_no = order_no;
    command.body = std::move(body);
    Counted answered;
    CommandAnswer result;
    runtime->execute(std::move(command), [&](CommandAnswer answer) {
      result = std::move(answer);
      answered.count();
    });
    REQUIRE(answered.reaches(1));
    return result;
  }
};

UnixUs created_at(const CommandAnswer& answer) {
  REQUIRE(std::holds_alternative<CommandOutcome>(answer));
  return std::get<CommandOutcome>(answer).view.payment->created_at_us;
}

}  // namespace

TEST_CASE_METHOD(Bench,
                 "after a clock was set back two hours timers go on, and lists keep their order") {
  start();
  const UnixUs first_us = created_at(create("order-1"));
  runtime.reset();
  wall.set_by_us = -two_hours_us;
  start();
  // Its first question is due two seconds after it was made.
  CHECK(channel.queries.reaches(1));
  CHECK(created_at(create("order-2")) >= first_us);
  const std::string metrics = runtime->metrics_text();
  CHECK(metrics.find("welkin_clock_steps_total{direction=\"back\"} 1") != std::string::npos);
  CHECK(metrics.find("welkin_clock_ahead_seconds 7") != std::string::npos);
  CHECK(runtime->readiness().ready);
}

TEST_CASE_METHOD(Bench, "a part that fails turns the node not ready, and it asks to be stopped") {
  start();
  REQUIRE(runtime->readiness().ready);
  Counted ended;
  runtime->when_ended([&ended] { ended.count(); });
  wall.is_broken = true;
  CHECK(ended.reaches(1));
  CHECK(runtime->end_reason() == "part_failed");
  CHECK_FALSE(runtime->readiness().ready);
  CHECK(runtime->readiness().reason == "part_failed");
  const auto refused = create("order-1");
  REQUIRE(std::holds_alternative<Problem>(refused));
  CHECK(std::get<Problem>(refused).code == ProblemCode::store_unavailable);
}

TEST_CASE_METHOD(Bench,
                 "a node that was fenced turns not ready, answers nothing and asks to be stopped") {
  start();
  REQUIRE(std::holds_alternative<CommandOutcome>(create("order-0")));
  Counted ended;
  runtime->when_ended([&ended] { ended.count(); });
  REQUIRE(!error_of(store->claim_epochs(4)));
  const auto refused = create("order-1");
  REQUIRE(std::holds_alternative<Problem>(refused));
  CHECK(std::get<Problem>(refused).code == ProblemCode::shard_moved);
  CHECK(ended.reaches(1));
  CHECK(runtime->readiness().reason == "fenced");
  CHECK(std::get<Problem>(create("order-1")).code == ProblemCode::shard_moved);
  // What it has in memory may be another's by now.
  const PaymentId known = payment_id_of("m_1", "order-0");
  std::vector<ProblemCode> codes;
  const auto note = [&codes](const auto& found) {
    const auto* problem = std::get_if<Problem>(&found);
    codes.push_back(problem ? problem->code : ProblemCode::internal);
  };
  runtime->find(known, note);
  runtime->events(known, note);
  runtime->list({}, note);
  runtime->replay({"", known, 1}, note);
  CHECK(codes == std::vector<ProblemCode>(4, ProblemCode::shard_moved));
}
