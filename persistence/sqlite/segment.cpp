// Reading one segment, from memory where it can say, from the file where it must.
#include "persistence/sqlite/segment.hpp"

#include "persistence/sqlite/schema.hpp"

namespace welkin::sqlite {
namespace {

#define WELKIN_EVENT_COLUMNS                                                             \
  "position, stream, seq, type, version, payload, at_us, causation_id, correlation_id, " \
  "prev_hash, "                                                                          \
  "hash"
constexpr const char* select_header =
    "SELECT base_position, sealed, last_position, bloom FROM segment WHERE id = 1";
constexpr const char* select_keys =
    "SELECT position, stream, seq FROM events WHERE position >= ?1 ORDER BY position";
constexpr const char* select_last_seq = "SELECT max(seq) FROM events WHERE stream = ?1";
constexpr const char* select_by_position =
    "SELECT " WELKIN_EVENT_COLUMNS " FROM events WHERE position = ?1";
constexpr const char* select_by_stream =
    "SELECT " WELKIN_EVENT_COLUMNS " FROM events WHERE stream = ?1 AND seq > ?2 ORDER BY seq";
constexpr const char* select_after =
    "SELECT " WELKIN_EVENT_COLUMNS " FROM events WHERE position > ?1 ORDER BY position LIMIT ?2";
#undef WELKIN_EVENT_COLUMNS

StoreError corrupt(const std::string& path, std::uint64_t position, std::string_view what) {
  return {StoreErrorKind::corrupt,
          path + ": position " + std::to_string(position) + ": " + std::string(what)};
}

Failure take_row(const Statement& from, const std::string& path, std::vector<EventRow>& rows) {
  EventRow& row = rows.emplace_back();
  row.position = from.count(0);
  const auto stream = StreamId::parse(from.text(1));
  if (!stream) return corrupt(path, row.position, "not a stream id");
  row.stream = *stream;
  row.seq = from.count(2);
  row.type = from.text(3);
  row.version = static_cast<int>(from.integer(4));
  row.payload = from.text(5);
  row.at_us = from.integer(6);
  row.causation_id = from.text(7);
  row.correlation_id = from.text(8);
  if (!copy_hash(from.bytes(9), row.prev_hash) || !copy_hash(from.bytes(10), row.hash))
    return corrupt(path, row.position, "a hash is not 32 bytes long");
  return {};
}

// Steps through what is bound already and appends every row.
Failure take_rows(const Connection& connection, Statement& from, std::vector<EventRow>& rows) {
  int code = SQLITE_ROW;
  while ((code = from.step()) == SQLITE_ROW)
    if (auto failed = take_row(from, connection.path(), rows)) return failed;
  if (code != SQLITE_DONE) return connection.error(code, "read events");
  return {};
}

}  // namespace

StoreResult<std::shared_ptr<Segment>> Segment::load(Connection& connection, std::string path,
                                                    std::uint32_t number, LoadAs role) {
  const std::shared_ptr<Segment> unfinished;
  auto schema = check_schema(connection, segment_schema);
  if (const auto* failed = error_of(schema)) return *failed;
  if (std::get<int>(schema) == 0) return unfinished;
  std::shared_ptr<Segment> segment;
  {
    auto prepared = connection.prepare(select_header);
    if (const auto* failed = error_of(prepared)) return *failed;
    auto& header = std::get<StatementScope>(prepared);
    const int code = header->step();
    if (code == SQLITE_DONE) return unfinished;
    if (code != SQLITE_ROW) return connection.error(code, select_header);
    segment = std::make_shared<Segment>(std::move(path), number, header->count(0));
    if (header->integer(1) != 0) {
      auto filter = BloomFilter::from_bytes(header->bytes(3));
      if (!filter || header->count(2) + 1 < segment->base_position_)
        return StoreError{StoreErrorKind::corrupt,
                          connection.path() + ": the seal is not readable"};
      segment->row_count_ = header->count(2) + 1 - segment->base_position_;
      segment->become_sealed(std::move(*filter));
      return segment;
    }
  }
  if (role == LoadAs::reader) {
    segment->live_.reset();
  } else if (auto failed = segment->adopt_rows(connection)) {
    return *failed;
  }
  return segment;
}

Failure Segment::adopt_rows(Connection& connection) {
  auto prepared = connection.prepare(select_keys);
  if (const auto* failed = error_of(prepared)) return *failed;
  auto& keys = *std::get<StatementScope>(prepared);
  const std::lock_guard<std::mutex> lock(mutex_);
  std::uint64_t position = base_position_ + live_->row_count();
  keys.bind(1, position);
  int code = SQLITE_ROW;
  for (; (code = keys.step()) == SQLITE_ROW; ++position) {
    if (keys.count(0) != position) return corrupt(path_, position, "is missing");
    const auto stream = StreamId::parse(keys.text(1));
    if (!stream) return corrupt(path_, position, "not a stream id");
    const std::uint64_t seq = keys.count(2);
    const StreamTail* tail = live_->find(*stream);
    if (seq == 0 || (tail && seq != tail->last_seq + 1))
      return corrupt(path_, position, "its stream's seq does not follow");
    live_->add(*stream, seq, 1);
  }
  if (code != SQLITE_DONE) return connection.error(code, select_keys);
  row_count_.store(live_->row_count(), std::memory_order_release);
  return {};
}

// Fills `tail`, and `rows` if it is wanted, when memory holds the stream.
Segment::Known Segment::look_up(const StreamId& stream, std::uint64_t after_seq, StreamTail& tail,
                                std::vector<std::uint32_t>* rows) const {
  if (!sealed()) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (live_) {
      const StreamTail* found = live_->find(stream);
      if (!found) return Known::absent;
      tail = *found;
      if (rows) *rows = live_->rows_of(stream, after_seq);
      return Known::in_memory;
    }
  }
  // Sealed just now or long ago; or not sealed in a process that only reads and keeps no memory.
  if (!sealed()) return Known::ask_file;
  return bloom_->may_hold(BloomKey(stream)) ? Known::ask_file : Known::absent;
}

