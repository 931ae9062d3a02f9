// What a payment makes of a refund that nobody asked for here: one that was made at the channel's
// own desk. It is recorded once, with what it takes off what may still be refunded, when it is of
// money that is known here and no more than is left of it.
#include <utility>

#include "protocol/payment/decide.hpp"

namespace welkin {
namespace {

class OutsideRefundJudge {
 public:
  OutsideRefundJudge(const Payment& payment, const ChannelReport& report, const Attempt& attempt,
                     const DecisionContext& context)
      : p_(payment),
        r_(report),
        attempt_(attempt),
        refund_id_(refund_id_of(context.payment, "outside/" + report.channel_reference).text()) {}

  Decision judge() const {
    if (const Refund* known = p_.find_refund(refund_id_)) return more_of(*known);
    // Not made, or not yet: nothing has moved.
    if (r_.verdict != ChannelVerdict::refunded) return AlreadySo{};
    if (!r_.merchant_by_account && r_.merchant_id != p_.merchant_id)
      return mismatch("merchant_id", p_.merchant_id, r_.merchant_id);
    if (r_.currency != p_.currency)
      return mismatch("currency", std::string(p_.currency.code()), std::string(r_.currency.code()));
    if (const Refund* surplus = surplus_that_was_charged()) return of_surplus(*surplus);
    // The news of the payment is on its way: this is to come again after it.
    if (p_.captured_minor == 0 && p_.is_open()) return later("It gives back what is not paid yet.");
    const bool own_charge =
        attempt_.number == p_.last_attempt().number &&
        (r_.charge_reference.empty() || r_.charge_reference == p_.channel_reference);
    if (!own_charge) return mismatch("charge_reference", p_.channel_reference, r_.charge_reference);
    return of_payment();
  }

 private:
  Decision of_payment() const {
    const std::int64_t left_minor = p_.captured_minor - p_.refunded_minor;
    std::int64_t amount_minor = r_.amount_minor;
    if (r_.amount_is_total) {
      amount_minor -= p_.refunded_minor;
      if (amount_minor <= 0) return AlreadySo{};  // all of it is known
      // A refund of ours that may be in the total or not.
      if (p_.refund_pending_minor > 0) return later("A refund of this payment is not settled yet.");
    }
    if (amount_minor <= 0 || amount_minor > left_minor)
      return mismatch("amount_minor", "at most " + std::to_string(left_minor),
                      std::to_string(amount_minor));
    return one(PaymentOutsideRefundRecorded{
        refund_id_, attempt_.account, attempt_.channel_order_no, r_.channel_reference, amount_minor,
        r_.source,
        balanced_postings(merchant_books(), "channel/" + attempt_.account, amount_minor)});
  }

  // Somebody was faster than our own refund of it.
  Decision of_surplus(const Refund& surplus) const {
    if (surplus.state == RefundState::succeeded) return AlreadySo{};
    if (surplus.state != RefundState::pending || r_.amount_minor != surplus.amount_minor)
      return mismatch(
          "amount_minor",
          std::to_string(surplus.state == RefundState::pending ? surplus.amount_minor : 0),
          std::to_string(r_.amount_minor));
    return one(PaymentSurplusRefunded{
        surplus.refund_id, surplus.amount_minor, r_.channel_reference, r_.source,
        balanced_postings("payer/surplus", "channel/" + attempt_.account, surplus.amount_minor)});
  }

  // What was recorded is told again, or has come back.
  Decision more_of(const Refund& known) const {
    if (r_.verdict == ChannelVerdict::refund_refused && known.state == RefundState::succeeded)
      return one(PaymentRefundReversed{
          known.refund_id, known.amount_minor, r_.code, r_.message, r_.source,
          balanced_postings("channel/" + attempt_.account, merchant_books(), known.amount_minor)});
    const bool another = r_.verdict == ChannelVerdict::refunded && !r_.amount_is_total &&
                         r_.amount_minor != known.amount_minor;
    if (another)
      return mismatch("amount_minor", std::to_string(known.amount_minor),
                      std::to_string(r_.amount_minor));
    return AlreadySo{};
  }

  const Refund* surplus_that_was_charged() const {
    for (const Refund& refund : p_.refunds)
      if (refund.surplus && !refund.authorized_only && !r_.charge_reference.empty() &&
          refund.channel_order_no == attempt_.channel_order_no &&
          refund.channel_reference == r_.charge_reference)
        return &refund;
    return nullptr;
  }

  std::string merchant_books() const { return "merchant/" + p_.merchant_id + "/payable"; }

  // Nothing is recorded, and the channel tells it again.
  static Decision later(const char* why) { return Problem{ProblemCode::report_mismatch, why, ""}; }
  Decision mismatch(const char* field, std::string expected, std::string got) const {
    return one(PaymentReportRefused{r_.source, field, std::move(expected), std::move(got)});
  }
  template <class Event>
  static Decision one(Event event) {
    std::vector<PaymentEvent> events;
    events.emplace_back(std::move(event));
    return events;
  }

  const Payment& p_;
  const ChannelReport& r_;
  const Attempt& attempt_;  // the one that was charged
  const std::string refund_id_;
};

}  // namespace

Decision decide_outside_refund(const Payment& payment, const ChannelReport& report,
                               const Attempt& attempt, const DecisionContext& context) {
  return OutsideRefundJudge(payment, report, attempt, context).judge();
}

}  // namespace welkin
