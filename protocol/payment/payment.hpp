// One payment as plain values, and the two functions that are its rules: `decide` judges a command
// or a channel's report and changes nothing; `apply` folds one recorded event in. Live traffic,
// recovery and `welkin journal verify` all come through `apply`.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "protocol/channel/channel.hpp"
#include "protocol/ids.hpp"
#include "protocol/money.hpp"
#include "protocol/payment/event.hpp"
#include "protocol/payment/route.hpp"
#include "protocol/payment/state.hpp"
#include "protocol/problem.hpp"

namespace welkin {

// What is known of asking one account for the order. Only where it is certain that no money can
// have moved (not_taken) may another account be asked; once in doubt, a payment stays.
enum class AttemptOutcome : std::uint8_t { asked, doubtful, not_taken, answered };
std::string_view name_of(AttemptOutcome outcome);
std::optional<AttemptOutcome> parse_attempt_outcome(std::string_view name);

struct Attempt {
  int number = 0;  // 1, 2, 3 …
  int round = 0;   // in each every account of the channel may be asked once
  std::string account;
  std::string channel_order_no;
  AttemptOutcome outcome = AttemptOutcome::asked;
  UnixUs started_at_us = 0;

  template <class Self, class Visitor>
  static void visit_fields(Self& self, Visitor& v) {
    v("number", self.number);
    v("round", self.round);
    v("account", self.account);
    v("channel_order_no", self.channel_order_no);
    v("outcome", self.outcome);
    v("started_at_us", self.started_at_us);
  }
};

// What of a payment waits for an operator, and nothing else of it does: a refund, or the operation
// that is pending.
struct Parking {
  std::string reason;
  UnixUs since_us = 0;  // 0: it does not wait

  explicit operator bool() const { return since_us != 0; }

  template <class Self, class Visitor>
  static void visit_fields(Self& self, Visitor& v) {
    v("reason", self.reason);
    v("since_us", self.since_us);
  }
};

struct Refund {
  std::string refund_id;
  std::string account;             // which was charged, and gives it back,
  std::string channel_order_no;    // and for which order
  std::string merchant_refund_no;  // empty for a surplus and for what was made outside
  std::int64_t amount_minor = 0;
  std::string reason;
  RefundState state = RefundState::pending;
  bool surplus = false;
  bool outside = false;          // made at the channel's own desk
  bool authorized_only = false;  // a surplus given back by voiding
  std::string channel_reference;
  std::string failure_code;
  std::string failure_message;
  // What the merchant has to see to at the channel before it goes on; empty: nothing.
  std::string attention_code;
  std::string attention_message;
  bool reversed = false;  // failed after it had succeeded
  UnixUs created_at_us = 0;
  UnixUs updated_at_us = 0;
  int tries = 0;
  UnixUs next_query_at_us = 0;  // 0 once settled or parked
  Parking parked;               // also of a surplus that has failed to go back

  RefundKind kind() const {
    return surplus ? RefundKind::surplus : outside ? RefundKind::outside : RefundKind::asked_for;
  }
  bool needs_attention() const { return state == RefundState::pending && !attention_code.empty(); }

  template <class Self, class Visitor>
  static void visit_fields(Self& self, Visitor& v) {
    v("refund_id", self.refund_id);
    v("account", self.account);
    v("channel_order_no", self.channel_order_no);
    v("merchant_refund_no", self.merchant_refund_no);
    v("amount_minor", self.amount_minor);
    v("reason", self.reason);
    v("state", self.state);
    v("surplus", self.surplus);
    v("outside", self.outside);
    v("authorized_only", self.authorized_only);
    v("channel_reference", self.channel_reference);
    v("failure_code", self.failure_code);
    v("failure_message", self.failure_message);
    v("attention_code", self.attention_code);
    v("attention_message", self.attention_message);
    v("reversed", self.reversed);
    v("created_at_us", self.created_at_us);
    v("updated_at_us", self.updated_at_us);
    v("tries", self.tries);
    v("next_query_at_us", self.next_query_at_us);
    v("parked", self.parked);
  }
};

// An operation whose intent is durable and whose outcome is not. Refunds carry their own.
struct PendingOperation {
  ChannelOperation operation = ChannelOperation::create;
  std::int64_t amount_minor = 0;
  CloseReason close_reason = CloseReason::merchant;
  int tries = 0;
  UnixUs next_query_at_us = 0;  // 0 while parked
  UnixUs heard_at_us = 0;       // when the channel last said how it stands; 0: not yet
  int close_refusals = 0;       // how often it would not close the order
  Parking parked;

