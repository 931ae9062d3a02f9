// A payment's actor whose channel has two accounts: which one it calls, what its client waits for
// meanwhile, and who gives back what came twice.
#include <catch2/catch.hpp>

#include "protocol/payment/decide.hpp"
#include "tests/support/payment_script.hpp"
#include "tests/support/step_system.hpp"

using namespace welkin;

namespace {

using V = ChannelVerdict;
using Kind = StepStoreIo::Kind;
using Calls = std::vector<std::string>;

class TwoAccounts : public StepSystem {
 public:
  TwoAccounts() {
    accounts = {"sandbox_a", "sandbox_b"};
    start();
  }

  // "sandbox_a create", "sandbox_b query create" …
  Calls asked_by_account() const {
    Calls result;
    for (const ChannelCall& call : channel.calls)
      result.push_back(call.account + (call.query ? " query " : " ") +
                       std::string(name_of(call.operation)));
    return result;
  }

  ChannelReport callback_of(const PaymentId& id, int attempt, const std::string& account, V verdict,
                            const std::string& reference) const {
    ChannelReport report = callback_report(id, verdict, reference);
    report.channel_order_no = channel_order_no(id, attempt);
    report.account = account;
    return report;
  }
};

class OneAccount : public StepSystem {
 public:
  OneAccount() { start(); }
};

}  // namespace

TEST_CASE_METHOD(TwoAccounts,
                 "an account that does not take the order is followed by the next, and the client "
                 "is answered with what that one says") {
  const PaymentId id = create().payment;
  const auto created = submit(create());
  settle();
  CHECK(asked_by_account() == Calls{"sandbox_a create"});
  channel.answer(V::not_taken);
  settle();
  CHECK(answer(created) == "");
  CHECK(story(id) == "created+started+route_refused+started");
  REQUIRE(asked_by_account() == Calls{"sandbox_a create", "sandbox_b create"});
  CHECK(channel.calls[1].channel_order_no == channel_order_no(id, 2));
  channel.answer(V::accepted);
  settle();
  CHECK(answer(created) == "PAYING");
  CHECK(outcome(created).view.payment->next_action.value ==
        "https://pay.example/" + channel_order_no(id, 2));
  CHECK(story(id) == "created+started+route_refused+started+channel_accepted");
}

TEST_CASE_METHOD(TwoAccounts, "the next account is not called before its attempt is durable") {
  submit(create());
  settle();
  io.hold(Kind::commit);
  channel.answer(V::not_taken);
  settle();
  CHECK(asked_by_account() == Calls{"sandbox_a create"});
  io.release(Kind::commit);
  settle();
  CHECK(asked_by_account() == Calls{"sandbox_a create", "sandbox_b create"});
}

TEST_CASE_METHOD(TwoAccounts, "an account whose breaker is open is not called at all") {
  context().routes->set_available("sandbox_a", false);
  submit(create());
  settle();
  CHECK(asked_by_account() == Calls{"sandbox_b create"});
  const auto events = rows(create().payment);
  CHECK(events[1].payload.find("sandbox_a's breaker is open") != std::string::npos);
}

TEST_CASE_METHOD(TwoAccounts, "after a time-out no other account is asked, only the same again") {
  const PaymentId id = create().payment;
  submit(create());
  settle();
  channel.answer(V::unknown);
  pass(3 * us_per_s);
  REQUIRE(asked_by_account() == Calls{"sandbox_a create", "sandbox_a query create"});
  channel.answer(V::not_taken);  // the breaker has opened meanwhile
  pass(6 * us_per_s);
  channel.answer(V::not_found);  // now it is asked, and has not heard of the order
  settle();
  CHECK(asked_by_account() == Calls{"sandbox_a create", "sandbox_a query create",
                                    "sandbox_a query create", "sandbox_a create"});
  channel.answer(V::not_taken);  // in doubt since the first call: it stays
  settle();
  CHECK(story(id) == "created+started+unsettled+unsettled+unsettled+unsettled");
}

