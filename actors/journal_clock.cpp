#include "actors/journal_clock.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>

namespace welkin {
namespace {

// Writers that overtook each other may have left the newest time a few rows before the last.
constexpr std::uint64_t rows_looked_at = 100;

template <class Clock>
UnixUs now_of() {
  using std::chrono::microseconds;
  return std::chrono::duration_cast<microseconds>(Clock::now().time_since_epoch()).count();
}

}  // namespace

UnixUs SystemClock::now_us() const { return now_of<std::chrono::system_clock>(); }
UnixUs JournalClock::steady_now_us() { return now_of<std::chrono::steady_clock>(); }

StoreResult<UnixUs> last_event_time(const JournalStore& store) {
  auto stats = store.stats();
  if (const StoreError* error = error_of(stats)) return *error;
  const std::uint64_t last = std::get<StoreStats>(stats).last_position;
  auto read = store.read_all(last - std::min(last, rows_looked_at), rows_looked_at);
  if (const StoreError* error = error_of(read)) return *error;
  UnixUs newest_us = 0;
  for (const EventRow& row : std::get<std::vector<EventRow>>(read))
    newest_us = std::max(newest_us, row.at_us);
  return newest_us;
}

JournalClock::JournalClock(const WallClock& wall, UnixUs last_event_us, RuntimeMetrics& metrics,
                           Steady steady)
    : wall_(wall), steady_(steady), metrics_(metrics) {
  follow(begin_time(wall_.now_us(), steady_(), last_event_us));
}

// The steady clock is read before the line is found unchanged, so that no time is told that a newer
// line takes back.
UnixUs JournalClock::now_us() const {
  for (;;) {
    const std::uint64_t version = version_.load(std::memory_order_acquire);
    const TimeLine line{base_us_.load(std::memory_order_acquire),
                        steady_base_us_.load(std::memory_order_acquire),
                        is_slow_.load(std::memory_order_acquire)};
    const UnixUs steady_us = steady_();
    if (version % 2 == 0 && version_.load(std::memory_order_acquire) == version)
      return line.at(steady_us);
  }
}

void JournalClock::look() {
  const UnixUs wall_us = wall_.now_us();
  version_.fetch_add(1, std::memory_order_acq_rel);
  follow(look_again(last_, wall_us, steady_()));
}

void JournalClock::follow(const ClockLook& look) {
  base_us_.store(look.line.base_us, std::memory_order_release);
  steady_base_us_.store(look.line.steady_base_us, std::memory_order_release);
  is_slow_.store(look.line.is_slow, std::memory_order_release);
  if (version_.load(std::memory_order_relaxed) % 2 == 1)
    version_.fetch_add(1, std::memory_order_release);
  last_ = look;
  metrics_.clock_ahead.Set(static_cast<double>(look.ahead_us) / us_per_s);
  if (look.step_us == 0) return;
  (look.step_us < 0 ? metrics_.clock_set_back : metrics_.clock_set_forward).Increment();
  spdlog::warn("clock: it was set {} by {:.1f} s; the journal's time goes on, {:.1f} s ahead of it",
               look.step_us < 0 ? "back" : "forward",
               static_cast<double>(std::abs(look.step_us)) / us_per_s,
               static_cast<double>(look.ahead_us) / us_per_s);
}

}  // namespace welkin
