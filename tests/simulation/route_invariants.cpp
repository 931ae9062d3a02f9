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

const std::vector<BreakerStep>& steps_of(const Findings& findings, const std::string& account) {
  static const std::vector<BreakerStep> none;
  const auto steps = findings.breakers.find(account);
  return steps == findings.breakers.end() ? none : steps->second;
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

// What a node shows once it has started is what stood in the journal then, or followed since.
Found breakers_survive(const Findings& findings) {
  std::size_t shown_at_the_end = 0;
  for (const BreakerAtStart& at_start : findings.evidence.breakers_at_starts) {
    if (at_start.start == findings.starts_at_us.size()) ++shown_at_the_end;
    const auto& steps = steps_of(findings, at_start.account);
    const std::size_t known = at_start.known_seq;
    bool follows = known == 0 && at_start.shown == BreakerState::closed;
    for (std::size_t i = known == 0 ? 0 : known - 1; i < steps.size(); ++i)
      follows =
          follows || (steps[i].state == at_start.shown && steps[i].at_us <= at_start.shown_at_us);
    if (!follows)
      return broken(at_start.account,
                    "its breaker is " + std::string(name_of(at_start.shown)) +
                        " after a restart, and the journal says " +
                        std::string(known == 0 ? "CLOSED" : name_of(steps[known - 1].state)));
  }
  if (shown_at_the_end != findings.witnesses.size())
    return Violation{"", "a breaker does not say how it stands", {}};
  return std::nullopt;
}

Found orders_are_durable(const Findings& findings) {
  for (const BreakerOrder& order : findings.evidence.orders) {
    const BreakerView* told = order.acknowledged();
    if (!told) continue;
    const auto& steps = steps_of(findings, order.account);
    const bool stands = std::any_of(steps.begin(), steps.end(), [&](const BreakerStep& step) {
      return step.state == told->state && step.at_us == told->since_us;
    });
    if (!stands)
      return broken(order.account, order.command.cause + " was told that the breaker is " +
                                       std::string(name_of(told->state)) +
                                       ", and the journal does not say so");
  }
  return std::nullopt;
}

// From when the operator was told until somebody orders otherwise, whatever dies meanwhile.
Found forced_open_refuses(const Findings& findings) {
  const auto& orders = findings.evidence.orders;
  for (auto order = orders.begin(); order != orders.end(); ++order) {
    const BreakerView* told = order->acknowledged();
    if (!told || told->state != BreakerState::forced_open) continue;
    const auto next = std::find_if(order + 1, orders.end(), [&](const BreakerOrder& later) {
      return later.account == order->account;
    });
    const UnixUs until_us = next == orders.end() ? findings.ended_at_us : next->asked_at_us;
    // Calls that were let through before may still be on their way to the channel.
    const UnixUs from_us = order->answered_at_us + 50 * us_per_ms;
    const int calls = witness_of(findings, order->account)->asked_first(from_us, until_us, 0).calls;
    if (calls > 0)
      return broken(order->account, "held open by " + order->command.cause + ", " +
                                        std::to_string(calls) + " calls reached it");
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

// However often an order is asked for, by whichever node and account.
Found calls_say_what_was_ordered(const Findings& findings) {
  for (const WatchedChannel* witness : findings.witnesses)
    for (const ChannelCall& call : witness->creates()) {
      const auto history = findings.journal.find(call.payment);
      if (history == findings.journal.end())
        return Violation{"", "an order was asked for, and there is no such payment", call.payment};
      const Payment& payment = history->second.last();
      const bool as_said =
          call.merchant_id == payment.merchant_id && call.amount_minor == payment.amount_minor &&
          call.currency == payment.currency && call.subject == payment.subject &&
          call.method == payment.method && call.payer_id == payment.payer.id &&
          call.payer_ip == payment.payer.ip && call.payer_instrument == payment.payer.instrument &&
          call.return_url == payment.return_url && call.expires_at_us == payment.expires_at_us;
      if (!as_said)
        return Violation{
            "", std::string(witness->name()) + " was asked for another order than the payment's",
            call.payment};
    }
  return std::nullopt;
}

}  // namespace welkin::simulation
