// One channel account's wire format behind one interface: calls become requests, answers and
// callbacks become reports. Pure and thread-safe: each implementation is an account and the free
// functions of its folder; time and nonces come in as arguments, and whoever carries the bytes
// (actors/http_channel.hpp) knows no channel by name.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/channel/channel.hpp"
#include "protocol/channels/exchange.hpp"

namespace welkin {

class WireFormat {
 public:
  virtual ~WireFormat() = default;

  virtual std::string_view kind() const = 0;  // "wechat_pay", "alipay", "union_pay", "stripe", …
  // Put before a request's target: scheme, host, and for a stand-in a path, without a slash behind.
  virtual std::string_view base_url() const = 0;

  // Another call whose answer must be known before this one can be made; its report's
  // channel_reference belongs into this call.
  virtual std::optional<ChannelCall> call_before(const ChannelCall&) const { return std::nullopt; }
  // The call that says how things stand now, where what was heard may be how they once stood.
  virtual std::optional<ChannelCall> call_after(const ChannelCall&, const ChannelReport&) const {
    return std::nullopt;
  }
  // Why this order could never be asked for here, whoever asks: its currency, amount, way to pay.
  // Signs nothing, so that it can be asked before anything is written.
  virtual std::optional<Problem> objection(const ChannelCall&) const { return std::nullopt; }
  virtual EncodedCall encode(const ChannelCall& call, const SigningContext& context) const = 0;
  virtual ChannelReport parse_answer(const ChannelCall& call, const WireAnswer& answer,
                                     const SigningContext& context) const = 0;

  // What the account has to ask for itself before it can believe its channel, where a channel has
  // such things: keys that it changes now and then. A Problem: nothing came of it.
  virtual std::optional<WireRequest> encode_upkeep(const SigningContext&) const {
    return std::nullopt;
  }
  virtual std::optional<Problem> take_upkeep(const WireAnswer&, UnixUs /*now_us*/) const {
    return std::nullopt;
  }

  virtual CallbackVerdict parse_callback(const RawCallback& callback, UnixUs now_us) const = 0;
  // The same message again is the same news: it is answered as it was the first time, and nothing
  // is made of it. The same nonce over anything else is refused.
  virtual ReplayMark replay_mark(const RawCallback& callback) const = 0;
  // Whether one address hears all that happens at the channel's account, whoever asked for it: then
  // an order number of our form that names no payment here is another system's.
  virtual bool hears_of_strangers() const { return false; }
  virtual CallbackAck taken() const = 0;
  virtual CallbackAck not_taken(const Problem& why) const = 0;
};

using WireFormatPtr = std::unique_ptr<const WireFormat>;

}  // namespace welkin
