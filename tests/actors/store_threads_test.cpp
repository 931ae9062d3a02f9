// Production's way to the store: the thread that writes goes on from batch to batch by itself, and
// stops at the first that fails.
#include "actors/store_threads.hpp"

#include <caf/all.hpp>
#include <catch2/catch.hpp>
#include <chrono>
#include <deque>
#include <functional>
#include <string>
#include <thread>
#include <utility>

#include "persistence/memory/memory_store.hpp"
#include "tests/support/fake_edges.hpp"

using namespace welkin;

TEST_CASE("what one thread puts into the queue another takes out, once and in order") {
  constexpr std::uint64_t count = 20'000;
  AppendQueue queue(7);
  std::thread giver([&queue] {
    for (std::uint64_t i = 0; i < count; ++i) {
      auto append = std::make_shared<AppendRequest>();
      append->expected_seq = i;
      queue.push(append, count);
    }
  });
  std::uint64_t taken = 0;
  bool bounded = true;
  bool in_order = true;
  while (taken < count) {
    const auto batch = queue.take();
    bounded = bounded && batch.size() <= 7;
    for (const AppendRequestPtr& append : batch)
      in_order = in_order && append->expected_seq == taken++;
  }
  giver.join();
  CHECK(bounded);
  CHECK(in_order);
  CHECK(queue.take().empty());
}

TEST_CASE("whoever pushes first is told so, once until the writer rests") {
  using Pushed = AppendQueue::Pushed;
  AppendQueue queue(7);
  const auto push = [&queue] { return queue.push(std::make_shared<AppendRequest>(), 10); };
  CHECK(push() == Pushed::first);
  CHECK(push() == Pushed::behind_others);
  CHECK(queue.take().size() == 2);
  CHECK(push() == Pushed::behind_others);
  CHECK_FALSE(queue.rest());  // something has come since the last look
  CHECK(queue.take().size() == 1);
  CHECK(queue.rest());
  CHECK(push() == Pushed::first);
}

TEST_CASE("a full queue takes what settles old work and no new work; a closed one takes nothing") {
  using Pushed = AppendQueue::Pushed;
  AppendQueue queue(7);
  const auto settling = std::make_shared<AppendRequest>();
  const auto fresh = std::make_shared<AppendRequest>();
  fresh->new_work = true;
  CHECK(queue.push(fresh, 1) == Pushed::first);
  CHECK(queue.push(fresh, 1) == Pushed::overloaded);
  CHECK(queue.push(settling, 1) == Pushed::behind_others);
  CHECK(queue.close().size() == 2);
  CHECK(queue.push(settling, 1) == Pushed::closed);
  queue.open();
  CHECK(queue.push(settling, 1) == Pushed::first);
}

TEST_CASE(
    "a commit is told by message to whoever asked before it, and noticed by whoever did not") {
  const CommitAck good{CommitStatus::committed, 3, {}};
  CommitSlot asked;
  CHECK(asked.wants_message());
  CHECK(asked.wants_message());
  CHECK(asked.settle(good));
  CHECK(asked.noticed() == nullptr);
  CommitSlot unasked;
  CHECK_FALSE(unasked.settle(good));
  REQUIRE(unasked.noticed() != nullptr);
  CHECK(unasked.noticed()->last_seq == 3);
  CHECK_FALSE(unasked.wants_message());
  CommitSlot refused;
  CHECK(refused.settle({CommitStatus::conflict, 0, {}}));
  CHECK(refused.noticed() == nullptr);
}

TEST_CASE("of an appender that asks while it is committed, exactly one hears of it") {
  for (int round = 0; round < 2'000; ++round) {
    CommitSlot slot;
    bool told = false;
    std::thread journal([&] { told = slot.settle({CommitStatus::committed, 1, {}}); });
    const bool waits = slot.wants_message();
    journal.join();
    if (waits != told || waits == (slot.noticed() != nullptr)) FAIL("round " << round);
  }
}