  template <class Self, class Visitor>
  static void visit_fields(Self& self, Visitor& v) {
    v("operation", self.operation);
    v("amount_minor", self.amount_minor);
    v("close_reason", self.close_reason);
    v("tries", self.tries);
    v("next_query_at_us", self.next_query_at_us);
    v("heard_at_us", self.heard_at_us);
    v("close_refusals", self.close_refusals);
    v("parked", self.parked);
  }
};

// A part of a payment that waits for an operator.
struct ParkedPart {
  ChannelOperation operation = ChannelOperation::create;
  std::string refund_id;  // for refunds, else empty
  Parking parked;
};

struct Payment {
  PaymentState state = PaymentState::none;
  std::string merchant_id;
  std::string merchant_order_no;
  std::int64_t amount_minor = 0;
  std::int64_t authorized_minor = 0;
  std::int64_t captured_minor = 0;
  std::int64_t refunded_minor = 0;        // succeeded refunds of captured money
  std::int64_t refund_pending_minor = 0;  // asked, not decided
  Currency currency;
  std::string channel;
  std::string method;
  Payer payer;
  std::string subject;
  CaptureMethod capture_method = CaptureMethod::automatic;
  std::string return_url;
  std::map<std::string, std::string> metadata;
  std::string request_fingerprint;
  UnixUs created_at_us = 0;
  UnixUs updated_at_us = 0;
  UnixUs expires_at_us = 0;
  std::vector<Attempt> attempts;  // at most `max_attempts`
  std::string channel_reference;
  NextAction next_action;
  std::optional<PendingOperation> pending;
  std::vector<Refund> refunds;
  std::string failure_code;
  std::string failure_message;
  std::optional<CloseReason> close_reason;
  int refused_callbacks = 0;  // how many that were not believed are written down
  int repeated_requests = 0;  // how many keys of repetitions are written down
  int operations_asked = 0;   // captures, voids and closes that the merchant has asked for

  template <class Self, class Visitor>
  static void visit_fields(Self& self, Visitor& v) {
    v("state", self.state);
    v("merchant_id", self.merchant_id);
    v("merchant_order_no", self.merchant_order_no);
    v("amount_minor", self.amount_minor);
    v("authorized_minor", self.authorized_minor);
    v("captured_minor", self.captured_minor);
    v("refunded_minor", self.refunded_minor);
    v("refund_pending_minor", self.refund_pending_minor);
    v("currency", self.currency);
    v("channel", self.channel);
    v("method", self.method);
    v("payer", self.payer);
    v("subject", self.subject);
    v("capture_method", self.capture_method);
    v("return_url", self.return_url);
    v("metadata", self.metadata);
    v("request_fingerprint", self.request_fingerprint);
    v("created_at_us", self.created_at_us);
    v("updated_at_us", self.updated_at_us);
    v("expires_at_us", self.expires_at_us);
    v("attempts", self.attempts);
    v("channel_reference", self.channel_reference);
    v("next_action", self.next_action);
    v("pending", self.pending);
    v("refunds", self.refunds);
    v("failure_code", self.failure_code);
    v("failure_message", self.failure_message);
    v("close_reason", self.close_reason);
    v("refused_callbacks", self.refused_callbacks);
    v("repeated_requests", self.repeated_requests);
    v("operations_asked", self.operations_asked);
  }

