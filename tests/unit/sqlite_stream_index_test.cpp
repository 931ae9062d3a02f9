// What the SQLite journal remembers of streams in memory.
#include <catch2/catch.hpp>

#include "persistence/sqlite/stream_index.hpp"

using namespace welkin;
using namespace welkin::sqlite;

namespace {

// Neighbouring numbers, which is the worst an id can be for a hash table.
StreamId stream(std::uint64_t number) { return {StreamKind::payment, {0, number}}; }

using Rows = std::vector<std::uint32_t>;

}  // namespace

TEST_CASE("an empty stream table knows nobody") {
  StreamTable table;
  CHECK(table.find(stream(0)) == nullptr);
  table.clear();
  CHECK(table.size() == 0);
}

TEST_CASE("a stream table keeps every stream's latest tail while it grows") {
  StreamTable table;
  for (std::uint64_t i = 0; i < 10'000; ++i) table.put(stream(i), {1, 1});
  for (std::uint64_t i = 0; i < 10'000; i += 2) table.put(stream(i), {i + 2, 7});
  CHECK(table.size() == 10'000);
  for (std::uint64_t i = 0; i < 10'000; ++i) {
    const StreamTail* tail = table.find(stream(i));
    REQUIRE(tail);
    REQUIRE(tail->last_seq == (i % 2 == 0 ? i + 2 : 1));
  }
  CHECK(table.find(stream(10'000)) == nullptr);
  std::size_t visited = 0;
  table.for_each([&](const StreamId&) { ++visited; });
  CHECK(visited == 10'000);
}

TEST_CASE("a cleared stream table forgets all, small or large") {
  for (const std::uint64_t streams : {10u, 10'000u}) {
    StreamTable table;
    for (std::uint64_t i = 0; i < streams; ++i) table.put(stream(i), {1, 1});
    table.clear();
    CHECK(table.size() == 0);
    for (std::uint64_t i = 0; i < streams; ++i) REQUIRE(table.find(stream(i)) == nullptr);
    table.put(stream(3), {5, 5});
    REQUIRE(table.find(stream(3)));
    CHECK(table.find(stream(3))->last_seq == 5);
  }
}

TEST_CASE("a live index finds each stream's rows among the others', in order") {
  LiveIndex index;
  index.add(stream(1), 1, 2);  // rows 1, 2
  index.add(stream(2), 5, 1);  // row 3; began in an earlier segment
  index.add(stream(1), 3, 3);  // rows 4, 5, 6
  index.add(stream(2), 6, 1);  // row 7
  CHECK(index.row_count() == 7);
  CHECK(index.find(stream(1))->last_seq == 5);
  CHECK(index.find(stream(2))->last_seq == 6);
  CHECK(index.rows_of(stream(1), 0) == Rows{1, 2, 4, 5, 6});
  CHECK(index.rows_of(stream(1), 2) == Rows{4, 5, 6});
  CHECK(index.rows_of(stream(1), 5).empty());
  CHECK(index.rows_of(stream(2), 0) == Rows{3, 7});
  CHECK(index.rows_of(stream(2), 5) == Rows{7});
  CHECK(index.rows_of(stream(3), 0).empty());
}

TEST_CASE("a Bloom filter never denies what it holds, and seldom claims what it does not") {
  constexpr std::uint64_t streams = 50'000;
  BloomFilter filter(streams);
  for (std::uint64_t i = 0; i < streams; ++i) filter.add(BloomKey(stream(i)));
  std::uint64_t claimed = 0;
  for (std::uint64_t i = 0; i < streams; ++i) {
    REQUIRE(filter.may_hold(BloomKey(stream(i))));
    if (filter.may_hold(BloomKey(stream(streams + i)))) ++claimed;
  }
  CHECK(claimed < streams / 2'000);
}

TEST_CASE("a Bloom filter comes back from its bytes, and from no others") {
  BloomFilter filter(100);
  for (std::uint64_t i = 0; i < 100; ++i) filter.add(BloomKey(stream(i)));
  const auto again = BloomFilter::from_bytes(filter.bytes());
  REQUIRE(again);
  for (std::uint64_t i = 0; i < 2'000; ++i)
    REQUIRE(again->may_hold(BloomKey(stream(i))) == filter.may_hold(BloomKey(stream(i))));
  CHECK_FALSE(BloomFilter::from_bytes(""));
  CHECK_FALSE(BloomFilter::from_bytes(filter.bytes().substr(1)));
}
