// The clock of events and timers (protocol/time_line.hpp): read by every actor, often, and so
// without a lock. Somebody has to look at the wall now and then.
#pragma once

#include <atomic>
#include <functional>

#include "actors/metrics.hpp"
#include "actors/wall_clock.hpp"
#include "persistence/journal_store.hpp"
#include "protocol/time_line.hpp"

namespace welkin {

class SystemClock final : public WallClock {
 public:
  UnixUs now_us() const override;
};

// The time of the journal's newest events, 0 when there are none.
StoreResult<UnixUs> last_event_time(const JournalStore& store);

class JournalClock final : public WallClock {
 public:
  using Steady = UnixUs (*)();
  static UnixUs steady_now_us();

  JournalClock(const WallClock& wall, UnixUs last_event_us, RuntimeMetrics& metrics,
               Steady steady = steady_now_us);

  // Any thread. What one thread has seen, none sees an earlier time than.
  UnixUs now_us() const override;

  // One thread at a time, some times a second: follows the wall, and logs and counts its steps.
  void look();

 private:
  void follow(const ClockLook& look);

  const WallClock& wall_;
  const Steady steady_;
  RuntimeMetrics& metrics_;
  ClockLook last_;  // of the thread that looks
  // `last_.line` for those that read: odd while it is being changed.
  std::atomic<std::uint64_t> version_{0};
  std::atomic<UnixUs> base_us_{0};
  std::atomic<UnixUs> steady_base_us_{0};
  std::atomic<bool> is_slow_{false};
};

}  // namespace welkin
