// Who may write: epochs, whoever changes them and whenever, and streams that somebody else wrote.
#include <atomic>
#include <thread>

#include "tests/contract/postgres_fixture.hpp"

using namespace welkin;
using namespace welkin::test;

TEST_CASE("postgres: a second owner fences the first, whose session is still open") {
  const std::string url = server().url(server().create_database());
  const auto first = open_claimed(url);
  REQUIRE(is_committed(try_append(*first, rows_for(stream_number(1), 0, 1))));
  const auto second = open_or_fail(url);
  const auto epochs = second->claim_epochs(shard_count);
  REQUIRE(!error_of(epochs));
  CHECK(std::get<std::vector<std::uint64_t>>(epochs) == std::vector<std::uint64_t>(shard_count, 2));

  const auto refused = try_append(*first, rows_for(stream_number(1), 1, 1));
  REQUIRE(!error_of(refused));
  CHECK(std::get<std::vector<AppendResult>>(refused)[0].status == AppendStatus::stale_epoch);
  CHECK(rows_of(*second, stream_number(1)) == 1);
  CHECK(is_committed(try_append(*second, rows_for(stream_number(1), 1, 1, 2))));
}

TEST_CASE("postgres: an epoch changed by hand fences too, and the new one is taken") {
  const std::string url = server().url(server().create_database());
  const auto store = open_claimed(url);
  REQUIRE(is_committed(try_append(*store, rows_for(stream_number(1), 0, 1))));
  pqxx::connection connection{url};
  pqxx::nontransaction{connection}.exec("UPDATE welkin.shard SET epoch = 7");
  const auto refused = try_append(*store, rows_for(stream_number(1), 1, 1));
  REQUIRE(!error_of(refused));
  CHECK(std::get<std::vector<AppendResult>>(refused)[0].status == AppendStatus::stale_epoch);
  CHECK(is_committed(try_append(*store, rows_for(stream_number(1), 1, 1, 7))));
}

TEST_CASE("postgres: what another writer added to a stream counts, not what was known of it") {
  const std::string url = server().url(server().create_database());
  const auto store = open_claimed(url);
  const auto other = open_or_fail(url);
  REQUIRE(is_committed(try_append(*store, rows_for(stream_number(1), 0, 1))));
  REQUIRE(is_committed(try_append(*other, rows_for(stream_number(1), 1, 1))));
  const auto behind = try_append(*store, rows_for(stream_number(1), 1, 1));
  REQUIRE(!error_of(behind));
  CHECK(std::get<std::vector<AppendResult>>(behind)[0].actual_seq == 2);
  const auto ahead = try_append(*store, rows_for(stream_number(1), 3, 1));
  REQUIRE(!error_of(ahead));
  CHECK(std::get<std::vector<AppendResult>>(ahead)[0].actual_seq == 2);
  CHECK(is_committed(try_append(*store, rows_for(stream_number(1), 2, 1))));
  CHECK(rows_of(*store, stream_number(1)) == 3);
}

TEST_CASE("postgres: a journal of the first schema is migrated with its rows, and fences on") {
  const std::string url = server().url(server().create_database());
  REQUIRE(is_committed(try_append(*open_claimed(url), rows_for(stream_number(1), 0, 2))));
  {
    pqxx::connection connection{url};
    pqxx::nontransaction{connection}.exec(
        "DROP TRIGGER count_claim ON welkin.shard; DROP FUNCTION welkin.count_claim;"
        "ALTER TABLE welkin.journal_head DROP COLUMN claims;"
        "DROP TABLE welkin.node_lease;"
        "ALTER TABLE welkin.view_position DROP COLUMN hash;"
        "ALTER TABLE welkin.snapshots DROP COLUMN seal;"
        "DELETE FROM welkin.schema_migrations WHERE number > 1");
  }
  CHECK(refusal_of(url, true).find("migrate") != std::string::npos);
  const auto first = open_or_fail(url);
  REQUIRE(is_committed(try_append(*first, rows_for(stream_number(1), 2, 1))));
  const auto second = open_claimed(url);
  const auto refused = try_append(*first, rows_for(stream_number(1), 3, 1));
  REQUIRE(!error_of(refused));
  CHECK(std::get<std::vector<AppendResult>>(refused)[0].status == AppendStatus::stale_epoch);
  CHECK(rows_of(*second, stream_number(1)) == 3);
}

TEST_CASE("postgres: an epoch cannot change between an append's fence and its commit") {
  const std::string url = server().url(server().create_database());
  const auto store = open_claimed(url);
  pqxx::connection observer{url};
  pqxx::connection holder{url};
  pqxx::work holding{holder};
  holding.exec("SELECT position FROM welkin.journal_head FOR UPDATE");

  // The append waits for the head, under which it learns the epochs …
  std::atomic<bool> appended{false};
  std::thread appender{
      [&] { appended = is_committed(try_append(*store, rows_for(stream_number(1), 0, 1))); }};
  CHECK(comes_true([&] { return lock_waiters(observer) == 1; }));
  // … so whoever moves the epoch must wait for the append, even by an update that changes no key.
  std::atomic<bool> moved{false};
  std::thread mover{[&] {
    pqxx::connection connection{url};
    pqxx::nontransaction{connection}.exec("UPDATE welkin.shard SET epoch = epoch + 1");
    moved = true;
  }};
  CHECK(comes_true([&] { return moved || lock_waiters(observer) == 2; }));
  CHECK_FALSE(moved);
  holding.commit();
  appender.join();
  mover.join();
  CHECK(appended);
  CHECK(moved);
}
