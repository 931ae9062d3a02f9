// What can be recorded about a payment. One struct a kind; each lists its JSON fields once, in
// `visit_fields`, from which the writer, the strict parser and the documentation are made.
//
// Changing an event: add a new schema version in event_codec.cpp with an upcaster from the old one.
// A field is never renamed or given another meaning under the same version.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "protocol/channel/channel.hpp"
#include "protocol/entity/request_mark.hpp"
#include "protocol/ids.hpp"
#include "protocol/money.hpp"
#include "protocol/payment/state.hpp"

namespace welkin {

enum class CaptureMethod : std::uint8_t { automatic, manual };
std::string_view name_of(CaptureMethod method);
std::optional<CaptureMethod> parse_capture_method(std::string_view name);

// One line of a balanced double entry: debits are positive, credits negative, the sum is zero.
struct Posting {
  std::string account;  // "channel/sandbox", "merchant/m_1/payable"
  std::int64_t amount_minor = 0;

  template <class Self, class Visitor>
  static void visit_fields(Self& self, Visitor& v) {
    v("account", self.account);
    v("amount_minor", self.amount_minor);
  }
};

// What the merchant told of the payer, for channels that must hear it. Empty: not told.
struct Payer {
  std::string id;          // the payer's name at the channel
  std::string ip;          // the payer's address, as the merchant has seen it
  std::string instrument;  // what to charge: a channel's token, never a card's number

  template <class Self, class Visitor>
  static void visit_fields(Self& self, Visitor& v) {
    v("id", self.id);
    v("ip", self.ip);
    v("instrument", self.instrument);
  }
};

struct PaymentCreated {
  static constexpr auto kind = PaymentEventKind::created;
  // 1 had no capture_method: every payment captured automatically. 2 had no method and no payer:
  // the channel's first way to pay, which needs to know nothing. 3 had the client's name for its
  // request as the cause.
  static constexpr int version = 4;
  std::string merchant_id;
  std::string merchant_order_no;
  std::int64_t amount_minor = 0;
  Currency currency;
  std::string channel;
  std::string method;  // how the payer pays at the channel; empty: in its first way
  Payer payer;
  std::string subject;
  CaptureMethod capture_method = CaptureMethod::automatic;
  UnixUs expires_at_us = 0;
  std::string return_url;
  std::map<std::string, std::string> metadata;
  RequestMark request;

  template <class Self, class Visitor>
  static void visit_fields(Self& self, Visitor& v) {
    v("merchant_id", self.merchant_id);
    v("merchant_order_no", self.merchant_order_no);
    v("amount_minor", self.amount_minor);
    v("currency", self.currency);
    v("channel", self.channel);
    v("method", self.method);
    v("payer", self.payer);
    v("subject", self.subject);
    v("capture_method", self.capture_method);
    v("expires_at_us", self.expires_at_us);
    v("return_url", self.return_url);
    v("metadata", self.metadata);
    v("request", self.request);
  }
};

// The intent to ask one of the channel's accounts for an order: durable before it hears of it.
struct PaymentStarted {
  static constexpr auto kind = PaymentEventKind::started;
  static constexpr int version = 2;  // 1 knew one account a channel, of the channel's own name
  int attempt = 1;
  std::string channel;
  std::string account;
  std::string channel_order_no;
  std::string why;              // this account and no other
  UnixUs next_query_at_us = 0;  // when to ask how it went, if no answer is recorded by then

  template <class Self, class Visitor>
  static void visit_fields(Self& self, Visitor& v) {
    v("attempt", self.attempt);
    v("channel", self.channel);
    v("account", self.account);
    v("channel_order_no", self.channel_order_no);
    v("why", self.why);
    v("next_query_at_us", self.next_query_at_us);
  }
};

// The account has not taken the order, and it is certain that nothing can come of the attempt:
// another account may be asked.
struct PaymentRouteRefused {
  static constexpr auto kind = PaymentEventKind::route_refused;
  static constexpr int version = 1;
  int attempt = 1;
  std::string account;
  std::string code;
  std::string message;

