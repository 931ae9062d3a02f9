// What a payment makes of a channel's report, and what it asks of the channel. A report is believed
// about this payment only when it names the same order, merchant, currency and amount; an unknown
// outcome is never a failure; money that came when it should not have is given back.
#include <algorithm>
#include <utility>

#include "protocol/payment/decide.hpp"

namespace welkin {
namespace {

class ReportJudge {
 public:
  ReportJudge(const Payment& payment, const ChannelReport& report, const DecisionContext& context)
      : p_(payment), r_(report), context_(context) {}

  Decision judge() const {
    if (!r_.channel_order_no.empty() && r_.channel_order_no != p_.channel_order_no)
      return mismatch("channel_order_no", p_.channel_order_no, r_.channel_order_no);
    if (!r_.refund_id.empty()) return about_refund();
    switch (r_.verdict) {
      case ChannelVerdict::accepted:
        return accepted();
      case ChannelVerdict::authorized:
        return authorized();
      case ChannelVerdict::paid:
        return paid();
      case ChannelVerdict::closed:
        return closed();
      case ChannelVerdict::refused:
        return refused();
      case ChannelVerdict::not_found:
        return not_found();
      case ChannelVerdict::not_taken:
        return unsettled(Outcome::pending, words());
      case ChannelVerdict::unknown:
        return unsettled(Outcome::unknown, words());
      case ChannelVerdict::refund_pending:
      case ChannelVerdict::refunded:
      case ChannelVerdict::refund_refused:
        return mismatch("refund_id", "a refund of this payment", "");
    }
    return AlreadySo{};
  }

 private:
  // ---- about the order

  Decision accepted() const {
    if (p_.state != PaymentState::paying) return AlreadySo{};
    if (auto wrong = check_order(p_.amount_minor)) return *wrong;
    if (is_pending(ChannelOperation::create) && !p_.channel_has_answered)
      return one(PaymentChannelAccepted{r_.channel_reference, r_.next_action, r_.source,
                                        context_.now_us + query_delay_us(0)});
    return still_open("the order is open");
  }

  Decision authorized() const {
    if (auto wrong = check_order(p_.amount_minor)) return *wrong;
    switch (p_.state) {
      case PaymentState::paying:
        if (p_.capture_method == CaptureMethod::automatic)
          return still_open("authorized, the capture is awaited");
        return one(PaymentAuthorized{r_.amount_minor, r_.channel_reference, r_.source});
      case PaymentState::authorized:
        if (r_.channel_reference == p_.channel_reference) return still_open("still authorized");
        return surplus(/*authorized_only=*/true);
      case PaymentState::none:
      case PaymentState::created:
        return AlreadySo{};
      default:
        // An old message about the authorization we have already captured or voided.
        if (p_.authorized_minor > 0 && r_.channel_reference == p_.channel_reference)
          return AlreadySo{};
        return surplus(/*authorized_only=*/true);
    }
  }

  Decision paid() const {
    switch (p_.state) {
      case PaymentState::none:
      case PaymentState::created:
        return AlreadySo{};
      case PaymentState::paying: {
        if (auto wrong = check_order(p_.amount_minor)) return *wrong;
        return one(paid_event());
      }
      case PaymentState::authorized: {
        const bool asked = is_pending(ChannelOperation::capture);
        const std::int64_t expected_minor = asked ? p_.pending->amount_minor : r_.amount_minor;
        if (auto wrong = check_order(expected_minor)) return *wrong;
        if (r_.amount_minor <= 0 || r_.amount_minor > p_.authorized_minor)
          return mismatch("amount_minor", std::to_string(p_.authorized_minor),
                          std::to_string(r_.amount_minor));
        return one(paid_event());
      }
      case PaymentState::failed:
      case PaymentState::closed: {
        if (auto wrong = check_order(p_.amount_minor)) return *wrong;
        return surplus(/*authorized_only=*/false);
      }
      default:
        // Without a reference it cannot be told from the charge we have; a second one is not
        // guessed.
        if (r_.channel_reference.empty() || r_.channel_reference == p_.channel_reference) {
          // Old news, as long as it says what the news said.
          if (auto wrong = check_order(p_.captured_minor > 0 ? p_.captured_minor : p_.amount_minor))
            return *wrong;
          return AlreadySo{};
        }
        if (auto wrong = check_order(p_.amount_minor)) return *wrong;
        return surplus(/*authorized_only=*/false);
    }
  }

  Decision closed() const {
    if (p_.state == PaymentState::paying) {
      const bool asked = is_pending(ChannelOperation::close);
      return one(PaymentClosed{asked ? p_.pending->close_reason : CloseReason::expired, r_.source});
    }
    if (p_.state == PaymentState::authorized)
      return one(PaymentClosed{CloseReason::voided, r_.source});
    return AlreadySo{};
  }

