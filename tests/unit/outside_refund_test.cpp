// Refunds that were made at the channel's own desk, and refunds that wait for somebody to act
// there: what a payment makes of them.
#include <catch2/catch.hpp>

#include "protocol/payment/decide.hpp"
#include "protocol/payment/first_answer.hpp"
#include "tests/support/payment_script.hpp"

using namespace welkin;

namespace {

using S = PaymentState;
using V = ChannelVerdict;

ChannelReport desk_refund(const PaymentScript& script, std::int64_t amount_minor,
                          std::string reference = "desk_1") {
  ChannelReport report = script.report(V::refunded, std::move(reference));
  report.source = ReportSource::callback;
  report.operation = ChannelOperation::refund;
  report.outside_refund = true;
  report.amount_minor = amount_minor;
  return report;
}

ChannelReport total_of(ChannelReport report) {
  report.amount_is_total = true;
  return report;
}

ChannelReport stuck(const PaymentScript& script, const std::string& refund_id,
                    ReportSource source = ReportSource::callback) {
  ChannelReport report = script.refund_report(V::refund_needs_action, refund_id);
  report.source = source;
  report.code = "ABNORMAL";
  report.message = "see to it";
  return report;
}

template <class Event>
const Event& only(const Decision& decision) {
  const auto* events = std::get_if<std::vector<PaymentEvent>>(&decision);
  REQUIRE(events);
  REQUIRE(events->size() == 1);
  return std::get<Event>(events->front());
}

}  // namespace

