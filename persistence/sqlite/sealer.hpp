// A thread for the work on segments that the writer must not wait for: sealing full segments
// (unique index, Bloom filter, final checkpoint) and copying the live segment's write-ahead log.
//
// Sealing is one transaction, so a crash in its middle leaves a live segment, which the next open
// hands here again. A failure is tried again every second for as long as the store is open; only a
// duplicate (stream, seq) ends it, because no retry mends that, and the store refuses to go on. A
// sealed segment that somebody reads at that moment keeps its write-ahead log for a while, and is
// rid of it later.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "persistence/sqlite/segment.hpp"

namespace welkin::sqlite {

class Sealer {
 public:
  explicit Sealer(ReadPool& readers) : readers_(readers), thread_([this] { run(); }) {}
  // Breaks off what it is doing; the next open resumes it. What is sealed is rid of its log first,
  // so the readers must have let go.
  ~Sealer();
  Sealer(const Sealer&) = delete;
  Sealer& operator=(const Sealer&) = delete;

  // `connection` is the one that wrote the segment, or null.
  void seal(std::shared_ptr<Segment> segment, std::unique_ptr<Connection> connection);
  // Turns the segment's wal_turn to writer_rewinds when it is done.
  void copy_wal(std::shared_ptr<Segment> segment);
  // Full segments that are not sealed yet.
  std::size_t waiting() const { return waiting_.load(std::memory_order_acquire); }
  // Set once sealing has found rows that must not exist.
  Failure corruption() const;

 private:
  struct Full {
    std::shared_ptr<Segment> segment;
    std::unique_ptr<Connection> connection;
  };

  void run();
  void seal_next(Full& full);
  Failure seal_file(Full& full, bool& has_log);
  Failure write_seal(Connection& connection, Segment& segment);
  void copy(Segment& segment);
  bool has_other_work() const { return stopping_ || to_copy_ || !full_.empty(); }
  // Tries each segment that still has a log once.
  void drop_logs();
  // Lets ~Sealer break off a long statement.
  bool set_interruptible(sqlite3* handle);

  ReadPool& readers_;
  std::atomic<std::size_t> waiting_{0};
  std::vector<std::string> logged_;  // sealed, and with a log yet: the thread's own
  mutable std::mutex mutex_;         // guards everything below
  std::condition_variable wake_;
  bool stopping_ = false;
  bool retry_later_ = false;
  std::deque<Full> full_;
  std::shared_ptr<Segment> to_copy_;
  sqlite3* interruptible_ = nullptr;
  Failure corruption_;
  std::thread thread_;  // last: it uses all of the above
};

// Turns a sealed segment into a plain file. False: somebody has it open.
bool leave_wal_mode(Connection& connection, ReadPool& readers);

}  // namespace welkin::sqlite
