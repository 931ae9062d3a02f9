// How a payment comes to rest when the channel does not say: when it is asked again, what is done
// again, when an operator is called, and how time closes what nobody paid.
#include <catch2/catch.hpp>

#include "protocol/payment/decide.hpp"
#include "tests/support/payment_script.hpp"

using namespace welkin;

namespace {

using S = PaymentState;
using V = ChannelVerdict;
constexpr auto manual = CaptureMethod::manual;

ChannelReport queried(ChannelReport report, ChannelOperation operation) {
  report.source = ReportSource::query;
  report.operation = operation;
  return report;
}

}  // namespace

TEST_CASE("the channel is asked after 2 s, 5 s, 15 s, 30 s, 1, 2, 5 and then every 10 minutes") {
  const int seconds[] = {2, 5, 15, 30, 60, 120, 300, 600, 600, 600};
  for (int tries = 0; tries < 10; ++tries)
    CHECK(query_delay_us(tries) == seconds[tries] * us_per_s);
  CHECK(query_delay_us(max_settle_tries) == 600 * us_per_s);
  CHECK(query_delay_us(INT32_MAX) == 600 * us_per_s);
  CHECK(query_delay_us(-1) == 2 * us_per_s);
}

TEST_CASE("an intent without an answer is asked about, but not before the call had its time") {
  PaymentScript script;
  script.take(script.create_body());
  CHECK(script.payment.due_at_us() == script.now_us + answer_patience_us);
  CHECK(calls_due(script.payment, script.id, script.now_us + answer_patience_us - 1).empty());
  const auto queries = calls_due(script.payment, script.id, script.now_us + answer_patience_us);
  REQUIRE(queries.size() == 1);
  CHECK(queries[0].query);
  CHECK(queries[0].operation == ChannelOperation::create);
  CHECK(queries[0].channel_order_no == channel_order_no(script.id, 1));
}

TEST_CASE("each unsettled answer moves the next question along the schedule") {
  PaymentScript script;
  script.start();
  CHECK(script.payment.due_at_us() == script.now_us + query_delay_us(0));
  for (int tries = 1; tries <= 5; ++tries) {
    script.now_us = script.payment.due_at_us();
    script.take(queried(script.report(V::accepted), ChannelOperation::create));
    CHECK(script.payment.pending->tries == tries + 1);  // the accepting answer was the first word
    CHECK(script.payment.due_at_us() == script.now_us + query_delay_us(tries));
  }
}

TEST_CASE("a channel that never heard of the order is given it again under the same number") {
  PaymentScript script;
  script.take(script.create_body());
  script.now_us = script.payment.due_at_us();
  const ChannelReport unheard = queried(script.report(V::not_found), ChannelOperation::create);
  const auto events = script.take(unheard);
  CHECK(in_short(events) == "unsettled");
  CHECK(std::get<PaymentUnsettled>(events.front()).outcome == Outcome::pending);
  const auto calls = calls_to_repeat(script.payment, unheard, script.id);
  REQUIRE(calls.size() == 1);
  CHECK_FALSE(calls[0].query);
  CHECK(calls[0].operation == ChannelOperation::create);
  CHECK(calls[0].channel_order_no == channel_order_no(script.id, 1));
  CHECK(calls[0].amount_minor == script_amount_minor);
  CHECK(script.payment.attempts.size() == 1);
}

