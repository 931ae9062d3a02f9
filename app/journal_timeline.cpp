#include "app/journal_timeline.hpp"

#include <utility>

#include "app/journal_verifier.hpp"
#include "app/text_table.hpp"
#include "protocol/breaker/event_codec.hpp"
#include "protocol/payment/event_codec.hpp"

namespace welkin {
namespace {

// Parts joined by ", ", empty ones left out.
class Details {
 public:
  Details& add(const std::string& part) {
    if (!part.empty()) text_ += (text_.empty() ? "" : ", ") + part;
    return *this;
  }
  Details& add(const std::string& label, const std::string& value) {
    return value.empty() ? *this : add(label + value);
  }
  Details& by(ReportSource source) { return add("by " + std::string(name_of(source))); }
  Details& next_query(UnixUs at_us) {
    return at_us == 0 ? *this : add("next query " + format_clock(at_us).substr(11, 8));
  }
  Details& request(const RequestMark& mark) {
    return add("key ", mark.idempotency_key).request_id(mark.request_id);
  }
  Details& request_id(const std::string& sent) { return add("request id ", sent); }
  std::string text() { return std::move(text_); }

 private:
  std::string text_;
};

struct DetailsOf {
  Currency currency;

  std::string money(std::int64_t amount_minor) const {
    return format_amount(amount_minor, currency);
  }
  static std::string refusal(const std::string& code, const std::string& message,
                             ReportSource source) {
    return Details().add(code + (message.empty() ? "" : ": " + message)).by(source).text();
  }

  // What a payer opens or scans is shown; what a browser needs to pay with is not for a screen.
  static std::string shown(const NextAction& action) {
    const bool plain = action.type == "qr_code" || action.type == "redirect";
    return plain ? action.type + " " + action.value : action.type;
  }

