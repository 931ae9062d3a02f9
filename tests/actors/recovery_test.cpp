// A node that dies at any point and starts again over the same store: nothing acknowledged is lost,
// nothing is done twice, and what was due still is.
#include <catch2/catch.hpp>

#include "protocol/payment/event_codec.hpp"
#include "tests/support/step_system.hpp"

using namespace welkin;

namespace {

using V = ChannelVerdict;
using Kind = StepStoreIo::Kind;
using Next = FlakyStore::Next;
using Calls = std::vector<std::string>;

class Node : public StepSystem {
 public:
  Node() { start(); }
  void restart() {
    crash();
    start();
  }
  std::optional<IdempotencyRecord> stored(const std::string& key) const {
    return std::get<std::optional<IdempotencyRecord>>(memory->find_idempotency("m_1", key));
  }
  const PaymentId id = create().payment;
};

}  // namespace

TEST_CASE_METHOD(Node,
                 "dead between commit and call: the channel is asked, then given the same order") {
  // The intent is durable and the call is not made: the channel's actor never hears of it.
  const caf::actor sandbox = context().channels.at("sandbox");
  context().channels.at("sandbox") =
      system().spawn([]() -> caf::behavior { return {[](call_atom, const ChannelCallPtr&) {}}; });
  submit(create());
  settle();
  REQUIRE(story(id) == "created+started");
  context().channels.at("sandbox") = sandbox;
  restart();
  pass(14 * us_per_s);
  CHECK(channel.calls.empty());  // a call on its way would still have its time
  pass(2 * us_per_s);
  REQUIRE(channel.asked() == Calls{"query create"});
  channel.answer(V::not_found);
  settle();
  REQUIRE(channel.asked() == Calls{"query create", "create"});
  CHECK(channel.calls[1].channel_order_no == channel_order_no(id, 1));
}

TEST_CASE_METHOD(Node, "dead between call and answer: asking finds out that it was paid") {
  submit(create());
  settle();
  REQUIRE(channel.asked() == Calls{"create"});
  restart();
  pass(16 * us_per_s);
  REQUIRE(channel.asked() == Calls{"create", "query create"});
  channel.answer(V::paid);
  settle();
  CHECK(story(id) == "created+started+paid");
}

TEST_CASE_METHOD(Node,
                 "dead before the commit: nothing happened, and the same request makes it happen") {
  io.hold(Kind::commit);
  submit(create());
  settle();
  restart();
  io.release(Kind::commit);
  pass(60 * us_per_s);
  CHECK(story(id) == "");
  CHECK(channel.calls.empty());
  const auto again = submit(create());
  settle();
  channel.answer(V::accepted);
  settle();
  CHECK(outcome(again).created);
}

TEST_CASE_METHOD(Node,
                 "dead while a commit is in doubt: the same request finds what became of it") {
  store.reads_down = true;
  store.next_append = Next::loses_the_answer;
  const auto unanswered = submit(create());
  settle();
  CHECK(answer(unanswered) == "");
  store.reads_down = false;
  restart();
  CHECK(answer(unanswered) == "");
  const auto again = submit(create());
  settle();
  CHECK(answer(again) == "PAYING");
  CHECK_FALSE(outcome(again).created);
  CHECK(story(id) == "created+started");
  pass(16 * us_per_s);
  CHECK(channel.asked() == Calls{"query create"});
}

