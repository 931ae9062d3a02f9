// What a payment makes of a channel's report. A report is believed about this payment only when it
// names the same order, merchant, currency and amount; an unknown outcome is never a failure;
// another account is asked only while no money can have moved; money that came when it should not
// have is given back.
#include <algorithm>
#include <iterator>
#include <utility>

#include "protocol/payment/decide.hpp"

namespace welkin {
namespace {

class ReportJudge {
 public:
  ReportJudge(const Payment& payment, const ChannelReport& report, const DecisionContext& context)
      : p_(payment),
        r_(report),
        context_(context),
        refund_(payment.find_refund(report.refund_id)),
        attempt_(attempt_spoken_of()) {}

  Decision judge() const {
    const Attempt& last = p_.last_attempt();
    if (!attempt_)
      return mismatch("channel_order_no",
                      (refund_ ? refund_->channel_order_no : last.channel_order_no),
                      r_.channel_order_no);
    if (!r_.account.empty() && r_.account != attempt_->account)
      return mismatch("account", attempt_->account, r_.account);
    if (r_.outside_refund) return decide_outside_refund(p_, r_, *attempt_, context_);
    if (!r_.refund_id.empty()) return about_refund();
    if (is_over()) return about_attempt_that_is_over();
    switch (r_.verdict) {
      case ChannelVerdict::accepted:
        return accepted();
      case ChannelVerdict::try_failed:
        return try_failed();
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
        return not_taken();
      case ChannelVerdict::unknown:
        return unsettled(Outcome::unknown, words());
      case ChannelVerdict::refund_pending:
      case ChannelVerdict::refunded:
      case ChannelVerdict::refund_refused:
      case ChannelVerdict::refund_needs_action:
        return mismatch("refund_id", "a refund of this payment", "");
    }
    return AlreadySo{};
  }

 private:
  // ---- which attempt is spoken of

  // Null: the number is none of this payment's, or not the one of the refund it speaks of.
  const Attempt* attempt_spoken_of() const {
    if (refund_) {
      const bool fits =
          r_.channel_order_no.empty() || r_.channel_order_no == refund_->channel_order_no;
      return fits ? p_.find_attempt(refund_->channel_order_no) : nullptr;
    }
    return r_.channel_order_no.empty() ? &p_.last_attempt() : p_.find_attempt(r_.channel_order_no);
  }

  // Another account was asked since, or will be: the order is no longer to come of this attempt.
  bool is_over() const {
    return attempt_ && (attempt_->number != p_.last_attempt().number ||
                        attempt_->outcome == AttemptOutcome::not_taken);
  }

  // Nothing was to come of it. Money that came all the same is given back; all else is old news.
  Decision about_attempt_that_is_over() const {
    switch (r_.verdict) {
      case ChannelVerdict::paid:
      case ChannelVerdict::authorized: {
        if (auto wrong = check_order(p_.amount_minor)) return *wrong;
        return surplus(/*authorized_only=*/r_.verdict == ChannelVerdict::authorized);
      }
      case ChannelVerdict::refund_pending:
      case ChannelVerdict::refunded:
      case ChannelVerdict::refund_refused:
      case ChannelVerdict::refund_needs_action:
        return mismatch("refund_id", "a refund of this payment", "");
      default:
        return AlreadySo{};
    }
  }

  // ---- about the order

  Decision accepted() const {
    if (p_.state != PaymentState::paying) return AlreadySo{};
    if (auto wrong = check_order(p_.amount_minor)) return *wrong;
    if (is_pending(ChannelOperation::create) && attempt_->outcome != AttemptOutcome::answered)
      return one(PaymentChannelAccepted{r_.channel_reference, r_.next_action, r_.source,
                                        context_.now_us + query_delay_us(0)});
    return still_open("the order is open");
  }