TEST_CASE("only what a query shows undone is done again") {
  struct Row {
    ChannelOperation pending;
    V verdict;
    bool repeats;
  };
  const Row rows[] = {
      {ChannelOperation::create, V::not_found, true},
      {ChannelOperation::create, V::accepted, false},
      {ChannelOperation::create, V::unknown, false},
      {ChannelOperation::close, V::accepted, true},
      {ChannelOperation::close, V::unknown, false},
      {ChannelOperation::capture, V::authorized, true},
      {ChannelOperation::capture, V::unknown, false},
      {ChannelOperation::void_, V::authorized, true},
      {ChannelOperation::void_, V::unknown, false},
      {ChannelOperation::capture, V::not_found, false},
  };
  for (const Row& row : rows) {
    CAPTURE(name_of(row.pending), name_of(row.verdict));
    PaymentScript script(manual);
    script.start();
    if (row.pending == ChannelOperation::close) script.take(ClosePayment{});
    if (row.pending == ChannelOperation::capture || row.pending == ChannelOperation::void_)
      script.take(script.report(V::authorized));
    if (row.pending == ChannelOperation::capture) script.take(CapturePayment{3'000});
    if (row.pending == ChannelOperation::void_) script.take(VoidPayment{});
    ChannelReport report = queried(script.report(row.verdict), row.pending);
    const auto calls = calls_to_repeat(script.payment, report, script.id);
    REQUIRE(calls.size() == (row.repeats ? 1 : 0));
    if (row.repeats) {
      CHECK(calls[0].operation == row.pending);
      CHECK_FALSE(calls[0].query);
      CHECK(calls[0].amount_minor == (row.pending == ChannelOperation::capture ? 3'000 : 10'000));
    }
    // The call's own answer, or a callback, may have overtaken the operation.
    report.source = ReportSource::answer;
    CHECK(calls_to_repeat(script.payment, report, script.id).empty());
    report.source = ReportSource::callback;
    CHECK(calls_to_repeat(script.payment, report, script.id).empty());
  }
}

TEST_CASE(
    "a refund of unknown outcome is asked about on the schedule, and repeated when unheard of") {
  PaymentScript script;
  script.pay();
  const std::string refund_id = script.refund(1'000, "r-1");
  CHECK(script.payment.due_at_us() == script.now_us + answer_patience_us);
  CHECK(in_short(script.take(script.refund_report(V::unknown, refund_id))) == "unsettled");
  CHECK(script.payment.due_at_us() == script.now_us + query_delay_us(0));
  CHECK(script.payment.refund_pending_minor == 1'000);
  script.now_us = script.payment.due_at_us();
  const auto queries = calls_due(script.payment, script.id, script.now_us);
  REQUIRE(queries.size() == 1);
  CHECK(queries[0].query);
  CHECK(queries[0].refund_id == refund_id);
  CHECK(queries[0].channel_refund_no == channel_refund_no(refund_id_of(script.id, "r-1")));
  const ChannelReport unheard =
      queried(script.refund_report(V::not_found, refund_id), ChannelOperation::refund);
  CHECK(in_short(script.take(unheard)) == "unsettled");
  const auto calls = calls_to_repeat(script.payment, unheard, script.id);
  REQUIRE(calls.size() == 1);
  CHECK_FALSE(calls[0].query);
  CHECK(calls[0].refund_id == refund_id);
  CHECK(calls[0].amount_minor == 1'000);
  script.take(queried(script.refund_report(V::refunded, refund_id), ChannelOperation::refund));
  CHECK(calls_to_repeat(script.payment, unheard, script.id).empty());
}

TEST_CASE("several refunds are asked about each in its own time") {
  PaymentScript script;
  script.pay();
  const std::string first = script.refund(1'000, "r-1");
  script.now_us += us_per_s;
  const std::string second = script.refund(2'000, "r-2");
  const UnixUs first_due_us = script_start_us + answer_patience_us;
  CHECK(script.payment.due_at_us() == first_due_us);
  CHECK(calls_due(script.payment, script.id, first_due_us).size() == 1);
  CHECK(calls_due(script.payment, script.id, first_due_us + us_per_s).size() == 2);
  CHECK(first != second);
}

TEST_CASE("after a broken answer the schedule begins at once: asked after 2 s, 7 s, 22 s, 52 s") {
  PaymentScript script;
  script.take(script.create_body());
  const UnixUs broken_at_us = script.now_us;
  script.take(script.report(V::unknown));
  for (const int after_s : {2, 7, 22, 52, 112, 232, 532, 1'132, 1'732}) {
    CHECK(script.payment.due_at_us() == broken_at_us + after_s * us_per_s);
    script.now_us = script.payment.due_at_us();
    const auto queries = calls_due(script.payment, script.id, script.now_us);
    REQUIRE(queries.size() == 1);
    CHECK(queries[0].query);
    script.take(queried(script.report(V::unknown), ChannelOperation::create));
  }
  CHECK(script.payment.due_at_us() == script.payment.expires_at_us);
}

TEST_CASE("a refund's schedule begins at once too") {
  PaymentScript script;
  script.pay();
  const std::string refund_id = script.refund(1'000, "r-1");
  const UnixUs broken_at_us = script.now_us;
  script.take(script.refund_report(V::unknown, refund_id));
  for (const int after_s : {2, 7, 22, 52, 112, 232, 532, 1'132, 1'732, 2'332}) {
    CHECK(script.payment.due_at_us() == broken_at_us + after_s * us_per_s);
    script.now_us = script.payment.due_at_us();
    script.take(
        queried(script.refund_report(V::refund_pending, refund_id), ChannelOperation::refund));
  }
}

TEST_CASE("on expiry the channel is asked, then told to close, and then the payment closes") {
  PaymentScript script;
  script.start();
  script.now_us = script.payment.due_at_us();
  script.take(queried(script.report(V::accepted), ChannelOperation::create));
  script.now_us = script.payment.expires_at_us - 1;
  CHECK(decide_due(script.payment, script.context()).empty());
  script.now_us = script.payment.expires_at_us;
  // Its last word is older than the expiry: the payer may have paid since.
  CHECK(script.payment.due_at_us() <= script.now_us);
  CHECK(decide_due(script.payment, script.context()).empty());
  const auto queries = calls_due(script.payment, script.id, script.now_us);
  REQUIRE(queries.size() == 1);
  CHECK(queries[0].query);
  PaymentScript paid = script;
  paid.take(queried(paid.report(V::paid), ChannelOperation::create));
  CHECK(paid.payment.state == S::paid);
  for (const V verdict : {V::accepted, V::unknown, V::not_taken}) {
    CAPTURE(name_of(verdict));
    PaymentScript open = script;
    open.take(queried(open.report(verdict), ChannelOperation::create));
    CHECK(calls_due(open.payment, open.id, open.now_us).empty());
    CHECK(open.payment.due_at_us() <= open.now_us);
    CHECK(in_short(decide_due(open.payment, open.context())) == "close_requested");
  }
}

TEST_CASE("a payment that is told to close when it expires is told so once") {
  PaymentScript script;
  script.start();
  script.now_us = script.payment.expires_at_us;
  script.take(queried(script.report(V::accepted), ChannelOperation::create));
  const auto events = decide_due(script.payment, script.context());
  CHECK(in_short(events) == "close_requested");
  script.apply_all(events);
  CHECK(script.payment.state == S::paying);
  const auto calls = calls_after(script.payment, events.front(), script.id);
  REQUIRE(calls.size() == 1);
  CHECK(calls[0].operation == ChannelOperation::close);
  // Being asked once is enough, however often somebody looks.
  CHECK(decide_due(script.payment, script.context()).empty());
  script.take(script.report(V::closed));
  CHECK(script.payment.state == S::closed);
  CHECK(script.payment.close_reason == CloseReason::expired);
}

TEST_CASE("a payment the channel never heard of closes here at once") {
  PaymentScript script;
  const auto events = std::get<std::vector<PaymentEvent>>(script.ask(script.create_body()));
  script.apply_all({events.front()});
  script.now_us = script.payment.expires_at_us;
  CHECK(in_short(decide_due(script.payment, script.context())) == "close_requested+closed");
}

TEST_CASE("time closes nothing that was authorized, paid, failed or closed") {
  PaymentScript scripts[] = {PaymentScript(manual).authorize(), PaymentScript().pay(),
                             PaymentScript().fail(), PaymentScript().close()};
  for (PaymentScript& script : scripts) {
    script.now_us = script.payment.expires_at_us + 1'000 * us_per_s;
    CAPTURE(name_of(script.payment.state));
    CHECK(decide_due(script.payment, script.context()).empty());
  }
}

TEST_CASE("an order the channel does not know closes once it is over, not before") {
  PaymentScript script;
  script.start();
  const ChannelReport unheard = queried(script.report(V::not_found), ChannelOperation::create);
  CHECK(in_short(script.hear(unheard)) == "unsettled");
  PaymentScript late = script;
  late.now_us = late.payment.expires_at_us;
  CHECK(in_short(late.hear(unheard)) == "closed");
  PaymentScript closing = script;
  closing.take(ClosePayment{});
  CHECK(in_short(closing.take(queried(closing.report(V::not_found), ChannelOperation::close))) ==
        "closed");
  CHECK(closing.payment.close_reason == CloseReason::merchant);
}

TEST_CASE("a query and the answer to what it has repeated are one try of the schedule") {
  PaymentScript script;
  script.start();
  script.take(script.report(V::unknown));
  for (int tries = 1; tries < 8; ++tries) {
    CHECK(script.payment.pending->tries == tries);
    CHECK(script.payment.due_at_us() == script.now_us + query_delay_us(tries - 1));
    script.now_us = script.payment.due_at_us();
    script.take(queried(script.report(V::not_found), ChannelOperation::create));
    script.take(script.report(V::unknown));  // of the create that was sent again
  }
}

TEST_CASE("settling gives up after its last try and waits for an operator, who resumes it") {
  PaymentScript script;
  script.pay();
  const std::string refund_id = script.refund(1'000, "r-1");
  const ChannelReport asked =
      queried(script.refund_report(V::unknown, refund_id), ChannelOperation::refund);
  for (int tries = 1; tries < max_settle_tries; ++tries)
    REQUIRE(in_short(script.take(asked)) == "unsettled");
  CHECK_FALSE(script.payment.is_parked());
  CHECK(in_short(script.take(asked)) == "unsettled+parked");
  CHECK(parked_because(script.payment) == "the refund could not be settled in 220 tries");
  CHECK(script.payment.due_at_us() == 0);
  CHECK(script.payment.find_refund(refund_id)->state == RefundState::pending);
  CHECK(calls_due(script.payment, script.id, script.now_us + 86'400 * us_per_s).empty());

  CHECK(in_short(script.take(ResumePayment{"ops"})) == "resumed");
  CHECK_FALSE(script.payment.is_parked());
  CHECK(script.payment.find_refund(refund_id)->tries == 0);
  CHECK(calls_due(script.payment, script.id, script.now_us).size() == 1);
}

TEST_CASE("an order is asked about until it expires, however often, and is not parked before") {
  PaymentScript script;
  CreatePayment week = script.create_body();
  week.expires_in_s = 7 * 86'400;
  script.take(week);
  script.take(script.report(V::accepted));
  int times = 0;
  while (script.payment.due_at_us() < script.payment.expires_at_us) {
    script.now_us = script.payment.due_at_us();
    script.take(queried(script.report(V::accepted), ChannelOperation::create));
    ++times;
  }
  CHECK(times > 2 * max_settle_tries);
  CHECK_FALSE(script.payment.is_parked());
  script.expire();
  CHECK(script.payment.pending->operation == ChannelOperation::close);
  // Closing is settled with tries of its own.
  CHECK(in_short(script.take(script.report(V::unknown))) == "unsettled");
}

TEST_CASE("an order that can neither be settled nor closed parks, neither failed nor closed") {
  PaymentScript script;
  script.take(script.create_body());
  script.now_us = script.payment.expires_at_us;
  script.take(queried(script.report(V::unknown), ChannelOperation::create));
  script.apply_all(decide_due(script.payment, script.context()));
  for (int tries = 1; tries <= max_settle_tries; ++tries)
    script.take(queried(script.report(V::unknown), ChannelOperation::close));
  CHECK(script.payment.state == S::paying);
  CHECK(parked_because(script.payment) == "it could not be settled in 220 tries");
  CHECK(script.payment.due_at_us() == 0);
  script.now_us += 86'400 * us_per_s;
  CHECK(decide_due(script.payment, script.context()).empty());
  CHECK(calls_due(script.payment, script.id, script.now_us).empty());
  script.take(ResumePayment{"ops"});
  const auto queries = calls_due(script.payment, script.id, script.now_us);
  REQUIRE(queries.size() == 1);
  CHECK(queries[0].operation == ChannelOperation::close);
}

TEST_CASE("a channel that refuses to close for ever parks the payment") {
  PaymentScript script;
  script.start();
  int rounds = 0;
  while (!script.payment.is_parked() && rounds < 2 * max_settle_tries) {
    script.take(ClosePayment{});
    ChannelReport no = script.report(V::refused);
    no.operation = ChannelOperation::close;
    script.take(no);
    ++rounds;
  }
  CHECK(rounds == max_settle_tries);
  CHECK(parked_because(script.payment) == "the channel keeps refusing to close");
  CHECK(script.payment.due_at_us() == 0);
}

TEST_CASE("an expired order that is said to be open and does not close is asked ever more seldom") {
  PaymentScript script;
  script.start().expire();
  const int pauses_s[] = {0, 2, 5, 15, 30, 60, 120, 300, 600, 600};
  for (const int pause_s : pauses_s) {
    CAPTURE(pause_s);
    ChannelReport no = script.report(V::refused);
    no.operation = ChannelOperation::close;
    script.take(no);
    CHECK(script.payment.due_at_us() == script.now_us + pause_s * us_per_s);
    if (pause_s > 0) {
      script.now_us = script.payment.due_at_us() - 1;
      CHECK(calls_due(script.payment, script.id, script.now_us).empty());
      CHECK(decide_due(script.payment, script.context()).empty());
    }
    script.now_us = script.payment.due_at_us();
    CHECK(decide_due(script.payment, script.context()).empty());
    CHECK(calls_due(script.payment, script.id, script.now_us).size() == 1);
    script.take(queried(script.report(V::accepted), ChannelOperation::create));
    CHECK(in_short(script.apply_all(decide_due(script.payment, script.context()))) ==
          "close_requested");
  }
}

TEST_CASE("what is parked is parked no longer once other news settles it") {
  PaymentScript script;
  script.start();
  script.apply_all({PaymentParked{ChannelOperation::create, "", "tried enough"}});
  ChannelReport paid = script.report(V::paid);
  paid.source = ReportSource::callback;
  script.take(paid);
  CHECK(script.payment.state == S::paid);
  CHECK_FALSE(script.payment.is_parked());
  CHECK(in_short(script.ask(ResumePayment{"ops"})) == "!not_parked");
}

TEST_CASE("of two parked refunds, one settled leaves the other waiting for the operator") {
  PaymentScript script;
  script.pay();
  const std::string first = script.refund(1'000, "r-1");
  const std::string second = script.refund(2'000, "r-2");
  script.apply_all({PaymentParked{ChannelOperation::refund, first, "tried enough"},
                    PaymentParked{ChannelOperation::refund, second, "tried it all"}});
  CHECK(parked_because(script.payment) == "tried enough; tried it all");
  script.take(script.refund_report(V::refunded, first));
  CHECK(parked_because(script.payment) == "tried it all");
  script.take(script.refund_report(V::refund_refused, second));
  CHECK_FALSE(script.payment.is_parked());
}

namespace {

// A payer who pays at the first account after all, while the second has the order.
std::string add_surplus(PaymentScript& script) {
  ChannelReport paid = script.report(V::paid, "ch_9");
  paid.source = ReportSource::callback;
  script.payment.attempts.back().outcome = AttemptOutcome::not_taken;
  script.take(paid);
  script.payment.attempts.back().outcome = AttemptOutcome::answered;
  return script.payment.refunds.back().refund_id;
}

}  // namespace

TEST_CASE("a parked surplus does not keep the order from being asked about, expiring and closing") {
  PaymentScript script;
  script.start();
  const std::string surplus = add_surplus(script);
  SECTION("one that cannot be settled") {
    script.apply_all({PaymentParked{ChannelOperation::refund, surplus, "tried enough"}});
  }
  SECTION("one that the channel refuses to give back") {
    CHECK(in_short(script.take(script.refund_report(V::refund_refused, surplus))) ==
          "refund_failed+parked");
  }
  REQUIRE(script.payment.is_parked());
  CHECK(script.payment.due_at_us() == script.now_us + query_delay_us(0));
  script.now_us = script.payment.due_at_us();
  REQUIRE(calls_due(script.payment, script.id, script.now_us).size() == 1);
  CHECK(in_short(script.expire()) == "close_requested");
  script.take(script.report(V::closed));
  CHECK(script.payment.state == S::closed);
  REQUIRE(script.payment.parked_parts().size() == 1);
  CHECK(script.payment.parked_parts()[0].refund_id == surplus);
}

TEST_CASE("what settles elsewhere leaves a surplus that went wrong waiting for the operator") {
  PaymentScript script;
  script.start();
  const std::string surplus = add_surplus(script);
  script.take(script.refund_report(V::refund_refused, surplus));
  script.take(script.report(V::paid));
  REQUIRE(script.payment.state == S::paid);
  script.refunded(1'000, "r-1");
  CHECK(script.payment.is_parked());
  CHECK(in_short(script.take(ResumePayment{"ops"})) == "resumed");
  CHECK_FALSE(script.payment.is_parked());
  CHECK(script.payment.due_at_us() == 0);
}

TEST_CASE(
    "a parked refund does not hold up another, and resuming goes on with all that is parked") {
  PaymentScript script;
  script.pay();
  const std::string first = script.refund(1'000, "r-1");
  const std::string second = script.refund(2'000, "r-2");
  script.apply_all({PaymentParked{ChannelOperation::refund, first, "tried enough"}});
  const UnixUs later_us = script.now_us + 86'400 * us_per_s;
  REQUIRE(calls_due(script.payment, script.id, later_us).size() == 1);
  CHECK(calls_due(script.payment, script.id, later_us)[0].refund_id == second);
  // Late news that decides nothing does not bring it back among those that are asked about.
  script.take(queried(script.refund_report(V::unknown, first), ChannelOperation::refund));
  CHECK(calls_due(script.payment, script.id, later_us).size() == 1);
  script.apply_all({PaymentParked{ChannelOperation::refund, second, "tried enough"}});
  CHECK(script.payment.due_at_us() == 0);
  script.take(ResumePayment{"ops"});
  CHECK(calls_due(script.payment, script.id, script.now_us).size() == 2);
}
