// One payment's actor in its node: what it makes durable before it acts, whom it answers when, and
// what it does when the store or the channel misbehaves.
#include <catch2/catch.hpp>
#include <stdexcept>

#include "actors/payment_actor.hpp"
#include "protocol/payment/decide.hpp"
#include "tests/support/step_system.hpp"

using namespace welkin;

namespace {

using V = ChannelVerdict;
using Kind = StepStoreIo::Kind;
using Next = FlakyStore::Next;

class Node : public StepSystem {
 public:
  Node() { start(); }
};

using Calls = std::vector<std::string>;

}  // namespace

TEST_CASE_METHOD(Node, "nothing reaches the channel and nobody is answered before the commit") {
  io.hold(Kind::commit);
  const auto created = submit(create());
  settle();
  CHECK(io.waiting(Kind::commit) == 1);
  CHECK(channel.calls.empty());
  CHECK(answer(created) == "");
  CHECK(story(create().payment) == "");
  io.release(Kind::commit);
  settle();
  CHECK(story(create().payment) == "created+started");
  CHECK(channel.asked() == Calls{"create"});
  // The answer waits for what the payer has to do next, which the channel says.
  CHECK(answer(created) == "");
  channel.answer(V::accepted);
  settle();
  CHECK(answer(created) == "PAYING");
}

TEST_CASE_METHOD(Node, "an answer of the channel's that found no room is asked for again") {
  context().limits.stash_per_entity = 0;
  submit(create());
  settle();
  io.hold(Kind::commit);
  PaymentCommand again = create();
  again.request.idempotency_key = "another";
  submit(again);
  settle();
  channel.answer(V::accepted);  // while the repetition is being written
  settle();
  io.release(Kind::commit);
  settle();
  CHECK(story(create().payment) == "created+started+request_repeated");
  pass(20 * us_per_s);
  CHECK(channel.asked() == Calls{"create", "query create"});
}

TEST_CASE_METHOD(Node, "a created payment is answered with what the payer has to do next") {
  const auto created = submit(create());
  settle();
  channel.answer(V::accepted);
  io.hold(Kind::commit);
  settle();
  CHECK(answer(created) == "");  // not before the channel's answer is durable
  io.release(Kind::commit);
  settle();
  const CommandOutcome value = outcome(created);
  CHECK(value.created);
  CHECK(value.view.seq == 3);
  CHECK(value.view.payment->next_action.type == "qr_code");
  CHECK(value.view.payment->next_action.value ==
        "https://pay.example/7K7T604EREW7S6X1G4YB6GPKBA01");
  CHECK(story(create().payment) == "created+started+channel_accepted");
}

TEST_CASE_METHOD(Node, "what causes an event is written beside it, back to the first request") {
  const PaymentId id = create().payment;
  submit(create());
  settle();
  channel.answer(V::accepted, [](ChannelReport& r) { r.id = "call-1"; });
  settle();
  callback(callback_report(id, V::paid, "ch_1"));
  settle();
  const auto events = rows(id);
  REQUIRE(events.size() == 4);
  CHECK(events[0].causation_id == "request:1");
  CHECK(events[1].causation_id == "request:1");
  CHECK(events[2].causation_id == "answer:call-1");
  CHECK(events[3].causation_id == "callback:nonce-ch_1");
  for (const EventRow& row : events) CHECK(row.correlation_id == "request:1");
}

TEST_CASE_METHOD(Node,
                 "a failed commit answers store_unavailable, leaves no trace, and the next works") {
  store.next_append = Next::fails;
  const auto failed = submit(create());
  settle();
  CHECK(answer(failed) == "!store_unavailable");
  CHECK(story(create().payment) == "");
  CHECK(channel.calls.empty());
  const auto absent = look(create().payment);
  settle();
  CHECK(answer(absent) == "!not_found");
  pass(us_per_s);  // until the store was probed
  const auto again = submit(create());
  settle();
  channel.answer(V::accepted);
  settle();
  CHECK(answer(again) == "PAYING");
  CHECK(outcome(again).created);
  CHECK(story(create().payment) == "created+started+channel_accepted");
}