  template <class Self, class Visitor>
  static void visit_fields(Self& self, Visitor& v) {
    v("attempt", self.attempt);
    v("account", self.account);
    v("code", self.code);
    v("message", self.message);
  }
};

// The channel has the order open and waits for the payer.
struct PaymentChannelAccepted {
  static constexpr auto kind = PaymentEventKind::channel_accepted;
  static constexpr int version = 1;
  std::string channel_reference;
  NextAction next_action;
  ReportSource source = ReportSource::answer;
  UnixUs next_query_at_us = 0;

  template <class Self, class Visitor>
  static void visit_fields(Self& self, Visitor& v) {
    v("channel_reference", self.channel_reference);
    v("next_action", self.next_action);
    v("source", self.source);
    v("next_query_at_us", self.next_query_at_us);
  }
};

// An operation was asked about and is still pending, or its outcome is not known.
struct PaymentUnsettled {
  static constexpr auto kind = PaymentEventKind::unsettled;
  static constexpr int version = 1;
  ChannelOperation operation = ChannelOperation::create;
  std::string refund_id;  // for refunds, else empty
  Outcome outcome = Outcome::unknown;
  std::string detail;
  ReportSource source = ReportSource::answer;
  int tries = 0;
  UnixUs next_query_at_us = 0;

  template <class Self, class Visitor>
  static void visit_fields(Self& self, Visitor& v) {
    v("operation", self.operation);
    v("refund_id", self.refund_id);
    v("outcome", self.outcome);
    v("detail", self.detail);
    v("source", self.source);
    v("tries", self.tries);
    v("next_query_at_us", self.next_query_at_us);
  }
};

struct PaymentAuthorized {
  static constexpr auto kind = PaymentEventKind::authorized;
  static constexpr int version = 1;
  std::int64_t authorized_minor = 0;
  std::string channel_reference;
  ReportSource source = ReportSource::answer;

  template <class Self, class Visitor>
  static void visit_fields(Self& self, Visitor& v) {
    v("authorized_minor", self.authorized_minor);
    v("channel_reference", self.channel_reference);
    v("source", self.source);
  }
};

struct PaymentCaptureRequested {
  static constexpr auto kind = PaymentEventKind::capture_requested;
  static constexpr int version = 2;  // 1 had no request_id
  std::int64_t amount_minor = 0;
  UnixUs next_query_at_us = 0;
  RequestMark request;

  template <class Self, class Visitor>
  static void visit_fields(Self& self, Visitor& v) {
    v("amount_minor", self.amount_minor);
    v("next_query_at_us", self.next_query_at_us);
    v("request", self.request);
  }
};

// A definite no from the channel, in its words.
struct PaymentCaptureRefused {
  static constexpr auto kind = PaymentEventKind::capture_refused;
  static constexpr int version = 1;
  std::string code;
  std::string message;
  ReportSource source = ReportSource::answer;

  template <class Self, class Visitor>
  static void visit_fields(Self& self, Visitor& v) {
    v("code", self.code);
    v("message", self.message);
    v("source", self.source);
  }
};

struct PaymentPaid {
  static constexpr auto kind = PaymentEventKind::paid;
  static constexpr int version = 1;
  std::int64_t captured_minor = 0;
  std::string channel_reference;
  ReportSource source = ReportSource::answer;
  std::vector<Posting> postings;

  template <class Self, class Visitor>
  static void visit_fields(Self& self, Visitor& v) {
    v("captured_minor", self.captured_minor);
    v("channel_reference", self.channel_reference);
    v("source", self.source);
    v("postings", self.postings);
  }
};

struct PaymentFailed {
  static constexpr auto kind = PaymentEventKind::failed;
  static constexpr int version = 1;
  std::string code;
  std::string message;
  ReportSource source = ReportSource::answer;