  // Where the merchant had named what to charge, that was the only try: the payer has nothing left
  // to try with. Elsewhere he may go on with what he was given.
  Decision try_failed() const {
    if (p_.state != PaymentState::paying || p_.payer.instrument.empty()) return accepted();
    if (auto wrong = check_order(p_.amount_minor)) return *wrong;
    return one(PaymentFailed{r_.code, r_.message, r_.source});
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
        const bool asked = is_pending(ChannelOperation::capture) && !captured_otherwise();
        const std::int64_t expected_minor = asked ? p_.pending->amount_minor : r_.amount_minor;
        if (auto wrong = check_order(expected_minor)) return *wrong;
        if (r_.amount_minor <= 0 || r_.amount_minor > p_.authorized_minor)
          return mismatch("amount_minor", std::to_string(p_.authorized_minor),
                          std::to_string(r_.amount_minor));
        if (captured_otherwise())
          return std::vector<PaymentEvent>{
              PaymentCaptureRefused{"captured_otherwise",
                                    "The channel had captured another amount.", r_.source},
              paid_event()};
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

  // Somebody was faster at the channel's desk than our capture, which will now never happen. Only
  // what the channel answers when it is asked ends it: nothing that is asked again would.
  bool captured_otherwise() const {
    return is_pending(ChannelOperation::capture) && r_.source == ReportSource::query &&
           r_.amount_minor != p_.pending->amount_minor;
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
        // Refused mostly because the payer has just paid: ask at once. A channel that goes on
        // refusing is asked ever more seldom.
        const int before = p_.pending->close_refusals;
        const UnixUs ask_at_us = context_.now_us + (before == 0 ? 0 : query_delay_us(before - 1));
        std::vector<PaymentEvent> events{
            PaymentCloseRefused{r_.code, r_.message, r_.source, ask_at_us}};
        if (before + 1 >= max_settle_tries)
          events.push_back(
              PaymentParked{ChannelOperation::close, "", "the channel keeps refusing to close"});
        return events;
      }
      default:
        return AlreadySo{};
    }
  }

  // Another account is asked only when this is the answer to the create itself and nothing has cast
  // doubt on the attempt: a question in between may have been about an order that came later.
  Decision not_taken() const {
    const bool certain =
        r_.source == ReportSource::answer && r_.operation == ChannelOperation::create &&
        p_.state == PaymentState::paying && attempt_->outcome == AttemptOutcome::asked;
    if (!certain) return unsettled(Outcome::pending, words());
    std::vector<PaymentEvent> events{
        PaymentRouteRefused{attempt_->number, attempt_->account, r_.code, r_.message}};
    const bool closing = is_pending(ChannelOperation::close);
    if (closing || context_.now_us >= p_.expires_at_us) {
      events.emplace_back(
          PaymentClosed{closing ? p_.pending->close_reason : CloseReason::expired, r_.source});
    } else if (attempt_->number >= max_attempts) {
      events.emplace_back(PaymentFailed{"no_route",
                                        "No account took the order in " +
                                            std::to_string(max_attempts) +
                                            " attempts; the last: " + words(),
                                        r_.source});
    } else if (auto next = next_attempt(p_, p_.channel, Round::same, context_)) {
      events.emplace_back(std::move(*next));
    } else {
      events.emplace_back(PaymentUnsettled{ChannelOperation::create, "", Outcome::pending,
                                           "no account takes the order now; the last: " + words(),
                                           r_.source, attempt_->round,
                                           context_.now_us + query_delay_us(attempt_->round - 1)});
    }
    return events;
  }

  Decision not_found() const {
    if (p_.state == PaymentState::paying &&
        (is_pending(ChannelOperation::close) || context_.now_us >= p_.expires_at_us)) {
      // No order there, so nothing can be paid; should a lost create still arrive, the late success
      // is given back.
      const bool asked = is_pending(ChannelOperation::close);
      return one(PaymentClosed{asked ? p_.pending->close_reason : CloseReason::expired, r_.source});
    }
    return unsettled(Outcome::pending, absence());
  }

  // ---- about a refund

