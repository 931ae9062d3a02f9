// What is counted of one channel account. Labels are the account's name and words of ours, never
// anything that came from outside.
#pragma once

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <array>
#include <cstddef>
#include <string>

#include "protocol/breaker/state.hpp"
#include "protocol/channel/channel.hpp"
#include "protocol/channels/exchange.hpp"
#include "protocol/problem.hpp"

namespace welkin {

// Of the account's circuit breaker.
class BreakerMetrics {
 public:
  BreakerMetrics(prometheus::Registry& registry, const std::string& account);

  void is_in(BreakerState state);
  void changed_by(BreakerEventKind kind) {
    transitions_[static_cast<std::size_t>(kind)]->Increment();
  }

 private:
  std::array<prometheus::Gauge*, breaker_state_count> states_{};
  std::array<prometheus::Counter*, breaker_event_kind_count> transitions_{};

 public:
  prometheus::Counter& refused;
};

class AccountMetrics {
 public:
  AccountMetrics(prometheus::Registry& registry, const std::string& account);

  void call_ended(ChannelVerdict verdict, UnixUs duration_us);
  void callback_refused(ProblemCode why);
  void callback_ignored(IgnoredFor why);

 private:
  prometheus::Registry& registry_;
  const std::string account_;
  std::array<prometheus::Counter*, channel_verdict_count> outcomes_{};
  prometheus::Histogram& duration_;

 public:
  prometheus::Counter& calls;
  prometheus::Counter& unknown;
  prometheus::Counter& retries;
  prometheus::Counter& bulkhead_refusals;
  prometheus::Counter& callbacks_taken;
  prometheus::Gauge& in_flight;
  BreakerMetrics breaker;
};

}  // namespace welkin
