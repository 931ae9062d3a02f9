// A commit whose answer was lost and that lands later: nobody may be told that nothing was written
// while it can still come.
#include <atomic>
#include <thread>

#include "actors/store_io.hpp"
#include "tests/contract/postgres_fixture.hpp"
#include "tests/simulation/store_decorator.hpp"

using namespace welkin;
using namespace welkin::test;

namespace {

// Its appends are on their way to the server in a session of their own, which commits when told.
class HeldBack : public simulation::StoreDecorator {
 public:
  HeldBack(JournalStore& inner, const std::string& url) : StoreDecorator(inner), session_(url) {}

  StoreResult<std::vector<AppendResult>> append(std::vector<StreamAppend>& batch) override {
    transaction_ = std::make_unique<pqxx::work>(session_);
    for (const EventRow& row : batch.at(0).rows) {
      const auto position = transaction_->exec1(
          "UPDATE welkin.journal_head SET position = position + 1 RETURNING position");
      transaction_->exec_params(
          "INSERT INTO welkin.events VALUES ($1, $2, $3, $4, $5, $6, $7, '', '',"
          " decode($8, 'hex'), decode($9, 'hex'))",
          position[0].as<std::uint64_t>(), batch[0].stream.text(), row.seq, row.type, row.version,
          row.payload, row.at_us, hex(row.prev_hash), hex(row.hash));
    }
    return StoreError{StoreErrorKind::in_doubt, "the answer was lost"};
  }
  void land() { transaction_->commit(); }
  void fail() { transaction_->abort(); }

 private:
  static std::string hex(const Hash& hash) { return welkin::hex(hash); }

  pqxx::connection session_;
  std::unique_ptr<pqxx::work> transaction_;
};

AppendRequestPtr some_append() {
  auto request = std::make_shared<AppendRequest>();
  request->stream = stream_number(1);
  request->epoch = 1;
  PaymentCreated created;
  created.merchant_id = "m_1";
  request->recorded = std::make_shared<const PaymentEvents>(std::vector<PaymentEvent>{created},
                                                            std::make_shared<const Payment>());
  return request;
}

}  // namespace

TEST_CASE("postgres: a commit in doubt is read back only when it has landed or never will") {
  const std::string url = server().url(server().create_database());
  const auto store = open_claimed(url);
  HeldBack held{*store, url};
  pqxx::connection observer{url};
  JournalCommitter committer{held};
  const std::vector<AppendRequestPtr> batch{some_append()};
  REQUIRE(committer.commit(batch) == JournalCommitter::Verdict::in_doubt);

  const bool lands = GENERATE(true, false);
  CAPTURE(lands);
  std::atomic<bool> told{false};
  std::thread resolver{[&] {
    while (committer.resolve(batch) == JournalCommitter::Verdict::in_doubt) continue;
    told = true;
  }};
  CHECK(comes_true([&] { return told || lock_waiters(observer) == 1; }));
  CHECK_FALSE(told);
  lands ? held.land() : held.fail();
  resolver.join();
  CHECK((committer.acks().at(0).status == CommitStatus::committed) == lands);
  CHECK(rows_of(*store, stream_number(1)) == (lands ? 1 : 0));
}
