// When a channel may be asked the same once more by itself, and how long to wait before. Pure: the
// time that has gone by and the dice are arguments.
#pragma once

#include <cstdint>
#include <optional>

#include "protocol/channel/channel.hpp"
#include "protocol/ids.hpp"

namespace welkin {

struct RetryPolicy {
  int max_tries = 3;  // the first one included
  UnixUs first_delay_us = 100 * us_per_ms;
  UnixUs max_delay_us = 2 * us_per_s;
  UnixUs try_us = 5 * us_per_s;  // how long one try may take
  // From the first try's start to the last one's end. Below the 15 s after which a payment asks
  // what became of a call it has not heard of.
  UnixUs deadline_us = 14 * us_per_s;
};

// Whether doing it again can do no harm: nothing was sent, or it only asks. A create or a refund
// that may have arrived is never repeated here; the payment finds out what became of it.
bool may_repeat(const ChannelCall& call, const ChannelReport& report);

// How long to wait before the next try: exponential, of which `draw` leaves between a half and all,
// so that many calls that failed together do not come back together. Nothing when there have been
// enough tries, or the next one could end beyond the deadline.
std::optional<UnixUs> retry_delay_us(const RetryPolicy& policy, int tries_made, UnixUs elapsed_us,
                                     std::uint64_t draw);

}  // namespace welkin
