#include "protocol/breaker/call_meter.hpp"

#include <algorithm>

namespace welkin {

CallMeter::CallMeter(const BreakerConfig& config) : config_(config), window_(config) {}

void CallMeter::begin() {
  first_number_ = next_number_;
  window_.clear();
  probing_.clear();
  probed_ = {};
  credit_percent_ = 100;  // the first call of a recovery goes through
}

std::optional<CallPermit> CallMeter::admit(const Breaker& breaker, UnixUs now_us) {
  switch (breaker.state) {
    case BreakerState::open:
    case BreakerState::forced_open:
      return std::nullopt;
    case BreakerState::half_open:
      if (!may_probe(now_us)) return std::nullopt;
      probing_.push_back({next_number_, now_us});
      return CallPermit{next_number_++, true};
    case BreakerState::recovering:
      if (!is_its_turn(breaker, now_us)) return std::nullopt;
      break;
    case BreakerState::closed:
    case BreakerState::disabled:
      break;
  }
  return CallPermit{next_number_++, false};
}

bool CallMeter::may_probe(UnixUs now_us) {
  // A probe whose outcome is lost would keep the breaker half-open for ever.
  const UnixUs patience_us = config_.probe_patience_ms * us_per_ms;
  const auto is_lost = [&](const Probe& probe) {
    return now_us - probe.sent_at_us >= patience_us || probe.sent_at_us - now_us >= patience_us;
  };
  probing_.erase(std::remove_if(probing_.begin(), probing_.end(), is_lost), probing_.end());
  return probed_.calls + static_cast<int>(probing_.size()) < config_.probes;
}

bool CallMeter::is_its_turn(const Breaker& breaker, UnixUs now_us) {
  if (credit_percent_ < 100) credit_percent_ += ramp_percent(breaker, config_, now_us);
  if (credit_percent_ < 100) return false;
  credit_percent_ -= 100;
  return true;
}

bool CallMeter::take(const Breaker& breaker, const CallPermit& permit, const CallOutcome& outcome,
                     UnixUs now_us) {
  if (permit.number < first_number_ || permit.number >= next_number_) return false;
  const bool counts = outcome.health != CallHealth::not_made;
  const bool failed = outcome.health == CallHealth::failure;
  const bool slow = outcome.duration_us > config_.slow_call_ms * us_per_ms;
  if (breaker.state == BreakerState::half_open) {
    const auto sent = std::find_if(probing_.begin(), probing_.end(), [&](const Probe& probe) {
      return probe.number == permit.number;
    });
    if (sent == probing_.end()) return false;
    probing_.erase(sent);
    if (!counts) return false;
    ++probed_.calls;
    if (failed) ++probed_.failures;
    if (slow) ++probed_.slow;
    return true;
  }
  const bool is_counting =
      breaker.state == BreakerState::closed || breaker.state == BreakerState::recovering;
  if (!is_counting || !counts) return false;
  window_.add(failed, slow, now_us);
  return true;
}

const BreakerFigures& CallMeter::figures(const Breaker& breaker, UnixUs now_us) {
  if (breaker.state == BreakerState::half_open) return probed_;
  window_.advance(now_us);
  return window_.figures();
}

}  // namespace welkin
