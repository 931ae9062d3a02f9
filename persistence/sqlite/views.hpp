// views.db: what lists, timers and idempotency look up. Derived from events, so it is committed
// without waiting for the disk: a power cut takes it back to an older view_position, never to a
// mixed state.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "persistence/sqlite/read_pool.hpp"

namespace welkin::sqlite {

// What idempotency keys are indexed by. Two keys may share it, so the texts are compared as well.
std::int64_t idempotency_hash(std::string_view merchant_id, std::string_view key);

// One thread at a time.
class ViewsWriter {
 public:
  explicit ViewsWriter(std::string path) : path_(std::move(path)) {}

  // Makes or migrates the file.
  Failure open() { return connect(); }
  Failure empty();
  Failure checkpoint(const ViewDelta& delta);

 private:
  Failure connect();
  Failure write(const ViewDelta& delta);
  Failure write_cards(const std::vector<Card>& cards);
  Failure write_card(const Card& card);
  Failure write_open_card(const Card& card);
  Failure write_idempotency(const std::vector<IdempotencyRecord>& records);
  Failure write_idempotency(const IdempotencyRecord& record, std::int64_t hash);
  Failure write_snapshot(const Snapshot& snapshot);
  Failure write_position(const ViewDelta& delta);
  Failure forget(UnixUs before_us);
  Failure run(Statement& statement, std::string_view doing);

  std::string path_;
  std::unique_ptr<Connection> connection_;  // null after a failure, until the next checkpoint
};

// Any thread.
class ViewsReader {
 public:
  ViewsReader(std::string path, ReadPool& readers) : path_(std::move(path)), readers_(readers) {}

  StoreResult<std::uint64_t> position() const;
  StoreResult<JournalMark> mark() const;
  StoreResult<std::vector<DueTimer>> due_timers(UnixUs until_us, std::size_t limit) const;
  StoreResult<std::vector<Card>> open_cards(const StreamId& after, std::size_t limit) const;
  StoreResult<std::vector<Card>> list_cards(const CardQuery& query) const;
  StoreResult<std::optional<IdempotencyRecord>> find_idempotency(std::string_view merchant_id,
                                                                 std::string_view key) const;
  StoreResult<std::optional<Snapshot>> load_snapshot(const StreamId& stream) const;
  // For a process that only reads: that the tables are those this program knows.
  Failure check() const;

 private:
  StoreResult<ReadPool::Lease> lease() const;

  std::string path_;
  ReadPool& readers_;
};

}  // namespace welkin::sqlite
