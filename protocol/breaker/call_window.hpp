// The calls a breaker judges: those of the last while, or the last so many. Its memory is fixed,
// and adding one costs the same however many there are.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "protocol/breaker/config.hpp"
#include "protocol/breaker/event.hpp"
#include "protocol/ids.hpp"

namespace welkin {

class CallWindow {
 public:
  explicit CallWindow(const BreakerConfig& config);

  void clear();
  void add(bool failed, bool slow, UnixUs now_us);
  // Lets go of what is older than the window. What is in it is kept in twentieths of the window, so
  // that the oldest may be up to a twentieth too young to leave.
  void advance(UnixUs now_us);
  const BreakerFigures& figures() const { return sum_; }

 private:
  void count(const BreakerFigures& what, int sign);
  void add_to_ring(const BreakerFigures& one);

  static constexpr std::int64_t bucket_count = 20;
  const WindowKind kind_;
  const UnixUs bucket_us_;
  BreakerFigures sum_;

  std::array<BreakerFigures, bucket_count> buckets_{};
  std::int64_t newest_ = 0;  // the number of the bucket that is filled now

  struct Mark {
    bool failed = false;
    bool slow = false;
  };
  std::vector<Mark> ring_;  // of window_calls, when the last so many are judged
  std::size_t next_ = 0;
};

}  // namespace welkin
