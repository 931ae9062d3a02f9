// A payment whose channel has several accounts: who is asked, when the next one may be, and what
// becomes of money that comes by an account which was not to bring any.
#include <catch2/catch.hpp>

#include "protocol/payment/decide.hpp"
#include "tests/support/payment_script.hpp"

using namespace welkin;

namespace {

using S = PaymentState;
using V = ChannelVerdict;

const std::vector<Route> two_accounts = {{"sandbox_a", 1, 1, true}, {"sandbox_b", 2, 1, true}};

PaymentScript started() {
  PaymentScript script;
  script.routes = &two_accounts;
  script.take(script.create_body());
  return script;
}

// What attempt `number` is answered; by the account it went to.
ChannelReport of_attempt(const PaymentScript& script, int number, V verdict,
                         const std::string& reference = "ch_1") {
  const Attempt& attempt = script.payment.attempts.at(static_cast<std::size_t>(number) - 1);
  ChannelReport report = script.report(verdict, reference);
  report.account = attempt.account;
  report.channel_order_no = attempt.channel_order_no;
  report.code = verdict == V::not_taken ? "breaker_open" : "";
  return report;
}

ChannelReport called_back(ChannelReport report) {
  report.source = ReportSource::callback;
  return report;
}
ChannelReport queried(ChannelReport report) {
  report.source = ReportSource::query;
  return report;
}

// Attempt 1 was not taken by sandbox_a, attempt 2 waits at sandbox_b.
PaymentScript fallen_through() {
  PaymentScript script = started();
  script.take(of_attempt(script, 1, V::not_taken));
  return script;
}

// Neither account took it: the first round is over.
PaymentScript between_rounds() {
  PaymentScript script = fallen_through();
  script.take(of_attempt(script, 2, V::not_taken));
  return script;
}

std::int64_t posted(const std::vector<Posting>& postings, std::string_view account) {
  std::int64_t sum_minor = 0;
  for (const Posting& posting : postings)
    if (posting.account == account) sum_minor += posting.amount_minor;
  return sum_minor;
}

}  // namespace

TEST_CASE("the intent to ask names the account and why it was chosen, and the call goes to it") {
  PaymentScript script;
  script.routes = &two_accounts;
  CreatePayment body = script.create_body();
  body.method = "jsapi";
  body.payer = {"openid-1", "203.0.113.7", "pm_1"};
  const auto events = script.take(body);
  const auto& intent = std::get<PaymentStarted>(events[1]);
  CHECK(intent.attempt == 1);
  CHECK(intent.channel == "sandbox");
  CHECK(intent.account == "sandbox_a");
  CHECK(intent.why == "priority 1");
  const auto calls = calls_after(script.payment, events[1], script.id);
  REQUIRE(calls.size() == 1);
  CHECK(calls[0].account == "sandbox_a");
  CHECK(calls[0].method == "jsapi");
  CHECK(calls[0].payer_id == "openid-1");
  CHECK(calls[0].payer_ip == "203.0.113.7");
  CHECK(calls[0].payer_instrument == "pm_1");
}

TEST_CASE("a channel without a list of accounts has the one of its own name") {
  const std::vector<Route> none;
  for (const std::vector<Route>* routes :
       {static_cast<const std::vector<Route>*>(nullptr), &none}) {
    PaymentScript script;
    script.routes = routes;
    const auto events = script.take(script.create_body());
    CHECK(std::get<PaymentStarted>(events[1]).account == "sandbox");
    CHECK(std::get<PaymentStarted>(events[1]).why.empty());
    CHECK(in_short(script.take(of_attempt(script, 1, V::not_taken))) == "route_refused+unsettled");
  }
}