TEST_CASE_METHOD(Node, "a refund asked before the crash is settled after it, once") {
  paid();
  submit(command(id, RefundPayment{"r-1", 2'500, ""}));
  settle();
  REQUIRE(channel.asked() == Calls{"create", "refund"});
  restart();
  const auto twin = submit(command(id, RefundPayment{"r-1", 2'500, ""}));
  settle();
  CHECK(answer(twin) == "PAID");  // known, and open
  CHECK(outcome(twin).refund_id == refund_id_of(id, "r-1").text());
  pass(16 * us_per_s);
  REQUIRE(channel.asked() == Calls{"create", "refund", "query refund"});
  channel.answer(V::refunded);
  settle();
  CHECK(story(id) == "created+started+channel_accepted+paid+refund_requested+refund_succeeded");
}

TEST_CASE_METHOD(Node, "what expired while the node was down is closed through the channel") {
  submit(create());
  settle();
  channel.answer(V::accepted);
  settle();
  const bool checkpointed = GENERATE(false, true);
  if (checkpointed) pass(1'100 * us_per_ms);
  crash();
  clock.advance(7'200 * us_per_s);
  start();
  pass(200 * us_per_ms);
  REQUIRE(channel.asked() == Calls{"create", "query create"});
  channel.answer(V::accepted);
  pass(200 * us_per_ms);
  REQUIRE(channel.asked().back() == "close");
  CHECK(story(id) == "created+started+channel_accepted+unsettled+close_requested");
  channel.answer(V::closed);
  settle();
  CHECK(story(id) == "created+started+channel_accepted+unsettled+close_requested+closed");
}

TEST_CASE_METHOD(
    Node, "views that were never written are rebuilt from the journal when the node starts") {
  PaymentCommand first = create("order-1");
  first.request.idempotency_key = "key-1";
  submit(first);
  settle();
  channel.answer(V::refused);
  paid("order-2");
  CHECK(std::get<std::uint64_t>(memory->view_position()) == 0);
  restart();
  CHECK(std::get<std::uint64_t>(memory->view_position()) == 7);
  REQUIRE(stored("key-1"));
  CHECK(stored("key-1")->merchant_id == "m_1");
  CHECK(stored("key-1")->stream == id);
  CHECK(stored("key-1")->seq == 1);
  CardQuery query;
  query.merchant_id = "m_1";
  const auto cards = std::get<std::vector<Card>>(memory->list_cards(query));
  REQUIRE(cards.size() == 2);
  for (const Card& card : cards) CHECK(card.state == (card.stream == id ? "FAILED" : "PAID"));
}

TEST_CASE_METHOD(Node, "views written half-way are caught up from there") {
  paid("order-1");
  flush();
  settle();
  REQUIRE(std::get<std::uint64_t>(memory->view_position()) == 4);
  submit(command(id, RefundPayment{"r-1", 10'000, ""}));
  settle();
  channel.answer(V::refunded);
  settle();
  restart();
  CHECK(std::get<std::uint64_t>(memory->view_position()) == 6);
  CardQuery query;
  query.merchant_id = "m_1";
  CHECK(std::get<std::vector<Card>>(memory->list_cards(query)).at(0).state == "REFUNDED");
}

TEST_CASE_METHOD(Node, "a payment whose rows do not follow each other stays out of the lists") {
  paid("order-1");
  const PaymentId well = paid("order-2");
  EventRow row = std::get<std::vector<EventRow>>(memory->read_stream(id)).back();
  row.seq += 1;
  row.type = "payment_request_repeated";
  row.payload = R"({"request":{"idempotency_key":"k","fingerprint":"f"}})";
  const Hash before = row.hash;
  SECTION("a chain that is whole is listed") { row.prev_hash = before; }
  SECTION("a broken one is not") {}
  const bool whole = row.prev_hash == before;
  row.hash = event_hash(row.prev_hash, row.stream.text(), row.seq, row.type, row.version, row.at_us,
                        row.causation_id, row.correlation_id, row.payload);
  const std::uint32_t shard = context().shard_index(id);
  std::vector<StreamAppend> batch{{id, shard, context().epochs[shard], row.seq - 1, {row}}};
  REQUIRE_FALSE(error_of(memory->append(batch)));
  restart();
  CardQuery query;
  query.merchant_id = "m_1";
  const auto cards = std::get<std::vector<Card>>(memory->list_cards(query));
  REQUIRE(cards.size() == (whole ? 2 : 1));
  if (!whole) CHECK(cards[0].stream == well);
}

TEST_CASE_METHOD(Node, "a corrupt payment does not keep the node from starting") {
  paid("order-1");
  const PaymentId well = paid("order-2");
  crash();
  store.corrupt.insert(id);
  start();
  const auto looked = look(well);
  settle();
  CHECK(answer(looked) == "PAID");
}

TEST_CASE_METHOD(Node,
                 "settling that was parked is parked after a restart, and is not asked about") {
  paid();
  submit(command(id, RefundPayment{"r-1", 1'000, ""}));
  settle();
  channel.answer(V::unknown);
  channel.answers = [](const ChannelCall&) { return V::unknown; };
  for (int i = 0; i < max_settle_tries && parked_settling().empty(); ++i) {
    clock.advance(600 * us_per_s);
    pass(200 * us_per_ms);
  }
  REQUIRE(parked_settling().size() == 1);
  restart();
  const std::size_t calls = channel.calls.size();
  REQUIRE(parked_settling().size() == 1);
  CHECK(parked_settling()[0].payment == id);
  CHECK(parked_settling()[0].reason == "the refund could not be settled in 220 tries");
  clock.advance(86'400 * us_per_s);
  pass(us_per_s);
  CHECK(channel.calls.size() == calls);
  PaymentCommand resume = command(id, ResumePayment{"ops"});
  resume.merchant_id.clear();
  submit(resume);
  settle();
  CHECK(parked_settling().empty());
  CHECK(channel.calls.size() == calls + 1);
}

namespace {

// A payment with more events than a snapshot apart: many refunds of one minor unit each.
void refund_often(StepSystem& node, const PaymentId& id, int times, int first = 0) {
  node.channel.answers = [](const ChannelCall&) { return V::refunded; };
  for (int i = first; i < first + times; ++i) {
    node.submit(node.command(id, RefundPayment{"r-" + std::to_string(i), 1, ""}));
    node.settle();
  }
  node.channel.answers = nullptr;
}

}  // namespace

TEST_CASE_METHOD(Node,
                 "a long stream is recovered from its snapshot and the tail, to the same payment") {
  paid();
  refund_often(*this, id, 60);  // 4 + 120 events
  flush();
  settle();
  const auto before = look(id);
  settle();
  REQUIRE(outcome(before).view.seq == 124);
  const std::string whole = encode_payment(*outcome(before).view.payment);
  const auto snapshot = std::get<std::optional<Snapshot>>(memory->load_snapshot(id));
  REQUIRE(snapshot);
  CHECK(snapshot->seq == 100);
  crash();
  std::size_t expected_rows = 25;  // the snapshot's own row, and those behind it
  SECTION("the snapshot is good") {}
  SECTION("the snapshot cannot be read: all events are") {
    ViewDelta broken;
    broken.position = std::get<std::uint64_t>(memory->view_position());
    broken.epoch = 1;
    broken.snapshots = {*snapshot};
    broken.snapshots[0].payload.pop_back();
    REQUIRE_FALSE(error_of(memory->checkpoint(broken)));
    expected_rows = 124;
  }
  SECTION("the snapshot is of another version: all events are") {
    ViewDelta old;
    old.position = std::get<std::uint64_t>(memory->view_position());
    old.epoch = 1;
    old.snapshots = {*snapshot};
    old.snapshots[0].version = payment_snapshot_version + 1;
    REQUIRE_FALSE(error_of(memory->checkpoint(old)));
    expected_rows = 124;
  }
  start();
  store.rows_read = 0;
  const auto after = look(id);
  settle();
  CHECK(store.rows_read == expected_rows);
  CHECK(outcome(after).view.seq == 124);
  CHECK(encode_payment(*outcome(after).view.payment) == whole);
  // And it goes on from there: the chain holds.
  refund_often(*this, id, 1, 60);
  const auto later = look(id);
  settle();
  CHECK(outcome(later).view.seq == 126);
}

TEST_CASE_METHOD(Node, "a tail that does not follow from the snapshot is refused") {
  paid();
  refund_often(*this, id, 60);
  flush();
  settle();
  crash();
  auto snapshot = *std::get<std::optional<Snapshot>>(memory->load_snapshot(id));
  snapshot.hash[0] ^= 1;
  snapshot.seal = seal_of(snapshot);
  ViewDelta forged;
  forged.position = std::get<std::uint64_t>(memory->view_position());
  forged.epoch = 1;
  forged.epoch = std::get<std::vector<std::uint64_t>>(memory->claim_epochs(shard_count)).front();
  forged.snapshots = {snapshot};
  REQUIRE_FALSE(error_of(memory->checkpoint(forged)));
  start();
  const auto looked = look(id);
  settle();
  CHECK(answer(looked) == "!entity_parked");
}

TEST_CASE_METHOD(Node, "a snapshot that was changed is passed over for the events") {
  paid();
  refund_often(*this, id, 60);
  flush();
  settle();
  crash();
  auto snapshot = *std::get<std::optional<Snapshot>>(memory->load_snapshot(id));
  const std::size_t at = snapshot.payload.find("1000");
  REQUIRE(at != std::string::npos);
  snapshot.payload[at] = '9';
  ViewDelta forged;
  forged.position = std::get<std::uint64_t>(memory->view_position());
  forged.hash = std::get<std::vector<EventRow>>(memory->read_all(forged.position - 1, 1))[0].hash;
  forged.epoch = std::get<std::vector<std::uint64_t>>(memory->claim_epochs(shard_count)).front();
  forged.snapshots = {snapshot};
  REQUIRE_FALSE(error_of(memory->checkpoint(forged)));
  const auto loaded = load_payment(*memory, id);
  CHECK(std::get<LoadedPayment>(loaded).state->amount_minor == 10'000);
  CHECK(std::get<LoadedPayment>(loaded).snapshot_seq == 0);
}

TEST_CASE_METHOD(Node,
                 "a snapshot is of the payment it was taken from, however recovery reaches it") {
  context().limits.snapshot_every_events = 1;
  paid();
  flush();
  settle();
  const auto events = rows(id);
  const auto from_snapshot = load_payment(*memory, id);
  Payment folded;
  for (const EventRow& row : events)
    REQUIRE(apply(folded, std::get<PaymentEvent>(parse_event(row.type, row.version, row.payload)),
                  row.at_us));
  const auto& loaded = std::get<LoadedPayment>(from_snapshot);
  CHECK(loaded.snapshot_seq == 4);
  CHECK(encode_payment(*loaded.state) == encode_payment(folded));
  CHECK(loaded.hash == events.back().hash);
}

TEST_CASE_METHOD(Node,
                 "a stream goes on under its first request's id, also from its last snapshot") {
  context().limits.snapshot_every_events = 1;
  paid();
  flush();
  settle();
  const std::string begun_by = rows(id).front().correlation_id;
  REQUIRE(std::get<LoadedPayment>(load_payment(*memory, id)).snapshot_seq == rows(id).size());
  restart();
  PaymentCommand refund = command(id, RefundPayment{"r-1", 1, ""});
  refund.cause = "request:refund";
  submit(refund);
  settle();
  CHECK(rows(id).back().causation_id == "request:refund");
  CHECK(rows(id).back().correlation_id == begun_by);
}

TEST_CASE_METHOD(Node, "a snapshot of an event that is not in the journal is refused") {
  context().limits.snapshot_every_events = 1;
  paid();
  flush();
  settle();
  auto snapshot = *std::get<std::optional<Snapshot>>(memory->load_snapshot(id));
  ++snapshot.seq;
  snapshot.seal = seal_of(snapshot);
  ViewDelta ahead;
  ahead.position = std::get<std::uint64_t>(memory->view_position());
  ahead.epoch = 1;
  ahead.snapshots = {snapshot};
  REQUIRE_FALSE(error_of(memory->checkpoint(ahead)));
  const LoadResult result = load_payment(*memory, id);
  const auto* failure = std::get_if<LoadFailure>(&result);
  REQUIRE(failure);
  CHECK(failure->corrupt);
  CHECK(failure->what == id.text() + " seq 5: there is a snapshot after it and not the event");
}

TEST_CASE_METHOD(Node,
                 "whatever the moment of the crash, the payment ends paid once and refunded once") {
  // The node dies after `alive` steps of work; then it starts again and is left alone.
  const int alive = GENERATE(range(0, 50));
  CAPTURE(alive);
  channel.answers = [](const ChannelCall& call) {
    if (call.operation == ChannelOperation::refund) return V::refunded;
    return call.query ? V::paid : V::accepted;
  };
  submit(create());
  for (int i = 0; i < alive; ++i) {
    settle_one();
    if (i == 15) callback(callback_report(id, V::paid));
    if (i == 30) submit(command(id, RefundPayment{"r-1", 10'000, ""}));
  }
  restart();
  submit(create());
  pass(30 * us_per_s);
  submit(command(id, RefundPayment{"r-1", 10'000, ""}));
  pass(30 * us_per_s);
  const auto looked = look(id);
  settle();
  CHECK(answer(looked) == "REFUNDED");
  CHECK(outcome(looked).view.payment->captured_minor == 10'000);
  CHECK(outcome(looked).view.payment->refunds.size() == 1);
  std::size_t paid_events = 0;
  for (const EventRow& row : rows(id)) paid_events += row.type == "payment_paid";
  CHECK(paid_events == 1);
}

TEST_CASE_METHOD(Node, "an expiry refused because the payer has paid ends as paid, by asking") {
  PaymentCommand quick = create();
  std::get<CreatePayment>(quick.body).expires_in_s = 1;
  submit(quick);
  settle();
  channel.answer(V::accepted);
  pass(1'500 * us_per_ms);
  REQUIRE(channel.asked() == Calls{"create", "query create"});
  channel.answer(V::accepted);
  pass(500 * us_per_ms);
  REQUIRE(channel.asked() == Calls{"create", "query create", "close"});
  channel.answer(V::refused);
  pass(500 * us_per_ms);
  REQUIRE(channel.asked() == Calls{"create", "query create", "close", "query create"});
  channel.answer(V::paid);
  settle();
  CHECK(story(id) ==
        "created+started+channel_accepted+unsettled+close_requested+close_refused+paid");
}
