// Puts the parts of the embedded store together, once for a node and once for a process that only
// looks.
#include "persistence/sqlite/sqlite_store.hpp"

#include <atomic>
#include <chrono>

#include "persistence/sqlite/journal_folder.hpp"
#include "persistence/sqlite/journal_writer.hpp"
#include "persistence/sqlite/meta.hpp"
#include "persistence/sqlite/schema.hpp"
#include "persistence/sqlite/sealer.hpp"
#include "persistence/sqlite/segment_catalog.hpp"
#include "persistence/sqlite/views.hpp"

namespace welkin {
namespace sqlite {
namespace {

constexpr std::string_view url_scheme = "sqlite:";
// How far the journal has come is in the views at each checkpoint. The views may be deleted, so it
// is noted beside the epochs too, which may not; seldom, because that costs a sync.
constexpr auto noted_every = std::chrono::seconds(10);
constexpr const char* select_noted = "SELECT position, hash FROM mark WHERE id = 1";
// Without a mark.
constexpr int oldest_readable_meta = 1;

StoreError read_only_refusal() {
  return {StoreErrorKind::unavailable, "the journal is open for reading only"};
}

// Reads that do not depend on who writes.
class ReadingStore : public JournalStore {
 public:
  explicit ReadingStore(std::string path)
      : folder_(std::move(path)),
        catalog_(folder_, readers_),
        views_(folder_.views_path(), readers_) {}

  StoreResult<std::uint64_t> view_position() const override {
    if (!folder_.has_views()) return std::uint64_t{0};
    return views_.position();
  }
  StoreResult<std::vector<JournalMark>> marks() const override {
    std::vector<JournalMark> marks;
    if (folder_.has_views()) {
      auto mark = views_.mark();
      if (const auto* failed = error_of(mark)) return *failed;
      marks.push_back(std::move(std::get<JournalMark>(mark)));
    }
    if (folder_.has_meta()) {
      auto mark = noted_end();
      if (const auto* failed = error_of(mark)) return *failed;
      marks.push_back(std::move(std::get<JournalMark>(mark)));
    }
    return marks;
  }
  StoreResult<std::vector<DueTimer>> due_timers(UnixUs until_us, std::size_t limit) const override {
    return views_.due_timers(until_us, limit);
  }
  StoreResult<std::vector<Card>> open_cards(const StreamId& after,
                                            std::size_t limit) const override {
    return views_.open_cards(after, limit);
  }
  StoreResult<std::vector<Card>> list_cards(const CardQuery& query) const override {
    return views_.list_cards(query);
  }
  StoreResult<std::optional<IdempotencyRecord>> find_idempotency(
      std::string_view merchant_id, std::string_view key) const override {
    return views_.find_idempotency(merchant_id, key);
  }
  StoreResult<std::optional<Snapshot>> load_snapshot(const StreamId& stream) const override {
    return views_.load_snapshot(stream);
  }

 protected:
  StoreResult<StoreStats> stats_at(std::uint64_t last_position) const {
    StoreStats stats;
    stats.events = last_position;  // positions have no gaps
    stats.last_position = last_position;
    auto at = view_position();
    if (const auto* failed = error_of(at)) return *failed;
    stats.view_position = std::get<std::uint64_t>(at);
    stats.segments = catalog_.segments()->size();
    auto bytes = folder_.bytes();
    if (const auto* failed = error_of(bytes)) return *failed;
    stats.bytes = std::get<std::uint64_t>(bytes);
    return stats;
  }

  StoreResult<JournalMark> noted_end() const {
    JournalMark mark{"meta.db", 0, {}};
    auto leased = readers_.acquire(folder_.meta_path());
    if (const auto* failed = error_of(leased)) return *failed;
    auto& connection = *std::get<ReadPool::Lease>(leased);
    auto schema = check_schema(connection, meta_schema, oldest_readable_meta);
    if (const auto* failed = error_of(schema)) return *failed;
    if (std::get<int>(schema) <= oldest_readable_meta) return mark;
    auto prepared = connection.prepare(select_noted);
    if (const auto* failed = error_of(prepared)) return *failed;
    auto& query = *std::get<StatementScope>(prepared);
    const int code = query.step();
    if (code != SQLITE_ROW && code != SQLITE_DONE) return connection.error(code, select_noted);
    if (code == SQLITE_DONE) return mark;
    mark.position = query.count(0);
    copy_hash(query.bytes(1), mark.hash);
    return mark;
  }