TEST_CASE_METHOD(Node, "a commit whose answer was lost is read back and answered as what it was") {
  SECTION("it was written") {
    store.next_append = Next::loses_the_answer;
    const auto created = submit(create());
    settle();
    channel.answer(V::accepted);
    settle();
    CHECK(answer(created) == "PAYING");
    CHECK(story(create().payment) == "created+started+channel_accepted");
  }
  SECTION("it was not") {
    store.next_append = Next::loses_the_request;
    const auto created = submit(create());
    settle();
    CHECK(answer(created) == "!store_unavailable");
    CHECK(channel.calls.empty());
    const auto again = submit(create());
    settle();
    channel.answer(V::accepted);
    settle();
    CHECK(answer(again) == "PAYING");
  }
}

TEST_CASE_METHOD(Node, "the same create twice at once makes one payment, one call and one answer") {
  const auto first = submit(create());
  const auto second = submit(create());
  settle();
  const auto third = submit(create());
  settle();
  CHECK(channel.asked() == Calls{"create"});
  CHECK(answer(first) + answer(second) + answer(third) == "");
  channel.answer(V::accepted);
  settle();
  for (const auto token : {first, second, third}) {
    CHECK(answer(token) == "PAYING");
    CHECK(outcome(token).created == (token == first));
    CHECK(outcome(token).view.payment->next_action.type == "qr_code");
  }
  CHECK(channel.asked() == Calls{"create"});
  CHECK(story(create().payment) == "created+started+channel_accepted");
}

TEST_CASE_METHOD(
    Node, "another body under the same order number is refused while the first is in flight") {
  submit(create());
  PaymentCommand other = create();
  other.request.fingerprint = "f2";
  const auto refused = submit(other);
  settle();
  CHECK(answer(refused) == "!order_exists_with_other_body");
}

TEST_CASE_METHOD(
    Node, "a payment taken for new that the store knows is recovered and answered as repeated") {
  const PaymentId id = paid();
  crash();
  start();
  const auto again = submit(create());
  settle();
  CHECK(answer(again) == "PAID");
  CHECK_FALSE(outcome(again).created);
  CHECK(outcome(again).view.seq == 4);
  CHECK(story(id) == "created+started+channel_accepted+paid");
  CHECK(channel.asked() == Calls{"create"});
  PaymentCommand other = create();
  other.request.fingerprint = "f2";
  const auto refused = submit(other);
  settle();
  CHECK(answer(refused) == "!order_exists_with_other_body");
}

TEST_CASE_METHOD(Node, "what waits for one payment is bounded, and the rest is refused") {
  context().limits.stash_per_entity = 3;
  io.hold(Kind::commit);
  const auto created = submit(create());
  settle();
  std::vector<std::uint64_t> looks;
  for (int i = 0; i < 5; ++i) looks.push_back(look(create().payment));
  settle();
  CHECK(answer(looks[2]) == "");
  CHECK(answer(looks[3]) == "!overloaded");
  CHECK(answer(looks[4]) == "!overloaded");
  io.release(Kind::commit);
  settle();
  // Whoever looked while it was being written sees what became durable.
  for (int i = 0; i < 3; ++i) CHECK(answer(looks[static_cast<std::size_t>(i)]) == "PAYING");
  CHECK(answer(created) == "");
}

TEST_CASE_METHOD(Node,
                 "new work beyond the journal's queue is refused as overloaded, and works later") {
  context().limits.max_queued_appends = 1;
  io.hold(Kind::commit);
  submit(create("order-1"));  // on its way to the store
  settle();
  submit(create("order-2"));  // waits behind it
  settle();
  const auto refused = submit(create("order-3"));
  settle();
  CHECK(answer(refused) == "!overloaded");
  io.release(Kind::commit);
  settle();
  const auto again = submit(create("order-3"));
  settle();
  CHECK(story(create("order-3").payment) == "created+started");
  CHECK(answer(again) == "");
}

TEST_CASE_METHOD(Node, "a callback may overtake the answer to the call it is about") {
  const PaymentId id = create().payment;
  const auto created = submit(create());
  settle();
  const auto called_back = callback(callback_report(id, V::paid));
  settle();
  CHECK(answer(called_back) == "PAID");
  CHECK(answer(created) == "PAID");
  CHECK(outcome(created).created);
  channel.answer(V::accepted);
  settle();
  CHECK(story(id) == "created+started+paid");
}

