// The SQLite store on a disk that fails: what it answers must be what is on the disk, also after a
// crash, and it must come back by itself.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/contract/faulty_vfs.hpp"
#include "tests/contract/sqlite_fixture.hpp"

using namespace welkin;
using namespace welkin::test;

namespace {

// What the folder would hold after a crash at this moment. Shared memory dies with the process.
void copy_as_crashed(const std::string& from, const std::string& to) {
  std::filesystem::remove_all(to);
  std::filesystem::create_directories(to);
  for (const auto& file : std::filesystem::directory_iterator(from)) {
    const std::string name = file.path().filename().string();
    if (name.find("-shm") == std::string::npos)
      std::filesystem::copy_file(file.path(), to + "/" + name);
  }
}

std::uint64_t last_position_of(const std::string& folder) {
  const auto store = must_open(open_sqlite_store({"sqlite:" + folder}));
  return must(store->stats()).last_position;
}

// Appends one row while the disk may fail, heals it, and checks the answer against every witness.
// Returns whether an operation failed.
bool append_under_fault(FaultyVfs& disk, DiskOp operations, int code, long nth, long count) {
  SqliteFixture fixture(4);
  TemporaryFolder crashed;
  const auto store = fixture.open_claimed();
  append_committed(*store, {rows_for(stream_number(1), 0, 3, fixture.epoch)});
  disk.fail(operations, code, nth, count, "segment-");
  std::vector<StreamAppend> batch{rows_for(stream_number(2), 0, 3, fixture.epoch),
                                  rows_for(stream_number(1), 3, 1, fixture.epoch)};
  const auto answer = store->append(batch);
  const bool reached = disk.failed() > 0;
  disk.heal();
  copy_as_crashed(fixture.folder(), crashed.path() + "/journal");

  std::uint64_t expected = 7;
  if (const auto* failed = error_of(answer)) {
    CAPTURE(failed->detail);
    CHECK(failed->kind != StoreErrorKind::corrupt);
    const auto found = must(store->read_stream(stream_number(2)));
    CHECK((found.empty() || found.size() == 3));
    if (failed->kind != StoreErrorKind::in_doubt) CHECK(found.empty());
    expected = found.empty() ? 3 : 7;
    if (failed->kind != StoreErrorKind::in_doubt)
      CHECK(last_position_of(crashed.path() + "/journal") == 3);
  } else {
    CHECK(last_position_of(crashed.path() + "/journal") == 7);
  }
  // What was read back holds after a crash as well.
  copy_as_crashed(fixture.folder(), crashed.path() + "/journal");
  CHECK(last_position_of(crashed.path() + "/journal") == expected);
  must(store->probe());
  append_committed(*store, {rows_for(stream_number(3), 0, 1, fixture.epoch)});
  CHECK(positions_of(must(store->read_all(0, 100))) == count_up(1, expected + 1));
  return reached;
}

// One append is a handful of writes and syncs: fail each in turn, until a run passes untouched.
void fail_each(DiskOp operations, int code, long count) {
  FaultyVfs disk;
  long nth = 1;
  bool reached = true;
  for (; reached && nth < 100; ++nth) {
    CAPTURE(nth);
    reached = append_under_fault(disk, operations, code, nth, count);
  }
  CHECK(nth > 2);
  CHECK_FALSE(reached);
}

}  // namespace

TEST_CASE("a full disk is called full, whichever write it meets, and nothing was written") {
  fail_each(DiskOp::write, SQLITE_FULL, 1'000'000);
}

TEST_CASE("a write that fails once is answered truly") {
  fail_each(DiskOp::write, SQLITE_IOERR_WRITE, 1);
}

TEST_CASE("writes that go on failing are answered truly") {
  fail_each(DiskOp::write, SQLITE_IOERR_WRITE, 1'000'000);
}

TEST_CASE("a sync that fails once is answered truly") {
  fail_each(DiskOp::sync, SQLITE_IOERR_FSYNC, 1);
}

