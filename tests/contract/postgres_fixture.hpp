// What the tests of the PostgreSQL store share: a server, stores on it, and short words for what is
// done with them.
#pragma once

#include <catch2/catch.hpp>
#include <chrono>
#include <memory>
#include <pqxx/pqxx>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "persistence/postgres/postgres_store.hpp"
#include "tests/contract/journal_store_contract.hpp"
#include "tests/support/private_postgres.hpp"

namespace welkin::test {

inline PrivatePostgres& server() { return PrivatePostgres::shared(); }

inline std::unique_ptr<JournalStore> open_or_fail(const std::string& url, bool read_only = false) {
  return must_open(open_postgres_store({url, read_only}));
}

inline std::string refusal_of(const std::string& url, bool read_only = false) {
  const auto opened = open_postgres_store({url, read_only});
  const StoreError* error = error_of(opened);
  REQUIRE(error != nullptr);
  return error->detail;
}

inline StoreResult<std::vector<AppendResult>> try_append(JournalStore& store, StreamAppend item) {
  std::vector<StreamAppend> batch{std::move(item)};
  return store.append(batch);
}

inline bool is_committed(const StoreResult<std::vector<AppendResult>>& result) {
  return !error_of(result) &&
         std::get<std::vector<AppendResult>>(result).at(0).status == AppendStatus::committed;
}

template <class T>
StoreErrorKind kind_of(const StoreResult<T>& result) {
  const StoreError* error = error_of(result);
  REQUIRE(error != nullptr);
  return error->kind;
}

inline std::size_t rows_of(const JournalStore& store, const StreamId& stream) {
  return must(store.read_stream(stream)).size();
}

inline std::unique_ptr<JournalStore> open_claimed(const std::string& url) {
  auto store = open_or_fail(url);
  must(store->claim_epochs(shard_count));
  return store;
}

// Far enough for the slowest machine; reached only when something is wrong.
inline std::chrono::steady_clock::time_point deadline() {
  return std::chrono::steady_clock::now() + std::chrono::seconds{30};
}

template <class Condition>
bool comes_true(Condition condition) {
  for (const auto until = deadline(); std::chrono::steady_clock::now() < until;) {
    if (condition()) return true;
    std::this_thread::yield();
  }
  return false;
}

// How many sessions of the observer's database wait for a lock.
inline int lock_waiters(pqxx::connection& observer) {
  return pqxx::nontransaction{observer}
      .exec1(
          "SELECT count(*) FROM pg_stat_activity"
          " WHERE datname = current_database() AND wait_event_type = 'Lock'")[0]
      .as<int>();
}

}  // namespace welkin::test
