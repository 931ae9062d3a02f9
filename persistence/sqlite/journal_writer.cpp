// The hot path: judge, insert, commit, publish.
#include "persistence/sqlite/journal_writer.hpp"

#include <algorithm>

namespace welkin::sqlite {
namespace {

// When sealing lags this far behind, the newest segment grows past its size instead of a further
// one being added to memory …
constexpr std::size_t unsealed_segments_limit = 8;
// … but not for ever: by then sealing is broken, and memory has an end. Small segments, which seal
// slower than they fill, get some more room.
constexpr std::uint64_t overgrown_factor = 8;
constexpr std::uint64_t overgrown_rows_min = 100'000;

}  // namespace

Failure JournalWriter::open() {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto segments = catalog_.segments();
  for (const auto& segment : *segments) {
    if (segment->sealed()) continue;
    if (segment == segments->back())
      active_ = segment;
    else
      sealer_.seal(segment, nullptr);
  }
  return active_ ? reopen() : begin_segment();
}

void JournalWriter::set_epochs(std::vector<std::uint64_t> epochs) {
  const std::lock_guard<std::mutex> lock(mutex_);
  epochs_ = std::move(epochs);
}

std::uint64_t JournalWriter::last_position() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return active_ ? active_->last_position() : 0;
}

StoreResult<std::vector<AppendResult>> JournalWriter::append(std::vector<StreamAppend>& batch) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (auto failed = make_ready()) return *failed;
  if (time_to_roll()) {
    if (auto failed = begin_segment()) return *failed;
  }
  std::vector<AppendResult> results(batch.size());
  bool failed_at_commit = false;
  staged_rows_.clear();
  staged_streams_.clear();
  if (auto failed = write(batch, results, failed_at_commit))
    return after_failure(std::move(*failed), failed_at_commit);
  if (!staged_rows_.empty()) {
    active_->publish(staged_rows_);
    writer_->tend_wal(active_, sealer_);
  }
  return results;
}

Failure JournalWriter::write(std::vector<StreamAppend>& batch, std::vector<AppendResult>& results,
                             bool& failed_at_commit) {
  Transaction transaction(writer_->connection());
  bool begun = false;
  if (auto failed = write_items(batch, results, transaction, begun)) return failed;
  if (!begun) return {};
  auto failed = transaction.commit();
  failed_at_commit = failed.has_value();
  return failed;
}

Failure JournalWriter::write_items(std::vector<StreamAppend>& batch,
                                   std::vector<AppendResult>& results, Transaction& transaction,
                                   bool& begun) {
  const auto segments = catalog_.segments();
  std::uint64_t position = active_->last_position();
  for (std::size_t i = 0; i < batch.size(); ++i) {
    StreamAppend& item = batch[i];
    auto judged = judge(item, *segments);
    if (const auto* failed = error_of(judged)) return *failed;
    results[i] = std::get<AppendResult>(judged);
    if (results[i].status != AppendStatus::committed || item.rows.empty()) continue;
    if (!begun) {
      if (auto failed = transaction.begin()) return failed;
      begun = true;
    }
    const std::string stream_text = item.stream.text();
    for (EventRow& row : item.rows) {
      row.position = ++position;
      if (auto failed = writer_->insert(row, stream_text)) return failed;
    }
    staged_rows_.push_back({item.stream, item.expected_seq + 1, item.rows.size()});
    staged_streams_.put(item.stream, {item.expected_seq + item.rows.size(), 0});
  }
  return {};
}