  const JournalFolder folder_;
  mutable ReadPool readers_;
  mutable SegmentCatalog catalog_;
  ViewsReader views_;
};

// Beside a running node, or without one. Looks at the folder anew for every read.
class ReadOnlyStore final : public ReadingStore {
 public:
  using ReadingStore::ReadingStore;

  Failure open() {
    if (!folder_.exists())
      return StoreError{StoreErrorKind::unavailable, folder_.path() + ": no such journal"};
    if (folder_.has_views()) {
      if (auto failed = views_.check()) return failed;
    }
    return catalog_.refresh();
  }

  StoreResult<std::vector<AppendResult>> append(std::vector<StreamAppend>&) override {
    return read_only_refusal();
  }
  StoreResult<std::vector<std::uint64_t>> claim_epochs(std::uint32_t) override {
    return read_only_refusal();
  }
  StoreResult<Done> probe() override { return read_only_refusal(); }
  StoreResult<Done> accept_end() override { return read_only_refusal(); }
  StoreResult<Done> checkpoint(const ViewDelta&) override { return read_only_refusal(); }

  StoreResult<std::vector<EventRow>> read_stream(const StreamId& stream,
                                                 std::uint64_t after_seq) const override {
    if (auto failed = catalog_.refresh()) return *failed;
    return catalog_.read_stream(stream, after_seq);
  }
  StoreResult<std::vector<EventRow>> read_all(std::uint64_t after_position,
                                              std::size_t limit) const override {
    if (auto failed = catalog_.refresh()) return *failed;
    return catalog_.read_all(after_position, limit);
  }
  StoreResult<StoreStats> stats() const override {
    if (auto failed = catalog_.refresh()) return *failed;
    auto last = catalog_.last_position();
    if (const auto* failed = error_of(last)) return *failed;
    return stats_at(std::get<std::uint64_t>(last));
  }
};

class SqliteStore final : public ReadingStore {
 public:
  SqliteStore(std::string path, std::uint64_t segment_rows)
      : ReadingStore(std::move(path)),
        views_writer_(folder_.views_path()),
        writer_(folder_, catalog_, sealer_, segment_rows) {}
  ~SqliteStore() override {
    // Should it fail, the note is only older than it could be.
    if (meta_ && seen_.position != noted_) static_cast<void>(note_end());
    readers_.clear();
  }

  Failure open(bool accept_truncated) {
    if (auto failed = folder_.create()) return failed;
    if (auto failed = lock_.acquire(folder_)) return failed;
    if (auto failed = catalog_.load_for_writing()) return failed;
    const auto segments = catalog_.segments();
    const bool has_rows = !segments->empty() && segments->back()->last_position() > 0;
    if (has_rows && !folder_.has_meta() && !accept_truncated) return meta_is_gone("is missing");
    auto meta = Meta::open(folder_.meta_path());
    if (const auto* failed = error_of(meta)) return *failed;
    meta_.emplace(std::move(std::get<Meta>(meta)));
    auto epochs = meta_->epochs();
    if (const auto* failed = error_of(epochs)) return *failed;
    if (has_rows && std::get<std::vector<std::uint64_t>>(epochs).empty() && !accept_truncated)
      return meta_is_gone("is empty");
    if (auto failed = writer_.open()) return failed;
    if (auto failed = views_writer_.open()) return failed;
    note_epoch(std::get<std::vector<std::uint64_t>>(epochs));
    writer_.set_epochs(std::move(std::get<std::vector<std::uint64_t>>(epochs)));
    return folder_.sync();
  }

  StoreResult<std::vector<AppendResult>> append(std::vector<StreamAppend>& batch) override {
    return writer_.append(batch);
  }

  StoreResult<std::vector<std::uint64_t>> claim_epochs(std::uint32_t shard_count) override {
    auto claimed = meta_->claim(shard_count);
    if (error_of(claimed)) return claimed;
    note_epoch(std::get<std::vector<std::uint64_t>>(claimed));
    writer_.set_epochs(std::get<std::vector<std::uint64_t>>(claimed));
    return claimed;
  }

