// /v1/payments/{payment_id}/refunds.
#include "gateway/command_call.hpp"
#include "gateway/payment_json.hpp"
#include "gateway/request_limits.hpp"

namespace welkin {

namespace {

Step answer_refund(const CommandOutcome& done, const std::string& refund_no, HttpAnswer& answer) {
  // By its number: a key that repeated an earlier request names that request, not the refund.
  const Refund* made = done.view.payment->find_refund_by_no(refund_no);
  if (made == nullptr)
    return Problem{ProblemCode::internal, "the refund was taken and cannot be shown", {}};
  answer.status = done.created ? 201 : 200;
  answer.content_type = "application/json";
  append_refund(answer.body, done.view, *made);
  return Answered{};
}

}  // namespace

Step create_refund(const RouteCall& call, HttpAnswer&) {
  const auto body = parse_json_object(call.request.body);
  if (const auto* problem = std::get_if<Problem>(&body)) return *problem;
  FieldReader fields(std::get<JsonValue>(body));
  RefundPayment refund;
  refund.merchant_refund_no =
      fields.required_text("merchant_refund_no", {1, max_order_no_characters, true});
  refund.amount_minor = fields.required_amount("amount");
  refund.reason = fields.optional_text("reason", {0, max_reason_characters});
  if (auto problem = fields.finish()) return *problem;
  Fingerprint fingerprint(call.request);
  fingerprint.add(refund.merchant_refund_no).add(refund.amount_minor).add(refund.reason);
  return with_own_payment(call,
                          [&call, refund = std::move(refund), fingerprint = std::move(fingerprint)](
                              const PaymentView& own, HttpAnswer&) {
                            return run_command(call, {own.id, refund, fingerprint},
                                               [refund_no = refund.merchant_refund_no](
                                                   const CommandOutcome& done, HttpAnswer& answer) {
                                                 return answer_refund(done, refund_no, answer);
                                               });
                          });
}

Step list_refunds(const RouteCall& call, HttpAnswer&) {
  return with_own_payment(call, [](const PaymentView& own, HttpAnswer& answer) {
    answer.content_type = "application/json";
    answer.body = list_json(
        own.payment->refunds, {},
        [&own](std::string& out, const Refund& refund) { append_refund(out, own, refund); });
    return Answered{};
  });
}

Step get_refund(const RouteCall& call, HttpAnswer&) {
  return with_own_payment(call, [&call](const PaymentView& own, HttpAnswer& answer) -> Step {
    const Refund* refund = own.payment->find_refund(call.values[1]);
    if (refund == nullptr)
      return Problem{ProblemCode::not_found, "This payment has no such refund.", {}};
    answer.content_type = "application/json";
    append_refund(answer.body, own, *refund);
    return Answered{};
  });
}

}  // namespace welkin
