// What a payment keeps of callbacks that were not believed: a few, and nothing follows from them.
#include "protocol/payment/refused_callback.hpp"

#include <catch2/catch.hpp>

#include "protocol/payment/event_codec.hpp"
#include "tests/support/payment_script.hpp"

using namespace welkin;

namespace {

const Problem forged{ProblemCode::bad_signature, "The signature does not fit the message.", ""};

}  // namespace

TEST_CASE("a refused callback is written down with its reason, three times at most") {
  PaymentScript script;
  script.start();
  Payment payment = script.payment;
  const std::string before = encode_payment(payment);
  for (int i = 0; i < max_refused_callbacks_kept; ++i) {
    const Decision decision = decide_refused_callback(payment, forged);
    REQUIRE(std::holds_alternative<std::vector<PaymentEvent>>(decision));
    const auto& events = std::get<std::vector<PaymentEvent>>(decision);
    REQUIRE(events.size() == 1);
    const auto& refused = std::get<PaymentReportRefused>(events[0]);
    CHECK(refused.source == ReportSource::callback);
    CHECK(refused.field == "callback");
    CHECK(refused.got == "bad_signature");
    REQUIRE(apply(payment, events[0], payment.updated_at_us));
  }
  CHECK(std::holds_alternative<AlreadySo>(decide_refused_callback(payment, forged)));
  // But for the count it is the payment it was.
  CHECK(payment.refused_callbacks == 3);
  payment.refused_callbacks = 0;
  CHECK(encode_payment(payment) == before);
}

TEST_CASE("a callback about a payment that does not exist leaves nothing") {
  const Decision decision = decide_refused_callback(Payment{}, forged);
  REQUIRE(std::holds_alternative<Problem>(decision));
  CHECK(std::get<Problem>(decision).code == ProblemCode::not_found);
}