  Decision about_refund() const {
    const Refund* refund = refund_;
    if (!refund) return mismatch("refund_id", "a refund of this payment", r_.refund_id);
    const bool succeeded =
        r_.verdict == ChannelVerdict::refunded || r_.verdict == ChannelVerdict::closed;
    if (refund->state == RefundState::failed && !refund->reversed && succeeded)
      return mismatch("refund_status", "FAILED", "SUCCEEDED");
    if (refund->state != RefundState::pending && succeeded)
      if (auto wrong = check_refund(*refund)) return *wrong;
    // Only the channel's own news of the refund takes a success back. The answer to a call made
    // again may well be no, because it was done the first time.
    if (refund->state == RefundState::succeeded && !refund->authorized_only &&
        r_.verdict == ChannelVerdict::refund_refused && r_.source == ReportSource::callback)
      return refund_reversed(*refund);
    if (refund->state != RefundState::pending) return AlreadySo{};
    switch (r_.verdict) {
      case ChannelVerdict::refunded:
      case ChannelVerdict::closed:
        return refunded(*refund);
      case ChannelVerdict::refused:
      case ChannelVerdict::refund_refused:
        return refund_failed(*refund);
      case ChannelVerdict::refund_needs_action:
        return refund_needs_attention(*refund);
      case ChannelVerdict::not_found:
        return refund_unsettled(*refund, Outcome::pending, absence());
      case ChannelVerdict::unknown:
        return refund_unsettled(*refund, Outcome::unknown, words());
      case ChannelVerdict::not_taken:
        return refund_unsettled(*refund, Outcome::pending, words());
      case ChannelVerdict::paid:
        if (refund->authorized_only && r_.channel_reference == refund->channel_reference)
          return captured_meanwhile(*refund);
        [[fallthrough]];
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
        postings = balanced_postings("payer/surplus", account_books(), refund.amount_minor);
      return one(PaymentSurplusRefunded{refund.refund_id, refund.amount_minor, r_.channel_reference,
                                        r_.source, std::move(postings)});
    }
    // What was given back outside meanwhile leaves less than this one would take.
    const std::int64_t left_minor = p_.captured_minor - p_.refunded_minor;
    if (refund.amount_minor > left_minor)
      return mismatch("amount_minor", "at most " + std::to_string(left_minor),
                      std::to_string(refund.amount_minor));
    return one(PaymentRefundSucceeded{
        refund.refund_id, refund.amount_minor, r_.channel_reference, r_.source,
        balanced_postings(merchant_books(), account_books(), refund.amount_minor)});
  }

