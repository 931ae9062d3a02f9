// The journal's time: it follows the wall's clock and never runs backwards. What has happened has
// happened, so a wall that was set back does not undo it: time goes on from where it stood, by the
// steady clock and a little slower, until the wall has caught up.
#pragma once

#include "protocol/ids.hpp"

namespace welkin {

// While it is ahead of the wall, one part in so many is left out: two hours are gone after 32, and
// a timer is late by as little meanwhile.
constexpr UnixUs slowed_down_by = 16;
// The wall may be adjusted by less without being said to have been set.
constexpr UnixUs least_step_us = us_per_s;

struct TimeLine {
  UnixUs base_us = 0;         // the journal's time when …
  UnixUs steady_base_us = 0;  // … the steady clock showed this
  bool is_slow = false;

  UnixUs at(UnixUs steady_us) const {
    const UnixUs passed_us = steady_us - steady_base_us;
    return base_us + passed_us - (is_slow ? passed_us / slowed_down_by : 0);
  }
};

// What the clocks show at one moment, and how time goes on from it.
struct ClockLook {
  UnixUs wall_us = 0;
  UnixUs steady_us = 0;
  TimeLine line;
  UnixUs ahead_us = 0;  // of the wall
  UnixUs step_us = 0;   // by which the wall was set since the look before; 0: it was not
};

inline ClockLook look_at_clocks(UnixUs wall_us, UnixUs steady_us, UnixUs not_before_us) {
  ClockLook look{wall_us, steady_us, {}, 0, 0};
  const UnixUs now_us = wall_us > not_before_us ? wall_us : not_before_us;
  look.ahead_us = now_us - wall_us;
  look.line = {now_us, steady_us, look.ahead_us > 0};
  return look;
}

// The first look: `last_event_us` is the journal's newest, 0 when it is empty.
inline ClockLook begin_time(UnixUs wall_us, UnixUs steady_us, UnixUs last_event_us) {
  ClockLook look = look_at_clocks(wall_us, steady_us, last_event_us);
  if (look.ahead_us >= least_step_us) look.step_us = -look.ahead_us;
  return look;
}

inline ClockLook look_again(const ClockLook& before, UnixUs wall_us, UnixUs steady_us) {
  ClockLook look = look_at_clocks(wall_us, steady_us, before.line.at(steady_us));
  const UnixUs step_us = (wall_us - before.wall_us) - (steady_us - before.steady_us);
  if (step_us >= least_step_us || step_us <= -least_step_us) look.step_us = step_us;
  return look;
}

}  // namespace welkin
