// Group commit: one batch at a time, everything that waits in the next; what a failing store means
// to those who append; and a commit whose answer was lost.
#include "actors/journal_actor.hpp"

#include <catch2/catch.hpp>

#include "protocol/payment/event_codec.hpp"
#include "tests/support/step_system.hpp"

using namespace welkin;

namespace {

using Kind = StepStoreIo::Kind;
using Next = FlakyStore::Next;

class Journal : public StepSystem {
 public:
  Journal() { start(); }

  // The first append of a stream of its own, acknowledged to the desk.
  std::shared_ptr<AppendRequest> request(const std::string& order_no, bool new_work = true) {
    auto append = std::make_shared<AppendRequest>();
    append->stream = payment_id_of("m_1", order_no);
    append->shard = context().shard_index(append->stream);
    append->epoch = context().epochs[append->shard];
    append->at_us = clock.now_us();
    append->causation_id = "req_1";
    append->correlation_id = "req_1";
    PaymentCreated created;
    created.merchant_id = "m_1";
    created.merchant_order_no = order_no;
    created.amount_minor = 10'000;
    created.currency = *Currency::parse("CNY");
    Payment after;
    apply(after, created, append->at_us);
    append->recorded = std::make_shared<const PaymentEvents>(
        std::vector<PaymentEvent>{created}, std::make_shared<const Payment>(std::move(after)));
    append->slot.wants_message();
    append->reply_to = desk();
    append->new_work = new_work;
    return append;
  }

  void append(const std::shared_ptr<AppendRequest>& request) { welkin::append(context(), request); }
  void append(const std::string& order_no, bool new_work = true) {
    append(request(order_no, new_work));
  }

  std::string answers() const {
    std::string words;
    for (const CommitAck& ack : acks) words += "cxeuo"[static_cast<int>(ack.status)];
    return words;
  }
};

}  // namespace

TEST_CASE_METHOD(Journal, "what waits while a batch is written goes into the next one") {
  io.hold(Kind::commit);
  append("order-0");
  settle();
  for (int i = 1; i <= 7; ++i) append("order-" + std::to_string(i));
  settle();
  CHECK(io.waiting(Kind::commit) == 1);
  CHECK(acks.empty());
  io.release(Kind::commit);
  settle();
  CHECK(io.batch_sizes == std::vector<std::size_t>{1, 7});
  CHECK(answers() == "cccccccc");
  for (const CommitAck& ack : acks) CHECK(ack.last_seq == 1);
}

TEST_CASE_METHOD(Journal, "what has come together is written together, and one alone at once") {
  append("order-0");
  settle();
  for (int i = 1; i <= 5; ++i) append("order-" + std::to_string(i));
  settle();
  CHECK(io.batch_sizes == std::vector<std::size_t>{1, 5});
  CHECK(answers() == "cccccc");
}

TEST_CASE_METHOD(Journal, "a batch has an upper bound") {
  crash();
  limits.max_batch_appends = 3;
  start();
  io.hold(Kind::commit);
  for (int i = 0; i < 8; ++i) append("order-" + std::to_string(i));
  settle();
  io.release(Kind::commit);
  settle();
  CHECK(io.batch_sizes == std::vector<std::size_t>{3, 3, 2});
  CHECK(answers() == "cccccccc");
}

TEST_CASE_METHOD(Journal, "a full queue refuses new work and takes what settles old work") {
  context().limits.max_queued_appends = 2;
  io.hold(Kind::commit);
  append("order-0");
  settle();
  append("order-1");
  append("order-2");
  append("order-3");
  append("order-4", /*new_work=*/false);
  settle();
  CHECK(answers() == "o");
  CHECK(metrics().appends_refused.Value() == 1);
  io.release(Kind::commit);
  settle();
  CHECK(answers() == "occcc");
  CHECK(story(payment_id_of("m_1", "order-3")) == "");
  CHECK(story(payment_id_of("m_1", "order-4")) == "created");
}