TEST_CASE("syncs that go on failing are answered truly") {
  fail_each(DiskOp::sync, SQLITE_IOERR_FSYNC, 1'000'000);
}

TEST_CASE(
    "a commit whose sync fails for good is in doubt, and nothing is read until it is settled") {
  FaultyVfs disk;
  SqliteFixture fixture;
  const auto store = fixture.open_claimed();
  append_committed(*store, {rows_for(stream_number(1), 0, 1, fixture.epoch)});
  disk.fail(DiskOp::sync, SQLITE_IOERR_FSYNC);
  std::vector<StreamAppend> batch{rows_for(stream_number(1), 1, 1, fixture.epoch)};
  const auto answer = store->append(batch);
  REQUIRE(error_of(answer));
  CHECK(error_of(answer)->kind == StoreErrorKind::in_doubt);
  const auto unread = store->read_stream(stream_number(1));
  REQUIRE(error_of(unread));
  CHECK(error_of(unread)->kind == StoreErrorKind::unavailable);
  CHECK(error_of(store->read_all(0, 10)));
  CHECK(error_of(store->probe()));
  CHECK(error_of(store->append(batch)));
  disk.heal();
  const auto seqs = seqs_of(must(store->read_stream(stream_number(1))));
  CHECK((seqs == count_up(1, 1) || seqs == count_up(1, 2)));
  append_committed(*store, {rows_for(stream_number(1), seqs.size(), 1, fixture.epoch)});
}

TEST_CASE("a full disk is reported by append and probe, and the store resumes when it has room") {
  FaultyVfs disk;
  SqliteFixture fixture;
  const auto store = fixture.open_claimed();
  append_committed(*store, {rows_for(stream_number(1), 0, 1, fixture.epoch)});
  disk.fail(DiskOp::write, SQLITE_FULL);
  for (int round = 0; round < 3; ++round) {
    std::vector<StreamAppend> batch{rows_for(stream_number(1), 1, 1, fixture.epoch)};
    const auto answer = store->append(batch);
    REQUIRE(error_of(answer));
    CHECK(error_of(answer)->kind == StoreErrorKind::full);
    const auto probed = store->probe();
    REQUIRE(error_of(probed));
    CHECK(error_of(probed)->kind == StoreErrorKind::full);
    CHECK(must(store->read_stream(stream_number(1))).size() == 1);  // reading goes on
  }
  disk.heal();
  must(store->probe());
  append_committed(*store, {rows_for(stream_number(1), 1, 1, fixture.epoch)});
  CHECK(positions_of(must(store->read_all(0, 10))) == count_up(1, 2));
}

TEST_CASE("a disk too full for a new segment refuses appends until it has room") {
  FaultyVfs disk;
  SqliteFixture fixture(4);
  const auto store = fixture.open_claimed();
  append_committed(*store, {rows_for(stream_number(1), 0, 4, fixture.epoch)});
  disk.fail(DiskOp::write, SQLITE_FULL, 1, 1'000'000, "segment-000002");
  std::vector<StreamAppend> batch{rows_for(stream_number(1), 4, 1, fixture.epoch)};
  for (int round = 0; round < 3; ++round) {
    const auto answer = store->append(batch);
    REQUIRE(error_of(answer));
    CHECK(error_of(answer)->kind == StoreErrorKind::full);
  }
  disk.heal();
  append_committed(*store, {rows_for(stream_number(1), 4, 1, fixture.epoch)});
  CHECK(must(store->stats()).segments == 2);
  CHECK(positions_of(must(store->read_all(0, 10))) == count_up(1, 5));
}

