// One bounded file of the journal, as everybody but its writer sees it: which positions and streams
// it holds, and how to read them.
//
// A segment is live while it is written and until it is sealed: it has no index on disk, and memory
// knows every stream's rows. Once sealed it has the unique index (stream, seq) on disk and memory
// keeps a Bloom filter.
//
// Const functions: any thread. The others: the writer's thread, but for `become_sealed`, which is
// the sealer's.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "persistence/sqlite/read_pool.hpp"
#include "persistence/sqlite/stream_index.hpp"

namespace welkin::sqlite {

// Rows of one stream that were just committed, in the order they were written.
struct CommittedRows {
  StreamId stream;
  std::uint64_t first_seq = 0;
  std::size_t count = 0;
};

// Whose turn it is with the write-ahead log of a live segment.
enum class WalTurn : std::uint8_t {
  writer_fills,
  sealer_copies,   // into the database file, while the writer goes on
  writer_rewinds,  // copies the little that came in meanwhile and starts over at the log's begin
};

class Segment {
 public:
  enum class LoadAs : std::uint8_t { writer, reader };

  // An empty one, just made.
  Segment(std::string path, std::uint32_t number, std::uint64_t base_position)
      : path_(std::move(path)), number_(number), base_position_(base_position) {}

  // Null when the file was made but never got its tables: the process died in between.
  // A writer's segment that is not sealed gets its memory rebuilt from the rows.
  static StoreResult<std::shared_ptr<Segment>> load(Connection& connection, std::string path,
                                                    std::uint32_t number, LoadAs role);

  const std::string& path() const { return path_; }
  std::uint32_t number() const { return number_; }
  std::uint64_t base_position() const { return base_position_; }
  std::uint64_t row_count() const { return row_count_.load(std::memory_order_acquire); }
  std::uint64_t last_position() const { return base_position_ + row_count() - 1; }
  bool sealed() const { return sealed_.load(std::memory_order_acquire); }

  // Cheap and certain when true; false also for segments that are not sealed.
  bool rules_out(const BloomKey& key) const { return sealed() && !bloom_->may_hold(key); }
  void prefetch(const BloomKey& key) const {
    if (sealed()) bloom_->prefetch(key);
  }
  // The stream's last seq in this segment, 0 when it has none here.
  StoreResult<std::uint64_t> last_seq(ReadPool& readers, const StreamId& stream) const;
  // Appends to `rows` the stream's rows of this segment with seq > after_seq, in order.
  Failure read_stream(ReadPool& readers, const StreamId& stream, std::uint64_t after_seq,
                      std::vector<EventRow>& rows) const;
  // Appends rows with position > after_position, in order, until `rows` holds `limit`.
  Failure read_after(ReadPool& readers, std::uint64_t after_position, std::size_t limit,
                     std::vector<EventRow>& rows) const;

  // Makes rows visible that the file holds durably.
  void publish(const std::vector<CommittedRows>& committed);
  // Takes in the rows of the file that memory does not know of.
  Failure adopt_rows(Connection& connection);
  BloomFilter make_bloom_filter() const;
  void become_sealed(BloomFilter filter);

  std::atomic<WalTurn> wal_turn{WalTurn::writer_fills};

 private:
  enum class Known : std::uint8_t { absent, in_memory, ask_file };
  Known look_up(const StreamId& stream, std::uint64_t after_seq, StreamTail& tail,
                std::vector<std::uint32_t>* rows) const;

  const std::string path_;
  const std::uint32_t number_;
  const std::uint64_t base_position_;
  std::atomic<std::uint64_t> row_count_{0};
  std::atomic<bool> sealed_{false};
  mutable std::mutex mutex_;                                         // guards live_
  std::unique_ptr<LiveIndex> live_ = std::make_unique<LiveIndex>();  // null: ask the file
  std::optional<BloomFilter> bloom_;  // set before sealed_ turns true, and never again
};

using SegmentList = std::vector<std::shared_ptr<Segment>>;

}  // namespace welkin::sqlite
