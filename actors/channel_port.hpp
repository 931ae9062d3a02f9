// One channel account as the runtime sees it: something that can be called, and whose callbacks can
// be checked. HttpChannel carries the real ones, the benchmark has one in process, the simulation
// one that lies.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "protocol/channel/channel.hpp"
#include "protocol/channels/exchange.hpp"
#include "protocol/payment/payment.hpp"
#include "protocol/problem.hpp"

namespace welkin {

struct VerifiedCallback {
  ChannelReport report;
  CallbackAck ack;  // what to answer once the report is durable, or known to be old news
  ReplayMark replay_mark;
  // The channel tells this address of other systems' orders too: that the payment is not here is
  // then no reason to have the callback sent again.
  bool may_be_a_strangers = false;
};
// Genuine, and nothing to do with a payment of ours, or known already.
struct IgnoredCallback {
  CallbackAck ack;
  IgnoredFor reason = IgnoredFor::other_kind;
};
// What became of a callback that need not come again.
enum class Settled : std::uint8_t { taken, refused };
using CheckedCallback = std::variant<VerifiedCallback, IgnoredCallback, CallbackRefused>;

class ChannelPort {
 public:
  virtual ~ChannelPort() = default;
  virtual std::string_view name() const = 0;  // of the account

  // The way to pay that an order without one means; empty: none of those that can be named.
  virtual std::string_view default_method() const { return {}; }
  // Why this order could never be asked for here; nothing when it can be tried.
  virtual std::optional<Problem> objection(const CreatePayment&) const { return std::nullopt; }

  // Makes one call. `done` is called exactly once, from any thread, whatever happens: a time-out, a
  // broken connection, a 5xx or an answer that cannot be read is a report with verdict unknown; a
  // call that was certainly not made is not_taken. The report's fate says how far it came.
  using Done = std::function<void(ChannelReport)>;
  virtual void call(const ChannelCall& call, Done done) = 0;

  // Checks signature, timestamp and nonce, then parses. Thread-safe. `now_us` is the wall clock.
  // A nonce counts as used only when `settle` is called with it, so that a callback which could not
  // be made durable may come again. The same message behind it is answered the same way.
  virtual CheckedCallback verify(const RawCallback& callback, UnixUs now_us) = 0;
  virtual void settle(const VerifiedCallback& callback, Settled how) = 0;
  // How the channel is told that its callback was not taken.
  virtual CallbackAck refusal(const Problem& why) const = 0;

  // Whether the account has something to ask for itself from time to time; then `upkeep` is called
  // at the start and every minute after. It must not block.
  virtual bool needs_upkeep() const { return false; }
  virtual void upkeep() {}
};

}  // namespace welkin
