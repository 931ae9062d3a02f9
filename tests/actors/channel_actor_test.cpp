// The channel's actor between breaker and port: its bound, its repetitions, and who hears of what.
#include "actors/channel_actor.hpp"

#include <spdlog/spdlog.h>

#include <caf/all.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <catch2/catch.hpp>

#include "tests/support/channel_calls.hpp"
#include "tests/support/fake_edges.hpp"

using namespace welkin;
using F = CallFate;
using Op = ChannelOperation;
using V = ChannelVerdict;

namespace {

struct SteppedConfig : caf::actor_system_config {
  SteppedConfig() { set("scheduler.policy", caf::atom("testing")); }
};

// A port that waits until the test says how far each try came, and one that has upkeep to do.
class WaitingPort : public ScriptedChannel {
 public:
  void end_try(F fate, V verdict = V::unknown, const std::string& code = "code") {
    answer(verdict, [&](ChannelReport& report) {
      report.fate = fate;
      report.code = code;
    });
  }
  bool needs_upkeep() const override { return has_upkeep; }
  void upkeep() override { ++upkeeps; }
  bool has_upkeep = false;
  int upkeeps = 0;
};

struct Outcome {
  std::uint64_t permit = 0;
  CallHealth health = CallHealth::success;
  UnixUs duration_us = 0;
};

// A channel's actor alone, with a breaker that counts and a shard that keeps reports.
class Bench {
 public:
  explicit Bench(ChannelActorOptions options = {}, bool has_upkeep = false) {
    spdlog::set_level(spdlog::level::off);
    port.has_upkeep = has_upkeep;
    context_->clock = &clock;
    context_->metrics = &metrics;
    context_->shards.push_back(system_.spawn([this](caf::event_based_actor*) -> caf::behavior {
      return {[this](report_atom, const ReportRequestPtr& request) { reports.push_back(request); }};
    }));
    channel_ = system_.spawn<ChannelActor>(context_, port, std::move(options));
    breaker_ = system_.spawn([this](caf::event_based_actor* self) -> caf::behavior {
      return {
          [this, self](call_atom, const ChannelCallPtr& call) {
            CallPermit permit;
            permit.number = ++permits_;
            self->send(channel_, call_atom::value, call, permit);
          },
          [this](outcome_atom, const CallPermit& permit, const CallOutcome& outcome) {
            outcomes.push_back({permit.number, outcome.health, outcome.duration_us});
          },
      };
    });
    run();
  }
  ~Bench() {
    caf::anon_send(channel_, stop_atom::value);
    for (const caf::actor& actor : {breaker_, context_->shards[0]})
      caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
    port.forget();
    do run();
    while (scheduler_.trigger_timeouts() > 0 || scheduler_.has_job());
    channel_ = breaker_ = nullptr;
    context_->shards.clear();
  }

  void call(const ChannelCall& call, bool through_breaker = true) {
    caf::anon_send(through_breaker ? breaker_ : channel_, call_atom::value,
                   std::make_shared<const ChannelCall>(call));
    run();
  }
  void pass(UnixUs by_us) {
    clock.advance(by_us);
    scheduler_.advance_time(std::chrono::microseconds(by_us));
    run();
  }
  void run() { scheduler_.run(); }
  const ChannelReport& last() const { return reports.back()->report; }

 private:
  SteppedConfig config_;
  caf::actor_system system_{config_};
  caf::scheduler::test_coordinator& scheduler_ =
      dynamic_cast<caf::scheduler::test_coordinator&>(system_.scheduler());
  RuntimeContextPtr context_ = std::make_shared<RuntimeContext>();
  std::uint64_t permits_ = 0;
  caf::actor channel_;
  caf::actor breaker_;

 public:
  SetClock clock;
  RuntimeMetrics metrics;
  WaitingPort port;
  std::vector<ReportRequestPtr> reports;
  std::vector<Outcome> outcomes;
};

}  // namespace

TEST_CASE("the payment hears the report and the breaker how it went and how long it took") {
  Bench bench;
  bench.call(example_call(Op::create));
  bench.pass(300 * us_per_ms);
  CHECK(bench.reports.empty());
  bench.port.end_try(F::answered, V::refused, "NO_MONEY");
  bench.run();
  REQUIRE(bench.reports.size() == 1);
  CHECK(bench.last().verdict == V::refused);
  CHECK(bench.last().account == "sandbox");
  CHECK(bench.last().source == ReportSource::answer);
  REQUIRE(bench.outcomes.size() == 1);
  CHECK(bench.outcomes[0].permit == 1);
  CHECK(bench.outcomes[0].health == CallHealth::success);  // a definite no is an answer
  CHECK(bench.outcomes[0].duration_us == 300 * us_per_ms);
}

TEST_CASE("health is whether the channel spoke, not whether it said yes") {
  const auto health = [](F fate, V verdict) {
    ChannelActorOptions options;
    options.retry.max_tries = 1;
    Bench bench(options);
    bench.call(example_call(Op::create));
    bench.port.end_try(fate, verdict);
    bench.run();
    REQUIRE(bench.outcomes.size() == 1);
    return bench.outcomes[0].health;
  };
  CHECK(health(F::answered, V::accepted) == CallHealth::success);
  CHECK(health(F::answered, V::not_taken) == CallHealth::success);
  CHECK(health(F::answered, V::unknown) == CallHealth::success);
  CHECK(health(F::garbled, V::unknown) == CallHealth::failure);
  CHECK(health(F::unwell, V::not_taken) == CallHealth::failure);
  CHECK(health(F::no_answer, V::unknown) == CallHealth::failure);
  CHECK(health(F::not_sent, V::not_taken) == CallHealth::failure);
  CHECK(health(F::not_made, V::not_taken) == CallHealth::not_made);
}

