// The SQLite store under the common contract, and what is its own: segments, sealing, the writer's
// lock, reading beside a writer, and files for people.
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <thread>

#include "persistence/journal_check.hpp"
#include "tests/contract/sqlite_fixture.hpp"

using namespace welkin;
using namespace welkin::test;

namespace {

std::string ask_sqlite(const std::string& path, const std::string& sql) {
  sqlite3* database = nullptr;
  REQUIRE(sqlite3_open_v2(path.c_str(), &database, SQLITE_OPEN_READWRITE, nullptr) == SQLITE_OK);
  sqlite3_busy_timeout(database, 10'000);
  std::string answer;
  char* message = nullptr;
  const auto add_row = [](void* to, int columns, char** values, char**) {
    auto& text = *static_cast<std::string*>(to);
    for (int i = 0; i < columns; ++i)
      text += (i ? "|" : "") + std::string(values[i] ? values[i] : "");
    text += "\n";
    return 0;
  };
  const int code = sqlite3_exec(database, sql.c_str(), add_row, &answer, &message);
  const std::string said = message ? message : "";
  sqlite3_free(message);
  sqlite3_close(database);
  INFO(sql << ": " << said);
  REQUIRE(code == SQLITE_OK);
  return answer;
}

constexpr const char* count_index =
    "SELECT count(*) FROM sqlite_master WHERE name = 'events_stream_seq'";

bool is_sealed(const std::string& path) {
  return ask_sqlite(path, "SELECT sealed FROM segment") == "1\n" &&
         ask_sqlite(path, count_index) == "1\n";
}

// Sealing is another thread's: wait for its result, with an end for when it never comes.
bool sealed_in_time(const std::string& path) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (std::chrono::steady_clock::now() < end) {
    if (is_sealed(path)) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

// Three appends a stream, each `lag` streams apart, so that streams lie across segments.
void write_spread(JournalStore& store, std::uint64_t streams, std::uint64_t lag,
                  std::uint64_t epoch) {
  for (std::uint64_t i = 0; i < streams + 2 * lag; ++i) {
    std::vector<StreamAppend> batch;
    if (i < streams) batch.push_back(rows_for(stream_number(i), 0, 2, epoch));
    if (i >= lag && i - lag < streams)
      batch.push_back(rows_for(stream_number(i - lag), 2, 1, epoch));
    if (i >= 2 * lag) batch.push_back(rows_for(stream_number(i - 2 * lag), 3, 1, epoch));
    append_committed(store, batch);
  }
}

void check_spread(const JournalStore& store, std::uint64_t streams) {
  CHECK((positions_of(must(store.read_all(0, 1'000'000))) == count_up(1, streams * 4)));
  for (std::uint64_t i = 0; i < streams; ++i) {
    const auto rows = must(store.read_stream(stream_number(i)));
    REQUIRE(seqs_of(rows) == count_up(1, 4));
    REQUIRE(rows[3].payload == "{\"n\":4}");
    REQUIRE(seqs_of(must(store.read_stream(stream_number(i), 2))) == count_up(3, 4));
  }
  CHECK(must(store.read_stream(stream_number(streams + 1))).empty());
}

std::vector<std::string> logs_left(const SqliteFixture& fixture) {
  std::vector<std::string> names;
  for (const auto& file : std::filesystem::directory_iterator(fixture.folder())) {
    const std::string name = file.path().filename().string();
    if (name.find("-wal") != std::string::npos) names.push_back(name);
  }
  return names;
}

// Segments whose write-ahead log lies beside them.
std::ptrdiff_t segment_logs(const SqliteFixture& fixture) {
  const auto names = logs_left(fixture);
  return std::count_if(names.begin(), names.end(),
                       [](const std::string& name) { return name.rfind("segment-", 0) == 0; });
}

// Of all but the segment that is written to.
bool logs_dropped_in_time(const SqliteFixture& fixture) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (std::chrono::steady_clock::now() < end) {
    if (segment_logs(fixture) <= 1) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

}  // namespace

TEST_CASE("the SQLite store keeps the contract") {
  SqliteFixture fixture;
  run_journal_store_contract(fixture);
}

TEST_CASE("the SQLite store keeps the contract with segments of three rows") {
  SqliteFixture fixture(3);
  run_journal_store_contract(fixture);
}

TEST_CASE(
    "streams that lie across many segments are whole, before and after sealing and reopening") {
  SqliteFixture fixture(50);
  constexpr std::uint64_t streams = 200;
  {
    const auto store = fixture.open_claimed();
    write_spread(*store, streams, 30, fixture.epoch);
    check_spread(*store, streams);
    const auto stats = must(store->stats());
    CHECK(stats.segments >= 14);
    CHECK(stats.events == streams * 4);
    // However many are sealed by now, the first will be.
    REQUIRE(sealed_in_time(fixture.segment(1)));
    check_spread(*store, streams);
  }
  const auto store = fixture.open_claimed();
  check_spread(*store, streams);
  append_committed(*store, {rows_for(stream_number(0), 4, 1, fixture.epoch)});
  CHECK(must(store->read_stream(stream_number(0))).back().position == streams * 4 + 1);
}

TEST_CASE("a conflict with a stream of a sealed segment is found") {
  SqliteFixture fixture(10);
  for (const bool reopened : {false, true}) {
    CAPTURE(reopened);
    auto store = fixture.open_claimed();
    if (!reopened) {
      append_committed(*store, {rows_for(stream_number(1), 0, 10, fixture.epoch)});
      append_committed(*store, {rows_for(stream_number(2), 0, 1, fixture.epoch)});
      REQUIRE(sealed_in_time(fixture.segment(1)));
    }
    const auto results = append(*store, {rows_for(stream_number(1), 0, 1, fixture.epoch),
                                         rows_for(stream_number(1), 9, 1, fixture.epoch)});
    CHECK(results[0].status == AppendStatus::sequence_conflict);
    CHECK(results[0].actual_seq == 10);
    CHECK(results[1].actual_seq == 10);
  }
  auto store = fixture.open_claimed();
  append_committed(*store, {rows_for(stream_number(1), 10, 1, fixture.epoch)});
  CHECK(seqs_of(must(store->read_stream(stream_number(1)))) == count_up(1, 11));
}

TEST_CASE("what was not sealed when the store closed is sealed after it opens again") {
  SqliteFixture fixture(10);
  {
    const auto store = fixture.open_claimed();
    write_spread(*store, 20, 3, fixture.epoch);
    REQUIRE(sealed_in_time(fixture.segment(1)));
  }
  // As a crash before the sealing transaction leaves it.
  ask_sqlite(fixture.segment(1),
             "UPDATE segment SET sealed = 0, last_position = NULL, bloom = NULL; "
             "DROP INDEX events_stream_seq");
  const auto store = fixture.open_claimed();
  check_spread(*store, 20);
  CHECK(sealed_in_time(fixture.segment(1)));
  check_spread(*store, 20);
}

TEST_CASE("a sealed segment becomes one plain file") {
  SqliteFixture fixture(10);
  {
    const auto store = fixture.open_claimed();
    write_spread(*store, 10, 1, fixture.epoch);
    REQUIRE(sealed_in_time(fixture.segment(1)));
  }
  const auto store = fixture.open_claimed();  // does it where a reader was in the way
  CHECK(ask_sqlite(fixture.segment(1), "PRAGMA journal_mode") == "delete\n");
  CHECK_FALSE(std::filesystem::exists(fixture.segment(1) + "-wal"));
  check_spread(*store, 10);
}

TEST_CASE("a duplicate in a segment stops the store when sealing finds it") {
  SqliteFixture fixture(10);
  {
    const auto store = fixture.open_claimed();
    append_committed(*store, {rows_for(stream_number(1), 0, 9, fixture.epoch)});
  }
  SECTION("at once, when memory is rebuilt from the rows") {
    ask_sqlite(fixture.segment(1), "UPDATE events SET seq = 3 WHERE position = 4");
    const auto opened = open_sqlite_store(fixture.options());
    REQUIRE(error_of(opened));
    CHECK(error_of(opened)->kind == StoreErrorKind::corrupt);
    CHECK(error_of(opened)->detail.find("position 4") != std::string::npos);
  }
  SECTION("later, when a row changed while the store was open") {
    auto store = fixture.open_claimed();
    ask_sqlite(fixture.segment(1), "UPDATE events SET seq = 3 WHERE position = 4");
    append_committed(*store, {rows_for(stream_number(2), 0, 2, fixture.epoch)});
    std::uint64_t next = 2;
    StoreErrorKind kind = StoreErrorKind::unavailable;
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (kind != StoreErrorKind::corrupt && std::chrono::steady_clock::now() < end) {
      std::vector<StreamAppend> batch{rows_for(stream_number(2), next, 1, fixture.epoch)};
      const auto appended = store->append(batch);
      if (const auto* failed = error_of(appended))
        kind = failed->kind;
      else
        ++next;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    CHECK(kind == StoreErrorKind::corrupt);
  }
}

TEST_CASE("a segment that was being made when the process died is made again") {
  SqliteFixture fixture(10);
  {
    const auto store = fixture.open_claimed();
    append_committed(*store, {rows_for(stream_number(1), 0, 10, fixture.epoch)});
  }
  { std::ofstream empty(fixture.segment(2)); }
  const auto store = fixture.open_claimed();
  append_committed(*store, {rows_for(stream_number(2), 0, 1, fixture.epoch)});
  CHECK(positions_of(must(store->read_all(0, 100))) == count_up(1, 11));
  CHECK(must(store->stats()).segments == 2);
}

TEST_CASE("a segment that was taken away is missed at the next open") {
  SqliteFixture fixture(10);
  {
    const auto store = fixture.open_claimed();
    write_spread(*store, 20, 1, fixture.epoch);
  }
  std::filesystem::remove(fixture.segment(2));
  const auto opened = open_sqlite_store(fixture.options());
  REQUIRE(error_of(opened));
  CHECK(error_of(opened)->kind == StoreErrorKind::corrupt);
  CHECK(error_of(opened)->detail.find("segment-000002.db") != std::string::npos);
}

TEST_CASE("a second writer is refused and told who holds the journal") {
  SqliteFixture fixture;
  {
    const auto store = fixture.open_claimed();
    const auto second = open_sqlite_store(fixture.options());
    REQUIRE(error_of(second));
    CHECK(error_of(second)->kind == StoreErrorKind::unavailable);
    CHECK(error_of(second)->detail.find(std::to_string(getpid())) != std::string::npos);
    append_committed(*store, {rows_for(stream_number(1), 0, 1, fixture.epoch)});
  }
  CHECK(must(fixture.open()->read_all(0, 10)).size() == 1);
}

TEST_CASE(
    "a reader beside a writer sees what is committed, over new segments too, and writes nothing") {
  SqliteFixture fixture(10);
  const auto store = fixture.open_claimed();
  append_committed(*store, {rows_for(stream_number(1), 0, 3, fixture.epoch)});
  const auto reader = fixture.open_read_only();
  CHECK(must(reader->read_all(0, 10)).size() == 3);
  for (std::uint64_t i = 10; i < 40; ++i)
    append_committed(*store, {rows_for(stream_number(i), 0, 1, fixture.epoch)});
  append_committed(*store, {rows_for(stream_number(1), 3, 1, fixture.epoch)});
  CHECK(positions_of(must(reader->read_all(0, 100))) == count_up(1, 34));
  CHECK(positions_of(must(reader->read_stream(stream_number(1)))) ==
        std::vector<std::uint64_t>{1, 2, 3, 34});
  CHECK(seqs_of(must(reader->read_stream(stream_number(1), 3))) == count_up(4, 4));
  CHECK(must(reader->stats()).last_position == 34);
  REQUIRE(sealed_in_time(fixture.segment(1)));
  CHECK(must(reader->read_stream(stream_number(1))).size() == 4);

  std::vector<StreamAppend> batch{rows_for(stream_number(99), 0, 1, fixture.epoch)};
  CHECK(error_of(reader->append(batch)));
  CHECK(error_of(reader->claim_epochs(shard_count)));
  CHECK(error_of(reader->probe()));
  CHECK(error_of(reader->checkpoint({})));
  append_committed(*store, {rows_for(stream_number(99), 0, 1, fixture.epoch)});
}

TEST_CASE("a stopped node's journal can be read, and one that never was cannot") {
  SqliteFixture fixture(10);
  CHECK(error_of(open_sqlite_store(fixture.options(true))));
  {
    const auto store = fixture.open_claimed();
    write_spread(*store, 20, 4, fixture.epoch);
    ViewDelta delta;
    delta.position = 80;
    delta.epoch = fixture.epoch;
    must(store->checkpoint(delta));
  }
  const auto reader = fixture.open_read_only();
  check_spread(*reader, 20);
  CHECK(must(reader->view_position()) == 80);
  CHECK(must(reader->stats()).events == 80);
}

TEST_CASE("nothing is left of the write-ahead logs after a clean stop") {
  SqliteFixture fixture(10);
  {
    const auto store = fixture.open_claimed();
    write_spread(*store, 20, 4, fixture.epoch);
    must(store->list_cards({}));
    must(store->read_all(0, 1'000));
    // A stop interrupts the sealing, which the next open resumes: here it is to be over.
    REQUIRE(logs_dropped_in_time(fixture));
  }
  CHECK(logs_left(fixture).empty());
}

TEST_CASE("a segment that is read while it is sealed keeps its log only as long as it is read") {
  SqliteFixture fixture(10);
  const bool until_stop = GENERATE(false, true);
  CAPTURE(until_stop);
  {
    const auto store = fixture.open_claimed();
    append_committed(*store, {rows_for(stream_number(1), 0, 9, fixture.epoch)});
    auto reader = fixture.open_read_only();
    CHECK(must(reader->read_all(0, 100)).size() == 9);
    append_committed(*store, {rows_for(stream_number(2), 0, 1, fixture.epoch)});
    append_committed(*store, {rows_for(stream_number(3), 0, 1, fixture.epoch)});
    REQUIRE(sealed_in_time(fixture.segment(1)));
    CHECK(segment_logs(fixture) == 2);
    reader.reset();
    if (!until_stop) REQUIRE(logs_dropped_in_time(fixture));
  }
  CHECK(logs_left(fixture).empty());
}

TEST_CASE("a person in the sqlite3 shell reads times and hashes") {
  SqliteFixture fixture;
  const auto store = fixture.open_claimed();
  StreamAppend item = rows_for(stream_number(1), 0, 1, fixture.epoch);
  item.rows[0].at_us = 1'700'000'000'000'042;
  append_committed(*store, {item});
  CHECK(ask_sqlite(fixture.segment(1),
                   "SELECT position, stream, seq, type, version, payload, at, causation_id, "
                   "correlation_id, prev_hash, hash FROM journal") ==
        "1|" + item.stream.text() +
            "|1|payment_paid|1|{\"n\":1}|2023-11-14T22:13:20.000042Z|cause|" + "correlation|" +
            hex(hash_of(0)) + "|" + hex(hash_of(1)) + "\n");
}

TEST_CASE("every file records its migrations, and a newer file is refused") {
  SqliteFixture fixture;
  { fixture.open_claimed(); }
  for (const std::string name : {"segment-000001.db", "views.db", "meta.db"}) {
    CAPTURE(name);
    const std::string path = fixture.folder() + "/" + name;
    CHECK(ask_sqlite(path, "SELECT count(*) > 0 FROM schema_migrations") == "1\n");
    ask_sqlite(path, "INSERT INTO schema_migrations VALUES (999, 'from_the_future', '')");
    const auto opened = open_sqlite_store(fixture.options());
    REQUIRE(error_of(opened));
    CHECK(error_of(opened)->detail.find("999") != std::string::npos);
    CHECK(error_of(opened)->detail.find(name) != std::string::npos);
    ask_sqlite(path, "DELETE FROM schema_migrations WHERE number = 999");
    CHECK_FALSE(error_of(open_sqlite_store(fixture.options())));
  }
}

TEST_CASE("how far the journal has come is known without the views too") {
  SqliteFixture fixture;
  {
    const auto store = fixture.open_claimed();
    append_committed(*store, {rows_for(stream_number(1), 0, 2, fixture.epoch)});
    ViewDelta delta;
    delta.position = 2;
    delta.epoch = fixture.epoch;
    delta.hash = hash_of(2);
    must(store->checkpoint(delta));
  }
  std::filesystem::remove(fixture.folder() + "/views.db");
  for (const bool read_only : {true, false}) {
    const auto store = must_open(open_sqlite_store(fixture.options(read_only)));
    CHECK_FALSE(must(find_broken_mark(*store)));
  }
  ask_sqlite(fixture.segment(1), "DELETE FROM events WHERE position = 2");
  const auto broken = must(find_broken_mark(*fixture.open()));
  REQUIRE(broken);
  CHECK(broken->text() ==
        "the journal ends at position 1, but meta.db had seen it reach position 2: events were cut "
        "off");
}

TEST_CASE("a journal whose meta.db is gone or empty is opened only when that is accepted") {
  SqliteFixture fixture;
  {
    const auto store = fixture.open_claimed();
    append_committed(*store, {rows_for(stream_number(1), 0, 2, fixture.epoch)});
  }
  SECTION("gone") { std::filesystem::remove(fixture.folder() + "/meta.db"); }
  SECTION("empty") {
    ask_sqlite(fixture.folder() + "/meta.db", "DELETE FROM settings; DELETE FROM shards");
  }
  const auto refused = open_sqlite_store(fixture.options());
  REQUIRE(error_of(refused));
  CHECK(error_of(refused)->kind == StoreErrorKind::corrupt);
  CHECK(error_of(refused)->detail.find("meta.db") != std::string::npos);
  StoreOptions accepting = fixture.options();
  accepting.accept_truncated = true;
  const auto store = must_open(open_sqlite_store(accepting));
  must(store->claim_epochs(shard_count));
  CHECK(must(store->read_all(0, 10)).size() == 2);
}

TEST_CASE("a journal's files are its owner's alone, whatever the umask") {
  SqliteFixture fixture(2);
  const auto store = fixture.open_claimed();
  append_committed(*store, {rows_for(stream_number(1), 0, 3, fixture.epoch)});
  ViewDelta nothing;
  nothing.epoch = fixture.epoch;
  must(store->checkpoint(nothing));
  CHECK(paths_open_to_others(fixture.options()).empty());
  CHECK(std::filesystem::exists(fixture.segment(1) + "-wal"));
  std::filesystem::permissions(fixture.segment(1), std::filesystem::perms::group_read,
                               std::filesystem::perm_options::add);
  CHECK(paths_open_to_others(fixture.options()) == std::vector<std::string>{fixture.segment(1)});
}

TEST_CASE("views that were deleted start anew from position zero") {
  SqliteFixture fixture;
  {
    const auto store = fixture.open_claimed();
    append_committed(*store, {rows_for(stream_number(1), 0, 2, fixture.epoch)});
    ViewDelta delta;
    delta.position = 2;
    delta.epoch = fixture.epoch;
    must(store->checkpoint(delta));
  }
  std::filesystem::remove(fixture.folder() + "/views.db");
  const auto store = fixture.open();
  CHECK(must(store->view_position()) == 0);
  CHECK(must(store->read_all(0, 10)).size() == 2);
}

TEST_CASE("a journal needs a folder and a size for its segments") {
  CHECK(error_of(open_sqlite_store({"sqlite:"})));
  SqliteFixture fixture(0);
  CHECK(error_of(open_sqlite_store(fixture.options())));
}