  template <class Self, class Visitor>
  static void visit_fields(Self& self, Visitor& v) {
    v("code", self.code);
    v("message", self.message);
    v("source", self.source);
  }
};

enum class CloseReason : std::uint8_t { merchant, expired, voided };
std::string_view name_of(CloseReason reason);
std::optional<CloseReason> parse_close_reason(std::string_view name);

struct PaymentCloseRequested {
  static constexpr auto kind = PaymentEventKind::close_requested;
  static constexpr int version = 2;  // 1 had no request_id
  CloseReason reason = CloseReason::merchant;
  UnixUs next_query_at_us = 0;
  RequestMark request;

  template <class Self, class Visitor>
  static void visit_fields(Self& self, Visitor& v) {
    v("reason", self.reason);
    v("next_query_at_us", self.next_query_at_us);
    v("request", self.request);
  }
};

struct PaymentCloseRefused {
  static constexpr auto kind = PaymentEventKind::close_refused;
  static constexpr int version = 1;
  std::string code;
  std::string message;
  ReportSource source = ReportSource::answer;
  UnixUs next_query_at_us = 0;  // refused usually means paid: ask soon

  template <class Self, class Visitor>
  static void visit_fields(Self& self, Visitor& v) {
    v("code", self.code);
    v("message", self.message);
    v("source", self.source);
    v("next_query_at_us", self.next_query_at_us);
  }
};

struct PaymentVoidRequested {
  static constexpr auto kind = PaymentEventKind::void_requested;
  static constexpr int version = 2;  // 1 had no request_id
  UnixUs next_query_at_us = 0;
  RequestMark request;

  template <class Self, class Visitor>
  static void visit_fields(Self& self, Visitor& v) {
    v("next_query_at_us", self.next_query_at_us);
    v("request", self.request);
  }
};

struct PaymentVoidRefused {
  static constexpr auto kind = PaymentEventKind::void_refused;
  static constexpr int version = 1;
  std::string code;
  std::string message;
  ReportSource source = ReportSource::answer;

  template <class Self, class Visitor>
  static void visit_fields(Self& self, Visitor& v) {
    v("code", self.code);
    v("message", self.message);
    v("source", self.source);
  }
};

struct PaymentClosed {
  static constexpr auto kind = PaymentEventKind::closed;
  static constexpr int version = 1;
  CloseReason reason = CloseReason::merchant;
  ReportSource source = ReportSource::answer;

  template <class Self, class Visitor>
  static void visit_fields(Self& self, Visitor& v) {
    v("reason", self.reason);
    v("source", self.source);
  }
};

struct PaymentRefundRequested {
  static constexpr auto kind = PaymentEventKind::refund_requested;
  static constexpr int version = 2;  // 1 had no request_id
  std::string refund_id;
  std::string merchant_refund_no;
  std::int64_t amount_minor = 0;
  std::string reason;
  UnixUs next_query_at_us = 0;
  RequestMark request;

  template <class Self, class Visitor>
  static void visit_fields(Self& self, Visitor& v) {
    v("refund_id", self.refund_id);
    v("merchant_refund_no", self.merchant_refund_no);
    v("amount_minor", self.amount_minor);
    v("reason", self.reason);
    v("next_query_at_us", self.next_query_at_us);
    v("request", self.request);
  }
};

struct PaymentRefundSucceeded {
  static constexpr auto kind = PaymentEventKind::refund_succeeded;
  static constexpr int version = 1;
  std::string refund_id;
  std::int64_t amount_minor = 0;
  std::string channel_reference;
  ReportSource source = ReportSource::answer;
  std::vector<Posting> postings;

  template <class Self, class Visitor>
  static void visit_fields(Self& self, Visitor& v) {
    v("refund_id", self.refund_id);
    v("amount_minor", self.amount_minor);
    v("channel_reference", self.channel_reference);
    v("source", self.source);
    v("postings", self.postings);
  }
};

struct PaymentRefundFailed {
  static constexpr auto kind = PaymentEventKind::refund_failed;
  static constexpr int version = 1;
  std::string refund_id;
  std::string code;
  std::string message;
  ReportSource source = ReportSource::answer;

