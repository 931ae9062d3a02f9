// What is derived from events: idempotency records wherever they are just now, lists, snapshots,
// the alarm clock, and checkpoints that fail.
#include "actors/views_actor.hpp"

#include <catch2/catch.hpp>

#include "protocol/payment/event_codec.hpp"
#include "tests/support/step_system.hpp"

using namespace welkin;

namespace {

using V = ChannelVerdict;
using Kind = StepStoreIo::Kind;

class Views : public StepSystem {
 public:
  Views() { start(); }

  PaymentCommand create_with_key(const std::string& order_no, const std::string& key) {
    PaymentCommand wanted = create(order_no);
    wanted.request.idempotency_key = key;
    return wanted;
  }

  std::vector<Card> cards(std::size_t limit = 100) const {
    CardQuery query;
    query.merchant_id = "m_1";
    query.limit = limit;
    return std::get<std::vector<Card>>(memory->list_cards(query));
  }

  std::optional<IdempotencyRecord> stored(const std::string& key) const {
    return std::get<std::optional<IdempotencyRecord>>(memory->find_idempotency("m_1", key));
  }
};

}  // namespace

TEST_CASE_METHOD(Views,
                 "an idempotency key is found before, while and after its record is written") {
  submit(create_with_key("order-1", "key-1"));
  settle();
  const auto before = find("m_1", "key-1");
  settle();
  REQUIRE(found(before));
  REQUIRE(found(before)->record);
  CHECK(found(before)->record->stream == create("order-1").payment);
  CHECK(found(before)->record->seq == 1);
  CHECK(found(before)->record->fingerprint == "f1");
  CHECK_FALSE(found(before)->ask_store);

  io.hold(Kind::checkpoint);
  pass(1'100 * us_per_ms);
  REQUIRE(io.waiting(Kind::checkpoint) == 1);
  const auto during = find("m_1", "key-1");
  settle();
  REQUIRE(found(during)->record);
  CHECK_FALSE(stored("key-1"));

  io.release(Kind::checkpoint);
  settle();
  const auto after = find("m_1", "key-1");
  settle();
  CHECK_FALSE(found(after)->record);
  CHECK(found(after)->ask_store);
  REQUIRE(stored("key-1"));
  CHECK(stored("key-1")->seq == 1);
}

TEST_CASE_METHOD(Views,
                 "a key that was never used, or by another merchant, is not found in memory") {
  submit(create_with_key("order-1", "key-1"));
  settle();
  const auto other_key = find("m_1", "key-2");
  const auto other_merchant = find("m_2", "key-1");
  settle();
  CHECK(found(other_key)->ask_store);
  CHECK_FALSE(found(other_key)->record);
  CHECK(found(other_merchant)->ask_store);
  CHECK_FALSE(found(other_merchant)->record);
}

TEST_CASE_METHOD(Views, "a key of a later command points at that command's event") {
  const PaymentId id = paid();
  PaymentCommand refund = command(id, RefundPayment{"r-1", 1'000, ""});
  refund.request = {"key-r", "f-r"};
  submit(refund);
  settle();
  const auto token = find("m_1", "key-r");
  settle();
  REQUIRE(found(token)->record);
  CHECK(found(token)->record->seq == 5);
  CHECK(found(token)->record->fingerprint == "f-r");
}

TEST_CASE_METHOD(Views, "a repetition under a new key binds that key to the same payment") {
  submit(create_with_key("order-1", "key-1"));
  settle();
  channel.answer(V::accepted);
  settle();
  const auto again = submit(create_with_key("order-1", "key-2"));
  settle();
  CHECK(answer(again) == "PAYING");
  const auto token = find("m_1", "key-2");
  settle();
  REQUIRE(found(token)->record);
  CHECK(found(token)->record->stream == create("order-1").payment);
  CHECK(found(token)->record->seq == 4);
}

TEST_CASE_METHOD(Views, "a key is remembered for 24 hours, and no longer") {
  constexpr UnixUs minute_us = 60'000'000;
  constexpr UnixUs day_us = 1'440 * minute_us;
  submit(create_with_key("order-1", "key-1"));
  settle();
  channel.answer(V::refused);
  pass(2 * us_per_s);
  REQUIRE(stored("key-1"));
  const UnixUs at_us = stored("key-1")->at_us;
  CHECK(is_remembered(at_us, at_us + day_us - minute_us));
  CHECK_FALSE(is_remembered(at_us, at_us + day_us + us_per_s));

  clock.advance(at_us + day_us - minute_us - clock.now_us());
  submit(create_with_key("order-2", "key-2"));
  pass(2 * us_per_s);
  CHECK(stored("key-1"));  // 23 h 59 min old, two seconds more or less

  clock.advance(at_us + day_us + us_per_s - clock.now_us());
  submit(create_with_key("order-3", "key-3"));
  pass(2 * us_per_s);
  CHECK_FALSE(stored("key-1"));
  CHECK(stored("key-2"));
  CHECK(stored("key-3"));
}

TEST_CASE_METHOD(Views, "a flush is answered when everything before it can be listed, not sooner") {
  paid("order-1");
  io.hold(Kind::checkpoint);
  const auto flushed = flush();
  settle();
  CHECK(answer(flushed) == "");
  CHECK(cards().empty());
  paid("order-2");
  const auto later = flush();  // the write that runs does not have order-2
  settle();
  CHECK(answer(later) == "");
  io.release(Kind::checkpoint);
  settle();
  CHECK(answer(flushed) == "done");
  CHECK(answer(later) == "done");
  CHECK(cards().size() == 2);
  CHECK(store.checkpoints == 2);
}

TEST_CASE_METHOD(Views, "flushing when nothing has changed is answered too") {
  const auto flushed = flush();
  settle();
  CHECK(answer(flushed) == "done");
}

TEST_CASE_METHOD(Views, "a card shows the payment as it is after its last event") {
  const PaymentId id = paid();
  submit(command(id, RefundPayment{"r-1", 2'500, ""}));
  settle();
  flush();
  settle();
  REQUIRE(cards().size() == 1);
  const Card pending = cards()[0];
  CHECK(pending.stream == id);
  CHECK(pending.position == 5);
  CHECK(pending.shard == context().shard_index(id));
  CHECK(pending.merchant_order_no == "order-1");
  CHECK(pending.state == "PAID");
  CHECK(pending.channel == "sandbox");
  CHECK(pending.currency == "CNY");
  CHECK(pending.amount_minor == 10'000);
  CHECK(pending.captured_minor == 10'000);
  CHECK(pending.refunded_minor == 0);
  CHECK(pending.open);
  CHECK(pending.due_at_us != 0);
  channel.answer(V::refunded);
  settle();
  flush();
  settle();
  const Card settled = cards().at(0);
  CHECK(settled.state == "PARTIALLY_REFUNDED");
  CHECK(settled.refunded_minor == 2'500);
  CHECK_FALSE(settled.open);
  CHECK(settled.due_at_us == 0);
  CHECK(std::get<std::uint64_t>(memory->view_position()) == 6);
}

TEST_CASE_METHOD(Views, "a checkpoint that fails is repeated with what has come since on top") {
  const PaymentId id = paid();
  submit(create_with_key("order-2", "key-2"));
  settle();
  io.hold(Kind::checkpoint);
  const auto failed = flush();
  settle();
  submit(command(id, RefundPayment{"r-1", 10'000, ""}));  // while the first write is under way
  settle();
  store.checkpoints_down = true;
  io.release(Kind::checkpoint);
  settle();
  CHECK(answer(failed) == "!store_unavailable");
  CHECK(cards().empty());
  CHECK(std::get<std::uint64_t>(memory->view_position()) == 0);
  const auto token = find("m_1", "key-2");
  settle();
  CHECK(found(token)->record);
  store.checkpoints_down = false;
  pass(1'100 * us_per_ms);
  REQUIRE(cards().size() == 2);
  CHECK(stored("key-2"));
  for (const Card& card : cards())
    if (card.stream == id) {
      CHECK(card.position == 7);
      CHECK(card.open);
    }
}

TEST_CASE_METHOD(Views, "a payment that has settled is not kept among the open ones") {
  const PaymentId id = paid();
  const auto open_cards = [&] {
    flush();
    settle();
    return std::get<std::vector<Card>>(memory->open_cards({}, 10)).size();
  };
  submit(command(id, RefundPayment{"r-1", 10'000, ""}));
  settle();
  SECTION("when it began and ended between two checkpoints") {}
  SECTION("when a checkpoint has seen it open") { CHECK(open_cards() == 1); }
  SECTION("when a checkpoint that seemed to fail has written it open") {
    store.checkpoint_answers_lost = true;
    CHECK(open_cards() == 1);
    store.checkpoint_answers_lost = false;
  }
  channel.answer(V::refunded);
  settle();
  CHECK(open_cards() == 0);
}

TEST_CASE_METHOD(Views, "what is due is woken once, and again only when nothing came of it") {
  channel.answers = [](const ChannelCall&) { return V::unknown; };
  submit(create());
  settle();
  pass(1'900 * us_per_ms);
  CHECK(metrics().timers_fired.Value() == 0);
  channel.answers = nullptr;
  pass(200 * us_per_ms);
  CHECK(metrics().timers_fired.Value() == 1);
  CHECK(channel.waiting() == 1);
  pass(19 * us_per_s);
  CHECK(metrics().timers_fired.Value() == 1);
  pass(2 * us_per_s);
  CHECK(metrics().timers_fired.Value() == 2);
  CHECK(channel.waiting() == 1);  // the same question is still on its way
}

TEST_CASE_METHOD(Views, "a settled payment has no timer left") {
  paid();
  pass(200 * us_per_ms);
  CHECK(metrics().open_with_timer.Value() == 0);
  pass(3'600 * us_per_s);
  CHECK(metrics().timers_fired.Value() == 0);
  CHECK(channel.calls.size() == 1);
}

TEST_CASE_METHOD(Views, "a snapshot is taken each time so many events have been recorded") {
  context().limits.snapshot_every_events = 3;
  const PaymentId id = paid();  // four events
  flush();
  settle();
  auto snapshot = std::get<std::optional<Snapshot>>(memory->load_snapshot(id));
  REQUIRE(snapshot);
  CHECK(snapshot->seq == 3);
  CHECK(snapshot->version == payment_snapshot_version);
  const auto events = rows(id);
  CHECK(snapshot->hash == events[2].hash);
  const auto parsed = parse_payment(snapshot->payload);
  CHECK(std::get<Payment>(parsed).state == PaymentState::paying);
}

TEST_CASE_METHOD(Views,
                 "a payment whose settling gave up is listed as parked until it is resumed") {
  const PaymentId id = paid();
  submit(command(id, RefundPayment{"r-1", 1'000, ""}));
  settle();
  channel.answer(V::unknown);
  channel.answers = [](const ChannelCall&) { return V::unknown; };
  for (int i = 0; i < max_settle_tries && parked_settling().empty(); ++i) {
    clock.advance(600 * us_per_s);
    pass(200 * us_per_ms);
  }
  const auto parked = parked_settling();
  REQUIRE(parked.size() == 1);
  CHECK(parked[0].payment == id);
  CHECK(parked[0].reason == "the refund could not be settled in 220 tries");
  CHECK(channel.calls.size() == 1 + max_settle_tries);
  clock.advance(86'400 * us_per_s);
  pass(us_per_s);
  CHECK(channel.calls.size() == 1 + max_settle_tries);

  channel.answers = nullptr;
  PaymentCommand resume = command(id, ResumePayment{"ops"});
  resume.merchant_id.clear();
  const auto resumed = submit(resume);
  settle();
  CHECK(answer(resumed) == "PAID");
  CHECK(parked_settling().empty());
  REQUIRE(channel.waiting() == 1);
  CHECK(channel.asked().back() == "query refund");
  channel.answer(V::refunded);
  settle();
  const auto looked = look(id);
  settle();
  CHECK(answer(looked) == "PARTIALLY_REFUNDED");
}
