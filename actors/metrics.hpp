// The runtime's counters, kept with prometheus-cpp. No payment or merchant ids as labels.
#pragma once

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "actors/account_metrics.hpp"
#include "protocol/payment/state.hpp"

namespace welkin {

class RuntimeMetrics {
 public:
  RuntimeMetrics();

  std::string text();  // exposition format 0.0.4

  // Those of one channel account, made when they are first asked for; they live as long as this.
  AccountMetrics& account(const std::string& name);

  void recorded(PaymentEventKind kind) { events_[static_cast<std::size_t>(kind)]->Increment(); }

 private:
  prometheus::Registry registry_;
  std::array<prometheus::Counter*, payment_event_kind_count> events_{};
  std::mutex accounts_mutex_;
  std::map<std::string, std::unique_ptr<AccountMetrics>> accounts_;

 public:
  prometheus::Counter& batches;
  prometheus::Histogram& batch_events;
  prometheus::Counter& appends_refused;  // too much was waiting
  prometheus::Counter& store_failures;
  prometheus::Counter& commits_in_doubt;
  prometheus::Counter& conflicts;
  prometheus::Counter& reports_refused;  // alarms: signed, but not fitting the payment
  prometheus::Counter& entity_restarts;
  prometheus::Counter& stash_overflows;
  prometheus::Counter& timers_fired;
  prometheus::Counter& checkpoint_failures;
  prometheus::Counter& view_gaps;
  prometheus::Counter& clock_set_back;
  prometheus::Counter& clock_set_forward;
  prometheus::Gauge& clock_ahead;
  prometheus::Gauge& entities_active;
  prometheus::Gauge& entities_parked;
  prometheus::Gauge& open_with_timer;
  prometheus::Gauge& store_up;

  // Read where a gauge would be too dear: how many entities are in memory.
  std::atomic<std::int64_t> active{0};
  // More than the limit waits for a checkpoint: the views say so, and new work is refused.
  std::atomic<bool> views_are_full{false};
};

}  // namespace welkin