TEST_CASE("a call without a breaker before it is made all the same") {
  Bench bench;
  bench.call(example_query(Op::create), /*through_breaker=*/false);
  bench.port.end_try(F::answered, V::paid);
  bench.run();
  REQUIRE(bench.reports.size() == 1);
  CHECK(bench.reports[0]->is_query);
  CHECK(bench.last().source == ReportSource::query);
  CHECK(bench.outcomes.empty());
}

TEST_CASE("beyond the bound a call is not taken, and the place of one that ended is free again") {
  ChannelActorOptions options;
  options.max_in_flight = 2;
  Bench bench(options);
  for (int i = 0; i < 3; ++i) bench.call(example_call(Op::create));
  CHECK(bench.port.waiting() == 2);
  REQUIRE(bench.reports.size() == 1);
  CHECK(bench.last().verdict == V::not_taken);
  CHECK(bench.last().code == "bulkhead_full");
  REQUIRE(bench.outcomes.size() == 1);
  CHECK(bench.outcomes[0].permit == 3);
  CHECK(bench.outcomes[0].health == CallHealth::not_made);

  bench.port.end_try(F::answered, V::accepted);
  bench.run();
  bench.call(example_call(Op::create));
  CHECK(bench.port.waiting() == 2);
  const AccountMetrics& metrics = bench.metrics.account("sandbox");
  CHECK(metrics.bulkhead_refusals.Value() == 1);
  CHECK(metrics.in_flight.Value() == 2);
  CHECK(metrics.calls.Value() == 4);
}

TEST_CASE("a query that got no answer is asked again after a wait, and its last report counts") {
  Bench bench;
  bench.call(example_query(Op::create));
  bench.port.end_try(F::no_answer);
  bench.run();
  CHECK(bench.reports.empty());
  CHECK(bench.port.waiting() == 0);
  bench.pass(49 * us_per_ms);  // nothing drawn: half of 100 ms
  CHECK(bench.port.waiting() == 0);
  bench.pass(us_per_ms);
  REQUIRE(bench.port.waiting() == 1);
  bench.port.end_try(F::unwell);
  bench.run();
  bench.pass(100 * us_per_ms);
  REQUIRE(bench.port.waiting() == 1);
  bench.port.end_try(F::no_answer, V::unknown, "third");
  bench.run();
  REQUIRE(bench.reports.size() == 1);
  CHECK(bench.last().code == "third");
  REQUIRE(bench.outcomes.size() == 1);  // one permit, one outcome
  CHECK(bench.outcomes[0].health == CallHealth::failure);
  CHECK(bench.outcomes[0].duration_us == 150 * us_per_ms);
  CHECK(bench.metrics.account("sandbox").retries.Value() == 2);
  CHECK(bench.metrics.account("sandbox").in_flight.Value() == 0);
}

TEST_CASE("a create that may have arrived is never sent twice") {
  for (const F fate : {F::no_answer, F::unwell, F::garbled}) {
    Bench bench;
    bench.call(example_call(Op::create));
    bench.port.end_try(fate);
    bench.run();
    bench.pass(10 * us_per_s);
    CHECK(bench.reports.size() == 1);
    CHECK(bench.port.calls.size() == 1);
  }
}

TEST_CASE("a create that was not sent is sent again, and a call that waits keeps its place") {
  ChannelActorOptions options;
  options.max_in_flight = 1;
  Bench bench(options);
  bench.call(example_call(Op::create));
  bench.port.end_try(F::not_sent, V::not_taken);
  bench.run();
  bench.call(example_call(Op::create));
  CHECK(bench.last().code == "bulkhead_full");
  bench.pass(50 * us_per_ms);
  REQUIRE(bench.port.waiting() == 1);
  bench.port.end_try(F::answered, V::accepted);
  bench.run();
  CHECK(bench.last().verdict == V::accepted);
}

TEST_CASE("no try begins that could not end before the payment asks by itself") {
  ChannelActorOptions options;
  options.retry.try_us = 5 * us_per_s;
  options.retry.deadline_us = 14 * us_per_s;
  Bench bench(options);
  bench.call(example_query(Op::create));
  bench.pass(5 * us_per_s);
  bench.port.end_try(F::no_answer);
  bench.run();
  bench.pass(us_per_s);
  REQUIRE(bench.port.waiting() == 1);
  bench.pass(4 * us_per_s);
  bench.port.end_try(F::no_answer);
  bench.run();
  CHECK(bench.reports.size() == 1);
}

TEST_CASE("waits are drawn from the source that is given") {
  ChannelActorOptions options;
  options.draw = [] { return std::uint64_t{10'000}; };  // of the 50 001 µs that are drawn from
  Bench bench(options);
  bench.call(example_query(Op::create));
  bench.port.end_try(F::no_answer);
  bench.run();
  bench.pass(59 * us_per_ms);
  CHECK(bench.port.waiting() == 0);
  bench.pass(us_per_ms);
  CHECK(bench.port.waiting() == 1);
}

TEST_CASE("an account that has upkeep to do is reminded at the start and every minute") {
  Bench bench({}, /*has_upkeep=*/true);
  CHECK(bench.port.upkeeps == 1);
  bench.pass(60 * us_per_s);
  bench.pass(60 * us_per_s);
  CHECK(bench.port.upkeeps == 3);
  Bench without;
  without.pass(60 * us_per_s);
  CHECK(without.port.upkeeps == 0);
}
