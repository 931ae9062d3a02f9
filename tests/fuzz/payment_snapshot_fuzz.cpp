// A payment's snapshot: one that is read is written as the same text again, and what is asked of a
// payment that a snapshot made is answered, however little sense its numbers make.
#include "protocol/payment/event_codec.hpp"
#include "tests/fuzz/claims.hpp"

namespace welkin::fuzz {
namespace {

void check(std::string_view payload) {
  const auto parsed = parse_payment(payload);
  if (const auto* error = std::get_if<CodecError>(&parsed)) {
    claim(!error->what.empty() && error->path.substr(0, 1) == "/", "a refusal names the field");
    return;
  }
  const auto& payment = std::get<Payment>(parsed);
  const std::string text = encode_payment(payment);
  claim_every_byte_judged(payload, [](std::string_view other) {
    return std::holds_alternative<Payment>(parse_payment(other));
  });
  const auto again = parse_payment(text);
  claim(std::holds_alternative<Payment>(again), "what is written can be read");
  claim_same(encode_payment(std::get<Payment>(again)), text, "what is read is written the same");

  const DecisionContext context{*PaymentId::parse("pay_00000000000000000000000001"),
                                1'900'000'000 * us_per_s};
  PaymentCommand command;
  command.payment = context.payment;
  command.merchant_id = payment.merchant_id;
  for (const PaymentCommandBody& body :
       {PaymentCommandBody{CapturePayment{}}, PaymentCommandBody{VoidPayment{}},
        PaymentCommandBody{ClosePayment{}}, PaymentCommandBody{RefundPayment{"r_1", 1, ""}},
        PaymentCommandBody{RefundPayment{"r_2", max_amount_minor, ""}},
        PaymentCommandBody{ResumePayment{"operator"}}}) {
    command.body = body;
    (void)decide(payment, command, context);
  }
  (void)decide_due(payment, context);
  (void)calls_due(payment, context.payment, context.now_us);
}

}  // namespace
}  // namespace welkin::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  welkin::fuzz::check(welkin::fuzz::view_of(data, size));
  return 0;
}
