// Sealing in the background.
#include "persistence/sqlite/sealer.hpp"

#include <pthread.h>

#include <chrono>

#include "persistence/sqlite/schema.hpp"

namespace welkin::sqlite {
namespace {

constexpr auto retry_interval = std::chrono::seconds(1);

constexpr const char* create_index =
    "CREATE UNIQUE INDEX IF NOT EXISTS events_stream_seq ON events (stream, seq)";
constexpr const char* update_header =
    "UPDATE segment SET sealed = 1, last_position = ?1, bloom = ?2 WHERE id = 1";

}  // namespace

Sealer::~Sealer() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
    if (interruptible_) sqlite3_interrupt(interruptible_);
  }
  wake_.notify_all();
  thread_.join();
  drop_logs();
}

void Sealer::seal(std::shared_ptr<Segment> segment, std::unique_ptr<Connection> connection) {
  const std::lock_guard<std::mutex> lock(mutex_);
  waiting_.fetch_add(1, std::memory_order_acq_rel);
  full_.push_back({std::move(segment), std::move(connection)});
  wake_.notify_all();
}

void Sealer::copy_wal(std::shared_ptr<Segment> segment) {
  const std::lock_guard<std::mutex> lock(mutex_);
  to_copy_ = std::move(segment);
  wake_.notify_all();
}

Failure Sealer::corruption() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return corruption_;
}

bool Sealer::set_interruptible(sqlite3* handle) {
  const std::lock_guard<std::mutex> lock(mutex_);
  interruptible_ = handle;
  return !stopping_;
}

void Sealer::run() {
  pthread_setname_np(pthread_self(), "welkin.sealer");
  std::unique_lock<std::mutex> lock(mutex_);
  while (!stopping_) {
    if (to_copy_) {
      const auto segment = std::move(to_copy_);
      lock.unlock();
      copy(*segment);
      lock.lock();
    } else if (retry_later_) {
      retry_later_ = false;
      wake_.wait_for(lock, retry_interval);
    } else if (!full_.empty()) {
      Full next = std::move(full_.front());
      full_.pop_front();
      lock.unlock();
      seal_next(next);
      lock.lock();
    } else if (!logged_.empty()) {
      if (wake_.wait_for(lock, retry_interval, [this] { return has_other_work(); })) continue;
      lock.unlock();
      drop_logs();
      lock.lock();
    } else {
      wake_.wait(lock);
    }
  }
}

void Sealer::seal_next(Full& full) {
  bool has_log = false;
  const Failure failed = seal_file(full, has_log);
  set_interruptible(nullptr);
  full.connection.reset();  // the next try starts from a clean one
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!failed) {
    if (has_log) logged_.push_back(full.segment->path());
    waiting_.fetch_sub(1, std::memory_order_acq_rel);
    return;
  }
  if (failed->kind == StoreErrorKind::corrupt) {
    corruption_ = failed;
  } else {
    retry_later_ = true;
    full_.push_front(std::move(full));
  }
}

Failure Sealer::seal_file(Full& full, bool& has_log) {
  Segment& segment = *full.segment;
  if (!full.connection) {
    auto opened = Connection::open(segment.path(), OpenMode::create);
    if (const auto* failed = error_of(opened)) return *failed;
    full.connection = std::move(std::get<std::unique_ptr<Connection>>(opened));
    if (auto failed = set_up_writer(*full.connection, true)) return failed;
    if (auto failed = migrate(*full.connection, segment_schema)) return failed;
  }
  Connection& connection = *full.connection;
  if (!set_interruptible(connection.handle()))
    return StoreError{StoreErrorKind::unavailable, "the store is closing"};
  if (auto failed = write_seal(connection, segment)) return failed;
  has_log = !leave_wal_mode(connection, readers_);
  return {};
}

Failure Sealer::write_seal(Connection& connection, Segment& segment) {
  BloomFilter filter = segment.make_bloom_filter();
  const std::string filter_bytes = filter.bytes();
  Transaction transaction(connection);
  if (auto failed = transaction.begin()) return failed;
  if (auto failed = connection.execute(create_index)) return failed;
  {
    auto prepared = connection.prepare(update_header);
    if (const auto* failed = error_of(prepared)) return *failed;
    auto& header = *std::get<StatementScope>(prepared);
    header.bind(1, segment.last_position());
    header.bind_blob(2, filter_bytes.data(), filter_bytes.size());
    const int code = header.step();
    if (code != SQLITE_DONE) return connection.error(code, update_header);
  }
  if (auto failed = transaction.commit()) return failed;
  segment.become_sealed(std::move(filter));
  return {};
}

void Sealer::copy(Segment& segment) {
  if (!segment.sealed()) {
    // A failure leaves the copying to the writer, whose turn comes either way.
    auto opened = Connection::open(segment.path(), OpenMode::create);
    if (!error_of(opened))
      sqlite3_wal_checkpoint_v2(std::get<std::unique_ptr<Connection>>(opened)->handle(), nullptr,
                                SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  }
  segment.wal_turn.store(WalTurn::writer_rewinds, std::memory_order_release);
}

void Sealer::drop_logs() {
  std::vector<std::string> still_logged;
  for (const std::string& path : logged_) {
    auto opened = Connection::open(path, OpenMode::create);
    if (error_of(opened) ||
        !leave_wal_mode(*std::get<std::unique_ptr<Connection>>(opened), readers_))
      still_logged.push_back(path);
  }
  logged_ = std::move(still_logged);
}

bool leave_wal_mode(Connection& connection, ReadPool& readers) {
  // Without its write-ahead log a sealed segment is one plain file that can be copied, archived and
  // read without locks. A reader that has it open keeps SQLite from this.
  readers.discard(connection.path());
  auto prepared = connection.prepare_once("PRAGMA journal_mode=DELETE");
  if (error_of(prepared)) return false;
  auto& mode = *std::get<std::unique_ptr<Statement>>(prepared);
  return mode.step() == SQLITE_ROW && mode.text(0) == "delete";
}

}  // namespace welkin::sqlite