  const Refund* find_refund(std::string_view refund_id) const;
  const Refund* find_refund_by_no(std::string_view merchant_refund_no) const;
  // The attempt that counts; an empty one while there is none.
  const Attempt& last_attempt() const;
  const Attempt* find_attempt(std::string_view channel_order_no) const;
  // No account has the order: those that were asked did not take it, and the next is not asked yet.
  bool waits_for_a_route() const;
  // Something is asked of the channel and not decided, or the payer may still pay.
  bool is_open() const;
  // The parts of it that wait for an operator, the order's own first: those that are parked, and
  // refunds that need somebody's attention while they are still asked about.
  std::vector<ParkedPart> parked_parts() const;
  bool waits_for_operator() const;  // any part does
  bool is_parked() const;           // any part is asked about no more
  // When somebody has to look at this payment again, or 0: never by itself.
  UnixUs due_at_us() const;
};

// ---- what is asked of a payment

struct CreatePayment {
  std::string merchant_order_no;
  std::int64_t amount_minor = 0;
  Currency currency;
  std::string channel;
  std::string method;
  Payer payer;
  std::string subject;
  CaptureMethod capture_method = CaptureMethod::automatic;
  std::int64_t expires_in_s = 0;
  std::string return_url;
  std::map<std::string, std::string> metadata;
};
struct ClosePayment {};
struct CapturePayment {
  std::optional<std::int64_t> amount_minor;  // absent: all that is authorized
};
struct VoidPayment {};
struct RefundPayment {
  std::string merchant_refund_no;
  std::int64_t amount_minor = 0;
  std::string reason;
};
struct ResumePayment {
  std::string by;
};
using PaymentCommandBody = std::variant<CreatePayment, ClosePayment, CapturePayment, VoidPayment,
                                        RefundPayment, ResumePayment>;

struct PaymentCommand {
  PaymentId payment;
  std::string merchant_id;  // empty for operators
  RequestMark request;
  std::string cause;  // of what follows, and the correlation when it creates the payment
  PaymentCommandBody body;
};

// The event a command's first record would be: a command is legal exactly where that event is.
PaymentEventKind first_event_of(const PaymentCommandBody& body);

// ---- the rules

// Nothing to record: the state already holds what was asked, or the news is old.
struct AlreadySo {};

// What a decision needs to know about the world.
struct DecisionContext {
  PaymentId payment;
  UnixUs now_us = 0;
  // The accounts of the payment's channel, where an attempt may begin. Null or empty: the channel
  // has one, of its own name.
  const std::vector<Route>* routes = nullptr;
};

using Decision = std::variant<std::vector<PaymentEvent>, AlreadySo, Problem>;

Decision decide(const Payment& payment, const PaymentCommand& command,
                const DecisionContext& context);
Decision decide(const Payment& payment, const ChannelReport& report,
                const DecisionContext& context);
// What the passing of time asks for: the next attempt, or expiry. Empty when nothing is to record.
std::vector<PaymentEvent> decide_due(const Payment& payment, const DecisionContext& context);

// False when the event may not follow in this state or contradicts the payment, which for a
// recorded event means a broken journal. `problem` then says why, and the payment is of no more
// use.
bool apply(Payment& payment, const PaymentEvent& event, UnixUs at_us,
           std::string* problem = nullptr);

// The call that this order's first attempt would be, but for its number and account.
ChannelCall proposed_call(const CreatePayment& order);

// The calls an event asks for, once it is durable.
std::vector<ChannelCall> calls_after(const Payment& payment, const PaymentEvent& event,
                                     const PaymentId& id);
// The calls to make when somebody looks at the payment at `now_us`: queries that are due.
std::vector<ChannelCall> calls_due(const Payment& payment, const PaymentId& id, UnixUs now_us);
// Queries of the order and of each refund under way, whether they are due or not; the order's is
// the first. None when no account has been asked for the order.
std::vector<ChannelCall> calls_to_ask(const Payment& payment, const PaymentId& id);
// The operation itself again, after the channel said it never heard of it. Safe: same numbers.
std::vector<ChannelCall> calls_to_repeat(const Payment& payment, const ChannelReport& report,
                                         const PaymentId& id);

// ---- settling schedule

// When to ask the channel again after it was asked `times` times without settling: 2 s, 5 s, 15 s,
// 30 s, 1 m, 2 m, 5 m, 10 m, then every 10 m.
UnixUs query_delay_us(int times);
// After this many tries settling is parked for an operator (a day and a half of asking). An order
// that waits for its payer is asked about until it expires, and then closed.
constexpr int max_settle_tries = 220;
// After this many attempts that no account has taken the payment fails.
constexpr int max_attempts = 20;

// ---- what a client can repeat has a bound

// So many idempotency keys of repetitions are bound to a payment. A repetition under yet another is
// answered the same, and its key is not remembered.
constexpr int max_repeated_requests_kept = 100;
// A merchant may ask for so many captures, voids and closes of one payment; the channel has refused
// all of them but the last.
constexpr int max_operations_asked = 250;
// So many refunds a payment has, whatever came of them.
constexpr std::size_t max_refunds = 1000;

}  // namespace welkin
