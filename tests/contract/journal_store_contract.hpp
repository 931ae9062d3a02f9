// What every journal store must do, as one suite. A store's own test file gives it a way to make an
// empty journal and runs it in one TEST_CASE:
//
//   TEST_CASE("the memory store keeps the contract") {
//     MemoryFixture fixture;
//     run_journal_store_contract(fixture);
//   }
//
// Each SECTION starts from a fresh TEST_CASE and so from an empty journal.
#pragma once

#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "persistence/journal_store.hpp"

namespace welkin::test {

class StoreFixture {
 public:
  virtual ~StoreFixture() = default;
  // The fixture's one journal, which is empty at first. Called again only after the store of the
  // last call is gone, and only when the store is durable.
  virtual std::unique_ptr<JournalStore> open() = 0;
  virtual bool durable() const { return true; }
};

void run_journal_store_contract(StoreFixture& fixture);

// ---- a small vocabulary, for the stores' own tests as well

// The value, or the end of the test with the store's words.
template <class T>
T must(StoreResult<T> result) {
  if (const StoreError* failed = error_of(result)) {
    FAIL(name_of(failed->kind) << ": " << failed->detail);
  }
  return std::move(std::get<T>(result));
}

inline std::unique_ptr<JournalStore> must_open(StoreResult<std::unique_ptr<JournalStore>> opened) {
  return must(std::move(opened));
}

constexpr std::uint32_t shard_count = 4;

inline StreamId stream_number(std::uint64_t number) {
  return {StreamKind::payment, {number * 0x9e3779b97f4a7c15ULL, number}};
}

inline Hash hash_of(std::uint64_t number) {
  Hash hash{};
  for (std::size_t i = 0; i < hash.size(); ++i)
    hash[i] = static_cast<std::uint8_t>(number * 31 + i * 7);
  return hash;
}

// `count` rows behind `expected_seq`, all in shard 0 and under its first epoch.
inline StreamAppend rows_for(const StreamId& stream, std::uint64_t expected_seq, std::size_t count,
                             std::uint64_t epoch = 1) {
  StreamAppend append;
  append.stream = stream;
  append.epoch = epoch;
  append.expected_seq = expected_seq;
  for (std::size_t i = 0; i < count; ++i) {
    EventRow row;
    row.stream = stream;
    row.seq = expected_seq + 1 + i;
    row.type = "payment_paid";
    row.payload = "{\"n\":" + std::to_string(row.seq) + "}";
    row.at_us = 1'700'000'000'000'000 + static_cast<UnixUs>(row.seq);
    row.causation_id = "cause";
    row.correlation_id = "correlation";
    row.prev_hash = hash_of(row.seq - 1);
    row.hash = hash_of(row.seq);
    append.rows.push_back(std::move(row));
  }
  return append;
}

inline std::vector<AppendResult> append(JournalStore& store, std::vector<StreamAppend> batch) {
  auto results = must(store.append(batch));
  REQUIRE(results.size() == batch.size());
  return results;
}

inline void append_committed(JournalStore& store, std::vector<StreamAppend> batch) {
  for (const AppendResult& result : append(store, std::move(batch)))
    REQUIRE(result.status == AppendStatus::committed);
}

inline std::vector<std::uint64_t> seqs_of(const std::vector<EventRow>& rows) {
  std::vector<std::uint64_t> seqs;
  for (const EventRow& row : rows) seqs.push_back(row.seq);
  return seqs;
}

inline std::vector<std::uint64_t> positions_of(const std::vector<EventRow>& rows) {
  std::vector<std::uint64_t> positions;
  for (const EventRow& row : rows) positions.push_back(row.position);
  return positions;
}

inline std::vector<std::uint64_t> count_up(std::uint64_t from, std::uint64_t to) {
  std::vector<std::uint64_t> numbers;
  for (; from <= to; ++from) numbers.push_back(from);
  return numbers;
}

inline void check_same(const EventRow& found, const EventRow& given) {
  CHECK(found.stream == given.stream);
  CHECK(found.seq == given.seq);
  CHECK(found.type == given.type);
  CHECK(found.version == given.version);
  CHECK(found.payload == given.payload);
  CHECK(found.at_us == given.at_us);
  CHECK(found.causation_id == given.causation_id);
  CHECK(found.correlation_id == given.correlation_id);
  CHECK(found.prev_hash == given.prev_hash);
  CHECK(found.hash == given.hash);
}

}  // namespace welkin::test
