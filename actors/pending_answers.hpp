// Those who wait for a payment's answer without a thread: each leaves a function here under a token
// and is told by whichever thread has the answer. Whoever is not told in time hears that the
// outcome is unknown, which is the truth: the command may still be carried out.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <mutex>
#include <unordered_map>

#include "actors/messages.hpp"

namespace welkin {

class PendingAnswers final : public AnswerSink {
 public:
  using Clock = std::chrono::steady_clock;

  explicit PendingAnswers(Clock::duration timeout) : timeout_(timeout) {}

  // Where the answer about `payment` is to be sent.
  ReplyTo expect(const PaymentId& payment, Then<CommandAnswer> then);
  // Thread-safe. One that comes too late finds nobody and is dropped.
  void deliver(std::uint64_t token, CommandAnswer answer) override;

  // Tells those whose time is up at `now`.
  void expire(Clock::time_point now);
  // From now on nobody waits beyond `limit`.
  void wait_no_longer_than(Clock::time_point limit) { limit_ = limit; }

 private:
  struct Pending {
    PaymentId payment;
    Then<CommandAnswer> then;
  };
  // Sharded, for every command passes through here twice.
  struct Shard {
    std::mutex mutex;
    std::unordered_map<std::uint64_t, Pending> waiting;
    std::deque<std::pair<Clock::time_point, std::uint64_t>> by_deadline;  // oldest first
  };

  Shard& shard_of(std::uint64_t token) { return shards_[token % shards_.size()]; }
  std::deque<Pending> take_expired(Shard& shard, Clock::time_point now);

  const Clock::duration timeout_;
  std::atomic<Clock::time_point> limit_{Clock::time_point::max()};
  std::atomic<std::uint64_t> next_token_{1};
  std::array<Shard, 16> shards_;
};

}  // namespace welkin
