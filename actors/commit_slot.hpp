// Where an append's outcome is left for its appender. Most of the time nobody has anything to do at
// that moment, what follows being carried out by whoever committed: the appender then takes note
// when the next message brings it to work, and no message is sent only to wake it.
//
// The appender calls `wants_message` and `noticed`, from its own turns; the journal calls `settle`,
// once.
#pragma once

#include <atomic>
#include <cstdint>

#include "protocol/ids.hpp"

namespace welkin {

enum class CommitStatus : std::uint8_t {
  committed,
  conflict,
  stale_epoch,
  unavailable,
  overloaded
};

struct CommitAck {
  CommitStatus status = CommitStatus::committed;
  std::uint64_t last_seq = 0;
  Hash hash{};
};

class CommitSlot {
 public:
  // Asks for a message. False: it is committed already, and `noticed` has it; no message comes.
  bool wants_message() {
    auto expected = State::open;
    return state_.compare_exchange_strong(expected, State::awaited, std::memory_order_acq_rel) ||
           expected == State::awaited;
  }
  // What was committed without a message, or null.
  const CommitAck* noticed() const {
    return state_.load(std::memory_order_acquire) == State::committed ? &ack_ : nullptr;
  }
  // True: a message must tell the appender, who has asked for one. What is not committed is always
  // told.
  bool settle(const CommitAck& ack) {
    if (ack.status != CommitStatus::committed) return true;
    ack_ = ack;
    auto expected = State::open;
    return !state_.compare_exchange_strong(expected, State::committed, std::memory_order_acq_rel);
  }

 private:
  enum class State : std::uint8_t { open, awaited, committed };
  std::atomic<State> state_{State::open};
  CommitAck ack_;
};

}  // namespace welkin
