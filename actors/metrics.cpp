#include "actors/metrics.hpp"

#include <prometheus/text_serializer.h>

namespace welkin {
namespace {

prometheus::Counter& counter(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry).Add({});
}
prometheus::Gauge& gauge(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add({});
}
prometheus::Histogram& histogram(prometheus::Registry& registry, const char* name, const char* help,
                                 const prometheus::Histogram::BucketBoundaries& buckets) {
  return prometheus::BuildHistogram().Name(name).Help(help).Register(registry).Add({}, buckets);
}

prometheus::Counter& clock_steps(prometheus::Registry& registry, const char* direction) {
  return prometheus::BuildCounter()
      .Name("welkin_clock_steps_total")
      .Help(
          "Times the system's clock was set by a second or more, or was behind the journal at "
          "start")
      .Register(registry)
      .Add({{"direction", direction}});
}

}  // namespace

RuntimeMetrics::RuntimeMetrics()
    : batches(counter(registry_, "welkin_journal_batches_total", "Batches committed")),
      batch_events(histogram(registry_, "welkin_journal_batch_events", "Events in one commit",
                             {1, 3, 10, 30, 100, 300, 1000, 3000})),
      appends_refused(counter(registry_, "welkin_journal_appends_refused_total",
                              "Appends refused because too many were waiting")),
      store_failures(
          counter(registry_, "welkin_store_failures_total", "Batches the store refused")),
      commits_in_doubt(counter(registry_, "welkin_store_commits_in_doubt_total",
                               "Commits whose answer was lost and that were read back")),
      conflicts(counter(registry_, "welkin_journal_conflicts_total",
                        "Appends whose expected sequence was not the stream's")),
      reports_refused(counter(registry_, "welkin_channel_reports_mismatched_total",
                              "Signed reports that did not fit their payment")),
      entity_restarts(
          counter(registry_, "welkin_entity_restarts_total", "Payment actors restarted")),
      stash_overflows(counter(registry_, "welkin_entity_stash_overflows_total",
                              "Messages refused because a payment's stash was full")),
      timers_fired(counter(registry_, "welkin_timers_fired_total", "Durable timers fired")),
      checkpoint_failures(counter(registry_, "welkin_view_checkpoint_failures_total",
                                  "Checkpoints of the views that failed and will be repeated")),
      view_gaps(counter(registry_, "welkin_view_gaps_total",
                        "Gaps in the positions told to the views, read from the journal then")),
      clock_set_back(clock_steps(registry_, "back")),
      clock_set_forward(clock_steps(registry_, "forward")),
      clock_ahead(gauge(registry_, "welkin_clock_ahead_seconds",
                        "How far the journal's time is ahead of the system's clock")),
      entities_active(gauge(registry_, "welkin_entities_active", "Payment actors in memory")),
      entities_parked(
          gauge(registry_, "welkin_entities_parked", "Payment actors parked after failures")),
      open_with_timer(gauge(registry_, "welkin_timers_pending", "Payments with a durable timer")),
      store_up(gauge(registry_, "welkin_store_up", "1 while the journal takes writes")) {
  auto& family = prometheus::BuildCounter()
                     .Name("welkin_events_total")
                     .Help("Events recorded, by type")
                     .Register(registry_);
  for (std::size_t i = 0; i < events_.size(); ++i)
    events_[i] = &family.Add({{"type", std::string(name_of(static_cast<PaymentEventKind>(i)))}});
  store_up.Set(1);
}

AccountMetrics& RuntimeMetrics::account(const std::string& name) {
  const std::lock_guard lock(accounts_mutex_);
  auto& metrics = accounts_[name];
  if (!metrics) metrics = std::make_unique<AccountMetrics>(registry_, name);
  return *metrics;
}

std::string RuntimeMetrics::text() {
  entities_active.Set(static_cast<double>(active.load()));
  return prometheus::TextSerializer().Serialize(registry_.Collect());
}

}  // namespace welkin