  StoreResult<Done> probe() override {
    if (auto failed = writer_.probe()) return *failed;
    return Done{};
  }

  StoreResult<Done> checkpoint(const ViewDelta& delta) override {
    // Another process cannot be here, and this one claims anew only when it has ended its last
    // node; what such a node still had on its way is kept out as another process's would be.
    if (delta.epoch != views_epoch_)
      return StoreError{StoreErrorKind::fenced,
                        folder_.path() + ": views are written under another epoch"};
    if (auto failed = views_writer_.checkpoint(delta)) return *failed;
    seen_.position = delta.position;
    seen_.hash = delta.hash;
    const auto now = std::chrono::steady_clock::now();
    if (noted_ == 0 || now - noted_at_ >= noted_every) {
      if (auto failed = note_end()) return *failed;
      noted_at_ = now;
    }
    return Done{};
  }

  StoreResult<Done> accept_end() override {
    seen_ = {};
    if (auto failed = views_writer_.empty()) return *failed;
    if (auto failed = note_end()) return *failed;
    return Done{};
  }

  StoreResult<std::vector<EventRow>> read_stream(const StreamId& stream,
                                                 std::uint64_t after_seq) const override {
    if (auto failed = writer_.settle_if_needed()) return *failed;
    return catalog_.read_stream(stream, after_seq);
  }
  StoreResult<std::vector<EventRow>> read_all(std::uint64_t after_position,
                                              std::size_t limit) const override {
    if (auto failed = writer_.settle_if_needed()) return *failed;
    return catalog_.read_all(after_position, limit);
  }
  StoreResult<StoreStats> stats() const override { return stats_at(writer_.last_position()); }

 private:
  void note_epoch(const std::vector<std::uint64_t>& epochs) {
    views_epoch_ = epochs.empty() ? 0 : epochs.front();
  }
  StoreError meta_is_gone(const char* how) const {
    return {StoreErrorKind::corrupt,
            folder_.meta_path() + " " + how +
                ": it holds the number of shards and their epochs. Put it back, restore a backup "
                "(docs/backup.md), or start once with `welkin serve "
                "--accept-truncated-journal`, which makes it anew from the configuration and "
                "notes that in the journal"};
  }
  Failure note_end() {
    if (auto failed = meta_->note_end(seen_.position, seen_.hash)) return failed;
    noted_ = seen_.position;
    return {};
  }

  std::atomic<std::uint64_t> views_epoch_{0};
  JournalMark seen_;         // how far the last checkpoint had come
  std::uint64_t noted_ = 0;  // what of it is in meta.db
  std::chrono::steady_clock::time_point noted_at_{};

  // Destroyed bottom up: the writer stops before the sealer, and the lock goes last.
  WriterLock lock_;
  std::optional<Meta> meta_;
  ViewsWriter views_writer_;
  Sealer sealer_{readers_};
  mutable JournalWriter writer_;
};

template <class Store, class... Options>
StoreResult<std::unique_ptr<JournalStore>> opened(std::unique_ptr<Store> store,
                                                  Options... options) {
  if (auto failed = store->open(options...)) return *failed;
  return StoreResult<std::unique_ptr<JournalStore>>(std::move(store));
}

}  // namespace
}  // namespace sqlite

std::string sqlite_folder_of(std::string_view url) {
  if (url.substr(0, sqlite::url_scheme.size()) == sqlite::url_scheme)
    url.remove_prefix(sqlite::url_scheme.size());
  return std::string(url);
}

StoreResult<std::unique_ptr<JournalStore>> open_sqlite_store(const StoreOptions& options) {
  const std::string path = sqlite_folder_of(options.url);
  if (path.empty() || options.segment_rows == 0)
    return StoreError{StoreErrorKind::unavailable,
                      "a SQLite journal needs a folder and at least one row a segment"};
  if (options.read_only) return sqlite::opened(std::make_unique<sqlite::ReadOnlyStore>(path));
  return sqlite::opened(std::make_unique<sqlite::SqliteStore>(path, options.segment_rows),
                        options.accept_truncated);
}

}  // namespace welkin