TEST_CASE("sealing that fails is tried again, and nothing is missed meanwhile") {
  FaultyVfs disk;
  SqliteFixture fixture(4);
  const auto store = fixture.open_claimed();
  append_committed(*store, {rows_for(stream_number(1), 0, 4, fixture.epoch)});
  disk.fail(DiskOp::write, SQLITE_FULL, 1, 1'000'000, "segment-000001");
  append_committed(*store, {rows_for(stream_number(2), 0, 4, fixture.epoch)});
  const auto conflict = append(*store, {rows_for(stream_number(1), 0, 1, fixture.epoch)});
  CHECK(conflict[0].actual_seq == 4);
  CHECK(must(store->read_stream(stream_number(1))).size() == 4);
  disk.heal();
  append_committed(*store, {rows_for(stream_number(1), 4, 1, fixture.epoch)});
  CHECK(positions_of(must(store->read_all(0, 100))) == count_up(1, 9));
}

TEST_CASE("a checkpoint that fails changes no view, and the next one succeeds") {
  FaultyVfs disk;
  SqliteFixture fixture;
  const auto store = fixture.open_claimed();
  append_committed(*store, {rows_for(stream_number(1), 0, 2, fixture.epoch)});
  ViewDelta delta;
  delta.position = 1;
  delta.epoch = fixture.epoch;
  must(store->checkpoint(delta));
  delta.position = 2;
  delta.idempotency = {{"shop", "key", "print", stream_number(1), 1, 100}};
  disk.fail(DiskOp::write, SQLITE_FULL, 1, 1'000'000, "views");
  const auto failed = store->checkpoint(delta);
  REQUIRE(error_of(failed));
  CHECK(error_of(failed)->kind == StoreErrorKind::full);
  disk.heal();
  CHECK(must(store->view_position()) == 1);
  CHECK_FALSE(must(store->find_idempotency("shop", "key")).has_value());
  must(store->checkpoint(delta));
  CHECK(must(store->view_position()) == 2);
}

// Opens the journal in a process of its own, which appends one row after another and writes each
// position it was promised, until it is killed.
pid_t start_appending(const SqliteFixture& fixture, int promises) {
  const pid_t child = fork();
  if (child != 0) return child;
  auto opened = open_sqlite_store(fixture.options());
  if (error_of(opened)) _exit(1);
  auto& store = *std::get<std::unique_ptr<JournalStore>>(opened);
  const auto claimed = store.claim_epochs(shard_count);
  const auto before = store.stats();
  if (error_of(claimed) || error_of(before)) _exit(2);
  const std::uint64_t epoch = std::get<0>(claimed)[0];
  for (std::uint64_t i = std::get<0>(before).last_position;; ++i) {
    std::vector<StreamAppend> batch{rows_for(stream_number(i), 0, 1, epoch)};
    if (error_of(store.append(batch))) _exit(3);
    const std::uint64_t position = batch[0].rows[0].position;
    if (write(promises, &position, sizeof position) != sizeof position) _exit(4);
  }
}

TEST_CASE("a killed writer loses nothing it promised, in any phase of its segments") {
  SqliteFixture fixture(7);
  std::uint64_t promised = 0;
  for (std::uint64_t round = 0; round < 15; ++round) {
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    const pid_t child = start_appending(fixture, ends[1]);
    REQUIRE(child > 0);
    close(ends[1]);
    // A different number of rows each time, so that it dies at different places of a segment.
    for (std::uint64_t i = 0; i < 5 + 3 * round; ++i)
      REQUIRE(read(ends[0], &promised, sizeof promised) == sizeof promised);
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    while (read(ends[0], &promised, sizeof promised) == sizeof promised) {
    }
    close(ends[0]);
    if (round % 2 == 0) {
      const auto reader = fixture.open_read_only();
      CHECK(must(reader->stats()).last_position >= promised);
      CHECK(must(reader->read_stream(stream_number(promised - 1))).size() == 1);
    }
    const auto store = fixture.open();
    const auto rows = must(store->read_all(0, 1'000'000));
    CHECK(rows.size() >= promised);
    CHECK((positions_of(rows) == count_up(1, rows.size())));
    CHECK(must(store->read_stream(stream_number(promised - 1))).size() == 1);
  }
}
