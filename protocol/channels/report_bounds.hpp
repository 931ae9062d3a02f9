// The last step of reading what a real channel says. A report is recorded for ever and shown to
// people and to databases, so that its names are plain and short, its words are text and bounded,
// and money that moves has an amount: whatever a channel has signed.
#pragma once

#include "protocol/channels/exchange.hpp"

namespace welkin {

constexpr std::size_t max_channel_reference_bytes = 64;
constexpr std::size_t max_report_id_bytes = 255;
constexpr std::size_t max_channel_code_bytes = 64;
constexpr std::size_t max_channel_message_bytes = 512;
constexpr std::size_t max_next_action_bytes = 8192;  // a URL with a return URL in it, encoded

// An answer that breaks a bound says nothing for certain: it is unknown, and a query finds out.
ChannelReport within_bounds(ChannelReport answer);
// A callback that breaks one is refused as malformed.
CallbackVerdict within_bounds(CallbackVerdict callback);

}  // namespace welkin