TEST_CASE_METHOD(Node,
                 "a callback is acknowledged when it is durable, and a repeated one at once") {
  const PaymentId id = create().payment;
  submit(create());
  settle();
  channel.answer(V::accepted);
  settle();
  io.hold(Kind::commit);
  const auto first = callback(callback_report(id, V::paid));
  settle();
  CHECK(answer(first) == "");
  io.release(Kind::commit);
  settle();
  CHECK(answer(first) == "PAID");
  const auto second = callback(callback_report(id, V::paid));
  settle();
  CHECK(answer(second) == "PAID");
  CHECK(story(id) == "created+started+channel_accepted+paid");
}

TEST_CASE_METHOD(Node, "a callback that could not be written is refused, to be sent again") {
  const PaymentId id = create().payment;
  submit(create());
  settle();
  channel.answer(V::accepted);
  settle();
  store.next_append = Next::fails;
  const auto lost = callback(callback_report(id, V::paid));
  settle();
  CHECK(answer(lost) == "!store_unavailable");
  pass(us_per_s);
  const auto again = callback(callback_report(id, V::paid));
  settle();
  CHECK(answer(again) == "PAID");
}

TEST_CASE_METHOD(Node, "a callback that does not fit is journaled, counted and refused") {
  const PaymentId id = create().payment;
  submit(create());
  settle();
  channel.answer(V::accepted);
  settle();
  ChannelReport forged = callback_report(id, V::paid);
  forged.amount_minor = 1;
  const auto refused = callback(forged);
  settle();
  CHECK(answer(refused) == "!report_mismatch");
  CHECK(story(id) == "created+started+channel_accepted+report_refused");
  CHECK(metrics().reports_refused.Value() == 1);
}

TEST_CASE_METHOD(Node, "a callback or a look at nothing is not found and writes nothing") {
  const PaymentId id = payment_id_of("m_1", "never");
  const auto called_back = callback(callback_report(id, V::paid));
  const auto looked = look(id);
  const auto closed = submit(command(id, ClosePayment{}));
  settle();
  CHECK(answer(called_back) == "!not_found");
  CHECK(answer(looked) == "!not_found");
  CHECK(answer(closed) == "!not_found");
  CHECK(story(id) == "");
}