  Decision refused() const {
    if (r_.operation == ChannelOperation::create && p_.state == PaymentState::paying)
      return one(PaymentFailed{r_.code, r_.message, r_.source});
    if (!is_pending(r_.operation)) return AlreadySo{};
    switch (r_.operation) {
      case ChannelOperation::capture:
        return one(PaymentCaptureRefused{r_.code, r_.message, r_.source});
      case ChannelOperation::void_:
        return one(PaymentVoidRefused{r_.code, r_.message, r_.source});
      case ChannelOperation::close: {
        // Refused mostly because the payer has just paid: ask at once.
        std::vector<PaymentEvent> events{
            PaymentCloseRefused{r_.code, r_.message, r_.source, context_.now_us}};
        if (p_.pending->tries + 1 >= max_settle_tries)
          events.push_back(
              PaymentParked{ChannelOperation::close, "", "the channel keeps refusing to close"});
        return events;
      }
      default:
        return AlreadySo{};
    }
  }

  Decision not_found() const {
    if (p_.state == PaymentState::paying &&
        (is_pending(ChannelOperation::close) || context_.now_us >= p_.expires_at_us)) {
      // No order there, so nothing can be paid; should a lost create still arrive, the late success
      // is given back.
      const bool asked = is_pending(ChannelOperation::close);
      return one(PaymentClosed{asked ? p_.pending->close_reason : CloseReason::expired, r_.source});
    }
    return unsettled(Outcome::pending, "the channel has not heard of it; asked again");
  }

  // ---- about a refund

  Decision about_refund() const {
    const Refund* refund = p_.find_refund(r_.refund_id);
    if (!refund) return mismatch("refund_id", "a refund of this payment", r_.refund_id);
    const bool succeeded =
        r_.verdict == ChannelVerdict::refunded || r_.verdict == ChannelVerdict::closed;
    if (refund->state == RefundState::failed && succeeded)
      return mismatch("refund_status", "FAILED", "SUCCEEDED");
    if (refund->state == RefundState::succeeded && succeeded)
      if (auto wrong = check_refund(*refund)) return *wrong;
    if (refund->state != RefundState::pending) return AlreadySo{};
    switch (r_.verdict) {
      case ChannelVerdict::refunded:
      case ChannelVerdict::closed:
        return refunded(*refund);
      case ChannelVerdict::refused:
      case ChannelVerdict::refund_refused:
        return refund_failed(*refund);
      case ChannelVerdict::not_found:
        return refund_unsettled(*refund, Outcome::pending,
                                "the channel has not heard of it; asked again");
      case ChannelVerdict::unknown:
        return refund_unsettled(*refund, Outcome::unknown, words());
      default:
        if (r_.source == ReportSource::callback) return AlreadySo{};
        return refund_unsettled(*refund, Outcome::pending, "the channel is working on it");
    }
  }

  Decision refunded(const Refund& refund) const {
    if (auto wrong = check_refund(refund)) return *wrong;
    if (refund.surplus) {
      std::vector<Posting> postings;
      if (!refund.authorized_only)
        postings = balanced_postings("payer/surplus", channel_account(), refund.amount_minor);
      return one(PaymentSurplusRefunded{refund.refund_id, refund.amount_minor, r_.channel_reference,
                                        r_.source, std::move(postings)});
    }
    return one(PaymentRefundSucceeded{
        refund.refund_id, refund.amount_minor, r_.channel_reference, r_.source,
        balanced_postings(merchant_account(), channel_account(), refund.amount_minor)});
  }

  Decision refund_failed(const Refund& refund) const {
    std::vector<PaymentEvent> events{
        PaymentRefundFailed{refund.refund_id, r_.code, r_.message, r_.source}};
    // The payer's own money that the channel will not take back: somebody has to see to it.
    if (refund.surplus)
      events.push_back(PaymentParked{ChannelOperation::refund, refund.refund_id,
                                     "the channel refuses to give a surplus back: " + words()});
    return events;
  }

  Decision refund_unsettled(const Refund& refund, Outcome outcome, std::string detail) const {
    const int tries = refund.tries + 1;
    std::vector<PaymentEvent> events{PaymentUnsettled{ChannelOperation::refund, refund.refund_id,
                                                      outcome, std::move(detail), r_.source, tries,
                                                      context_.now_us + query_delay_us(tries)}};
    if (tries >= max_settle_tries)
      events.push_back(
          PaymentParked{ChannelOperation::refund, refund.refund_id,
                        "the refund could not be settled in " + std::to_string(tries) + " tries"});
    return events;
  }

  // ---- shared