  std::string operator()(const PaymentCreated& e) const {
    return Details()
        .add(format_amount(e.amount_minor, e.currency) + " via " + e.channel)
        .add("by ", e.method)
        .add("order ", e.merchant_order_no)
        .add(e.capture_method == CaptureMethod::manual ? "manual capture" : "")
        .add("expires " + format_clock(e.expires_at_us).substr(0, 19))
        .request(e.request)
        .text();
  }
  std::string operator()(const PaymentStarted& e) const {
    return Details()
        .add("attempt " + std::to_string(e.attempt) + " at " + e.account + " as " +
             e.channel_order_no)
        .add("", e.why)
        .next_query(e.next_query_at_us)
        .text();
  }
  std::string operator()(const PaymentRouteRefused& e) const {
    return Details()
        .add("attempt " + std::to_string(e.attempt) + " at " + e.account)
        .add(e.code + (e.message.empty() ? "" : ": " + e.message))
        .text();
  }
  std::string operator()(const PaymentChannelAccepted& e) const {
    return Details()
        .by(e.source)
        .add("reference ", e.channel_reference)
        .add(shown(e.next_action))
        .next_query(e.next_query_at_us)
        .text();
  }
  std::string operator()(const PaymentUnsettled& e) const {
    return Details()
        .add(std::string(name_of(e.operation)) + " is " + std::string(name_of(e.outcome)))
        .add("", e.refund_id)
        .add("", e.detail)
        .by(e.source)
        .add("try " + std::to_string(e.tries))
        .next_query(e.next_query_at_us)
        .text();
  }
  std::string operator()(const PaymentAuthorized& e) const {
    return Details()
        .add(money(e.authorized_minor))
        .by(e.source)
        .add("reference ", e.channel_reference)
        .text();
  }
  std::string operator()(const PaymentCaptureRequested& e) const {
    return Details()
        .add(money(e.amount_minor))
        .next_query(e.next_query_at_us)
        .request(e.request)
        .text();
  }
  std::string operator()(const PaymentCaptureRefused& e) const {
    return refusal(e.code, e.message, e.source);
  }
  std::string operator()(const PaymentPaid& e) const {
    return Details()
        .add(money(e.captured_minor))
        .by(e.source)
        .add("reference ", e.channel_reference)
        .text();
  }
  std::string operator()(const PaymentFailed& e) const {
    return refusal(e.code, e.message, e.source);
  }
  std::string operator()(const PaymentCloseRequested& e) const {
    return Details()
        .add("because: " + std::string(name_of(e.reason)))
        .next_query(e.next_query_at_us)
        .request(e.request)
        .text();
  }
  std::string operator()(const PaymentCloseRefused& e) const {
    return refusal(e.code, e.message, e.source);
  }
  std::string operator()(const PaymentVoidRequested& e) const {
    return Details().next_query(e.next_query_at_us).request(e.request).text();
  }
  std::string operator()(const PaymentVoidRefused& e) const {
    return refusal(e.code, e.message, e.source);
  }
  std::string operator()(const PaymentClosed& e) const {
    return Details().add("because: " + std::string(name_of(e.reason))).by(e.source).text();
  }
  std::string operator()(const PaymentRefundRequested& e) const {
    return Details()
        .add(money(e.amount_minor))
        .add("refund ", e.merchant_refund_no)
        .add(e.refund_id)
        .add("reason: ", e.reason)
        .next_query(e.next_query_at_us)
        .request(e.request)
        .text();
  }
  std::string operator()(const PaymentRefundSucceeded& e) const {
    return Details().add(money(e.amount_minor)).add(e.refund_id).by(e.source).text();
  }
  std::string operator()(const PaymentRefundFailed& e) const {
    return Details().add(e.refund_id).add(refusal(e.code, e.message, e.source)).text();
  }
  std::string operator()(const PaymentRefundReversed& e) const {
    return Details()
        .add(money(e.amount_minor))
        .add(e.refund_id)
        .add(refusal(e.code, e.message, e.source))
        .text();
  }
  std::string operator()(const PaymentSurplusRecorded& e) const {
    return Details()
        .add(money(e.amount_minor) +
             (e.authorized_only ? " authorized, to be voided" : " to be given back"))
        .add("charged by ", e.account)
        .by(e.source)
        .add(e.refund_id)
        .add("reference ", e.channel_reference)
        .text();
  }
  std::string operator()(const PaymentSurplusRefunded& e) const {
    return Details().add(money(e.amount_minor)).add(e.refund_id).by(e.source).text();
  }
  std::string operator()(const PaymentReportRefused& e) const {
    return Details()
        .add("ALARM: " + e.field + " is " + e.got + " where " + e.expected + " is expected")
        .by(e.source)
        .text();
  }
  std::string operator()(const PaymentRequestRepeated& e) const {
    return Details()
        .add(std::string(name_of(e.operation)))
        .add("", e.refund_id)
        .request(e.request)
        .text();
  }
  std::string operator()(const PaymentParked& e) const {
    return Details().add(std::string(name_of(e.operation))).add(e.refund_id).add(e.reason).text();
  }
  std::string operator()(const PaymentResumed& e) const {
    return Details()
        .add("by ", e.by)
        .request_id(e.request_id)
        .next_query(e.next_query_at_us)
        .text();
  }
  std::string operator()(const PaymentRefundNeedsAttention& e) const {
    return Details()
        .add("ATTENTION: " + e.refund_id)
        .add(refusal(e.code, e.message, e.source))
        .add("try " + std::to_string(e.tries))
        .next_query(e.next_query_at_us)
        .text();
  }
  std::string operator()(const PaymentOutsideRefundRecorded& e) const {
    return Details()
        .add(money(e.amount_minor) + " given back at the desk of " + e.account)
        .add(e.refund_id)
        .by(e.source)
        .add("reference ", e.channel_reference)
        .text();
  }
};

struct BreakerDetailsOf {
  static std::string counted(const BreakerFigures& figures) {
    return std::to_string(figures.failures) + " of " + std::to_string(figures.calls) +
           " calls failed, " + std::to_string(figures.slow) + " were slow";
  }
  template <class Event>
  static std::string operators(const Event& e) {
    return Details()
        .add(e.account)
        .add("by " + e.by)
        .add("because: ", e.reason)
        .request_id(e.request_id)
        .text();
  }

