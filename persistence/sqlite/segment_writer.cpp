// Writing rows: a prepared single-row insert into a table without a secondary index, which is the
// fastest durable form measured for SQLite.
#include "persistence/sqlite/segment_writer.hpp"

#include "persistence/sqlite/schema.hpp"
#include "persistence/sqlite/sealer.hpp"

namespace welkin::sqlite {
namespace {

// 8 MB. Events only grow at the end, so a long log saves no page a second copy, and copying little
// at a time keeps the disk free for the next commit: with 40 MB one commit in a thousand waited 47
// ms where it now waits 12.
constexpr int wal_frames_before_copy = 1'000;
// A quarter less time a row than 4 KB at 300 rows a commit, and no more at 8: fewer, larger writes.
constexpr const char* set_page_size = "PRAGMA page_size=8192";

constexpr const char* insert_event =
    "INSERT INTO events (position, stream, seq, type, version, payload, at_us, causation_id, "
    "correlation_id, prev_hash, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
constexpr const char* insert_header =
    "INSERT OR IGNORE INTO segment (id, base_position) VALUES (1, ?1)";
constexpr const char* select_base = "SELECT base_position FROM segment WHERE id = 1";
constexpr const char* count_probe = "UPDATE segment SET probes = probes + 1 WHERE id = 1";

int note_wal_frames(void* frames, sqlite3*, const char*, int count) {
  *static_cast<int*>(frames) = count;
  return SQLITE_OK;
}

}  // namespace

StoreResult<std::unique_ptr<SegmentWriter>> SegmentWriter::create(const std::string& path,
                                                                  std::uint64_t base_position) {
  auto opened = Connection::open(path, OpenMode::create);
  if (const auto* failed = error_of(opened)) return *failed;
  std::unique_ptr<SegmentWriter> writer(
      new SegmentWriter(std::move(std::get<std::unique_ptr<Connection>>(opened))));
  Connection& connection = writer->connection();
  if (auto failed = connection.execute(set_page_size)) return *failed;
  if (auto failed = set_up_writer(connection, true)) return *failed;
  if (auto failed = migrate(connection, segment_schema)) return *failed;
  {
    auto prepared = connection.prepare(insert_header);
    if (const auto* failed = error_of(prepared)) return *failed;
    auto& header = *std::get<StatementScope>(prepared);
    header.bind(1, base_position);
    const int code = header.step();
    if (code != SQLITE_DONE) return connection.error(code, insert_header);
  }
  auto base = connection.query_integer(select_base, 0);
  if (const auto* failed = error_of(base)) return *failed;
  if (std::get<std::int64_t>(base) != static_cast<std::int64_t>(base_position))
    return StoreError{StoreErrorKind::corrupt, path + ": does not follow the segment before it"};
  if (auto failed = writer->prepare()) return *failed;
  return writer;
}

StoreResult<std::unique_ptr<SegmentWriter>> SegmentWriter::open(const std::string& path) {
  auto opened = Connection::open(path, OpenMode::create);
  if (const auto* failed = error_of(opened)) return *failed;
  std::unique_ptr<SegmentWriter> writer(
      new SegmentWriter(std::move(std::get<std::unique_ptr<Connection>>(opened))));
  if (auto failed = set_up_writer(writer->connection(), true)) return *failed;
  if (auto failed = migrate(writer->connection(), segment_schema)) return *failed;
  if (auto failed = writer->prepare()) return *failed;
  return writer;
}

Failure SegmentWriter::prepare() {
  sqlite3_wal_hook(connection_->handle(), note_wal_frames, wal_frames_.get());
  auto prepared = connection_->prepare_once(insert_event);
  if (const auto* failed = error_of(prepared)) return *failed;
  insert_ = std::move(std::get<std::unique_ptr<Statement>>(prepared));
  return {};
}

Failure SegmentWriter::insert(const EventRow& row, std::string_view stream_text) {
  insert_->bind(1, row.position);
  insert_->bind(2, stream_text);
  insert_->bind(3, row.seq);
  insert_->bind(4, std::string_view(row.type));
  insert_->bind(5, std::int64_t{row.version});
  insert_->bind(6, std::string_view(row.payload));
  insert_->bind(7, std::int64_t{row.at_us});
  insert_->bind(8, std::string_view(row.causation_id));
  insert_->bind(9, std::string_view(row.correlation_id));
  insert_->bind(10, row.prev_hash);
  insert_->bind(11, row.hash);
  const int code = insert_->step();
  insert_->reset();
  if (code != SQLITE_DONE) return connection_->error(code, insert_event);
  return {};
}

Failure SegmentWriter::probe() {
  Transaction transaction(*connection_);
  if (auto failed = transaction.begin()) return failed;
  if (auto failed = connection_->execute(count_probe)) return failed;
  return transaction.commit();
}

void SegmentWriter::tend_wal(const std::shared_ptr<Segment>& segment, Sealer& sealer) {
  if (*wal_frames_ < wal_frames_before_copy) return;
  const WalTurn turn = segment->wal_turn.load(std::memory_order_acquire);
  if (turn == WalTurn::writer_fills) {
    segment->wal_turn.store(WalTurn::sealer_copies, std::memory_order_release);
    sealer.copy_wal(segment);
    return;
  }
  if (turn == WalTurn::sealer_copies) return;
  // Once everything is copied, the next commit starts over at the log's begin. Should this fail,
  // the log goes on growing and the next round tries again; a disk that is full shows in the
  // commit.
  sqlite3_wal_checkpoint_v2(connection_->handle(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr,
                            nullptr);
  segment->wal_turn.store(WalTurn::writer_fills, std::memory_order_release);
}

std::unique_ptr<Connection> SegmentWriter::release() {
  insert_.reset();
  sqlite3_wal_hook(connection_->handle(), nullptr, nullptr);
  return std::move(connection_);
}

}  // namespace welkin::sqlite