TEST_CASE_METHOD(TwoAccounts,
                 "a late success of the first account, after the second was paid, is given back by "
                 "the first") {
  const PaymentId id = create().payment;
  submit(create());
  settle();
  channel.answer(V::not_taken);
  settle();
  channel.answer(V::accepted);
  callback(callback_of(id, 2, "sandbox_b", V::paid, "ch_b"));
  settle();
  const auto late = callback(callback_of(id, 1, "sandbox_a", V::paid, "ch_a"));
  settle();
  CHECK(answer(late) == "PAID");
  REQUIRE(asked_by_account() == Calls{"sandbox_a create", "sandbox_b create", "sandbox_a refund"});
  CHECK(channel.calls[2].channel_order_no == channel_order_no(id, 1));
  CHECK(channel.calls[2].channel_reference == "ch_a");
  channel.answer(V::refunded);
  settle();
  CHECK(story(id) ==
        "created+started+route_refused+started+channel_accepted+paid+surplus_recorded+"
        "surplus_refunded");
  const auto looked = look(id);
  settle();
  CHECK(answer(looked) == "PAID");
  // The merchant's own refund goes to the account that was paid.
  submit(command(id, RefundPayment{"r-1", 1'000, ""}));
  settle();
  CHECK(asked_by_account().back() == "sandbox_b refund");
}

TEST_CASE_METHOD(TwoAccounts,
                 "when no account takes the order the client hears so, and all are asked again") {
  const PaymentId id = create().payment;
  const auto created = submit(create());
  settle();
  channel.answer(V::not_taken);
  settle();
  channel.answer(V::not_taken);
  settle();
  CHECK(answer(created) == "PAYING");
  CHECK(outcome(created).view.payment->next_action.type == "");
  CHECK(story(id) == "created+started+route_refused+started+route_refused+unsettled");
  pass(1'500 * us_per_ms);
  CHECK(channel.calls.size() == 2);
  pass(us_per_s);
  REQUIRE(asked_by_account() == Calls{"sandbox_a create", "sandbox_b create", "sandbox_a create"});
  CHECK(channel.calls[2].channel_order_no == channel_order_no(id, 3));
  // Whoever asks now waits for that answer.
  const auto again = submit(create());
  settle();
  CHECK(answer(again) == "");
  channel.answer(V::accepted);
  settle();
  CHECK(answer(again) == "PAYING");
  CHECK(outcome(again).view.payment->next_action.type == "qr_code");
}

TEST_CASE_METHOD(TwoAccounts, "a payment that no account took expires without asking anybody") {
  const PaymentId id = create().payment;
  PaymentCommand quick = create();
  std::get<CreatePayment>(quick.body).expires_in_s = 4;
  channel.answers = [](const ChannelCall&) { return V::not_taken; };
  submit(quick);
  pass(6 * us_per_s);
  CHECK(asked_by_account() ==
        Calls{"sandbox_a create", "sandbox_b create", "sandbox_a create", "sandbox_b create"});
  const auto looked = look(id);
  settle();
  CHECK(answer(looked) == "CLOSED");
  CHECK(outcome(looked).view.payment->close_reason == CloseReason::expired);
}

TEST_CASE_METHOD(TwoAccounts, "between rounds a restart loses nothing: the next round comes") {
  const PaymentId id = create().payment;
  channel.answers = [](const ChannelCall&) { return V::not_taken; };
  submit(create());
  settle();
  crash();
  channel.answers = nullptr;
  start();
  pass(3 * us_per_s);
  REQUIRE(asked_by_account().back() == "sandbox_a create");
  CHECK(channel.calls.back().channel_order_no == channel_order_no(id, 3));
  channel.answer(V::paid);
  settle();
  const auto looked = look(id);
  settle();
  CHECK(answer(looked) == "PAID");
}

TEST_CASE_METHOD(TwoAccounts, "a callback by the wrong account is refused, counted and journaled") {
  const PaymentId id = create().payment;
  submit(create());
  settle();
  channel.answer(V::accepted);
  settle();
  const auto refused = callback(callback_of(id, 1, "sandbox_b", V::paid, "ch_1"));
  settle();
  CHECK(answer(refused) == "!report_mismatch");
  CHECK(story(id) == "created+started+channel_accepted+report_refused");
  CHECK(metrics().reports_refused.Value() == 1);
}

TEST_CASE_METHOD(TwoAccounts,
                 "news of the first account does not answer who waits for the second") {
  const PaymentId id = create().payment;
  const auto created = submit(create());
  settle();
  channel.answer(V::not_taken);
  settle();
  callback(callback_of(id, 1, "sandbox_a", V::accepted, "ch_a"));
  settle();
  CHECK(answer(created) == "");
  channel.answer(V::accepted);
  settle();
  CHECK(answer(created) == "PAYING");
}

TEST_CASE_METHOD(
    OneAccount,
    "a payment whose channel is not configured is answered, and settles when it is back") {
  PaymentCommand elsewhere = create();
  std::get<CreatePayment>(elsewhere.body).channel = "gone";
  const auto created = submit(elsewhere);
  settle();
  CHECK(answer(created) == "PAYING");
  CHECK(channel.calls.empty());
  CHECK(story(elsewhere.payment) == "created+started+route_refused+unsettled");
  pass(us_per_s);
  CHECK(channel.calls.empty());
  context().channels.emplace("gone", context().channels.at("sandbox"));
  pass(2 * us_per_s);
  CHECK(channel.asked() == Calls{"create"});
}
