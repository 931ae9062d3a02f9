// What counted calls, the passing of time and operators ask of a circuit breaker.
#include <catch2/catch.hpp>

#include "protocol/breaker/breaker.hpp"

using namespace welkin;

namespace {

using S = BreakerState;

constexpr UnixUs start_us = 1'767'225'600 * us_per_s;
const BreakerConfig config;

Breaker in_state(S state, int trips = 0, UnixUs since_us = start_us) {
  Breaker breaker;
  breaker.account = "a";
  breaker.state = state;
  breaker.since_us = since_us;
  breaker.trips = trips;
  if (state == S::open) breaker.open_until_us = since_us + 10 * us_per_s;
  return breaker;
}

// "opened failures 1 +10s", "recovering" … and "" for nothing.
std::string asked(const std::optional<BreakerEvent>& event, UnixUs now_us) {
  if (!event) return "";
  std::string text(name_of(kind_of(*event)).substr(8));
  if (const auto* opened = std::get_if<BreakerOpened>(&*event))
    text += " " + std::string(name_of(opened->cause)) + " " + std::to_string(opened->trips) + " +" +
            std::to_string((opened->open_until_us - now_us) / us_per_s) + "s";
  return text;
}

std::string outcome(S state, BreakerFigures figures, int trips = 0) {
  const Breaker breaker = in_state(state, trips);
  const UnixUs now_us = start_us + us_per_s;
  return asked(decide_outcome(breaker, "a", config, figures, now_us), now_us);
}

}  // namespace

