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
      queue.push(std::move(append));
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
  CHECK(queue.size() == 0);
  queue.push(std::make_shared<AppendRequest>());
  CHECK(queue.take_all().size() == 1);
  CHECK(queue.take().empty());
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
      append->what = PaymentAppend{{created}, std::make_shared<const Payment>()};
      append->reply_to = caf::actor_cast<caf::actor>(ear);
      batch.push_back(std::move(append));
    }
    appends->batches.push_back(std::move(batch));
  }

  // What views, appenders and journal heard, in that order of letters: b, c or u, and at the end w
  // or f.
  std::string write() {
    const auto everybody = caf::actor_cast<caf::actor>(ear);
    threads.write(appends, everybody, everybody);
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