TEST_CASE_METHOD(
    Journal, "a failed batch refuses itself, what waited, and new appends until a probe wrote") {
  io.hold(Kind::commit);
  append("order-0");
  settle();
  append("order-1");
  settle();
  store.down = true;
  io.release(Kind::commit);
  settle();
  CHECK(answers() == "uu");
  CHECK(metrics().store_up.Value() == 0);
  append("order-2", /*new_work=*/false);
  settle();
  CHECK(answers() == "uuu");
  pass(1'600 * us_per_ms);
  CHECK(store.probes == 3);
  append("order-3");
  settle();
  CHECK(answers() == "uuuu");
  store.down = false;
  pass(500 * us_per_ms);
  CHECK(metrics().store_up.Value() == 1);
  append("order-4");
  settle();
  CHECK(answers() == "uuuuc");
  CHECK(store.probes == 4);
  pass(5 * us_per_s);
  CHECK(store.probes == 4);  // a well store is not probed
}

TEST_CASE_METHOD(Journal,
                 "nobody hears of a commit in doubt before the store has said what it holds") {
  const bool written = GENERATE(true, false);
  store.reads_down = true;
  store.next_append = written ? Next::loses_the_answer : Next::loses_the_request;
  io.hold(Kind::commit);
  append("order-0");
  settle();
  append("order-1");
  io.release(Kind::commit);
  settle();
  // The second was not on its way yet. It and what comes now is refused rather than left to wait,
  // for as long as the store does not answer, and the node says that it is not ready.
  append("order-2");
  pass(us_per_s);
  CHECK(answers() == "uu");
  CHECK(metrics().store_up.Value() == 0);
  store.reads_down = false;
  settle();
  CHECK(answers() == (written ? "uuc" : "uuu"));
  CHECK(story(payment_id_of("m_1", "order-0")) == (written ? "created" : ""));
  CHECK(metrics().store_up.Value() == 1);
  append("order-3");
  settle();
  CHECK(answers().back() == 'c');
}

TEST_CASE_METHOD(Journal, "a row of somebody else under the same number is not taken for ours") {
  // Ours is in doubt, and by then the stream has another first event.
  auto foreign = request("order-0");
  foreign->causation_id = "req_of_somebody_else";
  append(foreign);
  settle();
  store.next_append = Next::loses_the_request;
  append("order-0");
  settle();
  CHECK(answers() == "cu");
}

TEST_CASE_METHOD(Journal, "a conflict and a stale epoch do not disturb the rest of their batch") {
  append("order-0");
  settle();
  io.hold(Kind::commit);
  append("order-9");
  settle();
  append("order-1");
  append("order-0");  // the stream has an event already
  auto fenced = request("order-2");
  fenced->epoch = 0;
  append(fenced);
  append("order-3");
  settle();
  io.release(Kind::commit);
  settle();
  CHECK(answers() == "cccxec");
  CHECK(story(payment_id_of("m_1", "order-0")) == "created");
  CHECK(story(payment_id_of("m_1", "order-2")) == "");
  CHECK(story(payment_id_of("m_1", "order-3")) == "created");
}

TEST_CASE_METHOD(Journal, "the views hear of a commit before whoever appended") {
  std::vector<std::string> heard;
  const caf::actor ear = system().spawn([&heard](caf::event_based_actor* self) -> caf::behavior {
    return {
        [&heard](batch_atom, const CommittedBatchPtr& batch) {
          heard.push_back("batch of " + std::to_string(batch->size()));
        },
        [&heard](committed_atom, const CommitAck&) { heard.push_back("ack"); },
        [self](stop_atom) { self->quit(); },
    };
  });
  const caf::actor views = std::exchange(context().views, ear);
  auto append_to_ear = request("order-0");
  append_to_ear->reply_to = ear;
  append(append_to_ear);
  settle();
  CHECK(heard == std::vector<std::string>{"batch of 1", "ack"});
  context().views = views;
  caf::anon_send(ear, stop_atom::value);
}

TEST_CASE_METHOD(Journal, "each row carries the hash of the one before, across appends") {
  auto first = request("order-0");
  std::vector<PaymentEvent> events_of_first = first->of<PaymentKind>()->events;
  events_of_first.emplace_back(PaymentStarted{1, "sandbox", "sandbox", "NO", "", 7});
  first->recorded =
      std::make_shared<const PaymentEvents>(events_of_first, first->of<PaymentKind>()->after);
  append(first);
  settle();
  REQUIRE(answers() == "c");
  auto second = request("order-0");
  second->expected_seq = 2;
  second->prev_hash = acks.back().hash;
  second->recorded = std::make_shared<const PaymentEvents>(
      std::vector<PaymentEvent>{PaymentFailed{"no", "", ReportSource::answer}},
      second->of<PaymentKind>()->after);
  append(second);
  settle();
  REQUIRE(answers() == "cc");
  CHECK(acks.back().last_seq == 3);
  const auto events = rows(first->stream);
  REQUIRE(events.size() == 3);
  Hash previous{};
  for (const EventRow& row : events) {
    CHECK(row.prev_hash == previous);
    CHECK(row.hash == event_hash(previous, row.stream.text(), row.seq, row.type, row.version,
                                 row.at_us, row.causation_id, row.correlation_id, row.payload));
    previous = row.hash;
  }
  CHECK(acks.back().hash == previous);
  const LoadResult loaded = load_payment(store, first->stream);
  REQUIRE(std::holds_alternative<LoadedPayment>(loaded));
  CHECK(std::get<LoadedPayment>(loaded).state->state == PaymentState::failed);
  CHECK(std::get<LoadedPayment>(loaded).hash == previous);
}