TEST_CASE_METHOD(Node,
                 "without callback or answer the channel is asked on schedule until it says paid") {
  const PaymentId id = create().payment;
  const auto created = submit(create());
  settle();
  CHECK(channel.asked() == Calls{"create"});
  channel.answer(V::unknown);
  settle();
  CHECK(answer(created) == "PAYING");  // known to be open here, not known what the channel has
  pass(1'500 * us_per_ms);
  CHECK(channel.asked() == Calls{"create"});
  pass(us_per_s);
  CHECK(channel.asked() == Calls{"create", "query create"});
  channel.answer(V::accepted);
  pass(3 * us_per_s);
  CHECK(channel.asked() == Calls{"create", "query create", "query create"});
  channel.answer(V::paid);
  settle();
  CHECK(story(id) == "created+started+unsettled+channel_accepted+paid");
  pass(60 * us_per_s);
  CHECK(channel.calls.size() == 3);
}

TEST_CASE_METHOD(Node,
                 "a channel that never heard of the order is given it once more, same number") {
  submit(create());
  settle();
  channel.answer(V::unknown);
  pass(6 * us_per_s);
  channel.answer(V::not_found);
  settle();
  CHECK(channel.asked() == Calls{"create", "query create", "create"});
  CHECK(channel.calls[2].channel_order_no == channel.calls[0].channel_order_no);
  channel.answer(V::accepted);
  settle();
  CHECK(story(create().payment) == "created+started+unsettled+unsettled+channel_accepted");
}

TEST_CASE_METHOD(Node, "no question is asked while the same one is on its way") {
  submit(create());
  settle();
  pass(60 * us_per_s);  // the call's own answer is overdue; the port promises it will come
  CHECK(channel.asked() == Calls{"create"});
}

TEST_CASE_METHOD(Node, "an expired payment asks the channel to close before it closes here") {
  const PaymentId id = create().payment;
  PaymentCommand quick = create();
  std::get<CreatePayment>(quick.body).expires_in_s = 3;
  channel.answers = [](const ChannelCall& call) {
    return call.query                                   ? V::accepted
           : call.operation == ChannelOperation::create ? V::accepted
                                                        : V::unknown;
  };
  submit(quick);
  settle();
  channel.answers = nullptr;
  pass(2'500 * us_per_ms);
  REQUIRE(channel.asked() == Calls{"create", "query create"});
  channel.answer(V::accepted);
  pass(us_per_s);
  // The payer may have paid since it was last asked.
  REQUIRE(channel.asked() == Calls{"create", "query create", "query create"});
  channel.answer(V::accepted);
  pass(us_per_s);
  CHECK(channel.asked() == Calls{"create", "query create", "query create", "close"});
  CHECK(story(id) == "created+started+channel_accepted+unsettled+unsettled+close_requested");
  channel.answer(V::closed);
  settle();
  CHECK(story(id) == "created+started+channel_accepted+unsettled+unsettled+close_requested+closed");
  const auto looked = look(id);
  settle();
  CHECK(outcome(looked).view.payment->close_reason == CloseReason::expired);
}

TEST_CASE_METHOD(Node, "closing waits for the channel, and the payer may still be faster") {
  const PaymentId id = create().payment;
  submit(create());
  settle();
  channel.answer(V::accepted);
  settle();
  const auto closing = submit(command(id, ClosePayment{}));
  settle();
  CHECK(answer(closing) == "");
  SECTION("closed") {
    channel.answer(V::closed);
    settle();
    CHECK(answer(closing) == "CLOSED");
  }
  SECTION("paid before") {
    callback(callback_report(id, V::paid));
    settle();
    CHECK(answer(closing) == "PAID");
    channel.answer(V::refused);
    settle();
    CHECK(story(id) == "created+started+channel_accepted+close_requested+paid");
  }
}

TEST_CASE_METHOD(Node, "a success after closing is given back and ends as refunded") {
  const PaymentId id = create().payment;
  submit(create());
  settle();
  channel.answer(V::accepted);
  settle();
  submit(command(id, ClosePayment{}));
  settle();
  channel.answer(V::closed);
  settle();
  const auto late = callback(callback_report(id, V::paid));
  settle();
  CHECK(answer(late) == "CLOSED");
  REQUIRE(channel.asked() == Calls{"create", "close", "refund"});
  CHECK(channel.calls[2].surplus);
  channel.answer(V::refunded);
  settle();
  CHECK(story(id) ==
        "created+started+channel_accepted+close_requested+closed+surplus_recorded+"
        "surplus_refunded");
  const auto looked = look(id);
  settle();
  CHECK(answer(looked) == "REFUNDED");
}

TEST_CASE_METHOD(Node, "a refund is answered with the channel's word and names its refund") {
  const PaymentId id = paid();
  const auto asked = submit(command(id, RefundPayment{"r-1", 2'500, "broken cup"}));
  const auto twin = submit(command(id, RefundPayment{"r-1", 2'500, "broken cup"}));
  settle();
  CHECK(answer(asked) == "");
  CHECK(channel.asked() == Calls{"create", "refund"});
  channel.answer(V::refunded);
  settle();
  CHECK(answer(asked) == "PARTIALLY_REFUNDED");
  CHECK(answer(twin) == "PARTIALLY_REFUNDED");
  CHECK(outcome(asked).refund_id == refund_id_of(id, "r-1").text());
  CHECK(outcome(twin).refund_id == outcome(asked).refund_id);
  CHECK(channel.asked() == Calls{"create", "refund"});
}

TEST_CASE_METHOD(Node, "two refunds at once are each settled by their own answer") {
  const PaymentId id = paid();
  const auto first = submit(command(id, RefundPayment{"r-1", 4'000, ""}));
  const auto second = submit(command(id, RefundPayment{"r-2", 6'000, ""}));
  const auto third = submit(command(id, RefundPayment{"r-3", 1, ""}));
  settle();
  CHECK(answer(third) == "!amount_exceeds_refundable");
  CHECK(answer(first) + answer(second) == "");
  channel.answer(V::refunded);
  settle();
  CHECK(answer(first) == "PARTIALLY_REFUNDED");
  CHECK(answer(second) == "");
  channel.answer(V::refunded);
  settle();
  CHECK(answer(second) == "REFUNDED");
}

TEST_CASE_METHOD(Node, "a refund of unknown outcome is settled by asking, never refunded twice") {
  const PaymentId id = paid();
  const auto asked = submit(command(id, RefundPayment{"r-1", 2'500, ""}));
  settle();
  channel.answer(V::unknown);
  settle();
  CHECK(answer(asked) == "PAID");  // asked for, and open
  CHECK(outcome(asked).view.payment->refunds.at(0).state == RefundState::pending);
  pass(6 * us_per_s);
  CHECK(channel.asked() == Calls{"create", "refund", "query refund"});
  channel.answer(V::refunded);
  settle();
  CHECK(story(id) ==
        "created+started+channel_accepted+paid+refund_requested+unsettled+refund_succeeded");
}

TEST_CASE_METHOD(Node, "manual capture holds, takes a part, and answers with what was taken") {
  PaymentCommand manual = create();
  std::get<CreatePayment>(manual.body).capture_method = CaptureMethod::manual;
  const PaymentId id = manual.payment;
  submit(manual);
  settle();
  channel.answer(V::accepted);
  callback(callback_report(id, V::authorized));
  settle();
  const auto captured = submit(command(id, CapturePayment{4'000}));
  const auto voided = submit(command(id, VoidPayment{}));
  settle();
  CHECK(answer(voided) == "!operation_in_progress");
  REQUIRE(channel.asked() == Calls{"create", "capture"});
  CHECK(channel.calls[1].amount_minor == 4'000);
  channel.answer(V::paid);
  settle();
  CHECK(answer(captured) == "PAID");
  CHECK(outcome(captured).view.payment->captured_minor == 4'000);
}

TEST_CASE_METHOD(Node, "a void lets the held money go") {
  PaymentCommand manual = create();
  std::get<CreatePayment>(manual.body).capture_method = CaptureMethod::manual;
  submit(manual);
  settle();
  channel.answer(V::authorized);
  settle();
  const auto voided = submit(command(manual.payment, VoidPayment{}));
  settle();
  channel.answer(V::closed);
  settle();
  CHECK(answer(voided) == "CLOSED");
  CHECK(story(manual.payment) == "created+started+authorized+void_requested+closed");
}

TEST_CASE_METHOD(Node,
                 "an answer that could not be written is asked for again, and nothing is lost") {
  const PaymentId id = create().payment;
  submit(create());
  settle();
  store.next_append = Next::fails;
  channel.answer(V::paid);
  settle();
  CHECK(story(id) == "created+started");
  pass(20 * us_per_s);
  REQUIRE(channel.asked() == Calls{"create", "query create"});
  channel.answer(V::paid);
  settle();
  CHECK(story(id) == "created+started+paid");
}

TEST_CASE_METHOD(Node,
                 "a node that was fenced out writes nothing and says where the payment is not") {
  submit(create());
  settle();
  channel.answer(V::accepted);
  settle();
  REQUIRE_FALSE(error_of(memory->claim_epochs(shard_count)));  // another node took over
  const auto closing = submit(command(create().payment, ClosePayment{}));
  settle();
  CHECK(answer(closing) == "!shard_moved");
  CHECK(story(create().payment) == "created+started+channel_accepted");
  CHECK(channel.asked() == Calls{"create"});
}

TEST_CASE_METHOD(Node, "a payment somebody else keeps writing gives up, and answers who asked") {
  store.taken.insert(create().payment);
  const auto created = submit(create());
  settle();
  CHECK(answer(created) == "!internal");
  CHECK(channel.calls.empty());
  CHECK(metrics().conflicts.Value() == 4);
  CHECK(entities() == 0);
  // Once the other is gone it works again, after the back-off.
  store.taken.clear();
  pass(200 * us_per_ms);
  const auto again = submit(create());
  settle();
  channel.answer(V::accepted);
  settle();
  CHECK(answer(again) == "PAYING");
}

TEST_CASE_METHOD(Node,
                 "a handler that throws answers the message it was at, and those that waited") {
  class BrokenClock : public WallClock {
   public:
    UnixUs now_us() const override { throw std::runtime_error("no time"); }
  };
  const BrokenClock broken;
  auto sick = std::make_shared<RuntimeContext>(context());
  sick->clock = &broken;
  const caf::actor payment = system().spawn<PaymentActor>(
      sick, create().payment, context().shard(create().payment), /*assume_new=*/true);
  auto request = std::make_shared<CommandRequest>();
  request->command = create();
  request->reply_to = {desk(), 1'000};
  caf::anon_send(payment, submit_atom::value, CommandRequestPtr(std::move(request)));
  settle();
  CHECK(answer(1'000) == "!internal");
  caf::anon_send(payment, bury_atom::value);
  settle();
}
