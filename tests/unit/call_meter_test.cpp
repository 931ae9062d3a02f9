// Which calls a breaker lets through, and what it counts of them.
#include "protocol/breaker/call_meter.hpp"

#include <catch2/catch.hpp>

using namespace welkin;

namespace {

using S = BreakerState;

constexpr UnixUs start_us = 1'767'225'600 * us_per_s;
constexpr CallOutcome good{CallHealth::success, 100 * us_per_ms};
constexpr CallOutcome bad{CallHealth::failure, 100 * us_per_ms};
constexpr CallOutcome not_made{CallHealth::not_made, 100 * us_per_ms};

struct Meter {
  explicit Meter(BreakerConfig with = {}) : config(with), meter(with) { come_to(S::closed); }

  void come_to(S state) {
    breaker.account = "a";
    breaker.state = state;
    breaker.since_us = now_us;
    meter.begin();
  }
  std::optional<CallPermit> admit() { return meter.admit(breaker, now_us); }
  bool take(const CallPermit& permit, CallOutcome outcome) {
    return meter.take(breaker, permit, outcome, now_us);
  }
  void calls(int count, CallOutcome outcome) {
    for (int i = 0; i < count; ++i) take(*admit(), outcome);
  }
  // "calls/failures/slow"
  std::string figures() {
    const BreakerFigures& f = meter.figures(breaker, now_us);
    return std::to_string(f.calls) + "/" + std::to_string(f.failures) + "/" +
           std::to_string(f.slow);
  }

  BreakerConfig config;
  CallMeter meter;
  Breaker breaker;
  UnixUs now_us = start_us;
};

}  // namespace

TEST_CASE("failures and slow calls are counted, refusals are successes, what was not made is not") {
  Meter m;
  m.calls(3, good);
  m.calls(2, bad);
  m.calls(4, not_made);
  m.calls(1, {CallHealth::success, 3 * us_per_s});
  m.calls(1, {CallHealth::success, 3 * us_per_s + 1});
  m.calls(1, {CallHealth::failure, 5 * us_per_s});
  CHECK(m.figures() == "8/3/2");
}

TEST_CASE("the window of time lets go of what is older than it") {
  Meter m;
  m.calls(5, bad);
  m.now_us += 10 * us_per_s;
  m.calls(3, good);
  CHECK(m.figures() == "8/5/0");
  m.now_us = start_us + 19 * us_per_s;
  CHECK(m.figures() == "8/5/0");
  m.now_us = start_us + 20 * us_per_s;
  CHECK(m.figures() == "3/0/0");
  m.now_us = start_us + 31 * us_per_s;
  CHECK(m.figures() == "0/0/0");
  m.calls(1, bad);
  m.now_us += 3'600 * us_per_s;
  CHECK(m.figures() == "0/0/0");
}

TEST_CASE("a clock that goes back a little counts on, and one set far back counts afresh") {
  Meter m;
  m.calls(2, bad);
  m.now_us -= 2 * us_per_s;
  m.calls(1, bad);
  CHECK(m.figures() == "3/3/0");
  m.now_us -= 3'600 * us_per_s;
  m.calls(1, good);
  CHECK(m.figures() == "1/0/0");
}

