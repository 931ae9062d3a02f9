// Leave for one call to a channel, and what came of it: what a circuit breaker gives and gets back.
#pragma once

#include <cstdint>

#include "protocol/ids.hpp"

namespace welkin {

struct CallPermit {
  std::uint64_t number = 0;  // ever larger, so that an outcome of before the last change is known
  bool probe = false;
};

// What a call says about the account's health. A definite refusal is a success: the channel
// answered. `not_made` says nothing, as when the bulkhead was full or the call could not be
// encoded.
enum class CallHealth : std::uint8_t { success, failure, not_made };

struct CallOutcome {
  CallHealth health = CallHealth::success;
  UnixUs duration_us = 0;
};

}  // namespace welkin
