// What the gateway may ask of the runtime; the runtime implements it with actors, tests with a
// fake. Results come through a function, so that no thread of the gateway waits for a payment or
// for the journal. No CAF in this header.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "protocol/breaker/breaker.hpp"
#include "protocol/channel/channel.hpp"
#include "protocol/channels/exchange.hpp"
#include "protocol/ids.hpp"
#include "protocol/payment/payment.hpp"
#include "protocol/problem.hpp"

namespace welkin {

using PaymentPtr = std::shared_ptr<const Payment>;

// A payment as it stands after its event number `seq`.
struct PaymentView {
  PaymentId id;
  std::uint64_t seq = 0;
  PaymentPtr payment;
};

struct CommandOutcome {
  PaymentView view;
  bool created = false;   // the command made the payment or the refund (201 rather than 200)
  std::string refund_id;  // of RefundPayment
};
using CommandAnswer = std::variant<CommandOutcome, Problem>;

struct PaymentListQuery {
  std::string merchant_id;
  std::optional<PaymentState> state;
  UnixUs created_from_us = 0;  // inclusive
  UnixUs created_to_us = 0;    // exclusive; 0: open
  std::string cursor;          // from the page before, or empty
  std::size_t limit = 20;
};
struct PaymentListPage {
  std::vector<PaymentView> payments;  // newest first
  std::string next_cursor;            // empty on the last page
};

// One journal row for a person or a merchant to read; `payload` is the event's JSON text.
struct EventView {
  std::uint64_t seq = 0;
  std::string type;
  int version = 1;
  std::string payload;
  UnixUs at_us = 0;
  std::string causation_id;
  std::string correlation_id;
};

struct IdempotencyHit {
  std::string fingerprint;
  PaymentId payment;
  std::uint64_t seq = 0;  // of the event that carries the key
};

// What waits for an operator: a part of a payment, or the payment as a whole when its actor kept
// failing.
struct ParkedEntity {
  PaymentId payment;
  std::string reason;
  UnixUs since_us = 0;
  std::optional<ChannelOperation> operation;  // the part; nothing: the whole
  std::string refund_id;                      // of the part, when it is a refund
};

// A channel account's circuit breaker as it stands now.
struct BreakerView {
  std::string account;
  BreakerState state = BreakerState::closed;
  UnixUs since_us = 0;  // 0: it has always been closed
  std::string reason;   // of the last change
  std::string by;       // the operator who made it; empty: the breaker itself
  int trips = 0;        // in a row
  BreakerFigures figures;
  UnixUs next_probe_at_us = 0;  // open only
  std::int64_t refused = 0;     // calls, since the node started
};
using BreakerAnswer = std::variant<BreakerView, Problem>;

struct Readiness {
  bool ready = false;
  // Why not: "store_unavailable", "views_behind", "lease_lapsed", "fenced", "part_failed" or
  // "draining".
  std::string reason;
};

// Called with the result of what was asked: exactly once, before the asking call returns or later,
// from any thread, at the latest when the runtime's time-out for commands passes. It must neither
// throw nor block, for others wait on the thread that calls it.
template <class Result>
using Then = std::function<void(Result)>;

class PaymentService {
 public:
  virtual ~PaymentService() = default;

  // An order that could not be asked for anywhere is refused only if its number is free: one that
  // was taken before is what it is.
  virtual void execute(PaymentCommand command, Then<CommandAnswer> then) = 0;
  using FoundPayment = std::variant<PaymentView, Problem>;
  virtual void find(const PaymentId& id, Then<FoundPayment> then) = 0;
  using FoundPage = std::variant<PaymentListPage, Problem>;
  virtual void list(PaymentListQuery query, Then<FoundPage> then) = 0;
  using FoundEvents = std::variant<std::vector<EventView>, Problem>;
  virtual void events(const PaymentId& id, Then<FoundEvents> then) = 0;

  // The key's first use in the last 24 h, if there was one.
  using FoundKey = std::variant<std::optional<IdempotencyHit>, Problem>;
  virtual void find_idempotency(std::string_view merchant_id, std::string_view key,
                                Then<FoundKey> then) = 0;
  // What the request behind `hit` was answered with: the payment after the last event it caused.
  virtual void replay(const IdempotencyHit& hit, Then<CommandAnswer> then) = 0;

  using TakenCallback = std::variant<CallbackAck, Problem>;
  virtual void notify(const RawCallback& callback, Then<TakenCallback> then) = 0;
  // For a callback that could not be read whole, as one that is too large: the channel's own words
  // for it, and it is counted. Nothing when there is no such account. Does not block.
  virtual std::optional<CallbackAck> refuse_callback(std::string_view account,
                                                     const Problem& why) = 0;

  // For operators.
  using FoundParked = std::variant<std::vector<ParkedEntity>, Problem>;
  virtual void parked(Then<FoundParked> then) = 0;
  using FoundBreakers = std::variant<std::vector<BreakerView>, Problem>;
  virtual void breakers(Then<FoundBreakers> then) = 0;
  // The answer is the breaker after the command, which is durable then.
  virtual void operate_breaker(const std::string& account, BreakerCommand command,
                               Then<BreakerAnswer> then) = 0;

  // What `method` means on that channel when an order leaves it out. Empty: just that.
  virtual std::string_view default_method(std::string_view channel) const = 0;
  virtual bool knows_account(std::string_view account) const = 0;  // callbacks may come to it
  virtual Readiness readiness() const = 0;
  virtual std::string metrics_text() const = 0;  // Prometheus exposition format 0.0.4
};

}  // namespace welkin
