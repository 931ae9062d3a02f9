// The store's contract in its plainest form: ordered maps under one mutex.
#include "persistence/memory/memory_store.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <mutex>
#include <tuple>
#include <unordered_map>
#include <utility>

namespace welkin {
namespace {

class MemoryStore final : public JournalStore {
 public:
  StoreResult<std::vector<AppendResult>> append(std::vector<StreamAppend>& batch) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::vector<AppendResult> results;
    results.reserve(batch.size());
    for (StreamAppend& item : batch) {
      results.push_back(judge(item));
      if (results.back().status != AppendStatus::committed) continue;
      for (EventRow& row : item.rows) {
        row.position = events_.size() + 1;
        positions_[item.stream].push_back(row.position);
        bytes_ += row.payload.size();
        events_.push_back(row);
        events_.back().stream = item.stream;
      }
    }
    return results;
  }

  StoreResult<std::vector<std::uint64_t>> claim_epochs(std::uint32_t shard_count) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (shard_count == 0) shard_count = static_cast<std::uint32_t>(epochs_.size());
    if (shard_count == 0)
      return StoreError{StoreErrorKind::unavailable, "no node has used this journal yet"};
    if (epochs_.empty()) epochs_.resize(shard_count, 0);
    if (epochs_.size() != shard_count)
      return StoreError{StoreErrorKind::corrupt,
                        "this journal has " + std::to_string(epochs_.size()) + " shards, not " +
                            std::to_string(shard_count) + ": the number is fixed at creation"};
    for (std::uint64_t& epoch : epochs_) ++epoch;
    return epochs_;
  }

  StoreResult<Done> probe() override { return Done{}; }

  StoreResult<Done> accept_end() override {
    const std::lock_guard<std::mutex> lock(mutex_);
    cards_.clear();
    pending_.clear();
    idempotency_.clear();
    snapshots_.clear();
    mark_ = {};
    return Done{};
  }

  StoreResult<std::vector<JournalMark>> marks() const override {
    const std::lock_guard<std::mutex> lock(mutex_);
    return std::vector<JournalMark>{mark_};
  }

  StoreResult<std::vector<EventRow>> read_stream(const StreamId& stream,
                                                 std::uint64_t after_seq) const override {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::vector<EventRow> rows;
    const auto found = positions_.find(stream);
    if (found == positions_.end()) return rows;
    const auto& positions = found->second;  // seq n is at index n - 1
    for (std::uint64_t i = after_seq; i < positions.size(); ++i)
      rows.push_back(events_[positions[i] - 1]);
    return rows;
  }

  StoreResult<std::vector<EventRow>> read_all(std::uint64_t after_position,
                                              std::size_t limit) const override {
    const std::lock_guard<std::mutex> lock(mutex_);
    const std::size_t from = std::min<std::uint64_t>(after_position, events_.size());
    const std::size_t count = std::min(limit, events_.size() - from);
    const auto first = events_.begin() + static_cast<std::ptrdiff_t>(from);
    return std::vector<EventRow>(first, first + static_cast<std::ptrdiff_t>(count));
  }

