// The folder a SQLite journal lives in: its file names, and the lock that keeps a second writer
// out.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "persistence/sqlite/sqlite_connection.hpp"

namespace welkin::sqlite {

class JournalFolder {
 public:
  explicit JournalFolder(std::string path) : path_(std::move(path)) {}

  std::string segment_path(std::uint32_t number) const;  // "…/segment-000001.db"
  std::string views_path() const { return path_ + "/views.db"; }
  std::string meta_path() const { return path_ + "/meta.db"; }
  const std::string& path() const { return path_; }

  // For its owner alone, if it is not there.
  Failure create() const;
  bool has_meta() const;
  bool has_views() const;
  // The folder and those of its files that others than their owner may read or write.
  std::vector<std::string> open_to_others() const;
  bool exists() const;
  // In ascending order; a gap between them means that somebody took a file away.
  StoreResult<std::vector<std::uint32_t>> segment_numbers() const;
  StoreResult<std::uint64_t> bytes() const;
  // A new file survives a power cut only once its folder is synced.
  Failure sync() const;

 private:
  std::string path_;
};

// Held for as long as a process writes the journal. The kernel lets go of it when the process dies.
class WriterLock {
 public:
  WriterLock() = default;
  ~WriterLock();
  WriterLock(const WriterLock&) = delete;
  WriterLock& operator=(const WriterLock&) = delete;

  // Unavailable, naming the process that holds it, when there is one.
  Failure acquire(const JournalFolder& folder);

 private:
  int descriptor_ = -1;
};

}  // namespace welkin::sqlite
