#include "tests/simulation/route_invariants.hpp"

#include <algorithm>

#include "tests/simulation/watched_channel.hpp"

namespace welkin::simulation {
namespace {

using Found = std::optional<Violation>;

Violation broken(const std::string& account, std::string what) {
  return {"", account + ": " + std::move(what), {}};
}

const WatchedChannel* witness_of(const Findings& findings, const std::string& account) {
  for (const WatchedChannel* witness : findings.witnesses)
    if (witness->name() == account) return witness;
  return nullptr;
}

int starts_between(const Findings& findings, UnixUs from_us, UnixUs to_us) {
  const auto& starts = findings.starts_at_us;
  return static_cast<int>(std::count_if(starts.begin(), starts.end(), [&](UnixUs at_us) {
    return at_us >= from_us && at_us <= to_us;
  }));
}

}  // namespace

// Once another account is asked, no channel may have an order of an attempt before: not then, and
// not by a request that arrives later.
Found no_fallback_after_doubt(const Findings& findings) {
  for (const auto& [payment, history] : findings.journal)
    for (int attempt = 1; attempt < history.last().last_attempt().number; ++attempt)
      for (const LyingChannel* channel : findings.channels)
        if (channel->books().find(channel_order_no(payment, attempt)))
          return Violation{"",
                           "another account was asked, and " + std::string(channel->name()) +
                               " has the order of attempt " + std::to_string(attempt),
                           payment};
  return std::nullopt;
}

// What the node shows after its last start is what stood in the journal then, or followed since.
Found breakers_survive(const Findings& findings) {
  for (const auto& [account, shown] : findings.live_breakers) {
    const auto steps = findings.breakers.find(account);
    const std::size_t known = findings.breaker_steps_at_start.at(account);
    const std::size_t count = steps == findings.breakers.end() ? 0 : steps->second.size();
    bool follows = known == 0 && shown == BreakerState::closed;
    for (std::size_t i = known == 0 ? 0 : known - 1; i < count; ++i)
      follows = follows || steps->second[i].state == shown;
    if (!follows)
      return broken(account, "its breaker is " + std::string(name_of(shown)) +
                                 " after the restart, and the journal says " +
                                 std::string(name_of(steps->second[known - 1].state)));
  }
  return std::nullopt;
}

// A breaker opens for failures that happened: a definite no of the channel is none.
Found trips_have_cause(const Findings& findings) {
  for (const auto& [account, steps] : findings.breakers) {
    UnixUs since_us = 0;
    for (const BreakerStep& step : steps) {
      const auto* opened = std::get_if<BreakerOpened>(&step.event);
      if (opened) {
        const UnixUs window_us = findings.breaker_config.window_ms * us_per_ms;
        const UnixUs from_us = std::min(step.at_us - window_us - us_per_s, since_us);
        const int seen = witness_of(findings, account)->failures(from_us, step.at_us);
        if (opened->figures.failures > seen)
          return broken(account, "its breaker opened for " +
                                     std::to_string(opened->figures.failures) +
                                     " failures, and there were " + std::to_string(seen));
      }
      since_us = step.at_us;
    }
  }
  return std::nullopt;
}

// Half-open, no more calls reach the channel than the configuration lets through: once, again after
// each restart, and in place of probes that were given up.
Found few_probes(const Findings& findings) {
  const BreakerConfig& config = findings.breaker_config;
  for (const auto& [account, steps] : findings.breakers)
    for (std::size_t i = 0; i < steps.size(); ++i) {
      if (steps[i].state != BreakerState::half_open) continue;
      // Calls that were let through before may still be on their way to the channel.
      const UnixUs from_us = steps[i].at_us + 50 * us_per_ms;
      const UnixUs to_us = i + 1 < steps.size() ? steps[i + 1].at_us : findings.ended_at_us;
      // One whose slot was given up takes a little less than the breaker's patience here, for it
      // was admitted before it was asked.
      const UnixUs patience_us = (config.probe_patience_ms - 500) * us_per_ms;
      const auto asked = witness_of(findings, account)->asked_first(from_us, to_us, patience_us);
      const int allowed =
          config.probes * (1 + starts_between(findings, from_us, to_us)) + asked.outlasting;
      if (asked.calls > allowed)
        return broken(account, "half-open, " + std::to_string(asked.calls) +
                                   " calls reached it where " + std::to_string(allowed) + " might");
    }
  return std::nullopt;
}

}  // namespace welkin::simulation