// The packaged CAF is not instrumented, and the thread sanitizer calls every message a race.
#ifndef WELKIN_THREAD_SANITIZER

namespace {

using Next = FlakyStore::Next;

// Batches laid out beforehand. `before` is called with the number of each look into it.
class LaidOut : public AppendSource {
 public:
  std::deque<std::vector<AppendRequestPtr>> batches;
  std::function<void(int look)> before = [](int) {};
  int looks = 0;

  std::vector<AppendRequestPtr> take() override {
    before(++looks);
    if (batches.empty()) return {};
    auto batch = std::move(batches.front());
    batches.pop_front();
    return batch;
  }
};

struct Writer {
  std::unique_ptr<JournalStore> memory =
      std::move(std::get<std::unique_ptr<JournalStore>>(open_memory_store({"memory:"})));
  FlakyStore store{*memory};
  RuntimeMetrics metrics;
  std::shared_ptr<LaidOut> appends = std::make_shared<LaidOut>();
  caf::actor_system_config config;
  caf::actor_system system{config};
  caf::scoped_actor ear{system};
  StoreThreads threads{store, metrics};
  std::uint64_t epoch = std::get<std::vector<std::uint64_t>>(memory->claim_epochs(1)).front();

  void lay_out(const std::vector<std::string>& order_numbers) {
    std::vector<AppendRequestPtr> batch;
    for (const std::string& order_no : order_numbers) {
      auto append = std::make_shared<AppendRequest>();
      append->stream = payment_id_of("m_1", order_no);
      append->epoch = epoch;
      PaymentCreated created;
      created.merchant_id = "m_1";
      created.merchant_order_no = order_no;
      append->recorded = std::make_shared<const PaymentEvents>(std::vector<PaymentEvent>{created},
                                                               std::make_shared<const Payment>());
      append->slot.wants_message();
      append->reply_to = caf::actor_cast<caf::actor>(ear);
      batch.push_back(std::move(append));
    }
    appends->batches.push_back(std::move(batch));
  }

  // What views, appenders and journal heard, in that order of letters: b, c or u, and at the end w
  // or f.
  std::string write() {
    const auto everybody = caf::actor_cast<caf::actor>(ear);
    threads.write(appends, {everybody, everybody, {everybody}});
    std::string heard;
    bool over = false;
    const auto too_late = [&] { over = true, heard += " too late"; };
    while (!over)
      ear->receive([&](batch_atom, const CommittedBatchPtr&) { heard += 'b'; },
                   [&](committed_atom, const CommitAck& ack) {
                     heard += ack.status == CommitStatus::committed ? 'c' : 'u';
                   },
                   [&](written_atom, bool well) { over = true, heard += well ? 'w' : 'f'; },
                   caf::after(std::chrono::seconds(20)) >> too_late);
    return heard;
  }
};

}  // namespace

TEST_CASE_METHOD(Writer,
                 "batch after batch is written until none waits, and then the journal told") {
  lay_out({"order-1"});
  lay_out({"order-2", "order-3"});
  lay_out({"order-4"});
  CHECK(write() == "bcbccbcw");
  CHECK(appends->looks == 4);
  CHECK(metrics.batches.Value() == 3);
  CHECK(write() == "w");
}

TEST_CASE_METHOD(Writer, "after a batch that failed no other is taken") {
  lay_out({"order-1"});
  lay_out({"order-2"});
  lay_out({"order-3"});
  appends->before = [this](int look) { store.down = look == 2; };
  CHECK(write() == "bcuf");
  CHECK(appends->batches.size() == 1);
}

TEST_CASE_METHOD(Writer, "after a batch in doubt that turned out to be written the next is taken") {
  lay_out({"order-1"});
  lay_out({"order-2"});
  appends->before = [this](int look) {
    if (look == 1) store.next_append = Next::loses_the_answer;
  };
  CHECK(write() == "bcbcw");
  CHECK(metrics.commits_in_doubt.Value() == 1);
}

#endif
