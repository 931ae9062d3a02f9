#include "protocol/channel/retry.hpp"

#include <algorithm>

namespace welkin {

bool may_repeat(const ChannelCall& call, const ChannelReport& report) {
  switch (report.fate) {
    case CallFate::not_sent:
      return true;
    case CallFate::no_answer:
    case CallFate::unwell:
      return call.query && report.verdict == ChannelVerdict::unknown;
    case CallFate::answered:
    case CallFate::garbled:
    case CallFate::not_made:
      break;
  }
  return false;
}

std::optional<UnixUs> retry_delay_us(const RetryPolicy& policy, int tries_made, UnixUs elapsed_us,
                                     std::uint64_t draw) {
  if (tries_made < 1 || tries_made >= policy.max_tries) return std::nullopt;
  UnixUs whole_us = std::min(policy.first_delay_us, policy.max_delay_us);
  for (int i = 1; i < tries_made && whole_us < policy.max_delay_us; ++i)
    whole_us = std::min(2 * whole_us, policy.max_delay_us);
  const UnixUs half_us = whole_us / 2;
  const UnixUs delay_us =
      whole_us - half_us + static_cast<UnixUs>(draw % (static_cast<std::uint64_t>(half_us) + 1));
  if (elapsed_us + delay_us + policy.try_us > policy.deadline_us) return std::nullopt;
  return delay_us;
}

}  // namespace welkin