  template <class Self, class Visitor>
  static void visit_fields(Self& self, Visitor& v) {
    v("refund_id", self.refund_id);
    v("code", self.code);
    v("message", self.message);
    v("source", self.source);
  }
};

// A refund that had succeeded has come back: the payer's bank did not take it, say. What it gave
// back is the merchant's again, and may be refunded another way.
struct PaymentRefundReversed {
  static constexpr auto kind = PaymentEventKind::refund_reversed;
  static constexpr int version = 1;
  std::string refund_id;
  std::int64_t amount_minor = 0;
  std::string code;
  std::string message;
  ReportSource source = ReportSource::callback;
  std::vector<Posting> postings;

  template <class Self, class Visitor>
  static void visit_fields(Self& self, Visitor& v) {
    v("refund_id", self.refund_id);
    v("amount_minor", self.amount_minor);
    v("code", self.code);
    v("message", self.message);
    v("source", self.source);
    v("postings", self.postings);
  }
};

// Money the payer gave that this payment must not keep: a success after it was closed or failed
// here, or a second charge for one order. Recording it is also the intent to give it back.
struct PaymentSurplusRecorded {
  static constexpr auto kind = PaymentEventKind::surplus_recorded;
  // 1 did not name the attempt that was charged: there was one. Empty stands for that one.
  static constexpr int version = 2;
  std::string refund_id;
  std::string account;
  std::string channel_order_no;
  std::string channel_reference;
  std::int64_t amount_minor = 0;
  bool authorized_only = false;  // not captured yet: it is voided instead of refunded
  ReportSource source = ReportSource::callback;
  UnixUs next_query_at_us = 0;
  std::vector<Posting> postings;

  template <class Self, class Visitor>
  static void visit_fields(Self& self, Visitor& v) {
    v("refund_id", self.refund_id);
    v("account", self.account);
    v("channel_order_no", self.channel_order_no);
    v("channel_reference", self.channel_reference);
    v("amount_minor", self.amount_minor);
    v("authorized_only", self.authorized_only);
    v("source", self.source);
    v("next_query_at_us", self.next_query_at_us);
    v("postings", self.postings);
  }
};

struct PaymentSurplusRefunded {
  static constexpr auto kind = PaymentEventKind::surplus_refunded;
  static constexpr int version = 1;
  std::string refund_id;
  std::int64_t amount_minor = 0;
  std::string channel_reference;
  ReportSource source = ReportSource::answer;
  std::vector<Posting> postings;

  template <class Self, class Visitor>
  static void visit_fields(Self& self, Visitor& v) {
    v("refund_id", self.refund_id);
    v("amount_minor", self.amount_minor);
    v("channel_reference", self.channel_reference);
    v("source", self.source);
    v("postings", self.postings);
  }
};

// A report whose signature was good and whose content does not fit this payment. An alarm.
// The field of a callback that was not believed at all; what it got is the reason.
inline constexpr std::string_view refused_callback_field = "callback";

struct PaymentReportRefused {
  static constexpr auto kind = PaymentEventKind::report_refused;
  static constexpr int version = 1;
  ReportSource source = ReportSource::callback;
  std::string field;  // "amount_minor", "currency", "merchant_id", "channel_order_no", "account"
  std::string expected;
  std::string got;

  template <class Self, class Visitor>
  static void visit_fields(Self& self, Visitor& v) {
    v("source", self.source);
    v("field", self.field);
    v("expected", self.expected);
    v("got", self.got);
  }
};

// The same request came again under an idempotency key not seen before, so that the key is bound to
// this answer too.
struct PaymentRequestRepeated {
  static constexpr auto kind = PaymentEventKind::request_repeated;
  // 1 did not say what was repeated, mostly the order, which stands for the rest; and had no
  // request_id.
  static constexpr int version = 2;
  ChannelOperation operation = ChannelOperation::create;
  std::string refund_id;  // for refunds, else empty
  RequestMark request;

