#include "protocol/breaker/call_window.hpp"

#include <algorithm>

namespace welkin {

CallWindow::CallWindow(const BreakerConfig& config)
    : kind_(config.window),
      bucket_us_(std::max<UnixUs>(1, config.window_ms * us_per_ms / bucket_count)),
      ring_(kind_ == WindowKind::calls ? static_cast<std::size_t>(config.window_calls) : 0) {}

void CallWindow::clear() {
  sum_ = {};
  buckets_.fill({});
  next_ = 0;
}

void CallWindow::count(const BreakerFigures& what, int sign) {
  sum_.calls += sign * what.calls;
  sum_.failures += sign * what.failures;
  sum_.slow += sign * what.slow;
}

void CallWindow::add(bool failed, bool slow, UnixUs now_us) {
  const BreakerFigures one{1, failed ? 1 : 0, slow ? 1 : 0};
  if (kind_ == WindowKind::calls) return add_to_ring(one);
  advance(now_us);
  BreakerFigures& bucket = buckets_[static_cast<std::size_t>(newest_ % bucket_count)];
  bucket.calls += one.calls;
  bucket.failures += one.failures;
  bucket.slow += one.slow;
  count(one, 1);
}

void CallWindow::add_to_ring(const BreakerFigures& one) {
  Mark& mark = ring_[next_];
  if (static_cast<std::size_t>(sum_.calls) == ring_.size())
    count({1, mark.failed ? 1 : 0, mark.slow ? 1 : 0}, -1);
  mark = {one.failures > 0, one.slow > 0};
  next_ = (next_ + 1) % ring_.size();
  count(one, 1);
}

void CallWindow::advance(UnixUs now_us) {
  if (kind_ == WindowKind::calls) return;
  const std::int64_t number = now_us / bucket_us_;
  // A clock that was set far back would keep what was counted for as long.
  if (number >= newest_ + bucket_count || number < newest_ - bucket_count) {
    clear();
    newest_ = number;
    return;
  }
  for (; newest_ < number;) {
    BreakerFigures& oldest = buckets_[static_cast<std::size_t>(++newest_ % bucket_count)];
    count(oldest, -1);
    oldest = {};
  }
}

}  // namespace welkin