StoreResult<std::uint64_t> Segment::last_seq(ReadPool& readers, const StreamId& stream) const {
  StreamTail tail;
  switch (look_up(stream, 0, tail, nullptr)) {
    case Known::absent:
      return std::uint64_t{0};
    case Known::in_memory:
      return tail.last_seq;
    case Known::ask_file:
      break;
  }
  auto leased = readers.acquire(path_);
  if (const auto* failed = error_of(leased)) return *failed;
  auto& connection = *std::get<ReadPool::Lease>(leased);
  auto prepared = connection.prepare(select_last_seq);
  if (const auto* failed = error_of(prepared)) return *failed;
  auto& query = *std::get<StatementScope>(prepared);
  query.bind(1, stream);
  const int code = query.step();
  if (code != SQLITE_ROW) return connection.error(code, select_last_seq);
  return query.is_null(0) ? std::uint64_t{0} : query.count(0);
}

Failure Segment::read_stream(ReadPool& readers, const StreamId& stream, std::uint64_t after_seq,
                             std::vector<EventRow>& rows) const {
  StreamTail tail;
  std::vector<std::uint32_t> row_numbers;
  const Known known = look_up(stream, after_seq, tail, &row_numbers);
  if (known == Known::absent) return {};
  if (known == Known::in_memory && row_numbers.empty()) return {};
  auto leased = readers.acquire(path_);
  if (const auto* failed = error_of(leased)) return *failed;
  auto& connection = *std::get<ReadPool::Lease>(leased);
  if (known == Known::ask_file) {
    auto prepared = connection.prepare(select_by_stream);
    if (const auto* failed = error_of(prepared)) return *failed;
    auto& query = *std::get<StatementScope>(prepared);
    query.bind(1, stream);
    query.bind(2, after_seq);
    return take_rows(connection, query, rows);
  }
  auto prepared = connection.prepare(select_by_position);
  if (const auto* failed = error_of(prepared)) return *failed;
  auto& query = *std::get<StatementScope>(prepared);
  for (const std::uint32_t number : row_numbers) {
    const std::uint64_t position = base_position_ + number - 1;
    query.bind(1, position);
    const std::size_t before = rows.size();
    if (auto failed = take_rows(connection, query, rows)) return failed;
    if (rows.size() == before) return corrupt(path_, position, "was committed and is gone");
    query.reset();
  }
  return {};
}

Failure Segment::read_after(ReadPool& readers, std::uint64_t after_position, std::size_t limit,
                            std::vector<EventRow>& rows) const {
  auto leased = readers.acquire(path_);
  if (const auto* failed = error_of(leased)) return *failed;
  auto& connection = *std::get<ReadPool::Lease>(leased);
  auto prepared = connection.prepare(select_after);
  if (const auto* failed = error_of(prepared)) return *failed;
  auto& query = *std::get<StatementScope>(prepared);
  query.bind(1, after_position);
  query.bind(2, std::uint64_t{limit - rows.size()});
  return take_rows(connection, query, rows);
}

void Segment::publish(const std::vector<CommittedRows>& committed) {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (const auto& rows : committed) live_->add(rows.stream, rows.first_seq, rows.count);
  row_count_.store(live_->row_count(), std::memory_order_release);
}

BloomFilter Segment::make_bloom_filter() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  BloomFilter filter(live_->tails().size());
  live_->tails().for_each([&](const StreamId& stream) { filter.add(BloomKey(stream)); });
  return filter;
}

void Segment::become_sealed(BloomFilter filter) {
  bloom_.emplace(std::move(filter));
  sealed_.store(true, std::memory_order_release);
  const std::lock_guard<std::mutex> lock(mutex_);
  live_.reset();
}

}  // namespace welkin::sqlite