  template <class Self, class Visitor>
  static void visit_fields(Self& self, Visitor& v) {
    v("operation", self.operation);
    v("refund_id", self.refund_id);
    v("request", self.request);
  }
};

// A part of the payment waits for an operator, who decides and resumes: the operation that is
// pending, or the refund that is named. Everything else of the payment goes on.
struct PaymentParked {
  static constexpr auto kind = PaymentEventKind::parked;
  static constexpr int version = 1;
  ChannelOperation operation = ChannelOperation::create;
  std::string refund_id;
  std::string reason;

  template <class Self, class Visitor>
  static void visit_fields(Self& self, Visitor& v) {
    v("operation", self.operation);
    v("refund_id", self.refund_id);
    v("reason", self.reason);
  }
};

struct PaymentResumed {
  static constexpr auto kind = PaymentEventKind::resumed;
  static constexpr int version = 2;  // 1 had no request_id
  std::string by;
  UnixUs next_query_at_us = 0;
  std::string request_id = {};  // the operator's X-Request-Id, if one was sent

  template <class Self, class Visitor>
  static void visit_fields(Self& self, Visitor& v) {
    v("by", self.by);
    v("next_query_at_us", self.next_query_at_us);
    v("request_id", self.request_id);
  }
};

// The channel holds a refund back until somebody acts there: the payer's account cannot take the
// money, say, or the merchant's has none. It is still asked about, in its time.
struct PaymentRefundNeedsAttention {
  static constexpr auto kind = PaymentEventKind::refund_needs_attention;
  static constexpr int version = 1;
  std::string refund_id;
  std::string code;
  std::string message;
  ReportSource source = ReportSource::callback;
  int tries = 0;
  UnixUs next_query_at_us = 0;

  template <class Self, class Visitor>
  static void visit_fields(Self& self, Visitor& v) {
    v("refund_id", self.refund_id);
    v("code", self.code);
    v("message", self.message);
    v("source", self.source);
    v("tries", self.tries);
    v("next_query_at_us", self.next_query_at_us);
  }
};

// Money that was given back at the channel's own desk, without anybody asking here.
struct PaymentOutsideRefundRecorded {
  static constexpr auto kind = PaymentEventKind::outside_refund_recorded;
  static constexpr int version = 1;
  std::string refund_id;  // ours, made of the channel's reference
  std::string account;
  std::string channel_order_no;
  std::string channel_reference;  // the channel's name for the refund
  std::int64_t amount_minor = 0;
  ReportSource source = ReportSource::callback;
  std::vector<Posting> postings;

  template <class Self, class Visitor>
  static void visit_fields(Self& self, Visitor& v) {
    v("refund_id", self.refund_id);
    v("account", self.account);
    v("channel_order_no", self.channel_order_no);
    v("channel_reference", self.channel_reference);
    v("amount_minor", self.amount_minor);
    v("source", self.source);
    v("postings", self.postings);
  }
};

// In the order of PaymentEventKind, which event_codec.cpp asserts.
using PaymentEvent =
    std::variant<PaymentCreated, PaymentStarted, PaymentRouteRefused, PaymentChannelAccepted,
                 PaymentUnsettled, PaymentAuthorized, PaymentCaptureRequested,
                 PaymentCaptureRefused, PaymentPaid, PaymentFailed, PaymentCloseRequested,
                 PaymentCloseRefused, PaymentVoidRequested, PaymentVoidRefused, PaymentClosed,
                 PaymentRefundRequested, PaymentRefundSucceeded, PaymentRefundFailed,
                 PaymentRefundReversed, PaymentSurplusRecorded, PaymentSurplusRefunded,
                 PaymentReportRefused, PaymentRequestRepeated, PaymentParked, PaymentResumed,
                 PaymentRefundNeedsAttention, PaymentOutsideRefundRecorded>;
static_assert(std::variant_size_v<PaymentEvent> == payment_event_kind_count);

inline PaymentEventKind kind_of(const PaymentEvent& event) {
  return static_cast<PaymentEventKind>(event.index());
}

}  // namespace welkin
