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
#include "protocol/payment/state.hpp"
#include "protocol/problem.hpp"

namespace welkin {

enum class RefundState : std::uint8_t { pending, succeeded, failed };
std::string_view name_of(RefundState state);  // "PENDING"
std::optional<RefundState> parse_refund_state(std::string_view name);

struct Refund {
  std::string refund_id;
  std::string merchant_refund_no;  // empty for the runtime's own refunds of a surplus
  std::int64_t amount_minor = 0;
  std::string reason;
  RefundState state = RefundState::pending;
  bool surplus = false;
  bool authorized_only = false;  // a surplus given back by voiding
  std::string channel_reference;
  std::string failure_code;
  std::string failure_message;
  UnixUs created_at_us = 0;
  UnixUs updated_at_us = 0;
  int tries = 0;
  UnixUs next_query_at_us = 0;  // 0 once settled or parked

  template <class Self, class Visitor>
  static void visit_fields(Self& self, Visitor& v) {
    v("refund_id", self.refund_id);
    v("merchant_refund_no", self.merchant_refund_no);
    v("amount_minor", self.amount_minor);
    v("reason", self.reason);
    v("state", self.state);
    v("surplus", self.surplus);
    v("authorized_only", self.authorized_only);
    v("channel_reference", self.channel_reference);
    v("failure_code", self.failure_code);
    v("failure_message", self.failure_message);
    v("created_at_us", self.created_at_us);
    v("updated_at_us", self.updated_at_us);
    v("tries", self.tries);
    v("next_query_at_us", self.next_query_at_us);
  }
};

// An operation whose intent is durable and whose outcome is not. Refunds carry their own.
struct PendingOperation {
  ChannelOperation operation = ChannelOperation::create;
  std::int64_t amount_minor = 0;
  CloseReason close_reason = CloseReason::merchant;
  int tries = 0;
  UnixUs next_query_at_us = 0;  // 0 while parked

  template <class Self, class Visitor>
  static void visit_fields(Self& self, Visitor& v) {
    v("operation", self.operation);
    v("amount_minor", self.amount_minor);
    v("close_reason", self.close_reason);
    v("tries", self.tries);
    v("next_query_at_us", self.next_query_at_us);
  }
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
  std::string subject;
  CaptureMethod capture_method = CaptureMethod::automatic;
  std::string return_url;
  std::map<std::string, std::string> metadata;
  std::string request_fingerprint;
  UnixUs created_at_us = 0;
  UnixUs updated_at_us = 0;
  UnixUs expires_at_us = 0;
  int attempt = 0;
  std::string channel_order_no;
  std::string channel_reference;
  NextAction next_action;
  bool channel_has_answered = false;  // to the create call; until then it may not know the order
  std::optional<PendingOperation> pending;
  std::vector<Refund> refunds;
  std::string failure_code;
  std::string failure_message;
  std::optional<CloseReason> close_reason;
  std::string parked_reason;  // not empty: waits for an operator

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
    v("subject", self.subject);
    v("capture_method", self.capture_method);
    v("return_url", self.return_url);
    v("metadata", self.metadata);
    v("request_fingerprint", self.request_fingerprint);
    v("created_at_us", self.created_at_us);
    v("updated_at_us", self.updated_at_us);
    v("expires_at_us", self.expires_at_us);
    v("attempt", self.attempt);
    v("channel_order_no", self.channel_order_no);
    v("channel_reference", self.channel_reference);
    v("next_action", self.next_action);
    v("channel_has_answered", self.channel_has_answered);
    v("pending", self.pending);
    v("refunds", self.refunds);
    v("failure_code", self.failure_code);
    v("failure_message", self.failure_message);
    v("close_reason", self.close_reason);
    v("parked_reason", self.parked_reason);
  }

  const Refund* find_refund(std::string_view refund_id) const;
  const Refund* find_refund_by_no(std::string_view merchant_refund_no) const;
  // Something is asked of the channel and not decided, or the payer may still pay.
  bool is_open() const;
  // When somebody has to look at this payment again, or 0: never by itself.
  UnixUs due_at_us() const;
};

// ---- what is asked of a payment

struct CreatePayment {
  std::string merchant_order_no;
  std::int64_t amount_minor = 0;
  Currency currency;
  std::string channel;
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
  std::string request_id;  // causation of what follows, and correlation when it creates the payment
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
};

using Decision = std::variant<std::vector<PaymentEvent>, AlreadySo, Problem>;

Decision decide(const Payment& payment, const PaymentCommand& command,
                const DecisionContext& context);
Decision decide(const Payment& payment, const ChannelReport& report,
                const DecisionContext& context);
// What the passing of time asks for: expiry, or giving up on settling. Empty when nothing is to
// record.
std::vector<PaymentEvent> decide_due(const Payment& payment, const DecisionContext& context);

// Null when the event may not follow in this state, which for a recorded event means a broken
// journal. `problem` then says why.
bool apply(Payment& payment, const PaymentEvent& event, UnixUs at_us,
           std::string* problem = nullptr);

// The calls an event asks for, once it is durable.
std::vector<ChannelCall> calls_after(const Payment& payment, const PaymentEvent& event,
                                     const PaymentId& id);
// The calls to make when somebody looks at the payment at `now_us`: queries that are due.
std::vector<ChannelCall> calls_due(const Payment& payment, const PaymentId& id, UnixUs now_us);
// The operation itself again, after the channel said it never heard of it. Safe: same numbers.
std::vector<ChannelCall> calls_to_repeat(const Payment& payment, const ChannelReport& report,
                                         const PaymentId& id);

// ---- settling schedule

// When to ask the channel again after `tries` unsettled answers: 2 s, 5 s, 15 s, 30 s, 1 m, 2 m, 5
// m, 10 m, then every 10 m.
UnixUs query_delay_us(int tries);
// After this many tries settling is parked for an operator (a day and a half of asking).
constexpr int max_settle_tries = 220;

}  // namespace welkin