TEST_CASE("a closed breaker opens at half failures or four fifths slow calls of twenty or more") {
  struct Row {
    BreakerFigures figures;
    const char* asks_for;
  };
  const Row rows[] = {
      {{0, 0, 0}, ""},
      {{19, 19, 19}, ""},
      {{20, 9, 0}, ""},
      {{20, 10, 0}, "opened failures 1 +10s"},
      {{20, 20, 0}, "opened failures 1 +10s"},
      {{21, 10, 0}, ""},
      {{20, 0, 15}, ""},
      {{20, 0, 16}, "opened slow_calls 1 +10s"},
      {{20, 9, 16}, "opened slow_calls 1 +10s"},
      {{20, 10, 16}, "opened failures 1 +10s"},
      {{2'000'000'000, 999'999'999, 0}, ""},
      {{2'000'000'000, 1'000'000'000, 0}, "opened failures 1 +10s"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.figures.calls, row.figures.failures, row.figures.slow);
    CHECK(outcome(S::closed, row.figures) == row.asks_for);
  }
}

TEST_CASE("half-open is decided by its probes: lost as soon as it must be, won by all of them") {
  struct Row {
    BreakerFigures figures;
    const char* asks_for;
  };
  const Row rows[] = {
      {{0, 0, 0}, ""},
      {{1, 1, 0}, ""},
      {{2, 2, 0}, ""},
      {{3, 3, 0}, "opened failures 2 +20s"},  // of five, whatever the other two say
      {{4, 0, 0}, ""},
      {{5, 0, 0}, "recovering"},
      {{5, 2, 0}, "recovering"},
      {{5, 3, 0}, "opened failures 2 +20s"},
      {{4, 0, 3}, ""},
      {{4, 0, 4}, "opened slow_calls 2 +20s"},
      {{5, 0, 3}, "recovering"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.figures.calls, row.figures.failures, row.figures.slow);
    CHECK(outcome(S::half_open, row.figures, 1) == row.asks_for);
  }
}

TEST_CASE("a recovery that goes wrong opens again, on as many calls as there were probes") {
  CHECK(outcome(S::recovering, {4, 4, 4}, 1) == "");
  CHECK(outcome(S::recovering, {5, 2, 0}, 1) == "");
  CHECK(outcome(S::recovering, {5, 3, 0}, 1) == "opened failures 2 +20s");
  CHECK(outcome(S::recovering, {5, 0, 4}, 2) == "opened slow_calls 3 +40s");
}

TEST_CASE("what is open or in an operator's hands is moved by no outcome") {
  for (const S state : {S::open, S::forced_open, S::disabled}) {
    CAPTURE(name_of(state));
    CHECK(outcome(state, {1'000, 1'000, 1'000}) == "");
  }
}

TEST_CASE("each trip in a row keeps it open for longer, up to the bound") {
  CHECK(open_time_ms(config, 1) == 10'000);
  CHECK(open_time_ms(config, 2) == 20'000);
  CHECK(open_time_ms(config, 3) == 40'000);
  CHECK(open_time_ms(config, 5) == 160'000);
  CHECK(open_time_ms(config, 6) == 300'000);
  CHECK(open_time_ms(config, 1'000'000) == 300'000);
  BreakerConfig steady = config;
  steady.open_growth_percent = 100;
  CHECK(open_time_ms(steady, 1'000'000) == 10'000);
  BreakerConfig tiny = config;
  tiny.open_ms = 1;
  tiny.open_growth_percent = 101;
  CHECK(open_time_ms(tiny, 3) == 3);
}

TEST_CASE("trips are forgotten after ten minutes of being closed, and only then") {
  const UnixUs forget_us = 600 * us_per_s;
  const Breaker closed = in_state(S::closed, 3);
  CHECK(trips_at(closed, config, start_us + forget_us - 1) == 3);
  CHECK(trips_at(closed, config, start_us + forget_us) == 0);
  CHECK(trips_at(in_state(S::recovering, 3), config, start_us + forget_us) == 3);
  const BreakerFigures bad{20, 20, 0};
  const UnixUs soon_us = start_us + us_per_s;
  CHECK(asked(decide_outcome(closed, "a", config, bad, soon_us), soon_us) ==
        "opened failures 4 +80s");
  const UnixUs late_us = start_us + forget_us;
  CHECK(asked(decide_outcome(closed, "a", config, bad, late_us), late_us) ==
        "opened failures 1 +10s");
}

TEST_CASE("time asks an open breaker to try again and a recovering one to be done") {
  const auto due = [](S state, UnixUs after_us) {
    const UnixUs now_us = start_us + after_us;
    return asked(decide_due(in_state(state, 1), "a", config, {}, now_us), now_us);
  };
  CHECK(due(S::open, 10 * us_per_s - 1) == "");
  CHECK(due(S::open, 10 * us_per_s) == "half_opened");
  CHECK(due(S::recovering, 10 * us_per_s - 1) == "");
  CHECK(due(S::recovering, 10 * us_per_s) == "closed");
  for (const S state : {S::closed, S::half_open, S::forced_open, S::disabled}) {
    CAPTURE(name_of(state));
    CHECK(due(state, 365LL * 86'400 * us_per_s) == "");
    CHECK(due_at_us(in_state(state), config) == 0);
  }
  CHECK(due_at_us(in_state(S::open), config) == start_us + 10 * us_per_s);
  CHECK(due_at_us(in_state(S::recovering), config) == start_us + 10 * us_per_s);
}

TEST_CASE("a clock that was set back keeps no breaker open for as long") {
  const Breaker open = in_state(S::open, 1);
  CHECK_FALSE(decide_due(open, "a", config, {}, start_us - 60 * us_per_s));
  CHECK(decide_due(open, "a", config, {}, start_us - 3'600 * us_per_s));
  // And what opens then is still open for its whole time, after what was recorded before.
  const auto event =
      decide_outcome(in_state(S::closed), "a", config, {20, 20, 0}, start_us - us_per_s);
  REQUIRE(event);
  CHECK(std::get<BreakerOpened>(*event).open_until_us == start_us + 10 * us_per_s);
}

TEST_CASE("operators force open, disable and release, and what is so already stays unrecorded") {
  struct Row {
    S state;
    BreakerAction action;
    const char* decision;
  };
  using A = BreakerAction;
  const Row rows[] = {
      {S::closed, A::force_open, "breaker_forced_open"},
      {S::open, A::force_open, "breaker_forced_open"},
      {S::half_open, A::force_open, "breaker_forced_open"},
      {S::recovering, A::force_open, "breaker_forced_open"},
      {S::forced_open, A::force_open, "so"},
      {S::disabled, A::force_open, "breaker_forced_open"},
      {S::closed, A::disable, "breaker_disabled"},
      {S::open, A::disable, "breaker_disabled"},
      {S::half_open, A::disable, "breaker_disabled"},
      {S::recovering, A::disable, "breaker_disabled"},
      {S::forced_open, A::disable, "breaker_disabled"},
      {S::disabled, A::disable, "so"},
      {S::closed, A::release, "illegal_transition /action"},
      {S::open, A::release, "illegal_transition /action"},
      {S::half_open, A::release, "illegal_transition /action"},
      {S::recovering, A::release, "illegal_transition /action"},
      {S::forced_open, A::release, "breaker_released"},
      {S::disabled, A::release, "breaker_released"},
  };
  REQUIRE(std::size(rows) == breaker_state_count * 3);
  for (const Row& row : rows) {
    CAPTURE(name_of(row.state), name_of(row.action));
    Breaker breaker = in_state(row.state);
    const BreakerDecision decision =
        decide(breaker, "a", {row.action, "operator", "why not", "req_1"});
    if (const auto* problem = std::get_if<Problem>(&decision)) {
      CHECK(std::string(spec_of(problem->code).name) + " " + problem->field == row.decision);
    } else if (const auto* event = std::get_if<BreakerEvent>(&decision)) {
      CHECK(name_of(kind_of(*event)) == row.decision);
      REQUIRE(apply(breaker, *event, start_us));
      CHECK(breaker.by == "operator");
      CHECK(breaker.reason == "why not");
    } else {
      CHECK(std::string("so") == row.decision);
    }
  }
}

TEST_CASE("a breaker that is released begins anew: its earlier trips count no more") {
  Breaker breaker = in_state(S::open, 7);
  REQUIRE(apply(breaker, BreakerForcedOpen{"a", "operator", "look"}, start_us + 1));
  CHECK(breaker.open_until_us == 0);
  CHECK(breaker.trips == 7);
  REQUIRE(apply(breaker, BreakerReleased{"a", "operator", "seen"}, start_us + 2));
  CHECK(breaker.state == S::half_open);
  CHECK(breaker.trips == 0);
}

TEST_CASE("whatever the rules ask for may be applied, from every state and with any figures") {
  for (std::size_t s = 0; s < breaker_state_count; ++s)
    for (int calls = 0; calls <= 25; ++calls)
      for (int failures = 0; failures <= calls; ++failures)
        for (const int slow : {0, calls})
          for (const UnixUs after_us : {UnixUs{-5'000'000}, UnixUs{0}, 15 * us_per_s}) {
            const Breaker before = in_state(static_cast<S>(s), 2);
            const UnixUs now_us = start_us + after_us;
            const BreakerFigures figures{calls, failures, slow};
            for (const auto& event : {decide_outcome(before, "a", config, figures, now_us),
                                      decide_due(before, "a", config, figures, now_us)}) {
              if (!event) continue;
              Breaker breaker = before;
              std::string problem;
              if (!apply(breaker, *event, std::max(now_us, before.since_us), &problem))
                FAIL(name_of(before.state) << " " << problem);
            }
          }
}

TEST_CASE("the share that goes through grows evenly from the start of the ramp to its end") {
  const Breaker breaker = in_state(S::recovering);
  const auto percent = [&](UnixUs after_us) {
    return ramp_percent(breaker, config, start_us + after_us);
  };
  CHECK(percent(-us_per_s) == 10);
  CHECK(percent(0) == 10);
  CHECK(percent(5 * us_per_s) == 55);
  CHECK(percent(10 * us_per_s - 1) == 99);
  CHECK(percent(10 * us_per_s) == 100);
  CHECK(percent(60 * us_per_s) == 100);
  BreakerConfig at_once = config;
  at_once.ramp_ms = 0;
  CHECK(ramp_percent(breaker, at_once, start_us) == 100);
}

TEST_CASE("a trip is told in words") {
  CHECK(words_of(TripCause::failures, {20, 12, 3}) == "12 of 20 calls failed");
  CHECK(words_of(TripCause::slow_calls, {20, 12, 17}) == "17 of 20 calls were slow");
}

TEST_CASE("the default configuration is sound, and each value out of its bounds is named") {
  CHECK(check(BreakerConfig{}).empty());
  struct Row {
    const char* field;
    void (*bend)(BreakerConfig&);
  };
  const Row rows[] = {
      {"window_ms", [](BreakerConfig& c) { c.window_ms = 99; }},
      {"window_calls", [](BreakerConfig& c) { c.window_calls = 0; }},
      {"minimum_calls", [](BreakerConfig& c) { c.minimum_calls = 0; }},
      {"failure_percent", [](BreakerConfig& c) { c.failure_percent = 0; }},
      {"failure_percent", [](BreakerConfig& c) { c.failure_percent = 101; }},
      {"slow_percent", [](BreakerConfig& c) { c.slow_percent = 0; }},
      {"slow_call_ms", [](BreakerConfig& c) { c.slow_call_ms = 0; }},
      {"open_ms", [](BreakerConfig& c) { c.open_ms = 0; }},
      {"open_growth_percent", [](BreakerConfig& c) { c.open_growth_percent = 99; }},
      {"max_open_ms", [](BreakerConfig& c) { c.max_open_ms = c.open_ms - 1; }},
      {"forget_trips_ms", [](BreakerConfig& c) { c.forget_trips_ms = 0; }},
      {"probes", [](BreakerConfig& c) { c.probes = 0; }},
      {"probe_patience_ms", [](BreakerConfig& c) { c.probe_patience_ms = 0; }},
      {"ramp_ms", [](BreakerConfig& c) { c.ramp_ms = -1; }},
      {"ramp_start_percent", [](BreakerConfig& c) { c.ramp_start_percent = 0; }},
      {"minimum_calls",
       [](BreakerConfig& c) {
         c.window = WindowKind::calls;
         c.window_calls = 10;
         c.minimum_calls = 11;
       }},
  };
  for (const Row& row : rows) {
    BreakerConfig bent;
    row.bend(bent);
    CAPTURE(row.field);
    const auto faults = check(bent);
    REQUIRE(faults.size() == 1);
    CHECK(faults.front().field == row.field);
  }
}
