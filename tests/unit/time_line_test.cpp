// The journal's time against walls that are set.
#include "protocol/time_line.hpp"

#include <catch2/catch.hpp>

using namespace welkin;

namespace {

constexpr UnixUs noon_us = 1'767'225'600 * us_per_s;
constexpr UnixUs hour_us = 3'600 * us_per_s;
constexpr UnixUs steady_us = 5 * us_per_s;  // a boot ago

}  // namespace

TEST_CASE("the journal's time is the wall's while nobody sets it") {
  ClockLook look = begin_time(noon_us, steady_us, noon_us - hour_us);
  CHECK(look.step_us == 0);
  for (UnixUs passed_us = 0; passed_us < 10 * us_per_s; passed_us += 250 * us_per_ms) {
    // As a clock that is disciplined does, it runs a little fast.
    look = look_again(look, noon_us + passed_us + passed_us / 1'000, steady_us + passed_us);
    CHECK(look.step_us == 0);
    CHECK(look.ahead_us == 0);
    CHECK(look.line.at(steady_us + passed_us) == noon_us + passed_us + passed_us / 1'000);
  }
}

TEST_CASE("a start behind the journal goes on from the last event, and is told as a step back") {
  const ClockLook look = begin_time(noon_us - 2 * hour_us, steady_us, noon_us);
  CHECK(look.step_us == -2 * hour_us);
  CHECK(look.ahead_us == 2 * hour_us);
  CHECK(look.line.at(steady_us) == noon_us);
  CHECK(look.line.at(steady_us + 16 * us_per_s) == noon_us + 15 * us_per_s);
}

TEST_CASE("time goes on by the steady clock when the wall is set back, until it has caught up") {
  ClockLook look = begin_time(noon_us, steady_us, 0);
  UnixUs before_us = noon_us;
  UnixUs wall_us = noon_us - 2 * hour_us;
  int steps = 0;
  UnixUs caught_up_after_us = 0;
  for (UnixUs passed_us = 0; caught_up_after_us == 0 && passed_us < 40 * hour_us;) {
    passed_us += 10 * us_per_s;
    wall_us += 10 * us_per_s;
    look = look_again(look, wall_us, steady_us + passed_us);
    steps += look.step_us != 0 ? 1 : 0;
    const UnixUs now_us = look.line.at(steady_us + passed_us);
    // Timers go on: what is due in ten seconds is due then, or at most a sixteenth later.
    REQUIRE(now_us - before_us >= 10 * us_per_s * 15 / 16);
    REQUIRE(now_us - before_us <= 10 * us_per_s);
    before_us = now_us;
    if (look.ahead_us == 0) caught_up_after_us = passed_us;
  }
  CHECK(steps == 1);
  CHECK(caught_up_after_us > 31 * hour_us);
  CHECK(caught_up_after_us < 33 * hour_us);
}

TEST_CASE("a wall set forward is followed, and told") {
  const ClockLook before = begin_time(noon_us, steady_us, 0);
  const ClockLook after = look_again(before, noon_us + hour_us, steady_us + us_per_s);
  CHECK(after.step_us == hour_us - us_per_s);
  CHECK(after.line.at(steady_us + us_per_s) == noon_us + hour_us);
}