  std::string operator()(const BreakerOpened& e) const {
    return Details()
        .add(e.account)
        .add(words_of(e.cause, e.figures))
        .add("trip " + std::to_string(e.trips))
        .add("until " + format_clock(e.open_until_us).substr(11, 8))
        .text();
  }
  std::string operator()(const BreakerHalfOpened& e) const {
    return Details().add(e.account).add(std::to_string(e.probes) + " probes").text();
  }
  std::string operator()(const BreakerRecovering& e) const {
    return Details().add(e.account).add("probes: " + counted(e.figures)).text();
  }
  std::string operator()(const BreakerClosed& e) const {
    return Details().add(e.account).add(counted(e.figures)).text();
  }
  std::string operator()(const BreakerForcedOpen& e) const { return operators(e); }
  std::string operator()(const BreakerDisabled& e) const { return operators(e); }
  std::string operator()(const BreakerReleased& e) const { return operators(e); }
};

struct JournalDetailsOf {
  static std::string at(std::int64_t position) { return "position " + std::to_string(position); }

  std::string operator()(const JournalTruncationAccepted& e) const {
    return Details().add(e.reason).add("ends at " + at(e.last_position)).text();
  }
  std::string operator()(const JournalRestored& e) const {
    return Details()
        .add("backup up to " + at(e.backup_position))
        .add("of " + format_clock(e.backup_at_us))
        .add("to ask since " + format_clock(e.ask_since_us))
        .text();
  }
  std::string operator()(const JournalAskedAfterRestore& e) const {
    return Details()
        .add(std::to_string(e.payments) + " payments")
        .add(std::to_string(e.unanswered) + " unanswered")
        .text();
  }
};

// What an event says, or its payload when it cannot be read.
std::string details_of(const EventRow& row, const StreamCheck& check) {
  if (row.stream.kind == StreamKind::breaker) {
    const auto event = parse_breaker_event(row.type, row.version, row.payload);
    const auto* known = std::get_if<BreakerEvent>(&event);
    return known ? details_of(*known) : row.payload;
  }
  if (row.stream.kind == StreamKind::journal) {
    const auto event = parse_journal_event(row.type, row.version, row.payload);
    const auto* known = std::get_if<JournalEvent>(&event);
    return known ? details_of(*known) : row.payload;
  }
  const auto event = parse_event(row.type, row.version, row.payload);
  const auto* known = std::get_if<PaymentEvent>(&event);
  return known ? details_of(*known, check.payment()->currency) : row.payload;
}

}  // namespace

std::string details_of(const PaymentEvent& event, Currency currency) {
  return std::visit(DetailsOf{currency}, event);
}

std::string details_of(const BreakerEvent& event) { return std::visit(BreakerDetailsOf{}, event); }

std::string details_of(const JournalEvent& event) { return std::visit(JournalDetailsOf{}, event); }

std::vector<TimelineStep> timeline_of(std::vector<EventRow> rows) {
  std::vector<TimelineStep> steps;
  steps.reserve(rows.size());
  StreamCheck check;
  bool sound = true;
  UnixUs previous_us = rows.empty() ? 0 : rows.front().at_us;
  for (EventRow& row : rows) {
    TimelineStep& step = steps.emplace_back();
    step.gap_us = row.at_us - previous_us;
    previous_us = row.at_us;
    if (sound) {
      step.problem = check.take(row);
      sound = step.problem.empty();
      if (sound) step.after = check.state;
    }
    step.details = details_of(row, check);
    step.row = std::move(row);
  }
  return steps;
}

}  // namespace welkin