  StoreResult<Done> checkpoint(const ViewDelta& delta) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (delta.epoch != (epochs_.empty() ? 0 : epochs_.front()))
      return StoreError{StoreErrorKind::fenced, "views are written under another epoch"};
    if (delta.position < mark_.position)
      return StoreError{StoreErrorKind::fenced, "views stand at " + std::to_string(mark_.position) +
                                                    " and do not go back to " +
                                                    std::to_string(delta.position)};
    for (const Card& card : delta.cards) cards_[{card.created_at_us, card.stream}] = card;
    for (const Card& card : delta.cards) {
      if (!card.is_new) pending_.erase(card.stream);
      if (card.open || card.due_at_us != 0) pending_[card.stream] = card;
    }
    for (const auto& record : delta.idempotency)
      idempotency_[{record.merchant_id, record.key}] = record;
    for (const Snapshot& snapshot : delta.snapshots) snapshots_[snapshot.stream] = snapshot;
    mark_ = {"its views", delta.position, delta.hash};
    forget_idempotency_before(delta.forget_idempotency_before_us);
    return Done{};
  }

  StoreResult<std::uint64_t> view_position() const override {
    const std::lock_guard<std::mutex> lock(mutex_);
    return mark_.position;
  }

  StoreResult<std::vector<DueTimer>> due_timers(UnixUs until_us, std::size_t limit) const override {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::vector<DueTimer> timers;
    for (const auto& [stream, card] : pending_)
      if (card.due_at_us != 0 && card.due_at_us <= until_us)
        timers.push_back({stream, card.shard, card.due_at_us});
    std::sort(timers.begin(), timers.end(), [](const DueTimer& a, const DueTimer& b) {
      return std::tie(a.due_at_us, a.stream) < std::tie(b.due_at_us, b.stream);
    });
    if (timers.size() > limit) timers.resize(limit);
    return timers;
  }

  StoreResult<std::vector<Card>> open_cards(const StreamId& after,
                                            std::size_t limit) const override {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::vector<Card> cards;
    for (auto pending = pending_.upper_bound(after);
         pending != pending_.end() && cards.size() < limit; ++pending)
      if (pending->second.open) cards.push_back(pending->second);
    return cards;
  }

  StoreResult<std::vector<Card>> list_cards(const CardQuery& query) const override {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::vector<Card> cards;
    auto end = cards_.rend();
    auto card = query.before_created_at_us == 0
                    ? cards_.rbegin()
                    : std::make_reverse_iterator(
                          cards_.lower_bound({query.before_created_at_us, query.before_stream}));
    for (; card != end && cards.size() < query.limit; ++card)
      if (matches(query, card->second)) cards.push_back(card->second);
    return cards;
  }

  StoreResult<std::optional<IdempotencyRecord>> find_idempotency(
      std::string_view merchant_id, std::string_view key) const override {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = idempotency_.find({std::string(merchant_id), std::string(key)});
    if (found == idempotency_.end()) return std::optional<IdempotencyRecord>();
    return std::optional<IdempotencyRecord>(found->second);
  }

  StoreResult<std::optional<Snapshot>> load_snapshot(const StreamId& stream) const override {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = snapshots_.find(stream);
    if (found == snapshots_.end()) return std::optional<Snapshot>();
    return std::optional<Snapshot>(found->second);
  }

  StoreResult<StoreStats> stats() const override {
    const std::lock_guard<std::mutex> lock(mutex_);
    StoreStats stats;
    stats.events = events_.size();
    stats.last_position = events_.size();
    stats.view_position = mark_.position;
    stats.segments = 1;
    stats.bytes = bytes_ + events_.size() * sizeof(EventRow);
    return stats;
  }

 private:
  AppendResult judge(const StreamAppend& item) const {
    if (item.shard >= epochs_.size() || epochs_[item.shard] != item.epoch)
      return {AppendStatus::stale_epoch, 0};
    const auto found = positions_.find(item.stream);
    const std::uint64_t actual_seq = found == positions_.end() ? 0 : found->second.size();
    bool follows = actual_seq == item.expected_seq;
    for (std::size_t i = 0; i < item.rows.size(); ++i)
      follows = follows && item.rows[i].seq == item.expected_seq + 1 + i;
    if (!follows) return {AppendStatus::sequence_conflict, actual_seq};
    return {};
  }

  static bool matches(const CardQuery& query, const Card& card) {
    if (!query.merchant_id.empty() && card.merchant_id != query.merchant_id) return false;
    if (!query.state.empty() && card.state != query.state) return false;
    if (card.created_at_us < query.created_from_us) return false;
    return query.created_to_us == 0 || card.created_at_us < query.created_to_us;
  }

  void forget_idempotency_before(UnixUs before_us) {
    for (auto record = idempotency_.begin(); record != idempotency_.end();) {
      if (record->second.at_us < before_us)
        record = idempotency_.erase(record);
      else
        ++record;
    }
  }

  mutable std::mutex mutex_;  // guards everything below
  std::vector<EventRow> events_;
  std::unordered_map<StreamId, std::vector<std::uint64_t>> positions_;
  std::vector<std::uint64_t> epochs_;
  std::map<std::pair<UnixUs, StreamId>, Card> cards_;
  std::map<StreamId, Card> pending_;  // open, or with a timer
  std::map<std::pair<std::string, std::string>, IdempotencyRecord> idempotency_;
  std::map<StreamId, Snapshot> snapshots_;
  JournalMark mark_;  // how far the views have come
  std::uint64_t bytes_ = 0;
};

}  // namespace

StoreResult<std::unique_ptr<JournalStore>> open_memory_store(const StoreOptions& options) {
  if (options.read_only)
    return StoreError{StoreErrorKind::unavailable,
                      "a memory journal lives in its own process only: there is nothing to read"};
  return StoreResult<std::unique_ptr<JournalStore>>(std::make_unique<MemoryStore>());
}

}  // namespace welkin