  Decision refund_reversed(const Refund& refund) const {
    if (auto wrong = check_refund(refund)) return *wrong;
    std::vector<PaymentEvent> events{PaymentRefundReversed{
        refund.refund_id, refund.amount_minor, r_.code, r_.message, r_.source,
        balanced_postings(account_books(), refund.surplus ? "payer/surplus" : merchant_books(),
                          refund.amount_minor)}};
    if (refund.surplus)
      events.emplace_back(PaymentParked{ChannelOperation::refund, refund.refund_id,
                                        "a surplus that was given back has come back: " + words()});
    return events;
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

  // Said once for each reason; from then on it is one more refund that is not settled.
  Decision refund_needs_attention(const Refund& refund) const {
    const bool by_callback = r_.source == ReportSource::callback;
    const std::string code = r_.code.empty() ? "needs_action" : r_.code;
    if (refund.attention_code == code)
      return by_callback ? Decision(AlreadySo{})
                         : refund_unsettled(refund, Outcome::pending, words());
    const int tries = by_callback ? refund.tries : tries_after(refund.tries);
    return one(PaymentRefundNeedsAttention{
        refund.refund_id, code, r_.message, r_.source, tries,
        by_callback ? refund.next_query_at_us : context_.now_us + query_delay_us(tries - 1)});
  }

  // There is nothing left to let go of, and the money that was taken is given back.
  Decision captured_meanwhile(const Refund& refund) const {
    if (auto wrong = check_order(p_.amount_minor)) return *wrong;
    std::vector<PaymentEvent> events{PaymentRefundFailed{
        refund.refund_id, "captured", "The channel has captured it meanwhile.", r_.source}};
    Decision taken = surplus(/*authorized_only=*/false);
    if (auto* more = std::get_if<std::vector<PaymentEvent>>(&taken))
      std::move(more->begin(), more->end(), std::back_inserter(events));
    return events;
  }

  Decision refund_unsettled(const Refund& refund, Outcome outcome, std::string detail) const {
    const int tries = tries_after(refund.tries);
    std::vector<PaymentEvent> events{PaymentUnsettled{ChannelOperation::refund, refund.refund_id,
                                                      outcome, std::move(detail), r_.source, tries,
                                                      context_.now_us + query_delay_us(tries - 1)}};
    if (tries >= max_settle_tries)
      events.push_back(
          PaymentParked{ChannelOperation::refund, refund.refund_id,
                        "the refund could not be settled in " + std::to_string(tries) + " tries"});
    return events;
  }

  // ---- shared

  // A query and the answer to what is repeated because of it are one try: else the schedule would
  // run away twice as fast.
  int tries_after(int tries) const {
    const bool repeated = r_.source == ReportSource::answer && tries > 0;
    return repeated ? tries : tries + 1;
  }

  // The channel answered, and what was asked of it has not happened yet.
  Decision still_open(std::string detail) const {
    if (r_.source == ReportSource::callback) return AlreadySo{};
    return unsettled(Outcome::pending, std::move(detail));
  }

  Decision unsettled(Outcome outcome, std::string detail) const {
    if (!p_.pending) return AlreadySo{};
    const int tries = tries_after(p_.pending->tries);
    std::vector<PaymentEvent> events{PaymentUnsettled{p_.pending->operation, "", outcome,
                                                      std::move(detail), r_.source, tries,
                                                      context_.now_us + query_delay_us(tries - 1)}};
    // An order that waits for its payer is asked about until it expires, and then closed.
    const bool ends_by_itself = p_.pending->operation == ChannelOperation::create;
    if (tries >= max_settle_tries && !ends_by_itself)
      events.push_back(
          PaymentParked{p_.pending->operation, "",
                        "it could not be settled in " + std::to_string(tries) + " tries"});
    return events;
  }

  Decision surplus(bool authorized_only) const {
    // The same news again is none, but a surplus we knew as held may since have been captured.
    bool was_held = false;
    for (const Refund& refund : p_.refunds) {
      // Without a reference it cannot be told from the one we know; a second one is not guessed.
      const bool same = refund.channel_reference == r_.channel_reference ||
                        refund.channel_reference.empty() || r_.channel_reference.empty();
      if (!refund.surplus || refund.channel_order_no != attempt_->channel_order_no || !same)
        continue;
      if (authorized_only || !refund.authorized_only) return AlreadySo{};
      was_held = true;
    }
    const RefundId id =
        refund_id_of(context_.payment, (was_held ? "surplus-captured/" : "surplus/") +
                                           attempt_->channel_order_no + "/" + r_.channel_reference);
    std::vector<Posting> postings;
    if (!authorized_only)
      postings = balanced_postings(account_books(), "payer/surplus", r_.amount_minor);
    return one(PaymentSurplusRecorded{id.text(), attempt_->account, attempt_->channel_order_no,
                                      r_.channel_reference, r_.amount_minor, authorized_only,
                                      r_.source, context_.now_us + answer_patience_us,
                                      std::move(postings)});
  }

  PaymentPaid paid_event() const {
    return {r_.amount_minor, r_.channel_reference, r_.source,
            balanced_postings(account_books(), merchant_books(), r_.amount_minor)};
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
    const bool refund_pending = refund_ && refund_->state == RefundState::pending;
    Decision more = AlreadySo{};
    if (refund_pending)
      more = refund_unsettled(*refund_, Outcome::unknown, "the answer does not fit: " + field);
    else if (r_.refund_id.empty() && !is_over() && !p_.waits_for_a_route())
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
  std::string absence() const {
    return (words().empty() ? "the channel has not heard of it" : words()) + "; asked again";
  }
  std::string account_books() const { return "channel/" + attempt_->account; }
  std::string merchant_books() const { return "merchant/" + p_.merchant_id + "/payable"; }

  template <class Event>
  static Decision one(Event event) {
    std::vector<PaymentEvent> events;
    events.emplace_back(std::move(event));
    return events;
  }

  const Payment& p_;
  const ChannelReport& r_;
  const DecisionContext& context_;
  const Refund* refund_;    // the one spoken of, if it is about a refund of this payment
  const Attempt* attempt_;  // the one spoken of; null when the order number is a strange one
};

}  // namespace

Decision decide(const Payment& payment, const ChannelReport& report,
                const DecisionContext& context) {
  if (payment.state == PaymentState::none)
    return Problem{ProblemCode::not_found, "The report names a payment that does not exist.", ""};
  return ReportJudge(payment, report, context).judge();
}

}  // namespace welkin
