// The runtime's counters, kept with prometheus-cpp. No payment or merchant ids as labels.
#pragma once

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <array>
#include <atomic>
#include <string>

#include "protocol/payment/state.hpp"

namespace welkin {

class RuntimeMetrics {
 public:
  RuntimeMetrics();

  std::string text();  // exposition format 0.0.4

  void recorded(PaymentEventKind kind) { events_[static_cast<std::size_t>(kind)]->Increment(); }

 private:
  prometheus::Registry registry_;
  std::array<prometheus::Counter*, payment_event_kind_count> events_{};

 public:
  prometheus::Counter& batches;
  prometheus::Histogram& batch_events;
  prometheus::Counter& appends_refused;  // too much was waiting
  prometheus::Counter& store_failures;
  prometheus::Counter& commits_in_doubt;
  prometheus::Counter& conflicts;
  prometheus::Counter& reports_refused;  // alarms: signed, but not fitting the payment
  prometheus::Counter& callbacks_refused;
  prometheus::Counter& channel_calls;
  prometheus::Counter& channel_unknown;
  prometheus::Counter& entity_restarts;
  prometheus::Counter& stash_overflows;
  prometheus::Counter& timers_fired;
  prometheus::Counter& checkpoint_failures;
  prometheus::Gauge& entities_active;
  prometheus::Gauge& entities_parked;
  prometheus::Gauge& open_with_timer;
  prometheus::Gauge& store_up;

  // Read where a gauge would be too dear: how many entities are in memory.
  std::atomic<std::int64_t> active{0};
};

}  // namespace welkin
