#include "actors/account_metrics.hpp"

namespace welkin {
namespace {

// Registering a family of the same name again gives the one that is there.
prometheus::Counter& counter(prometheus::Registry& registry, const char* name, const char* help,
                             const prometheus::Labels& labels) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry).Add(labels);
}

constexpr double us_per_second = 1e6;

}  // namespace

BreakerMetrics::BreakerMetrics(prometheus::Registry& registry, const std::string& account)
    : refused(counter(registry, "welkin_breaker_refused_total",
                      "Calls that the account's circuit breaker did not let through",
                      {{"account", account}})) {
  auto& states = prometheus::BuildGauge()
                     .Name("welkin_breaker_state")
                     .Help("1 for the state that the account's circuit breaker is in")
                     .Register(registry);
  for (std::size_t i = 0; i < states_.size(); ++i)
    states_[i] = &states.Add(
        {{"account", account}, {"state", std::string(name_of(static_cast<BreakerState>(i)))}});
  for (std::size_t i = 0; i < transitions_.size(); ++i)
    transitions_[i] = &counter(
        registry, "welkin_breaker_transitions_total",
        "Changes of the account's circuit breaker, by event",
        {{"account", account}, {"type", std::string(name_of(static_cast<BreakerEventKind>(i)))}});
}

void BreakerMetrics::is_in(BreakerState state) {
  for (std::size_t i = 0; i < states_.size(); ++i)
    states_[i]->Set(static_cast<BreakerState>(i) == state ? 1 : 0);
}

AccountMetrics::AccountMetrics(prometheus::Registry& registry, const std::string& account)
    : registry_(registry),
      account_(account),
      duration_(prometheus::BuildHistogram()
                    .Name("welkin_channel_call_seconds")
                    .Help("How long calls to channels took, repetitions included")
                    .Register(registry)
                    .Add({{"account", account}},
                         prometheus::Histogram::BucketBoundaries{0.01, 0.03, 0.1, 0.3, 1, 3, 10})),
      calls(counter(registry, "welkin_channel_calls_total", "Calls and queries to channels",
                    {{"account", account}})),
      unknown(counter(registry, "welkin_channel_unknown_total",
                      "Channel calls with an unknown outcome", {{"account", account}})),
      retries(counter(registry, "welkin_channel_retries_total",
                      "Tries of safe calls after the first one", {{"account", account}})),
      bulkhead_refusals(counter(registry, "welkin_channel_bulkhead_refused_total",
                                "Calls refused because too many were under way",
                                {{"account", account}})),
      callbacks_taken(counter(registry, "welkin_channel_callbacks_taken_total",
                              "Callbacks believed and acknowledged", {{"account", account}})),
      in_flight(prometheus::BuildGauge()
                    .Name("welkin_channel_in_flight")
                    .Help("Channel calls under way")
                    .Register(registry)
                    .Add({{"account", account}})),
      breaker(registry, account) {
  for (std::size_t i = 0; i < outcomes_.size(); ++i)
    outcomes_[i] = &counter(
        registry, "welkin_channel_outcomes_total", "What channel calls came to",
        {{"account", account}, {"outcome", std::string(name_of(static_cast<ChannelVerdict>(i)))}});
}

void AccountMetrics::call_ended(ChannelVerdict verdict, UnixUs duration_us) {
  outcomes_[static_cast<std::size_t>(verdict)]->Increment();
  if (verdict == ChannelVerdict::unknown) unknown.Increment();
  duration_.Observe(static_cast<double>(duration_us) / us_per_second);
}

void AccountMetrics::callback_ignored(IgnoredFor why) {
  counter(registry_, "welkin_channel_callbacks_ignored_total",
          "Genuine callbacks that tell of nothing of ours or nothing new, acknowledged, by reason",
          {{"account", account_}, {"reason", std::string(name_of(why))}})
      .Increment();
}

void AccountMetrics::callback_refused(ProblemCode why) {
  counter(registry_, "welkin_channel_callbacks_refused_total", "Callbacks refused, by the reason",
          {{"account", account_}, {"reason", std::string(spec_of(why).name)}})
      .Increment();
}

}  // namespace welkin
