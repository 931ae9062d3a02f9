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

#include "protocol/channel/channel.hpp"
#include "protocol/problem.hpp"

namespace welkin {

class AccountMetrics {
 public:
  AccountMetrics(prometheus::Registry& registry, const std::string& account);

  void call_ended(ChannelVerdict verdict, UnixUs duration_us);
  void callback_refused(ProblemCode why);

 private:
  prometheus::Registry& registry_;
  const std::string account_;
  std::array<prometheus::Counter*, static_cast<std::size_t>(ChannelVerdict::unknown) + 1>
      outcomes_{};
  prometheus::Histogram& duration_;

 public:
  prometheus::Counter& calls;
  prometheus::Counter& unknown;
  prometheus::Counter& retries;
  prometheus::Counter& bulkhead_refusals;
  prometheus::Counter& callbacks_taken;
  prometheus::Counter& callbacks_ignored;
  prometheus::Gauge& in_flight;
};

}  // namespace welkin
