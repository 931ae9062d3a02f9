// One channel account as the runtime sees it: something that can be called, and whose callbacks can
// be checked. HttpChannel carries the real ones, the benchmark has one in process, the simulation
// one that lies.
#pragma once

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
  CallbackAck ack;          // what to answer once the report is durable, or known to be old news
  std::string replay_mark;  // by which these bytes are known again; empty: they may come again
};
// Genuine, and nothing to do with a payment of ours.
struct IgnoredCallback {
  CallbackAck ack;
  std::string why;
};
using CheckedCallback = std::variant<VerifiedCallback, IgnoredCallback, CallbackRefused>;

class ChannelPort {
 public:
  virtual ~ChannelPort() = default;
  virtual std::string_view name() const = 0;  // of the account

  // Why this order could never be asked for here; nothing when it can be tried.
  virtual std::optional<Problem> objection(const CreatePayment&) const { return std::nullopt; }

  // Makes one call. `done` is called exactly once, from any thread, whatever happens: a time-out, a
  // broken connection, a 5xx or an answer that cannot be read is a report with verdict unknown; a
  // call that was certainly not made is not_taken. The report's fate says how far it came.
  using Done = std::function<void(ChannelReport)>;
  virtual void call(const ChannelCall& call, Done done) = 0;

  // Checks signature, timestamp and nonce, then parses. Thread-safe. `now_us` is the wall clock.
  // A nonce counts as used only when `settle` is called with it, so that a callback which could not
  // be made durable may come again.
  virtual CheckedCallback verify(const RawCallback& callback, UnixUs now_us) = 0;
  virtual void settle(const VerifiedCallback& callback) = 0;
  // How the channel is told that its callback was not taken.
  virtual CallbackAck refusal(const Problem& why) const = 0;

  // Whether the account has something to ask for itself from time to time; then `upkeep` is called
  // at the start and every minute after. It must not block.
  virtual bool needs_upkeep() const { return false; }
  virtual void upkeep() {}
};

}  // namespace welkin