  // The channel answered, and what was asked of it has not happened yet.
  Decision still_open(std::string detail) const {
    if (r_.source == ReportSource::callback) return AlreadySo{};
    return unsettled(Outcome::pending, std::move(detail));
  }

  Decision unsettled(Outcome outcome, std::string detail) const {
    if (!p_.pending) return AlreadySo{};
    const int tries = p_.pending->tries + 1;
    std::vector<PaymentEvent> events{PaymentUnsettled{p_.pending->operation, "", outcome,
                                                      std::move(detail), r_.source, tries,
                                                      context_.now_us + query_delay_us(tries)}};
    if (tries >= max_settle_tries)
      events.push_back(
          PaymentParked{p_.pending->operation, "",
                        "it could not be settled in " + std::to_string(tries) + " tries"});
    return events;
  }

  Decision surplus(bool authorized_only) const {
    // The same news again is none, but a surplus we knew as held may since have been captured.
    bool was_held = false;
    for (const Refund& refund : p_.refunds) {
      if (!refund.surplus || refund.channel_reference != r_.channel_reference) continue;
      if (authorized_only || !refund.authorized_only) return AlreadySo{};
      was_held = true;
    }
    const RefundId id = refund_id_of(
        context_.payment, (was_held ? "surplus-captured/" : "surplus/") + r_.channel_reference);
    std::vector<Posting> postings;
    if (!authorized_only)
      postings = balanced_postings(channel_account(), "payer/surplus", r_.amount_minor);
    return one(PaymentSurplusRecorded{id.text(), r_.channel_reference, r_.amount_minor,
                                      authorized_only, r_.source,
                                      context_.now_us + answer_patience_us, std::move(postings)});
  }

  PaymentPaid paid_event() const {
    return {r_.amount_minor, r_.channel_reference, r_.source,
            balanced_postings(channel_account(), merchant_account(), r_.amount_minor)};
  }

  // A report about an authorization that was let go names the order's amount, which moves no money.
  std::optional<Decision> check_refund(const Refund& refund) const {
    if (refund.authorized_only) return std::nullopt;
    if (names_other_merchant()) return mismatch("merchant_id", p_.merchant_id, r_.merchant_id);
    if (r_.amount_minor != refund.amount_minor)
      return mismatch("amount_minor", std::to_string(refund.amount_minor),
                      std::to_string(r_.amount_minor));
    if (r_.currency != p_.currency)
      return mismatch("currency", std::string(p_.currency.code()), std::string(r_.currency.code()));
    return std::nullopt;
  }

  std::optional<Decision> check_order(std::int64_t expected_minor) const {
    if (names_other_merchant()) return mismatch("merchant_id", p_.merchant_id, r_.merchant_id);
    if (r_.currency != p_.currency)
      return mismatch("currency", std::string(p_.currency.code()), std::string(r_.currency.code()));
    if (r_.amount_minor != expected_minor)
      return mismatch("amount_minor", std::to_string(expected_minor),
                      std::to_string(r_.amount_minor));
    return std::nullopt;
  }

  // An alarm. When we asked, asking again must stay bounded, so the try counts as unsettled too.
  Decision mismatch(const std::string& field, std::string expected, std::string got) const {
    std::vector<PaymentEvent> events{
        PaymentReportRefused{r_.source, field, std::move(expected), std::move(got)}};
    if (r_.source == ReportSource::callback) return events;
    const Refund* refund = p_.find_refund(r_.refund_id);
    const bool refund_pending = refund && refund->state == RefundState::pending;
    Decision more = AlreadySo{};
    if (refund_pending)
      more = refund_unsettled(*refund, Outcome::unknown, "the answer does not fit: " + field);
    else if (r_.refund_id.empty())
      more = unsettled(Outcome::unknown, "the answer does not fit: " + field);
    if (auto* unsettled_events = std::get_if<std::vector<PaymentEvent>>(&more))
      for (PaymentEvent& event : *unsettled_events) events.push_back(std::move(event));
    return events;
  }

  bool names_other_merchant() const {
    return !r_.merchant_by_account && r_.merchant_id != p_.merchant_id;
  }
  bool is_pending(ChannelOperation operation) const {
    return p_.pending && p_.pending->operation == operation;
  }
  std::string words() const {
    return r_.message.empty() ? r_.code : r_.code + (r_.code.empty() ? "" : ": ") + r_.message;
  }
  std::string channel_account() const { return "channel/" + p_.channel; }
  std::string merchant_account() const { return "merchant/" + p_.merchant_id + "/payable"; }

  template <class Event>
  static Decision one(Event event) {
    std::vector<PaymentEvent> events;
    events.emplace_back(std::move(event));
    return events;
  }

