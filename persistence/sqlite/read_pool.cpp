// The pool of read-only connections.
#include "persistence/sqlite/read_pool.hpp"

#include <filesystem>
#include <system_error>

namespace welkin::sqlite {
namespace {

bool has_wal(const std::string& path) {
  std::error_code ignored;
  const auto size = std::filesystem::file_size(path + "-wal", ignored);
  return !ignored && size > 0;
}

// Many connections lie idle, one a file and reader, and each would keep 2 MB of pages by SQLite's
// default: together more than all payments in memory. The kernel has these pages anyway.
constexpr const char* small_cache = "PRAGMA cache_size=-256";

// A sealed segment has left WAL mode and never changes again: reading it needs no locks. Anything
// else is read beside its writer, unless there is none and the folder is not ours to write: SQLite
// then cannot make the side files that even a reader of a WAL database needs.
StoreResult<std::unique_ptr<Connection>> open_as_it_lies(const std::string& path) {
  if (header_says_rollback_journal(path)) return Connection::open(path, OpenMode::immutable);
  auto opened = Connection::open(path, OpenMode::read_only);
  if (const auto* failed = error_of(opened)) return *failed;
  auto& connection = *std::get<std::unique_ptr<Connection>>(opened);
  if (connection.execute("SELECT 1 FROM sqlite_master") && !has_wal(path))
    return Connection::open(path, OpenMode::immutable);
  return opened;
}

StoreResult<std::unique_ptr<Connection>> open_for_reading(const std::string& path) {
  auto opened = open_as_it_lies(path);
  if (error_of(opened)) return opened;
  if (auto failed = std::get<std::unique_ptr<Connection>>(opened)->execute(small_cache))
    return *failed;
  return opened;
}

}  // namespace

StoreResult<ReadPool::Lease> ReadPool::acquire(const std::string& path) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (auto candidate = idle_.begin(); candidate != idle_.end(); ++candidate) {
      if ((*candidate)->path() != path) continue;
      Lease lease(*this, std::move(*candidate));
      idle_.erase(candidate);
      return StoreResult<Lease>(std::move(lease));
    }
  }
  auto opened = open_for_reading(path);
  if (const auto* failed = error_of(opened)) return *failed;
  return StoreResult<Lease>(Lease(*this, std::move(std::get<std::unique_ptr<Connection>>(opened))));
}

void ReadPool::discard(const std::string& path) {
  std::list<std::unique_ptr<Connection>> closing;
  const std::lock_guard<std::mutex> lock(mutex_);
  for (auto candidate = idle_.begin(); candidate != idle_.end();) {
    const auto next = std::next(candidate);
    if ((*candidate)->path() == path) closing.splice(closing.end(), idle_, candidate);
    candidate = next;
  }
}

void ReadPool::clear() {
  const std::lock_guard<std::mutex> lock(mutex_);
  idle_.clear();
}

void ReadPool::give_back(std::unique_ptr<Connection> connection) {
  std::unique_ptr<Connection> evicted;  // closed after the lock is let go
  const std::lock_guard<std::mutex> lock(mutex_);
  idle_.push_front(std::move(connection));
  if (idle_.size() <= idle_limit) return;
  evicted = std::move(idle_.back());
  idle_.pop_back();
}

}  // namespace welkin::sqlite