TEST_CASE("an account that did not take the order is followed by the next in the same breath") {
  PaymentScript script = started();
  script.now_us += us_per_s;
  const auto events = script.take(of_attempt(script, 1, V::not_taken));
  REQUIRE(in_short(events) == "route_refused+started");
  const auto& refused = std::get<PaymentRouteRefused>(events[0]);
  CHECK(refused.attempt == 1);
  CHECK(refused.account == "sandbox_a");
  CHECK(refused.code == "breaker_open");
  const auto& next = std::get<PaymentStarted>(events[1]);
  CHECK(next.attempt == 2);
  CHECK(next.account == "sandbox_b");
  CHECK(next.channel_order_no == channel_order_no(script.id, 2));
  CHECK(next.why == "priority 2; sandbox_a was tried");
  CHECK(next.next_query_at_us == script.now_us + answer_patience_us);
  const auto calls = calls_after(script.payment, events[1], script.id);
  REQUIRE(calls.size() == 1);
  CHECK(calls[0].account == "sandbox_b");
  CHECK(calls[0].channel_order_no == channel_order_no(script.id, 2));
  CHECK(calls[0].order_created_at_us == script.now_us);  // the first number was another order
  CHECK_FALSE(calls[0].order_accepted);
  script.take(of_attempt(script, 2, V::accepted));
  const auto paid = script.take(called_back(of_attempt(script, 2, V::paid, "ch_b")));
  CHECK(posted(std::get<PaymentPaid>(paid[0]).postings, "channel/sandbox_b") == 10'000);
}

TEST_CASE("after any doubt no other account is asked, whatever the first says then") {
  struct Row {
    const char* doubt;
    ChannelReport (*cast)(const PaymentScript&);
  };
  const Row rows[] = {
      {"the call timed out", [](const PaymentScript& s) { return of_attempt(s, 1, V::unknown); }},
      {"a query got no answer",
       [](const PaymentScript& s) { return queried(of_attempt(s, 1, V::unknown)); }},
      {"a query was not made",
       [](const PaymentScript& s) { return queried(of_attempt(s, 1, V::not_taken)); }},
      {"a query found nothing yet",
       [](const PaymentScript& s) { return queried(of_attempt(s, 1, V::not_found)); }},
      {"the order was accepted",
       [](const PaymentScript& s) { return called_back(of_attempt(s, 1, V::accepted)); }},
      {"a callback named a wrong amount",
       [](const PaymentScript& s) {
         ChannelReport report = called_back(of_attempt(s, 1, V::paid));
         report.amount_minor += 1;
         return report;
       }},
  };
  for (const Row& row : rows) {
    CAPTURE(row.doubt);
    PaymentScript script = started();
    script.take(row.cast(script));
    CHECK(in_short(script.take(of_attempt(script, 1, V::not_taken))) == "unsettled");
    CHECK(script.payment.attempts.size() == 1);
    const auto queries = calls_due(script.payment, script.id, script.payment.due_at_us());
    REQUIRE(queries.size() == 1);
    CHECK(queries[0].account == "sandbox_a");
    CHECK(queries[0].query);
  }
}

TEST_CASE("a channel that would not close the order knows it: no other account is asked") {
  PaymentScript script = started();
  script.take(ClosePayment{});
  ChannelReport no = of_attempt(script, 1, V::refused);
  no.operation = ChannelOperation::close;
  script.take(no);
  CHECK(in_short(script.take(of_attempt(script, 1, V::not_taken))) == "unsettled");
}

TEST_CASE("not taken is a reason to go on only as the answer to the create itself") {
  PaymentScript script = started();
  for (const ChannelOperation operation : {ChannelOperation::close, ChannelOperation::capture}) {
    ChannelReport report = of_attempt(script, 1, V::not_taken);
    report.operation = operation;
    CHECK(in_short(script.hear(report)) == "unsettled");
  }
  CHECK(in_short(script.hear(queried(of_attempt(script, 1, V::not_taken)))) == "unsettled");
  CHECK(in_short(script.hear(called_back(of_attempt(script, 1, V::not_taken)))) == "unsettled");
}

TEST_CASE("a refusal about the order fails the payment, and no other account is asked") {
  PaymentScript script = started();
  CHECK(in_short(script.take(of_attempt(script, 1, V::refused))) == "failed");
}

TEST_CASE("when no account takes it the payment waits along the schedule and asks all again") {
  PaymentScript script = started();
  const int pauses_s[] = {2, 5, 15, 30};
  for (int round = 1; round <= 4; ++round) {
    CAPTURE(round);
    const auto first = script.take(of_attempt(script, 2 * round - 1, V::not_taken));
    CHECK(in_short(first) == "route_refused+started");
    const auto second = script.take(of_attempt(script, 2 * round, V::not_taken));
    REQUIRE(in_short(second) == "route_refused+unsettled");
    const auto& pause = std::get<PaymentUnsettled>(second[1]);
    CHECK(pause.outcome == Outcome::pending);
    CHECK(pause.detail == "no account takes the order now; the last: breaker_open");
    CHECK(pause.tries == round);
    CHECK(script.payment.waits_for_a_route());
    CHECK(script.payment.due_at_us() == script.now_us + pauses_s[round - 1] * us_per_s);
    script.now_us = script.payment.due_at_us() - 1;
    CHECK(decide_due(script.payment, script.context()).empty());
    ++script.now_us;
    // There is no order anywhere that could be asked about.
    CHECK(calls_due(script.payment, script.id, script.now_us).empty());
    const auto next = script.apply_all(decide_due(script.payment, script.context()));
    REQUIRE(in_short(next) == "started");
    CHECK(std::get<PaymentStarted>(next[0]).account == "sandbox_a");
    CHECK(std::get<PaymentStarted>(next[0]).attempt == 2 * round + 1);
    CHECK(calls_after(script.payment, next[0], script.id).size() == 1);
  }
}

TEST_CASE("a payment that no account takes fails after a bounded number of attempts") {
  PaymentScript script = started();
  std::vector<PaymentEvent> events;
  for (int number = 1; number <= max_attempts; ++number) {
    if (script.payment.waits_for_a_route()) {
      script.now_us = script.payment.due_at_us();
      script.payment.expires_at_us = script.now_us + 1'000 * us_per_s;
      script.apply_all(decide_due(script.payment, script.context()));
    }
    events = script.take(of_attempt(script, number, V::not_taken));
  }
  REQUIRE(in_short(events) == "route_refused+failed");
  CHECK(script.payment.state == S::failed);
  CHECK(script.payment.failure_code == "no_route");
  CHECK(script.payment.failure_message ==
        "No account took the order in 20 attempts; the last: breaker_open");
  CHECK(script.payment.due_at_us() == 0);
}

TEST_CASE("while no account has the order it is closed here, without asking anybody") {
  PaymentScript expiring = between_rounds();
  expiring.now_us = expiring.payment.expires_at_us;
  const auto events = expiring.apply_all(decide_due(expiring.payment, expiring.context()));
  CHECK(in_short(events) == "close_requested+closed");
  CHECK(calls_after(expiring.payment, events[0], expiring.id).empty());
  CHECK(expiring.payment.close_reason == CloseReason::expired);
  PaymentScript closing = between_rounds();
  const auto closed = closing.take(ClosePayment{});
  CHECK(in_short(closed) == "close_requested+closed");
  CHECK(calls_after(closing.payment, closed[0], closing.id).empty());
  CHECK(closing.payment.close_reason == CloseReason::merchant);
}

TEST_CASE("an order that turns out not taken while it is being closed, or too late, is closed") {
  PaymentScript closing = started();
  closing.take(ClosePayment{});
  CHECK(in_short(closing.take(of_attempt(closing, 1, V::not_taken))) == "route_refused+closed");
  CHECK(closing.payment.close_reason == CloseReason::merchant);
  PaymentScript late = started();
  late.now_us = late.payment.expires_at_us;
  CHECK(in_short(late.take(of_attempt(late, 1, V::not_taken))) == "route_refused+closed");
  CHECK(late.payment.close_reason == CloseReason::expired);
}

TEST_CASE("money that comes by an attempt that was over is given back by its own account") {
  struct Row {
    const char* situation;
    PaymentScript (*reach)();
  };
  const Row rows[] = {
      {"another account is being asked", fallen_through},
      {"no account has it", between_rounds},
      {"another account was paid",
       [] {
         PaymentScript script = fallen_through();
         script.take(of_attempt(script, 2, V::paid, "ch_1"));  // references are each channel's own
         return script;
       }},
      {"the payment was closed",
       [] {
         PaymentScript script = between_rounds();
         script.take(ClosePayment{});
         return script;
       }},
      {"another account refused it",
       [] {
         PaymentScript script = fallen_through();
         script.take(of_attempt(script, 2, V::refused));
         return script;
       }},
  };
  for (const Row& row : rows) {
    CAPTURE(row.situation);
    PaymentScript script = row.reach();
    const S before = script.payment.state;
    const ChannelReport late = called_back(of_attempt(script, 1, V::paid, "ch_1"));
    const auto events = script.take(late);
    REQUIRE(in_short(events) == "surplus_recorded");
    const auto& surplus = std::get<PaymentSurplusRecorded>(events[0]);
    CHECK(surplus.account == "sandbox_a");
    CHECK(surplus.channel_order_no == channel_order_no(script.id, 1));
    CHECK(posted(surplus.postings, "channel/sandbox_a") == 10'000);
    CHECK(script.payment.state == before);
    const auto calls = calls_after(script.payment, events[0], script.id);
    REQUIRE(calls.size() == 1);
    CHECK(calls[0].operation == ChannelOperation::refund);
    CHECK(calls[0].account == "sandbox_a");
    CHECK(calls[0].channel_order_no == channel_order_no(script.id, 1));
    CHECK(calls[0].channel_reference == "ch_1");
    CHECK(calls[0].order_created_at_us == script.payment.attempts[0].started_at_us);
    CHECK(in_short(script.hear(late)) == "already");

    ChannelReport back = script.refund_report(V::refunded, surplus.refund_id);
    back.account = "sandbox_b";
    CHECK(std::get<PaymentReportRefused>(
              std::get<std::vector<PaymentEvent>>(script.hear(back)).front())
              .field == "account");
    back.account = "sandbox_a";
    back.channel_order_no = channel_order_no(script.id, 2);
    CHECK(std::get<PaymentReportRefused>(
              std::get<std::vector<PaymentEvent>>(script.hear(back)).front())
              .field == "channel_order_no");
    back.channel_order_no.clear();  // not said: the refund's number says it
    CHECK(in_short(script.hear(back)) == "surplus_refunded");
    back.channel_order_no = channel_order_no(script.id, 1);
    const auto given = script.take(back);
    REQUIRE(in_short(given) == "surplus_refunded");
    CHECK(posted(std::get<PaymentSurplusRefunded>(given[0]).postings, "channel/sandbox_a") ==
          -10'000);
  }
}

TEST_CASE("a surplus beside an open payment is settled on its own, and the payment goes on") {
  PaymentScript script = fallen_through();
  script.take(called_back(of_attempt(script, 1, V::paid, "ch_a")));
  const std::string surplus_id = script.payment.refunds.back().refund_id;
  ChannelReport lost = script.refund_report(V::unknown, surplus_id);
  CHECK(in_short(script.take(lost)) == "unsettled");
  // Settling it casts no doubt on the attempt that is under way.
  CHECK(script.payment.last_attempt().outcome == AttemptOutcome::asked);
  script.take(script.refund_report(V::refunded, surplus_id));
  CHECK(script.payment.state == S::paying);
  script.take(of_attempt(script, 2, V::paid, "ch_b"));
  CHECK(script.payment.state == S::paid);
  CHECK(script.payment.captured_minor == 10'000);
  CHECK(script.payment.refunded_minor == 0);
}

TEST_CASE("money that an attempt that was over holds is let go by its own account") {
  PaymentScript script(CaptureMethod::manual);
  script.routes = &two_accounts;
  script.take(script.create_body());
  script.take(of_attempt(script, 1, V::not_taken));
  const auto events = script.take(called_back(of_attempt(script, 1, V::authorized, "ch_a")));
  REQUIRE(in_short(events) == "surplus_recorded");
  const auto calls = calls_after(script.payment, events[0], script.id);
  REQUIRE(calls.size() == 1);
  CHECK(calls[0].operation == ChannelOperation::void_);
  CHECK(calls[0].account == "sandbox_a");
}

TEST_CASE("other news of an attempt that was over is old news") {
  for (const V verdict :
       {V::accepted, V::closed, V::refused, V::not_taken, V::not_found, V::unknown}) {
    for (const ReportSource source :
         {ReportSource::answer, ReportSource::query, ReportSource::callback}) {
      CAPTURE(name_of(verdict), name_of(source));
      const PaymentScript script = fallen_through();
      ChannelReport old = of_attempt(script, 1, verdict);
      old.source = source;
      CHECK(in_short(script.hear(old)) == "already");
      CHECK(calls_to_repeat(script.payment, old, script.id).empty());
      const PaymentScript waiting = between_rounds();
      ChannelReport last = of_attempt(waiting, 2, verdict);
      last.source = source;
      CHECK(in_short(waiting.hear(last)) == "already");
      CHECK(calls_to_repeat(waiting.payment, last, waiting.id).empty());
    }
  }
}

TEST_CASE("money of an attempt that was over must fit the order too, and settles nothing else") {
  PaymentScript script = fallen_through();
  ChannelReport wrong = of_attempt(script, 1, V::paid);
  wrong.amount_minor += 1;
  for (const ReportSource source : {ReportSource::callback, ReportSource::query}) {
    wrong.source = source;
    CHECK(in_short(script.hear(wrong)) == "report_refused");
  }
}

TEST_CASE("an account that was not asked for the order is not believed about it") {
  PaymentScript script = fallen_through();
  ChannelReport report = called_back(of_attempt(script, 2, V::paid));
  report.account = "sandbox_a";
  const auto events = std::get<std::vector<PaymentEvent>>(script.hear(report));
  const auto& refused = std::get<PaymentReportRefused>(events.front());
  CHECK(events.size() == 1);
  CHECK(refused.field == "account");
  CHECK(refused.expected == "sandbox_b");
  CHECK(refused.got == "sandbox_a");
  report.account.clear();
  CHECK(in_short(script.hear(report)) == "paid");
}

TEST_CASE("a number that is no attempt's of this payment is refused as before") {
  PaymentScript script = fallen_through();
  ChannelReport report = called_back(of_attempt(script, 2, V::paid));
  report.channel_order_no = channel_order_no(script.id, 3);
  const auto events = std::get<std::vector<PaymentEvent>>(script.hear(report));
  CHECK(std::get<PaymentReportRefused>(events.front()).field == "channel_order_no");
  // News of a number that is not ours says nothing about the attempt that is.
  script.take(report);
  CHECK(script.payment.last_attempt().outcome == AttemptOutcome::asked);
}

TEST_CASE("a refund goes to the account and the order that were paid, in the way they were paid") {
  PaymentScript script;
  script.routes = &two_accounts;
  CreatePayment body = script.create_body();
  body.method = "page";
  script.take(body);
  script.take(of_attempt(script, 1, V::not_taken));
  script.take(of_attempt(script, 2, V::paid, "ch_b"));
  const auto events = script.take(RefundPayment{"r-1", 1'000, ""});
  const auto calls = calls_after(script.payment, events.front(), script.id);
  REQUIRE(calls.size() == 1);
  CHECK(calls[0].account == "sandbox_b");
  CHECK(calls[0].channel_order_no == channel_order_no(script.id, 2));
  CHECK(calls[0].channel_reference == "ch_b");
  CHECK(calls[0].method == "page");
  CHECK(script.payment.refunds.back().account == "sandbox_b");
}

TEST_CASE("a refund that succeeded and comes back is the merchant's again, with its books") {
  PaymentScript script = PaymentScript().pay().refunded(1'000, "r-1");
  const std::string refund_id = script.payment.refunds.back().refund_id;
  ChannelReport back = called_back(script.refund_report(V::refund_refused, refund_id));
  back.code = "lost_or_stolen_card";
  const auto events = script.take(back);
  REQUIRE(in_short(events) == "refund_reversed");
  const auto& reversed = std::get<PaymentRefundReversed>(events[0]);
  CHECK(reversed.code == "lost_or_stolen_card");
  CHECK(posted(reversed.postings, "merchant/m_1/payable") == -1'000);
  CHECK(posted(reversed.postings, "channel/sandbox") == 1'000);
  CHECK(script.payment.state == S::paid);
  CHECK(script.payment.refunded_minor == 0);
  CHECK(in_short(script.hear(back)) == "already");
  // The news that it had succeeded may come once more, and is old by now.
  CHECK(in_short(script.hear(called_back(script.refund_report(V::refunded, refund_id)))) ==
        "already");
  CHECK(in_short(script.ask(RefundPayment{"r-2", 10'000, ""})) == "refund_requested");
}

TEST_CASE("a refund is taken back only by the channel's own news, for its own amount") {
  PaymentScript script = PaymentScript().pay().refunded(1'000, "r-1");
  const std::string refund_id = script.payment.refunds.back().refund_id;
  ChannelReport no = script.refund_report(V::refund_refused, refund_id);
  CHECK(in_short(script.hear(no)) == "already");  // a repeated call may be refused: it was done
  CHECK(in_short(script.hear(queried(no))) == "already");
  no.amount_minor = 999;
  CHECK(in_short(script.hear(called_back(no))) == "report_refused");
}

TEST_CASE("a surplus that comes back waits for an operator") {
  PaymentScript script;
  script.close();
  script.take(called_back(script.report(V::paid, "ch_9")));
  const std::string refund_id = script.payment.refunds.back().refund_id;
  script.take(script.refund_report(V::refunded, refund_id));
  ChannelReport back = called_back(script.refund_report(V::refund_refused, refund_id));
  back.code = "declined";
  const auto events = script.take(back);
  REQUIRE(in_short(events) == "refund_reversed+parked");
  CHECK(posted(std::get<PaymentRefundReversed>(events[0]).postings, "payer/surplus") == -10'000);
  CHECK(parked_because(script.payment) == "a surplus that was given back has come back: declined");
  CHECK(script.payment.state == S::refunded);
}

TEST_CASE("a surplus given back before the payment ended comes back after, and ends nothing anew") {
  for (const V end : {V::closed, V::refused}) {
    CAPTURE(name_of(end));
    PaymentScript script;
    script.start();
    script.payment.attempts.back().outcome = AttemptOutcome::not_taken;
    script.take(called_back(script.report(V::paid, "ch_9")));
    const std::string refund_id = script.payment.refunds.back().refund_id;
    script.take(script.refund_report(V::refunded, refund_id));
    script.payment.attempts.back().outcome = AttemptOutcome::asked;
    script.take(script.report(end));
    const S ended = script.payment.state;
    REQUIRE((ended == S::closed || ended == S::failed));
    const ChannelReport back = called_back(script.refund_report(V::refund_refused, refund_id));
    CHECK(in_short(script.take(back)) == "refund_reversed+parked");
    CHECK(script.payment.state == ended);
    CHECK(script.payment.find_refund(refund_id)->reversed);
  }
}