StoreResult<AppendResult> JournalWriter::judge(const StreamAppend& item,
                                               const SegmentList& segments) const {
  if (item.shard >= epochs_.size() || epochs_[item.shard] != item.epoch)
    return AppendResult{AppendStatus::stale_epoch, 0};
  std::uint64_t actual_seq = 0;
  if (const StreamTail* staged = staged_streams_.find(item.stream)) {
    actual_seq = staged->last_seq;
  } else {
    auto found = catalog_.last_seq(segments, item.stream);
    if (const auto* failed = error_of(found)) return *failed;
    actual_seq = std::get<std::uint64_t>(found);
  }
  bool follows = actual_seq == item.expected_seq;
  for (std::size_t i = 0; i < item.rows.size(); ++i)
    follows = follows && item.rows[i].seq == item.expected_seq + 1 + i;
  if (!follows) return AppendResult{AppendStatus::sequence_conflict, actual_seq};
  return AppendResult{};
}

// Nothing was committed, unless the failure came from COMMIT itself: then the rows may lie complete
// in the write-ahead log although SQLite calls them gone, and a recovery after a crash would bring
// them back. One later commit that succeeds writes over them. A full disk is the exception: SQLite
// writes the commit mark last, and says FULL only when a write did not fit.
StoreError JournalWriter::after_failure(StoreError error, bool failed_at_commit) {
  if (failed_at_commit && error.kind != StoreErrorKind::full) {
    const std::uint64_t before = active_->last_position();
    unsettled_ = true;
    const bool settled = !writer_->connection().in_transaction() && !settle();
    if (!settled || active_->last_position() != before) error.kind = StoreErrorKind::in_doubt;
    if (!settled) writer_.reset();
    return error;
  }
  if (error.kind != StoreErrorKind::full || writer_->connection().in_transaction()) writer_.reset();
  return error;
}

Failure JournalWriter::make_ready() {
  if (auto corruption = sealer_.corruption()) return corruption;
  if (!writer_) {
    if (auto failed = reopen()) return failed;
  }
  if (unsettled_) return settle();
  return {};
}

Failure JournalWriter::reopen() {
  auto opened = SegmentWriter::open(active_->path());
  if (const auto* failed = error_of(opened)) return *failed;
  writer_ = std::move(std::get<std::unique_ptr<SegmentWriter>>(opened));
  auto failed = active_->adopt_rows(writer_->connection());
  if (failed) writer_.reset();
  return failed;
}

Failure JournalWriter::settle() {
  if (auto failed = active_->adopt_rows(writer_->connection())) return failed;
  if (auto failed = writer_->probe()) {
    writer_.reset();
    return failed;
  }
  unsettled_ = false;
  return {};
}

Failure JournalWriter::settle_if_needed() {
  if (!unsettled_) return {};
  const std::lock_guard<std::mutex> lock(mutex_);
  return make_ready();
}

Failure JournalWriter::probe() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (auto failed = make_ready()) return failed;
  auto failed = writer_->probe();
  if (failed) writer_.reset();
  return failed;
}

bool JournalWriter::time_to_roll() const {
  const std::uint64_t rows = active_->row_count();
  if (rows < segment_rows_) return false;
  return sealer_.waiting() < unsealed_segments_limit ||
         rows >= std::max(segment_rows_ * overgrown_factor, overgrown_rows_min);
}

Failure JournalWriter::begin_segment() {
  if (sealer_.waiting() >= unsealed_segments_limit)
    return StoreError{StoreErrorKind::unavailable,
                      folder_.path() + ": full segments cannot be sealed"};
  const auto segments = catalog_.segments();
  const auto number = static_cast<std::uint32_t>(segments->size()) + 1;
  const std::uint64_t base = segments->empty() ? 1 : segments->back()->last_position() + 1;
  const std::string path = folder_.segment_path(number);
  auto created = SegmentWriter::create(path, base);
  if (const auto* failed = error_of(created)) return *failed;
  if (auto failed = folder_.sync()) return failed;
  auto segment = std::make_shared<Segment>(path, number, base);
  if (active_) sealer_.seal(active_, writer_->release());
  catalog_.add(segment);
  active_ = std::move(segment);
  writer_ = std::move(std::get<std::unique_ptr<SegmentWriter>>(created));
  return {};
}

}  // namespace welkin::sqlite
