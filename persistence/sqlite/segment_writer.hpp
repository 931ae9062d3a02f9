// The one connection that writes the newest segment.
//
// One thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "persistence/sqlite/segment.hpp"

namespace welkin::sqlite {

class Sealer;

class SegmentWriter {
 public:
  // Makes the file and its tables, or finishes what a crash left of an earlier try.
  static StoreResult<std::unique_ptr<SegmentWriter>> create(const std::string& path,
                                                            std::uint64_t base_position);
  static StoreResult<std::unique_ptr<SegmentWriter>> open(const std::string& path);

  // Within a Transaction on connection(). `row.position` is set already.
  Failure insert(const EventRow& row, std::string_view stream_text);
  // A transaction of its own that changes nothing but a counter.
  Failure probe();
  // Keeps the write-ahead log short without making the writer wait for the bulk of the copying.
  void tend_wal(const std::shared_ptr<Segment>& segment, Sealer& sealer);

  Connection& connection() { return *connection_; }
  // For the sealer, which goes on with it; this object is done then.
  std::unique_ptr<Connection> release();

 private:
  explicit SegmentWriter(std::unique_ptr<Connection> connection)
      : connection_(std::move(connection)) {}
  Failure prepare();

  std::unique_ptr<Connection> connection_;
  std::unique_ptr<Statement> insert_;
  std::unique_ptr<int> wal_frames_ = std::make_unique<int>(0);  // SQLite's hook holds its address
};

}  // namespace welkin::sqlite