  const Payment& p_;
  const ChannelReport& r_;
  const DecisionContext& context_;
};

ChannelCall call_of(const Payment& payment, ChannelOperation operation, const PaymentId& id) {
  ChannelCall call;
  call.payment = id;
  call.operation = operation;
  call.merchant_id = payment.merchant_id;
  call.channel_order_no = payment.channel_order_no;
  call.amount_minor = operation == ChannelOperation::capture && payment.pending
                          ? payment.pending->amount_minor
                          : payment.amount_minor;
  call.order_amount_minor = payment.amount_minor;
  call.currency = payment.currency;
  call.manual_capture = payment.capture_method == CaptureMethod::manual;
  call.subject = payment.subject;
  call.return_url = payment.return_url;
  call.expires_at_us = payment.expires_at_us;
  call.channel_reference = payment.channel_reference;
  call.order_created_at_us = payment.created_at_us;
  call.order_accepted = payment.channel_has_answered;
  return call;
}

ChannelCall refund_call(const Payment& payment, const Refund& refund, const PaymentId& id) {
  const auto operation =
      refund.authorized_only ? ChannelOperation::void_ : ChannelOperation::refund;
  ChannelCall call = call_of(payment, operation, id);
  call.refund_id = refund.refund_id;
  if (const auto parsed = RefundId::parse(refund.refund_id))
    call.channel_refund_no = channel_refund_no(*parsed);
  call.amount_minor = refund.amount_minor;
  call.surplus = refund.surplus;
  call.refund_created_at_us = refund.created_at_us;
  // A surplus is another charge than the payment's own, and is given back from that one.
  if (refund.surplus && !refund.channel_reference.empty())
    call.channel_reference = refund.channel_reference;
  return call;
}

}  // namespace

Decision decide(const Payment& payment, const ChannelReport& report,
                const DecisionContext& context) {
  if (payment.state == PaymentState::none)
    return Problem{ProblemCode::not_found, "The report names a payment that does not exist.", ""};
  return ReportJudge(payment, report, context).judge();
}

std::vector<ChannelCall> calls_after(const Payment& payment, const PaymentEvent& event,
                                     const PaymentId& id) {
  switch (kind_of(event)) {
    case PaymentEventKind::started:
      return {call_of(payment, ChannelOperation::create, id)};
    case PaymentEventKind::capture_requested:
      return {call_of(payment, ChannelOperation::capture, id)};
    case PaymentEventKind::void_requested:
      return {call_of(payment, ChannelOperation::void_, id)};
    case PaymentEventKind::close_requested:
      if (payment.state != PaymentState::paying) return {};
      return {call_of(payment, ChannelOperation::close, id)};
    case PaymentEventKind::refund_requested:
    case PaymentEventKind::surplus_recorded:
      return {refund_call(payment, payment.refunds.back(), id)};
    default:
      return {};
  }
}

std::vector<ChannelCall> calls_due(const Payment& payment, const PaymentId& id, UnixUs now_us) {
  std::vector<ChannelCall> calls;
  const auto is_due = [now_us](UnixUs at_us) { return at_us != 0 && at_us <= now_us; };
  if (payment.pending && is_due(payment.pending->next_query_at_us))
    calls.push_back(call_of(payment, payment.pending->operation, id));
  for (const Refund& refund : payment.refunds)
    if (refund.state == RefundState::pending && is_due(refund.next_query_at_us))
      calls.push_back(refund_call(payment, refund, id));
  for (ChannelCall& call : calls) call.query = true;
  return calls;
}

std::vector<ChannelCall> calls_to_repeat(const Payment& payment, const ChannelReport& report,
                                         const PaymentId& id) {
  // Only a query's answer shows that the operation itself has not happened.
  if (report.source != ReportSource::query) return {};
  if (!report.refund_id.empty()) {
    const Refund* refund = payment.find_refund(report.refund_id);
    if (!refund || refund->state != RefundState::pending) return {};
    const bool undone = report.verdict == ChannelVerdict::not_found ||
                        (refund->authorized_only && report.verdict == ChannelVerdict::authorized);
    if (!undone) return {};
    return {refund_call(payment, *refund, id)};
  }
  if (!payment.pending) return {};
  const ChannelOperation operation = payment.pending->operation;
  const bool undone =
      (operation == ChannelOperation::create && report.verdict == ChannelVerdict::not_found) ||
      (operation == ChannelOperation::close && report.verdict == ChannelVerdict::accepted) ||
      ((operation == ChannelOperation::capture || operation == ChannelOperation::void_) &&
       report.verdict == ChannelVerdict::authorized);
  if (!undone) return {};
  return {call_of(payment, operation, id)};
}

}  // namespace welkin
