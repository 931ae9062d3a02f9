// The contract itself: events and epochs here, views in view_contract.cpp.
#include "tests/contract/journal_store_contract.hpp"

#include <atomic>
#include <thread>

#include "tests/contract/view_contract.hpp"

namespace welkin::test {
namespace {

std::unique_ptr<JournalStore> open_claimed(StoreFixture& fixture) {
  auto store = fixture.open();
  must(store->claim_epochs(shard_count));
  return store;
}

EventRow unusual_row(const StreamId& stream) {
  EventRow row;
  row.stream = stream;
  row.seq = 2;
  row.type = "payment_über";
  row.version = 7;
  row.payload =
      "{\"subject\" :  \"苍穹 \\\"quoted\\\" back\\\\slash \\u0007 {x,y} 'single' 🦉\"}";
  row.at_us = 1'234'567'890'123'456;
  row.causation_id = "";
  row.correlation_id = "\x01\x02\t\n\r\x1f\x7f,\"{}\\N'; --";
  for (std::size_t i = 0; i < 32; ++i) row.hash[i] = static_cast<std::uint8_t>(255 - i);
  return row;
}

void check_round_trips(StoreFixture& fixture) {
  SECTION("a row comes back as it was given, in every column") {
    const auto store = open_claimed(fixture);
    StreamAppend item = rows_for(stream_number(1), 0, 1);
    item.rows.push_back(unusual_row(item.stream));
    item.rows[0].type = "";
    item.rows[0].correlation_id = "";
    append_committed(*store, {item});
    for (const auto& found :
         {must(store->read_stream(item.stream)), must(store->read_all(0, 10))}) {
      REQUIRE(found.size() == 2);
      check_same(found[0], item.rows[0]);
      check_same(found[1], item.rows[1]);
    }
  }
  SECTION("a payload of 100 KB comes back whole") {
    const auto store = open_claimed(fixture);
    StreamAppend item = rows_for(stream_number(1), 0, 2);
    item.rows[0].payload = "{\"metadata\":\"" + std::string(100'000, 'x') + "\"}";
    append_committed(*store, {item});
    const auto found = must(store->read_stream(item.stream));
    REQUIRE(found.size() == 2);
    CHECK((found[0].payload == item.rows[0].payload));
    CHECK(found[1].payload == item.rows[1].payload);
  }
  SECTION("an empty journal has nothing to read") {
    const auto store = open_claimed(fixture);
    CHECK(must(store->read_all(0, 10)).empty());
    CHECK(must(store->read_all(17, 10)).empty());
    CHECK(must(store->read_stream(stream_number(1))).empty());
    CHECK(must(store->stats()).last_position == 0);
  }
}

void check_positions(StoreFixture& fixture) {
  SECTION("positions are 1, 2, 3 … over batches and streams, and are told to the caller") {
    const auto store = open_claimed(fixture);
    std::vector<StreamAppend> first{rows_for(stream_number(1), 0, 2),
                                    rows_for(stream_number(2), 0, 1)};
    must(store->append(first));
    CHECK(first[0].rows[1].position == 2);
    CHECK(first[1].rows[0].position == 3);
    append_committed(*store, {rows_for(stream_number(2), 1, 1), rows_for(stream_number(1), 2, 1)});
    CHECK(positions_of(must(store->read_all(0, 100))) == count_up(1, 5));
    CHECK(positions_of(must(store->read_stream(stream_number(1)))) ==
          std::vector<std::uint64_t>{1, 2, 5});
  }
  SECTION("read_all gives at most its limit, and goes on where it is told") {
    const auto store = open_claimed(fixture);
    append_committed(*store, {rows_for(stream_number(1), 0, 7)});
    CHECK(positions_of(must(store->read_all(0, 3))) == count_up(1, 3));
    CHECK(positions_of(must(store->read_all(3, 3))) == count_up(4, 6));
    CHECK(positions_of(must(store->read_all(6, 3))) == count_up(7, 7));
    CHECK(must(store->read_all(7, 3)).empty());
    CHECK(must(store->read_all(0, 0)).empty());
  }
  SECTION("read_stream gives what comes after a seq") {
    const auto store = open_claimed(fixture);
    append_committed(*store, {rows_for(stream_number(1), 0, 3), rows_for(stream_number(2), 0, 1)});
    append_committed(*store, {rows_for(stream_number(1), 3, 2)});
    CHECK(seqs_of(must(store->read_stream(stream_number(1)))) == count_up(1, 5));
    CHECK(seqs_of(must(store->read_stream(stream_number(1), 2))) == count_up(3, 5));
    CHECK(must(store->read_stream(stream_number(1), 5)).empty());
    CHECK(must(store->read_stream(stream_number(1), 99)).empty());
    CHECK(must(store->read_stream(stream_number(3))).empty());
  }
  SECTION("a reader who walks along misses nothing and sees nothing twice") {
    const auto store = open_claimed(fixture);
    constexpr std::uint64_t batches = 60;
    std::string write_failed;  // read after the join
    std::atomic<bool> written{false};
    std::thread writer([&] {
      for (std::uint64_t i = 0; i < batches && write_failed.empty(); ++i) {
        std::vector<StreamAppend> batch{rows_for(stream_number(i), 0, 2)};
        if (i > 0) batch.push_back(rows_for(stream_number(i - 1), 2, 1));
        const auto results = store->append(batch);
        if (const auto* error = error_of(results)) write_failed = error->detail;
      }
      written = true;
    });
    std::vector<std::uint64_t> seen;
    std::string read_failed;
    for (bool more = true; more && read_failed.empty();) {
      const bool last_look = written;  // what is committed before this look must be in it
      const auto rows = store->read_all(seen.size(), 7);
      if (const auto* error = error_of(rows)) {
        read_failed = error->detail;
      } else {
        for (const auto& row : std::get<0>(rows)) seen.push_back(row.position);
        more = !last_look || !std::get<0>(rows).empty();
      }
    }
    writer.join();
    CHECK(read_failed == "");
    CHECK(write_failed == "");
    CHECK(seen == count_up(1, batches * 3 - 1));
  }
}

void check_conflicts(StoreFixture& fixture) {
  SECTION("a wrong expected seq is refused alone and told the right one") {
    const auto store = open_claimed(fixture);
    append_committed(*store, {rows_for(stream_number(1), 0, 2)});
    const auto results =
        append(*store, {rows_for(stream_number(2), 0, 1), rows_for(stream_number(1), 0, 1),
                        rows_for(stream_number(1), 3, 1), rows_for(stream_number(3), 1, 1),
                        rows_for(stream_number(4), 0, 1)});
    CHECK(results[0].status == AppendStatus::committed);
    CHECK(results[1].status == AppendStatus::sequence_conflict);
    CHECK(results[1].actual_seq == 2);
    CHECK(results[2].status == AppendStatus::sequence_conflict);
    CHECK(results[2].actual_seq == 2);
    CHECK(results[3].status == AppendStatus::sequence_conflict);
    CHECK(results[3].actual_seq == 0);
    CHECK(results[4].status == AppendStatus::committed);
    CHECK(positions_of(must(store->read_all(0, 100))) == count_up(1, 4));
    CHECK(must(store->read_stream(stream_number(1))).size() == 2);
    CHECK(must(store->read_stream(stream_number(3))).empty());
  }
  SECTION("a batch may append to a stream twice, and the second append builds on the first") {
    const auto store = open_claimed(fixture);
    const auto results =
        append(*store, {rows_for(stream_number(1), 0, 2), rows_for(stream_number(1), 2, 1),
                        rows_for(stream_number(1), 2, 1)});
    CHECK(results[0].status == AppendStatus::committed);
    CHECK(results[1].status == AppendStatus::committed);
    CHECK(results[2].status == AppendStatus::sequence_conflict);
    CHECK(results[2].actual_seq == 3);
    CHECK(seqs_of(must(store->read_stream(stream_number(1)))) == count_up(1, 3));
  }
  SECTION("a batch of refusals, or of nothing, writes nothing") {
    const auto store = open_claimed(fixture);
    CHECK(append(*store, {}).empty());
    CHECK(append(*store, {rows_for(stream_number(1), 5, 1)})[0].status ==
          AppendStatus::sequence_conflict);
    CHECK(must(store->stats()).events == 0);
    append_committed(*store, {rows_for(stream_number(1), 0, 1)});
    CHECK(must(store->read_all(0, 10)).at(0).position == 1);
  }
  SECTION("many streams in one batch are told apart") {
    const auto store = open_claimed(fixture);
    std::vector<StreamAppend> batch;
    for (std::uint64_t i = 0; i < 300; ++i) batch.push_back(rows_for(stream_number(i), 0, 1));
    append_committed(*store, batch);
    for (auto& item : batch) item = rows_for(item.stream, 1, 1);
    append_committed(*store, batch);
    CHECK(seqs_of(must(store->read_stream(stream_number(299)))) == count_up(1, 2));
    CHECK(positions_of(must(store->read_all(0, 1'000))) == count_up(1, 600));
  }
}

void check_kinds(StoreFixture& fixture) {
  const StreamId payment = stream_number(7);
  const StreamId breaker{StreamKind::breaker, payment.key};
  SECTION("streams of two kinds are apart, under the same key too") {
    const auto store = open_claimed(fixture);
    append_committed(*store, {rows_for(payment, 0, 2), rows_for(breaker, 0, 1)});
    append_committed(*store, {rows_for(breaker, 1, 2)});
    const auto results = append(*store, {rows_for(breaker, 2, 1), rows_for(payment, 2, 1)});
    CHECK(results[0].status == AppendStatus::sequence_conflict);
    CHECK(results[0].actual_seq == 3);
    CHECK(results[1].status == AppendStatus::committed);
    CHECK(positions_of(must(store->read_stream(payment))) == std::vector<std::uint64_t>{1, 2, 6});
    CHECK(positions_of(must(store->read_stream(breaker))) == std::vector<std::uint64_t>{3, 4, 5});
    const auto all = must(store->read_all(0, 10));
    REQUIRE(all.size() == 6);
    for (const EventRow& row : all) {
      CAPTURE(row.position);
      CHECK((row.stream == breaker) == (row.position >= 3 && row.position <= 5));
    }
  }
  if (!fixture.durable()) return;
  SECTION("a stream of each kind is found again by a store opened anew") {
    {
      const auto store = open_claimed(fixture);
      append_committed(*store, {rows_for(payment, 0, 1), rows_for(breaker, 0, 3)});
    }
    const auto store = fixture.open();
    const std::uint64_t epoch = must(store->claim_epochs(shard_count))[0];
    CHECK(seqs_of(must(store->read_stream(payment))) == count_up(1, 1));
    CHECK(seqs_of(must(store->read_stream(breaker, 1))) == count_up(2, 3));
    append_committed(*store, {rows_for(breaker, 3, 1, epoch)});
    CHECK(must(store->read_stream(breaker)).back().stream == breaker);
  }
}

void check_epochs(StoreFixture& fixture) {
  SECTION("each claim takes a higher epoch of every shard") {
    const auto store = fixture.open();
    const auto first = must(store->claim_epochs(shard_count));
    const auto second = must(store->claim_epochs(shard_count));
    REQUIRE(first.size() == shard_count);
    REQUIRE(second.size() == shard_count);
    for (std::size_t shard = 0; shard < shard_count; ++shard) {
      CHECK(first[shard] >= 1);
      CHECK(second[shard] > first[shard]);
    }
  }
  SECTION("what was held before a claim is fenced out, and alone") {
    const auto store = fixture.open();
    const auto before = must(store->claim_epochs(shard_count));
    append_committed(*store, {rows_for(stream_number(1), 0, 1, before[0])});
    const auto now = must(store->claim_epochs(shard_count));
    const auto results = append(*store, {rows_for(stream_number(1), 1, 1, before[0]),
                                         rows_for(stream_number(2), 0, 1, now[0]),
                                         rows_for(stream_number(3), 0, 1, before[0])});
    CHECK(results[0].status == AppendStatus::stale_epoch);
    CHECK(results[1].status == AppendStatus::committed);
    CHECK(results[2].status == AppendStatus::stale_epoch);
    CHECK(positions_of(must(store->read_all(0, 10))) == count_up(1, 2));
    CHECK(must(store->read_stream(stream_number(1))).size() == 1);
  }
  SECTION("the number of shards is fixed by the first claim") {
    const auto store = fixture.open();
    const auto first = must(store->claim_epochs(shard_count));
    const auto refused = store->claim_epochs(shard_count * 2);
    REQUIRE(error_of(refused));
    CHECK(error_of(refused)->kind == StoreErrorKind::corrupt);
    // The refused claim has fenced nobody.
    append_committed(*store, {rows_for(stream_number(1), 0, 1, first[0])});
  }
  SECTION("a probe writes no event") {
    const auto store = open_claimed(fixture);
    must(store->probe());
    must(store->probe());
    CHECK(must(store->read_all(0, 10)).empty());
    append_committed(*store, {rows_for(stream_number(1), 0, 1)});
    CHECK(must(store->read_all(0, 10)).at(0).position == 1);
  }
}

void check_reopening(StoreFixture& fixture) {
  SECTION("stats count what was written") {
    const auto store = open_claimed(fixture);
    append_committed(*store, {rows_for(stream_number(1), 0, 3)});
    ViewDelta delta;
    delta.position = 2;
    delta.epoch = 1;
    must(store->checkpoint(delta));
    const auto stats = must(store->stats());
    CHECK(stats.events == 3);
    CHECK(stats.last_position == 3);
    CHECK(stats.view_position == 2);
    CHECK(stats.segments >= 1);
    CHECK(stats.bytes > 0);
  }
  if (!fixture.durable()) return;
  SECTION("a store opened again goes on where the last one ended") {
    std::uint64_t epoch_before = 0;
    const StreamAppend item = rows_for(stream_number(1), 0, 2);
    {
      const auto store = fixture.open();
      epoch_before = must(store->claim_epochs(shard_count))[0];
      append_committed(*store, {item});
    }
    const auto store = fixture.open();
    const auto found = must(store->read_stream(item.stream));
    REQUIRE(found.size() == 2);
    check_same(found[1], item.rows[1]);
    const std::uint64_t epoch = must(store->claim_epochs(shard_count))[0];
    CHECK(epoch > epoch_before);
    const auto results = append(
        *store, {rows_for(stream_number(1), 0, 1, epoch), rows_for(stream_number(1), 2, 1, epoch),
                 rows_for(stream_number(2), 0, 1, epoch_before)});
    CHECK(results[0].status == AppendStatus::sequence_conflict);
    CHECK(results[1].status == AppendStatus::committed);
    CHECK(results[2].status == AppendStatus::stale_epoch);
    CHECK(positions_of(must(store->read_all(0, 10))) == count_up(1, 3));
    const auto refused = store->claim_epochs(shard_count + 1);
    REQUIRE(error_of(refused));
    CHECK(error_of(refused)->kind == StoreErrorKind::corrupt);
  }
}

}  // namespace

void run_journal_store_contract(StoreFixture& fixture) {
  check_round_trips(fixture);
  check_positions(fixture);
  check_conflicts(fixture);
  check_kinds(fixture);
  check_epochs(fixture);
  check_reopening(fixture);
  run_view_contract(fixture);
}

}  // namespace welkin::test
