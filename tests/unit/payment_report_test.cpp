// What a payment makes of what a channel says: believed only where it fits, never failed by an
// unknown, and money that should not have come is given back.
#include <catch2/catch.hpp>

#include "protocol/payment/decide.hpp"
#include "tests/support/payment_script.hpp"

using namespace welkin;

namespace {

using S = PaymentState;
using V = ChannelVerdict;
constexpr auto manual = CaptureMethod::manual;

ChannelReport from(ChannelReport report, ReportSource source) {
  report.source = source;
  return report;
}

ChannelReport about(ChannelReport report, ChannelOperation operation) {
  report.operation = operation;
  return report;
}

template <class Event>
const Event& only(const Decision& decision) {
  const auto* events = std::get_if<std::vector<PaymentEvent>>(&decision);
  REQUIRE(events);
  REQUIRE(events->size() == 1);
  return std::get<Event>(events->front());
}

std::int64_t posted(const std::vector<Posting>& postings, std::string_view account) {
  std::int64_t sum_minor = 0;
  for (const Posting& posting : postings)
    if (posting.account == account) sum_minor += posting.amount_minor;
  return sum_minor;
}

std::string surplus_id_of(const PaymentScript& script, const std::string& reference) {
  return refund_id_of(script.id,
                      "surplus/" + script.payment.last_attempt().channel_order_no + "/" + reference)
      .text();
}

struct Mismatch {
  const char* field;
  const char* expected;
  const char* got;
  void (*bend)(ChannelReport&);
};
const Mismatch mismatches[] = {
    {"amount_minor", "10000", "9999", [](ChannelReport& r) { r.amount_minor = 9'999; }},
    {"amount_minor", "10000", "10001", [](ChannelReport& r) { r.amount_minor = 10'001; }},
    {"amount_minor", "10000", "-10000", [](ChannelReport& r) { r.amount_minor = -10'000; }},
    {"currency", "CNY", "USD", [](ChannelReport& r) { r.currency = currency_of("USD"); }},
    {"currency", "CNY", "XXX", [](ChannelReport& r) { r.currency = {}; }},
    {"merchant_id", "m_1", "m_2", [](ChannelReport& r) { r.merchant_id = "m_2"; }},
    {"merchant_id", "m_1", "", [](ChannelReport& r) { r.merchant_id.clear(); }},
    {"channel_order_no", "7K7T604EREW7S6X1G4YB6GPKBA01", "7K7T604EREW7S6X1G4YB6GPKBA02",
     [](ChannelReport& r) { r.channel_order_no = "7K7T604EREW7S6X1G4YB6GPKBA02"; }},
};

}  // namespace

TEST_CASE("a report about a payment that does not exist is answered, and recorded nowhere") {
  PaymentScript script;
  CHECK(in_short(script.hear(script.report(V::paid))) == "!not_found");
}

TEST_CASE("money named wrong is refused and journaled, however it is reported") {
  const auto verdict = GENERATE(V::paid, V::authorized, V::accepted);
  const auto source = GENERATE(ReportSource::callback, ReportSource::answer, ReportSource::query);
  for (const Mismatch& wrong : mismatches) {
    CAPTURE(name_of(verdict), name_of(source), wrong.field, wrong.got);
    PaymentScript script(manual);
    script.start();
    ChannelReport report = from(script.report(verdict), source);
    wrong.bend(report);
    const auto events = script.take(report);
    const auto& refused = std::get<PaymentReportRefused>(events.front());
    CHECK(refused.field == wrong.field);
    CHECK(refused.expected == wrong.expected);
    CHECK(refused.got == wrong.got);
    CHECK(refused.source == source);
    // When we asked, the question is still open: asking again stays on the schedule, and each query
    // is counted.
    CHECK(in_short(events) ==
          (source == ReportSource::callback ? "report_refused" : "report_refused+unsettled"));
    CHECK(script.payment.state == S::paying);
    CHECK(script.payment.pending->tries == (source == ReportSource::query ? 2 : 1));
    CHECK(script.payment.captured_minor == 0);
  }
}

TEST_CASE("a channel that knows only our account need not name the merchant, and nothing else") {
  PaymentScript script;
  script.start();
  ChannelReport report = from(script.report(V::paid), ReportSource::callback);
  report.merchant_id.clear();
  report.merchant_by_account = true;
  report.amount_minor -= 1;
  CHECK(only<PaymentReportRefused>(script.hear(report)).field == "amount_minor");
  report.amount_minor += 1;
  CHECK(only<PaymentPaid>(script.hear(report)).captured_minor == report.amount_minor);
}

TEST_CASE("a late success named wrong is refused too, and nothing is given back for it") {
  for (const Mismatch& wrong : mismatches) {
    CAPTURE(wrong.field, wrong.got);
    PaymentScript script;
    script.close();
    ChannelReport report = from(script.report(V::paid), ReportSource::callback);
    wrong.bend(report);
    CHECK(only<PaymentReportRefused>(script.hear(report)).field == wrong.field);
  }
}

TEST_CASE("a refund's success named wrong is refused, and the refund stays pending") {
  const auto source = GENERATE(ReportSource::callback, ReportSource::answer, ReportSource::query);
  struct Row {
    const char* field;
    void (*bend)(ChannelReport&);
  };
  const Row rows[] = {
      {"amount_minor", [](ChannelReport& r) { r.amount_minor = 999; }},
      {"currency", [](ChannelReport& r) { r.currency = currency_of("USD"); }},
      {"merchant_id", [](ChannelReport& r) { r.merchant_id = "m_2"; }},
      {"channel_order_no",
       [](ChannelReport& r) { r.channel_order_no = "7K7T604EREW7S6X1G4YB6GPKBA02"; }},
  };
  for (const Row& row : rows) {
    CAPTURE(name_of(source), row.field);
    PaymentScript script;
    script.pay();
    const std::string refund_id = script.refund(1'000, "r-1");
    ChannelReport report = from(script.refund_report(V::refunded, refund_id), source);
    row.bend(report);
    const auto events = script.take(report);
    CHECK(std::get<PaymentReportRefused>(events.front()).field == row.field);
    CHECK(script.payment.find_refund(refund_id)->state == RefundState::pending);
    CHECK(script.payment.find_refund(refund_id)->tries ==
          (source == ReportSource::callback ? 0 : 1));
    CHECK(script.payment.refunded_minor == 0);
  }
}

TEST_CASE("a report about a refund nobody asked for is refused") {
  PaymentScript script;
  script.pay();
  const ChannelReport unknown =
      from(script.refund_report(V::refunded, "rfd_none"), ReportSource::callback);
  CHECK(only<PaymentReportRefused>(script.hear(unknown)).field == "refund_id");
  const ChannelReport nameless = from(script.report(V::refunded), ReportSource::callback);
  CHECK(only<PaymentReportRefused>(script.hear(nameless)).field == "refund_id");
}

TEST_CASE("paid is paid by callback, by query and by answer alike, with balanced books") {
  const auto source = GENERATE(ReportSource::callback, ReportSource::query, ReportSource::answer);
  PaymentScript script;
  script.start();
  const auto events = script.take(from(script.report(V::paid, "ch_7"), source));
  REQUIRE(in_short(events) == "paid");
  const auto& event = std::get<PaymentPaid>(events.front());
  CHECK(event.captured_minor == script_amount_minor);
  CHECK(event.channel_reference == "ch_7");
  CHECK(event.source == source);
  CHECK(posted(event.postings, "channel/sandbox") == 10'000);
  CHECK(posted(event.postings, "merchant/m_1/payable") == -10'000);
  CHECK(event.postings.size() == 2);
  CHECK(script.payment.state == S::paid);
  CHECK_FALSE(script.payment.pending);
  CHECK(script.payment.due_at_us() == 0);
}

TEST_CASE("paid may be the first that is heard, before the order was seen accepted") {
  PaymentScript script;
  script.take(script.create_body());
  script.take(from(script.report(V::paid), ReportSource::callback));
  CHECK(script.payment.state == S::paid);
  CHECK(in_short(script.hear(script.report(V::accepted))) == "already");
}

TEST_CASE("what was said before is already so") {
  PaymentScript script;
  script.start();
  CHECK(in_short(script.hear(from(script.report(V::accepted), ReportSource::callback))) ==
        "already");
  const ChannelReport paid = from(script.report(V::paid), ReportSource::callback);
  script.take(paid);
  CHECK(in_short(script.hear(paid)) == "already");
  CHECK(in_short(script.hear(from(paid, ReportSource::query))) == "already");
  const std::string refund_id = script.refund(1'000, "r-1");
  const ChannelReport refunded =
      from(script.refund_report(V::refunded, refund_id), ReportSource::callback);
  script.take(refunded);
  CHECK(in_short(script.hear(refunded)) == "already");
  CHECK(in_short(script.hear(paid)) == "already");
  CHECK(in_short(script.hear(script.report(V::closed))) == "already");
  CHECK(in_short(script.hear(script.report(V::refused))) == "already");
  CHECK(in_short(script.hear(script.report(V::unknown))) == "already");
  CHECK(in_short(script.hear(script.report(V::not_found))) == "already");
}

TEST_CASE(
    "old news that names another amount is no old news: it is refused and raised as an alarm") {
  PaymentScript script;
  script.pay();
  const std::string refund_id = script.refund(1'000, "r-1");
  script.take(script.refund_report(V::refunded, refund_id));
  ChannelReport paid = from(script.report(V::paid), ReportSource::callback);
  paid.amount_minor += 1;
  CHECK(in_short(script.hear(paid)) == "report_refused");
  paid.channel_reference.clear();
  CHECK(in_short(script.hear(paid)) == "report_refused");
  ChannelReport refunded =
      from(script.refund_report(V::refunded, refund_id), ReportSource::callback);
  refunded.amount_minor += 1;
  CHECK(in_short(script.hear(refunded)) == "report_refused");
  // Nothing is pending, so nothing is asked again either.
  paid.source = ReportSource::query;
  CHECK(in_short(script.hear(paid)) == "report_refused");
}

TEST_CASE("news of a part that was captured names that part, and is old when it comes again") {
  PaymentScript script(CaptureMethod::manual);
  script.authorize();
  script.take(CapturePayment{3'000});
  ChannelReport captured = from(script.report(V::paid), ReportSource::callback);
  captured.amount_minor = 3'000;
  script.take(captured);
  CHECK(in_short(script.hear(captured)) == "already");
  captured.amount_minor = 10'000;
  CHECK(in_short(script.hear(captured)) == "report_refused");
}

TEST_CASE("an order the channel closed by itself is closed here") {
  PaymentScript script;
  script.start();
  script.take(from(script.report(V::closed), ReportSource::callback));
  CHECK(script.payment.state == S::closed);
  CHECK(script.payment.close_reason == CloseReason::expired);
}

TEST_CASE("a definite no fails the payment, in the channel's words") {
  PaymentScript script;
  script.fail();
  CHECK(script.payment.state == S::failed);
  CHECK(script.payment.failure_code == "insufficient_funds");
  CHECK(script.payment.failure_message == "not enough money");
  CHECK(script.payment.due_at_us() == 0);
}

TEST_CASE("an unknown outcome moves nothing, whatever it is about") {
  const auto source = GENERATE(ReportSource::answer, ReportSource::query);
  PaymentScript paying;
  paying.start();
  PaymentScript closing = paying;
  closing.take(ClosePayment{});
  PaymentScript capturing(manual);
  capturing.authorize();
  PaymentScript voiding = capturing;
  capturing.take(CapturePayment{});
  voiding.take(VoidPayment{});
  for (PaymentScript* script : {&paying, &closing, &capturing, &voiding}) {
    const S before = script->payment.state;
    const ChannelOperation operation = script->payment.pending->operation;
    CAPTURE(name_of(before), name_of(operation));
    ChannelReport lost = about(from(script->report(V::unknown), source), operation);
    lost.code = "timeout";
    lost.message = "no answer in 5 s";
    const auto events = script->take(lost);
    REQUIRE(in_short(events) == "unsettled");
    const auto& event = std::get<PaymentUnsettled>(events.front());
    CHECK(event.outcome == Outcome::unknown);
    CHECK(event.operation == operation);
    CHECK(event.detail == "timeout: no answer in 5 s");
    CHECK(script->payment.state == before);
    CHECK(script->payment.pending->operation == operation);
  }
}

TEST_CASE("a success after closing is recorded, given back, and ends as refunded") {
  const auto source = GENERATE(ReportSource::callback, ReportSource::query, ReportSource::answer);
  const auto fails = GENERATE(false, true);
  PaymentScript script;
  if (fails)
    script.fail();
  else
    script.close();
  const ChannelReport late = from(script.report(V::paid, "ch_9"), source);
  const auto events = script.take(late);
  REQUIRE(in_short(events) == "surplus_recorded");
  const auto& surplus = std::get<PaymentSurplusRecorded>(events.front());
  CHECK(surplus.refund_id == surplus_id_of(script, "ch_9"));
  CHECK(surplus.amount_minor == 10'000);
  CHECK_FALSE(surplus.authorized_only);
  CHECK(posted(surplus.postings, "channel/sandbox") == 10'000);
  CHECK(posted(surplus.postings, "payer/surplus") == -10'000);
  CHECK(script.payment.state == (fails ? S::failed : S::closed));
  CHECK(script.payment.captured_minor == 0);

  const auto calls = calls_after(script.payment, events.front(), script.id);
  REQUIRE(calls.size() == 1);
  CHECK(calls[0].operation == ChannelOperation::refund);
  CHECK(calls[0].surplus);
  CHECK(calls[0].amount_minor == 10'000);
  CHECK(calls[0].refund_id == surplus.refund_id);

  CHECK(in_short(script.hear(late)) == "already");
  const auto back = script.take(script.refund_report(V::refunded, surplus.refund_id));
  REQUIRE(in_short(back) == "surplus_refunded");
  const auto& given = std::get<PaymentSurplusRefunded>(back.front());
  CHECK(posted(given.postings, "payer/surplus") == 10'000);
  CHECK(posted(given.postings, "channel/sandbox") == -10'000);
  CHECK(script.payment.state == S::refunded);
  CHECK(script.payment.refunded_minor == 0);
  CHECK(in_short(script.hear(late)) == "already");
}

TEST_CASE("a second charge for a paid order is given back, and the payment stays as it is") {
  const auto parts = GENERATE(0, 4'000, 10'000);
  PaymentScript script;
  script.pay();
  if (parts > 0) script.refunded(parts, "r-1");
  const S before = script.payment.state;
  CHECK(before == (parts == 0 ? S::paid : parts == 10'000 ? S::refunded : S::partially_refunded));
  const ChannelReport second = from(script.report(V::paid, "ch_2"), ReportSource::callback);
  CHECK(in_short(script.take(second)) == "surplus_recorded");
  CHECK(script.payment.state == before);
  CHECK(in_short(script.hear(second)) == "already");
  const std::string surplus_id = surplus_id_of(script, "ch_2");
  CHECK(in_short(script.take(script.refund_report(V::refunded, surplus_id))) == "surplus_refunded");
  CHECK(script.payment.state == before);
  CHECK(script.payment.captured_minor == 10'000);
  CHECK(script.payment.refunded_minor == parts);
  // A third charge is another surplus; merchants' refunds do not see either of them.
  CHECK(in_short(script.hear(from(script.report(V::paid, "ch_3"), ReportSource::callback))) ==
        "surplus_recorded");
  CHECK_FALSE(script.payment.find_refund_by_no(""));
}

TEST_CASE("a second authorization is voided under its own number, and the first stays") {
  PaymentScript script(manual);
  script.authorize();
  const auto events =
      script.take(from(script.report(V::authorized, "ch_2"), ReportSource::callback));
  REQUIRE(in_short(events) == "surplus_recorded");
  CHECK(std::get<PaymentSurplusRecorded>(events.front()).authorized_only);
  CHECK(std::get<PaymentSurplusRecorded>(events.front()).postings.empty());
  CHECK(script.payment.state == S::authorized);
  const auto calls = calls_after(script.payment, events.front(), script.id);
  REQUIRE(calls.size() == 1);
  CHECK(calls[0].operation == ChannelOperation::void_);
  CHECK(calls[0].surplus);
  const std::string surplus_id = surplus_id_of(script, "ch_2");
  // Asked, and it is still held: it is voided once more, under the same number.
  const ChannelReport held =
      from(script.refund_report(V::authorized, surplus_id), ReportSource::query);
  CHECK(in_short(script.take(held)) == "unsettled");
  const auto repeated = calls_to_repeat(script.payment, held, script.id);
  REQUIRE(repeated.size() == 1);
  CHECK(repeated[0].operation == ChannelOperation::void_);
  CHECK(repeated[0].channel_refund_no == calls[0].channel_refund_no);
  script.take(script.refund_report(V::closed, surplus_id));
  CHECK(script.payment.state == S::authorized);
  CHECK(script.payment.find_refund(surplus_id)->state == RefundState::succeeded);
  CHECK(in_short(script.ask(CapturePayment{})) == "capture_requested");
}

TEST_CASE("a surplus that the channel refuses to give back waits for an operator") {
  PaymentScript script;
  script.close();
  script.take(script.report(V::paid, "ch_9"));
  const std::string surplus_id = surplus_id_of(script, "ch_9");
  const auto events = script.take(script.refund_report(V::refund_refused, surplus_id));
  CHECK(in_short(events) == "refund_failed+parked");
  CHECK(script.payment.is_parked());
  CHECK(script.payment.state == PaymentState::closed);
}

TEST_CASE("a surplus known as held is given back once more when it turns out captured") {
  PaymentScript script(CaptureMethod::manual);
  script.close();
  CHECK(in_short(script.take(script.report(V::authorized, "ch_9"))) == "surplus_recorded");
  CHECK(in_short(script.hear(script.report(V::authorized, "ch_9"))) == "already");
  CHECK(in_short(script.take(script.report(V::paid, "ch_9"))) == "surplus_recorded");
  CHECK(in_short(script.hear(script.report(V::paid, "ch_9"))) == "already");
  REQUIRE(script.payment.refunds.size() == 2);
  CHECK(script.payment.refunds[0].authorized_only);
  CHECK_FALSE(script.payment.refunds[1].authorized_only);
}

TEST_CASE("a surplus that was captured before it could be let go is given back, once") {
  PaymentScript script(CaptureMethod::manual);
  script.close();
  script.take(script.report(V::authorized, "ch_9"));
  const std::string held_id = surplus_id_of(script, "ch_9");
  ChannelReport captured = from(script.refund_report(V::paid, held_id), ReportSource::query);
  captured.operation = ChannelOperation::void_;
  captured.channel_reference = "ch_9";
  std::string events = "refund_failed+surplus_recorded";
  SECTION("the question about it is the first to find out") {}
  SECTION("the news of it came before") {
    script.take(script.report(V::paid, "ch_9"));
    events = "refund_failed";
  }
  CHECK(in_short(script.take(captured)) == events);
  CHECK(in_short(script.hear(captured)) == "already");
  CHECK(in_short(script.hear(script.report(V::paid, "ch_9"))) == "already");
  CHECK_FALSE(script.payment.is_parked());
  REQUIRE(script.payment.refunds.size() == 2);
  CHECK(script.payment.refunds[0].state == RefundState::failed);
  CHECK(script.payment.refunds[1].state == RefundState::pending);
  CHECK_FALSE(script.payment.refunds[1].authorized_only);
}

TEST_CASE("another charge of the order says nothing about the surplus that is to be let go") {
  PaymentScript script(CaptureMethod::manual);
  script.authorize();
  script.take(from(script.report(V::authorized, "ch_2"), ReportSource::callback));
  ChannelReport first =
      from(script.refund_report(V::paid, surplus_id_of(script, "ch_2")), ReportSource::query);
  first.channel_reference = "ch_1";
  CHECK(in_short(script.take(first)) == "unsettled");
}

TEST_CASE("paid news without the channel's reference is not taken for a second charge") {
  PaymentScript script;
  script.pay();
  CHECK(in_short(script.hear(script.report(V::paid, ""))) == "already");
}

TEST_CASE("old news of an authorization that was captured or voided changes nothing") {
  PaymentScript captured(manual);
  captured.pay();
  CHECK(in_short(captured.hear(captured.report(V::authorized))) == "already");
  PaymentScript voided(manual);
  voided.authorize().take(VoidPayment{});
  voided.take(voided.report(V::closed));
  CHECK(in_short(voided.hear(voided.report(V::authorized))) == "already");
}

TEST_CASE("automatic capture waits behind an authorization, manual capture stops at it") {
  PaymentScript automatic;
  automatic.start();
  CHECK(in_short(automatic.take(from(automatic.report(V::authorized), ReportSource::query))) ==
        "unsettled");
  CHECK(automatic.payment.state == S::paying);
  PaymentScript by_hand(manual);
  by_hand.start();
  CHECK(in_short(by_hand.take(by_hand.report(V::authorized))) == "authorized");
  CHECK(by_hand.payment.authorized_minor == 10'000);
  CHECK(by_hand.payment.captured_minor == 0);
  // Nothing is due by itself: the merchant decides.
  CHECK(by_hand.payment.due_at_us() == 0);
}

TEST_CASE("a capture is believed only for the amount that was asked") {
  PaymentScript script(manual);
  script.authorize().take(CapturePayment{4'000});
  ChannelReport taken = about(script.report(V::paid), ChannelOperation::capture);
  taken.amount_minor = 4'001;
  const auto events = script.take(taken);
  CHECK(in_short(events) == "report_refused+unsettled");
  CHECK(std::get<PaymentReportRefused>(events.front()).expected == "4000");
  CHECK(script.payment.state == S::authorized);
  taken.amount_minor = 4'000;
  script.take(taken);
  CHECK(script.payment.captured_minor == 4'000);
}

TEST_CASE("asked after a capture, the channel may name another that was made at its desk") {
  PaymentScript script(manual);
  script.authorize().take(CapturePayment{4'000});
  ChannelReport taken =
      from(about(script.report(V::paid), ChannelOperation::capture), ReportSource::query);
  taken.amount_minor = 10'001;  // never more than is held
  CHECK(in_short(script.take(taken)) == "report_refused+unsettled");
  taken.amount_minor = 2'500;
  const auto events = script.take(taken);
  REQUIRE(in_short(events) == "capture_refused+paid");
  CHECK(std::get<PaymentCaptureRefused>(events[0]).code == "captured_otherwise");
  CHECK(script.payment.state == S::paid);
  CHECK(script.payment.captured_minor == 2'500);
  CHECK_FALSE(script.payment.is_open());
}

TEST_CASE("a capture the channel made by itself is believed up to what is authorized") {
  PaymentScript script(manual);
  script.authorize();
  ChannelReport taken = from(script.report(V::paid), ReportSource::callback);
  taken.amount_minor = 10'001;
  CHECK(in_short(script.hear(taken)) == "report_refused");
  taken.amount_minor = 0;
  CHECK(in_short(script.hear(taken)) == "report_refused");
  taken.amount_minor = 2'500;
  CHECK(in_short(script.take(taken)) == "paid");
  CHECK(script.payment.captured_minor == 2'500);
}

TEST_CASE("paid while closing is paid: the payer was faster") {
  PaymentScript script;
  script.start().take(ClosePayment{});
  script.take(from(script.report(V::paid), ReportSource::callback));
  CHECK(script.payment.state == S::paid);
  CHECK(in_short(script.hear(about(script.report(V::refused), ChannelOperation::close))) ==
        "already");
}

TEST_CASE("a close that is refused asks at once how the order stands") {
  PaymentScript script;
  script.start().take(ClosePayment{});
  const auto events = script.take(about(script.report(V::refused), ChannelOperation::close));
  CHECK(in_short(events) == "close_refused");
  CHECK(script.payment.state == S::paying);
  const auto queries = calls_due(script.payment, script.id, script.now_us);
  REQUIRE(queries.size() == 1);
  CHECK(queries[0].operation == ChannelOperation::create);
  CHECK(queries[0].query);
}

TEST_CASE("a refused expiry asks before it closes again, and learns that it was paid") {
  PaymentScript script;
  script.start().expire();
  script.take(about(script.report(V::refused), ChannelOperation::close));
  CHECK(decide_due(script.payment, script.context()).empty());
  const auto queries = calls_due(script.payment, script.id, script.now_us);
  REQUIRE(queries.size() == 1);
  CHECK(queries[0].query);
  PaymentScript paid = script;
  paid.take(from(paid.report(V::paid), ReportSource::query));
  CHECK(paid.payment.state == S::paid);
  // Asked and still open: now it is closed again, a bounded number of times.
  script.take(from(script.report(V::accepted), ReportSource::query));
  CHECK(in_short(decide_due(script.payment, script.context())) == "close_requested");
}

TEST_CASE("a refund is settled by answer, query or callback alike, with balanced books") {
  const auto source = GENERATE(ReportSource::callback, ReportSource::query, ReportSource::answer);
  PaymentScript script;
  script.pay();
  const std::string refund_id = script.refund(1'000, "r-1");
  const auto events = script.take(from(script.refund_report(V::refunded, refund_id), source));
  REQUIRE(in_short(events) == "refund_succeeded");
  const auto& event = std::get<PaymentRefundSucceeded>(events.front());
  CHECK(event.source == source);
  CHECK(posted(event.postings, "merchant/m_1/payable") == 1'000);
  CHECK(posted(event.postings, "channel/sandbox") == -1'000);
  CHECK(script.payment.state == S::partially_refunded);
  CHECK(script.payment.refunded_minor == 1'000);
  CHECK(script.payment.refund_pending_minor == 0);
}

TEST_CASE(
    "a refused refund frees its amount, and news that it went through after all is an alarm") {
  PaymentScript script;
  script.pay();
  const std::string refund_id = script.refund(10'000, "r-1");
  ChannelReport no = script.refund_report(V::refund_refused, refund_id);
  no.code = "account_closed";
  CHECK(in_short(script.take(no)) == "refund_failed");
  CHECK(script.payment.refund_pending_minor == 0);
  CHECK(script.payment.find_refund(refund_id)->failure_code == "account_closed");
  CHECK(in_short(script.ask(RefundPayment{"r-2", 10'000, ""})) == "refund_requested");
  const auto alarm =
      script.take(from(script.refund_report(V::refunded, refund_id), ReportSource::callback));
  CHECK(std::get<PaymentReportRefused>(alarm.front()).field == "refund_status");
}
