// What travels between the runtime and a real channel, as plain values: the signed request, the
// answer as it came, and what came of checking a callback. The wire formats under
// protocol/channels/ are pure functions on these; who carries the bytes is none of their business.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "protocol/channel/channel.hpp"
#include "protocol/ids.hpp"
#include "protocol/problem.hpp"

namespace welkin {

using WireHeaders = std::vector<std::pair<std::string, std::string>>;

struct WireRequest {
  std::string method;
  std::string target;   // path and query, byte for byte as signed and as sent
  WireHeaders headers;  // names in lower case
  std::string body;
};

// An answer before anything about it is believed.
struct WireAnswer {
  int status = 0;
  WireHeaders headers;  // names in lower case
  std::string body;
};

// A callback as it came in, before anything about it is believed.
struct RawCallback {
  std::string channel;
  WireHeaders headers;  // names in lower case
  std::string body;
};

// What to answer the channel: its own words for "taken" or for "send it again".
struct CallbackAck {
  int http_status = 200;
  std::string content_type;
  std::string body;
};

// What a signature needs from outside: the wall clock, and a nonce nobody has used before.
struct SigningContext {
  UnixUs now_us = 0;
  std::string nonce;
};

// A call becomes a signed request; or a report at once, where there is nothing to send because the
// payer's own browser carries the signed order; or a Problem that names the field: then the channel
// cannot do what is asked (another currency, a held amount, a payer who is not named), nothing may
// be sent, and so nothing has happened.
using EncodedCall = std::variant<WireRequest, ChannelReport, Problem>;

// Why nothing is made of a genuine callback. It is counted by this.
enum class IgnoredFor : std::uint8_t {
  other_kind,       // it tells of something else than payments
  no_news,          // of a payment of ours, and nothing has happened to it
  thin_event,       // it names an object and does not bring it
  other_account,    // of an account that is connected to ours
  other_mode,       // of the channel's other world: live to a test account, or the reverse
  foreign_order,    // under no order number, or under one that cannot be ours
  foreign_refund,   // of a refund under no number, or under one that cannot be ours
  unknown_payment,  // under a number of our form, where the channel tells each of its listeners all
  repeated,         // the same message that was taken already
};
inline constexpr std::size_t ignored_for_count = 9;
std::string_view name_of(IgnoredFor reason);

// Genuine, and nothing to do with a payment of ours: acknowledged, so that it is not sent for days.
struct CallbackIgnored {
  std::string id;
  IgnoredFor reason = IgnoredFor::other_kind;
  std::string why;
};
// Not believed. The problem's code is the reason it is counted by; the number is what the callback
// claims to be about, if that could be read, so that the refusal can be journaled there.
struct CallbackRefused {
  Problem problem;
  std::string channel_order_no;
};
using CallbackVerdict = std::variant<ChannelReport, CallbackIgnored, CallbackRefused>;

// What a nonce was used for.
inline Id128 signed_content(std::string_view time, std::string_view body) {
  return stable_hash("welkin.callback", {time, body});
}
// How a message that has been taken is known when it comes again within its timestamp's tolerance.
struct ReplayMark {
  std::string nonce;  // empty: the channel itself sends the same bytes again, whenever it likes
  Id128 content;      // what was signed beside the nonce: the same message has the same
};

// The one value of a header, or empty: a header that stands twice is as good as none, because two
// readers could each take another one of them.
inline std::string_view only_header(const WireHeaders& headers, std::string_view lower_case_name) {
  const std::string* found = nullptr;
  for (const auto& [name, value] : headers) {
    if (name != lower_case_name) continue;
    if (found) return {};
    found = &value;
  }
  return found ? std::string_view(*found) : std::string_view();
}

}  // namespace welkin