TEST_CASE("the window agrees with a plain list of what happened, whatever the steps of time") {
  Meter m;
  std::uint32_t dice = 7;
  const auto next = [&dice] { return dice = dice * 1'664'525 + 1'013'904'223; };
  struct Past {
    std::int64_t bucket;
    bool failed;
  };
  std::vector<Past> past;
  for (int i = 0; i < 5'000; ++i) {
    m.now_us += static_cast<UnixUs>(next() % 900'000);
    const bool failed = next() % 3 == 0;
    m.take(*m.admit(), failed ? bad : good);
    const std::int64_t bucket = m.now_us / us_per_s;
    past.push_back({bucket, failed});
    int calls = 0;
    int failures = 0;
    for (const Past& one : past) {
      if (one.bucket <= bucket - 20) continue;
      ++calls;
      failures += one.failed ? 1 : 0;
    }
    if (m.figures() != std::to_string(calls) + "/" + std::to_string(failures) + "/0")
      FAIL("after " << i << ": " << m.figures());
  }
}

TEST_CASE("the window of calls holds the last so many, however old") {
  BreakerConfig config;
  config.window = WindowKind::calls;
  config.window_calls = 10;
  config.minimum_calls = 5;
  Meter m(config);
  m.calls(6, bad);
  m.calls(4, good);
  m.now_us += 86'400 * us_per_s;
  CHECK(m.figures() == "10/6/0");
  m.calls(3, good);
  CHECK(m.figures() == "10/3/0");
  m.calls(3, {CallHealth::success, 4 * us_per_s});
  CHECK(m.figures() == "10/0/3");
  m.calls(10, good);
  CHECK(m.figures() == "10/0/0");
}

TEST_CASE("closed and disabled let every call through, open and forced open none") {
  Meter m;
  for (const S state : {S::closed, S::disabled}) {
    m.come_to(state);
    for (int i = 0; i < 100; ++i) {
      const auto permit = m.admit();
      REQUIRE(permit);
      CHECK_FALSE(permit->probe);
    }
  }
  for (const S state : {S::open, S::forced_open}) {
    m.come_to(state);
    for (int i = 0; i < 100; ++i) CHECK_FALSE(m.admit());
  }
}

TEST_CASE("a disabled breaker counts nothing, before or after it is released") {
  Meter m;
  m.come_to(S::disabled);
  const auto early = m.admit();
  m.calls(50, bad);
  CHECK(m.figures() == "0/0/0");
  m.come_to(S::closed);
  CHECK_FALSE(m.take(*early, bad));
  CHECK(m.figures() == "0/0/0");
}

TEST_CASE("half-open lets its probes through and not one more, until it has decided") {
  Meter m;
  m.come_to(S::half_open);
  std::vector<CallPermit> probes;
  for (int i = 0; i < 5; ++i) {
    const auto permit = m.admit();
    REQUIRE(permit);
    CHECK(permit->probe);
    probes.push_back(*permit);
  }
  for (int i = 0; i < 20; ++i) CHECK_FALSE(m.admit());
  for (const CallPermit& probe : probes) {
    CHECK(m.take(probe, good));
    CHECK_FALSE(m.admit());  // what came back makes no room
  }
  CHECK(m.figures() == "5/0/0");
  CHECK_FALSE(m.take(probes[0], good));  // and counts once
  CHECK(m.figures() == "5/0/0");
}

TEST_CASE("a probe that was not made gives its place to another") {
  Meter m;
  m.come_to(S::half_open);
  const auto first = m.admit();
  for (int i = 0; i < 4; ++i) m.admit();
  CHECK_FALSE(m.admit());
  CHECK_FALSE(m.take(*first, not_made));
  CHECK(m.figures() == "0/0/0");
  CHECK(m.admit());
  CHECK_FALSE(m.admit());
}

TEST_CASE("a probe that never comes back is given up after a minute") {
  Meter m;
  m.come_to(S::half_open);
  const auto lost = m.admit();
  for (int i = 0; i < 4; ++i) m.take(*m.admit(), good);
  m.now_us += 60 * us_per_s - 1;
  CHECK_FALSE(m.admit());
  m.now_us += 1;
  const auto another = m.admit();
  REQUIRE(another);
  CHECK_FALSE(m.take(*lost, bad));  // too late to count
  CHECK(m.take(*another, good));
  CHECK(m.figures() == "5/0/0");
}

TEST_CASE("an outcome of a call of before the last change says nothing about the present state") {
  Meter m;
  const auto of_closed = m.admit();
  m.come_to(S::open);
  CHECK_FALSE(m.take(*of_closed, bad));
  m.come_to(S::half_open);
  CHECK_FALSE(m.take(*of_closed, bad));
  const auto of_half_open = m.admit();
  m.come_to(S::recovering);
  CHECK_FALSE(m.take(*of_half_open, bad));
  CHECK(m.figures() == "0/0/0");
  // Nor does one that was never given, as after a restart.
  CHECK_FALSE(m.take({999, false}, bad));
  CHECK(m.figures() == "0/0/0");
}

TEST_CASE("recovering lets the growing share through, evenly and the same way every time") {
  const auto admitted = [](UnixUs after_us, int asked) {
    Meter m;
    m.come_to(S::recovering);
    m.now_us += after_us;
    int through = 0;
    for (int i = 0; i < asked; ++i) through += m.admit() ? 1 : 0;
    return through;
  };
  CHECK(admitted(0, 1) == 1);  // the first goes through, so that a quiet account recovers too
  CHECK(admitted(0, 1'000) == 100);
  CHECK(admitted(5 * us_per_s, 1'000) == 550);
  CHECK(admitted(10 * us_per_s, 1'000) == 1'000);
  Meter one;
  Meter other;
  for (Meter* m : {&one, &other}) m->come_to(S::recovering);
  for (int i = 0; i < 500; ++i) {
    one.now_us += 20 * us_per_ms;
    other.now_us += 20 * us_per_ms;
    CHECK(one.admit().has_value() == other.admit().has_value());
  }
}