TEST_CASE("a refund made at the channel's desk is recorded once, with its effect on the books") {
  PaymentScript script;
  script.pay();
  const auto events = script.take(desk_refund(script, 3'000));
  const auto& recorded = std::get<PaymentOutsideRefundRecorded>(events.front());
  CHECK(recorded.amount_minor == 3'000);
  REQUIRE(recorded.postings.size() == 2);
  CHECK(recorded.postings[0].account == "merchant/m_1/payable");
  CHECK(recorded.postings[0].amount_minor == 3'000);
  CHECK(recorded.postings[1].account == "channel/sandbox");
  CHECK(recorded.postings[1].amount_minor == -3'000);
  CHECK(script.payment.state == S::partially_refunded);
  CHECK(script.payment.refunded_minor == 3'000);
  const Refund& refund = script.payment.refunds.back();
  CHECK(refund.outside);
  CHECK(refund.state == RefundState::succeeded);
  CHECK(refund.merchant_refund_no.empty());
  CHECK(refund.channel_reference == "desk_1");

  CHECK(in_short(script.hear(desk_refund(script, 3'000))) == "already");
  CHECK(in_short(script.ask(RefundPayment{"r-1", 7'001, ""})) == "!amount_exceeds_refundable");
  script.refunded(7'000, "r-1");
  CHECK(script.payment.state == S::refunded);
}

TEST_CASE("the rest of a payment given back at the channel's desk ends it") {
  PaymentScript script;
  script.pay().refunded(4'000, "r-1");
  script.take(desk_refund(script, 6'000));
  CHECK(script.payment.state == S::refunded);
}

TEST_CASE("a total tells of what brought it there, and of nothing when all of it is known") {
  PaymentScript script;
  script.pay().refunded(4'000, "r-1");
  CHECK(in_short(script.hear(total_of(desk_refund(script, 4'000)))) == "already");
  CHECK(only<PaymentOutsideRefundRecorded>(script.hear(total_of(desk_refund(script, 5'000))))
            .amount_minor == 1'000);
  // Whether a refund of ours that is not settled is in it cannot be told: it is to come again.
  script.refund(1'000, "r-2");
  CHECK(in_short(script.hear(total_of(desk_refund(script, 5'000)))) == "!report_mismatch");
}

TEST_CASE("news of a refund that overtakes the news of its payment is to come again") {
  PaymentScript script;
  script.start();
  CHECK(in_short(script.hear(desk_refund(script, 3'000))) == "!report_mismatch");
  CHECK(script.payment.state == S::paying);
}

TEST_CASE("a refund from outside that does not fit is an alarm and moves nothing") {
  struct Row {
    const char* field;
    void (*bend)(ChannelReport&);
  };
  const Row rows[] = {
      {"amount_minor", [](ChannelReport& r) { r.amount_minor = 10'001; }},
      {"amount_minor", [](ChannelReport& r) { r.amount_minor = 0; }},
      {"currency", [](ChannelReport& r) { r.currency = currency_of("USD"); }},
      {"merchant_id", [](ChannelReport& r) { r.merchant_id = "m_2"; }},
      {"charge_reference", [](ChannelReport& r) { r.charge_reference = "ch_9"; }},
      {"channel_order_no",
       [](ChannelReport& r) { r.channel_order_no = "7K7T604EREW7S6X1G4YB6GPKBA02"; }},
      {"account", [](ChannelReport& r) { r.account = "sandbox_b"; }},
  };
  PaymentScript script;
  script.pay();
  for (const Row& row : rows) {
    CAPTURE(row.field);
    ChannelReport report = desk_refund(script, 3'000);
    row.bend(report);
    CHECK(only<PaymentReportRefused>(script.hear(report)).field == row.field);
  }
  PaymentScript closed;
  closed.close();
  CHECK(only<PaymentReportRefused>(closed.hear(desk_refund(closed, 3'000))).field ==
        "amount_minor");
}

TEST_CASE("what a desk's refund leaves cannot be refunded twice, whatever the channel then says") {
  PaymentScript script;
  script.pay();
  const std::string id = script.refund(8'000, "r-1");
  script.take(desk_refund(script, 3'000));
  CHECK(in_short(script.ask(RefundPayment{"r-2", 1, ""})) == "!amount_exceeds_refundable");
  CHECK(in_short(script.hear(script.refund_report(V::refunded, id))) == "report_refused+unsettled");
  CHECK(in_short(script.hear(script.refund_report(V::refund_refused, id))) == "refund_failed");
}

TEST_CASE("a desk's refund that comes back is the merchant's again") {
  PaymentScript script;
  script.pay();
  script.take(desk_refund(script, 3'000));
  ChannelReport back = desk_refund(script, 3'000);
  back.verdict = V::refund_refused;
  back.code = "expired_or_canceled_card";
  script.take(back);
  CHECK(script.payment.state == S::paid);
  CHECK(script.payment.refunded_minor == 0);
  CHECK(script.payment.refunds.back().reversed);
  // Of one that never was made nothing is known, and nothing has moved.
  back.channel_reference = "desk_2";
  CHECK(in_short(script.hear(back)) == "already");
}

TEST_CASE("a surplus given back at the channel's desk is settled by that") {
  PaymentScript script;
  script.pay();
  ChannelReport second = script.report(V::paid, "ch_2");
  second.source = ReportSource::callback;
  script.take(second);
  ChannelReport given = desk_refund(script, 10'000);
  given.charge_reference = "ch_2";
  CHECK(in_short(script.take(given)) == "surplus_refunded");
  CHECK(script.payment.state == S::paid);
  CHECK(script.payment.refunded_minor == 0);
  CHECK(in_short(script.hear(given)) == "already");
}

TEST_CASE("a refund that needs somebody is named once, listed, and asked about on its schedule") {
  PaymentScript script;
  script.pay();
  const std::string id = script.refund(1'000, "r-1");
  const UnixUs asked_at_us = script.payment.refunds.back().next_query_at_us;
  const auto events = script.take(stuck(script, id));
  REQUIRE(in_short(events) == "refund_needs_attention");
  const auto& said = std::get<PaymentRefundNeedsAttention>(events.front());
  CHECK(said.code == "ABNORMAL");
  CHECK(said.next_query_at_us == asked_at_us);
  CHECK(script.payment.refunds.back().needs_attention());
  REQUIRE(script.payment.parked_parts().size() == 1);
  CHECK(script.payment.parked_parts()[0].refund_id == id);
  CHECK(script.payment.parked_parts()[0].parked.reason ==
        "the refund needs attention: ABNORMAL: see to it");
  CHECK_FALSE(script.payment.is_parked());  // it is asked about all the same
  CHECK(script.payment.due_at_us() == asked_at_us);

  CHECK(in_short(script.hear(stuck(script, id))) == "already");
  CHECK(in_short(script.take(stuck(script, id, ReportSource::query))) == "unsettled");
  CHECK(script.payment.refunds.back().needs_attention());
  // The rest of the payment goes on meanwhile.
  script.refunded(2'000, "r-2");
  CHECK(script.payment.state == S::partially_refunded);

  SECTION("until it is made") {
    script.take(script.refund_report(V::refunded, id));
    CHECK(script.payment.refunded_minor == 3'000);
    CHECK_FALSE(script.payment.waits_for_operator());
  }
  SECTION("until it is closed") {
    script.take(script.refund_report(V::refund_refused, id));
    CHECK(script.payment.find_refund(id)->state == RefundState::failed);
    CHECK_FALSE(script.payment.waits_for_operator());
  }
  SECTION("and an operator who has seen to it has it asked about at once") {
    script.now_us += us_per_s;
    script.take(ResumePayment{"ops"});
    CHECK_FALSE(script.payment.waits_for_operator());
    CHECK(script.payment.due_at_us() == script.now_us);
    CHECK(in_short(script.hear(stuck(script, id, ReportSource::query))) ==
          "refund_needs_attention");
  }
}

TEST_CASE("a refund whose first answer is that it needs somebody is answered with that") {
  std::vector<RecordedEvent> events;
  PaymentScript again;
  for (const auto& event : again.take(again.create_body()))
    events.push_back({event, "req_0", again.now_us});
  const auto heard = [&](const ChannelReport& report, const char* cause) {
    for (const auto& event : again.take(report)) events.push_back({event, cause, again.now_us});
  };
  heard(again.report(V::paid), "callback:1");
  for (const auto& event : again.take(RefundPayment{"r-1", 1'000, ""}))
    events.push_back({event, "req_1", again.now_us});
  const std::size_t asked = events.size() - 1;
  heard(stuck(again, again.payment.refunds.back().refund_id, ReportSource::answer), "answer:2");
  const auto answer = first_answer(events, asked);
  REQUIRE(answer);
  CHECK(answer->payment.refunds.back().needs_attention());
}

TEST_CASE("a failed try of what the merchant had named fails the payment and lets the order go") {
  PaymentScript script;
  CreatePayment body = script.create_body();
  body.payer.instrument = "pm_1";
  script.take(body);
  ChannelReport waits = script.report(V::accepted);
  waits.next_action = {"redirect", "https://hooks.example/3ds"};
  script.take(waits);
  ChannelReport failed = script.report(V::try_failed);
  failed.source = GENERATE(ReportSource::callback, ReportSource::query);
  failed.code = "payment_intent_authentication_failure";
  failed.message = "has failed authentication";
  const auto events = script.take(failed);
  REQUIRE(in_short(events) == "failed");
  CHECK(script.payment.failure_code == "payment_intent_authentication_failure");
  CHECK(script.payment.next_action.type.empty());
  const auto calls = calls_after(script.payment, events.front(), script.id);
  REQUIRE(calls.size() == 1);
  CHECK(calls.front().operation == ChannelOperation::close);
  CHECK(calls.front().channel_reference == "ch_1");
  CHECK(in_short(script.hear(script.report(V::closed))) == "already");
  // Should he have paid all the same, he gets it back.
  CHECK(in_short(script.hear(script.report(V::paid))) == "surplus_recorded");
}

TEST_CASE("a failed try leaves the payment to a payer who can try again") {
  PaymentScript script;
  script.start();
  ChannelReport failed = script.report(V::try_failed);
  failed.source = ReportSource::callback;
  CHECK(in_short(script.hear(failed)) == "already");
  failed.source = ReportSource::query;
  CHECK(in_short(script.hear(failed)) == "unsettled");
}
