// Which calls go through a breaker, and what their outcomes add up to in its present state. In
// memory only, and of fixed size.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "protocol/breaker/breaker.hpp"
#include "protocol/breaker/call_window.hpp"
#include "protocol/channel/call_outcome.hpp"

namespace welkin {

class CallMeter {
 public:
  explicit CallMeter(const BreakerConfig& config);

  // The breaker has come to another state: what was counted before says nothing about it, and
  // neither does what calls of before will come to.
  void begin();

  // May this call be made now? Nothing: it is refused.
  std::optional<CallPermit> admit(const Breaker& breaker, UnixUs now_us);
  // How a permitted call went. False when it counts for nothing.
  bool take(const Breaker& breaker, const CallPermit& permit, const CallOutcome& outcome,
            UnixUs now_us);
  // What is to be judged in this state: the window, or the probes.
  const BreakerFigures& figures(const Breaker& breaker, UnixUs now_us);

 private:
  bool may_probe(UnixUs now_us);
  bool is_its_turn(const Breaker& breaker, UnixUs now_us);

  const BreakerConfig config_;
  std::uint64_t next_number_ = 1;
  std::uint64_t first_number_ = 1;  // of those given in the present state
  CallWindow window_;

  struct Probe {
    std::uint64_t number = 0;
    UnixUs sent_at_us = 0;
  };
  std::vector<Probe> probing_;
  BreakerFigures probed_;
  int credit_percent_ = 100;  // recovering: a call takes 100, and each that asks brings the share
};

}  // namespace welkin
