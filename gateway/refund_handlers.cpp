// /v1/payments/{payment_id}/refunds.
#include "gateway/command_call.hpp"
#include "gateway/payment_json.hpp"
#include "gateway/request_limits.hpp"

namespace welkin {

std::optional<Problem> create_refund(const RouteCall& call, HttpAnswer& answer) {
  const auto body = parse_json_object(call.request.body);
  if (const auto* problem = std::get_if<Problem>(&body)) return *problem;
  FieldReader fields(std::get<JsonValue>(body));
  RefundPayment refund;
  refund.merchant_refund_no =
      fields.required_text("merchant_refund_no", {1, max_order_no_characters, true});
  refund.amount_minor = fields.required_amount("amount");
  refund.reason = fields.optional_text("reason", {0, max_reason_characters});
  if (auto problem = fields.finish()) return problem;

  const auto own = find_own_payment(call);
  if (const auto* problem = std::get_if<Problem>(&own)) return *problem;
  Fingerprint fingerprint(call.request);
  fingerprint.add(refund.merchant_refund_no).add(refund.amount_minor).add(refund.reason);
  const std::string refund_no = refund.merchant_refund_no;
  CommandCall command{std::get<PaymentView>(own).id, std::move(refund), std::move(fingerprint)};
  auto outcome = run_command(call, std::move(command), answer);
  if (auto* problem = std::get_if<Problem>(&outcome)) return std::move(*problem);

  const auto& done = std::get<CommandOutcome>(outcome);
  // By its number: a key that repeated an earlier request names that request, not the refund.
  const Refund* made = done.view.payment->find_refund_by_no(refund_no);
  if (made == nullptr)
    return Problem{ProblemCode::internal, "the refund was taken and cannot be shown", {}};
  answer.status = done.created ? 201 : 200;
  answer.content_type = "application/json";
  append_refund(answer.body, done.view, *made);
  return std::nullopt;
}

std::optional<Problem> list_refunds(const RouteCall& call, HttpAnswer& answer) {
  const auto own = find_own_payment(call);
  if (const auto* problem = std::get_if<Problem>(&own)) return *problem;
  const auto& view = std::get<PaymentView>(own);
  answer.content_type = "application/json";
  answer.body = list_json(
      view.payment->refunds, {},
      [&view](std::string& out, const Refund& refund) { append_refund(out, view, refund); });
  return std::nullopt;
}

std::optional<Problem> get_refund(const RouteCall& call, HttpAnswer& answer) {
  const auto own = find_own_payment(call);
  if (const auto* problem = std::get_if<Problem>(&own)) return *problem;
  const auto& view = std::get<PaymentView>(own);
  const Refund* refund = view.payment->find_refund(call.values[1]);
  if (refund == nullptr)
    return Problem{ProblemCode::not_found, "This payment has no such refund.", {}};
  answer.content_type = "application/json";
  append_refund(answer.body, view, *refund);
  return std::nullopt;
}

}  // namespace welkin
