#include "app/journal_verifier.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "app/canonical_reader.hpp"
#include "persistence/journal_check.hpp"
#include "protocol/breaker/event_codec.hpp"
#include "protocol/payment/event_codec.hpp"

namespace welkin {
namespace {

using Batch = std::shared_ptr<const std::vector<EventRow>>;

// Hands batches from the reader to one worker and holds the reader back when the worker is behind.
class BatchQueue {
 public:
  void push(Batch batch) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return batches_.size() < bound; });
    batches_.push_back(std::move(batch));
    changed_.notify_all();
  }
  // Null at the end.
  Batch pop() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !batches_.empty() || ended_; });
    if (batches_.empty()) return nullptr;
    Batch batch = std::move(batches_.front());
    batches_.pop_front();
    changed_.notify_all();
    return batch;
  }
  void end() {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    changed_.notify_all();
  }

 private:
  static constexpr std::size_t bound = 8;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Batch> batches_;
  bool ended_ = false;
};

class Worker {
 public:
  Worker(const JournalStore& store, std::size_t index, const VerifyOptions& options,
         std::atomic<bool>& stop)
      : store_(store), index_(index), options_(options), stop_(stop) {}

  BatchQueue& queue() { return queue_; }
  const std::optional<JournalFault>& fault() const { return fault_; }
  const std::optional<StoreError>& error() const { return error_; }
  std::uint64_t events() const { return events_; }
  std::uint64_t streams() const { return streams_; }
  std::uint64_t breakers() const { return breakers_; }
  std::uint64_t remarks() const { return remarks_; }

  void run() {
    while (const Batch batch = queue_.pop()) {
      for (const EventRow& row : *batch) {
        if (fault_ || error_) break;  // batches are drained all the same: the reader waits for it
        if (is_mine(row.stream)) check(row);
      }
      if (fault_ || error_) stop_ = true;
    }
  }

 private:
  struct Live {
    StreamCheck check;
    std::uint64_t touched = 0;
  };

  // By the high half, since the map's bucket comes from the low one.
  bool is_mine(const StreamId& stream) const {
    return stream.key.high % options_.workers == index_;
  }

  void check(const EventRow& row) {
    auto found = live_.find(row.stream);
    if (found == live_.end()) {
      if (live_.size() >= options_.streams_in_memory) make_room();
      found = live_.try_emplace(row.stream).first;
      const bool known = !seen_.insert(row.stream);
      if (!known) ++streams_;
      if (!known && row.stream.kind == StreamKind::breaker) ++breakers_;
      if ((known || row.seq != 1) && !read_again(row, found->second.check)) return;
    }
    found->second.touched = ++clock_;
    const std::string what = found->second.check.take(row);
    if (!what.empty()) {
      fault_ = JournalFault{row.position, row.stream.text(), row.seq, what};
      return;
    }
    ++events_;
    if (row.stream.kind == StreamKind::journal) ++remarks_;
  }

  // The rows of a stream before `row`, from the store: the stream has left memory since.
  bool read_again(const EventRow& row, StreamCheck& check) {
    auto result = store_.read_stream(row.stream);
    if (const StoreError* error = error_of(result)) {
      if (error->kind == StoreErrorKind::corrupt)
        fault_ = JournalFault{row.position, row.stream.text(), row.seq,
                              "follows rows that cannot be read: " + error->detail};
      else
        error_ = *error;
      return false;
    }
    auto& rows = std::get<std::vector<EventRow>>(result);
    std::sort(rows.begin(), rows.end(),
              [](const EventRow& a, const EventRow& b) { return a.position < b.position; });
    for (const EventRow& earlier : rows) {
      if (earlier.position >= row.position) break;
      const std::string what = check.take(earlier);
      if (what.empty()) continue;
      fault_ = JournalFault{earlier.position, earlier.stream.text(), earlier.seq, what};
      return false;
    }
    return true;
  }

  // Settled streams leave first, then those that were quiet for longest.
  void make_room() {
    for (auto it = live_.begin(); it != live_.end();) {
      const Payment* payment = it->second.check.payment();
      it = payment && payment->is_open() ? std::next(it) : live_.erase(it);
    }
    const std::uint64_t half = options_.streams_in_memory / 2;
    if (live_.size() <= half) return;
    std::vector<std::uint64_t> ages;
    ages.reserve(live_.size());
    for (const auto& [stream, live] : live_) ages.push_back(live.touched);
    const auto middle = ages.begin() + static_cast<std::ptrdiff_t>(ages.size() - half);
    std::nth_element(ages.begin(), middle, ages.end());
    const std::uint64_t oldest_kept = middle == ages.end() ? UINT64_MAX : *middle;
    for (auto it = live_.begin(); it != live_.end();)
      it = it->second.touched < oldest_kept ? live_.erase(it) : std::next(it);
  }

  const JournalStore& store_;
  const std::size_t index_;
  const VerifyOptions& options_;
  std::atomic<bool>& stop_;
  BatchQueue queue_;
  std::unordered_map<StreamId, Live> live_;
  SeenStreams seen_;
  std::uint64_t clock_ = 0;
  std::uint64_t events_ = 0;
  std::uint64_t streams_ = 0;
  std::uint64_t breakers_ = 0;
  std::uint64_t remarks_ = 0;
  std::optional<JournalFault> fault_;
  std::optional<StoreError> error_;
};

// Reads up to `last` and deals out the rows. Fills in what the reader itself finds wrong.
void deal_out(const JournalStore& store, std::uint64_t last, const VerifyOptions& options,
              std::vector<std::unique_ptr<Worker>>& workers, const std::atomic<bool>& stop,
              VerifyReport& report) {
  std::uint64_t position = 0;
  std::size_t page = options.batch_rows;
  while (position < last && !stop) {
    auto result = store.read_all(position, page);
    if (const StoreError* error = error_of(result)) {
      if (error->kind == StoreErrorKind::corrupt && page > 1) {
        page /= 2;  // somewhere in it: what lies before that is still checked
        continue;
      }
      // A store that checks by itself has found what this was to find.
      if (error->kind == StoreErrorKind::corrupt)
        report.fault = JournalFault{position + 1, "", 0, "cannot be read: " + error->detail};
      else
        report.error = *error;
      return;
    }
    auto rows =
        std::make_shared<std::vector<EventRow>>(std::move(std::get<std::vector<EventRow>>(result)));
    if (rows->empty()) {
      report.fault =
          JournalFault{position + 1, "", 0,
                       "is missing: the journal should go on to position " + std::to_string(last)};
      return;
    }
    std::size_t good = 0;
    for (; good < rows->size() && (*rows)[good].position == position + 1; ++good) ++position;
    if (good < rows->size()) {
      const EventRow& bad = (*rows)[good];
      report.fault =
          JournalFault{position + 1, "", 0,
                       "is missing: the next row is position " + std::to_string(bad.position) +
                           ", " + bad.stream.text() + " seq " + std::to_string(bad.seq)};
      rows->resize(good);
    }
    for (auto& worker : workers) worker->queue().push(rows);
    if (report.fault) return;
  }
}

void keep_first(std::optional<JournalFault>& first, const std::optional<JournalFault>& other) {
  if (other && (!first || other->position < first->position)) first = other;
}

}  // namespace

std::string StreamCheck::take(const EventRow& row) {
  if (row.seq != seq + 1)
    return "has sequence number " + std::to_string(row.seq) + " where " + std::to_string(seq + 1) +
           " is next";
  if (row.prev_hash != hash) return "does not hold the hash of the event before it";
  if (row.hash != event_hash(row.prev_hash, row.stream.text(), row.seq, row.type, row.version,
                             row.at_us, row.causation_id, row.correlation_id, row.payload))
    return "does not match its own hash: a column was changed";
  if (seq == 0 && row.stream.kind == StreamKind::breaker) state.emplace<Breaker>();
  if (seq == 0 && row.stream.kind == StreamKind::journal) state.emplace<JournalHistory>();
  std::string problem = std::visit([&](auto& folded) { return fold(folded, row); }, state);
  if (!problem.empty()) return problem;
  seq = row.seq;
  hash = row.hash;
  return {};
}

std::string StreamCheck::fold(Payment& payment, const EventRow& row) {
  const auto kind = parse_payment_event_kind(row.type);
  auto event = kind ? read_canonical_event(*kind, row.version, row.payload) : std::nullopt;
  if (!event) {
    auto parsed = parse_event(row.type, row.version, row.payload);
    if (const auto* error = std::get_if<CodecError>(&parsed))
      return "has a payload that cannot be read: " + error->path + " " + error->what;
    event = std::move(std::get<PaymentEvent>(parsed));
  }
  std::string problem;
  if (!apply(payment, *event, row.at_us, &problem)) return "breaks the rules: " + problem;
  return {};
}

std::string StreamCheck::fold(Breaker& breaker, const EventRow& row) {
  auto parsed = parse_breaker_event(row.type, row.version, row.payload);
  if (const auto* error = std::get_if<CodecError>(&parsed))
    return "has a payload that cannot be read: " + error->path + " " + error->what;
  std::string problem;
  if (!apply(breaker, std::get<BreakerEvent>(parsed), row.at_us, &problem))
    return "breaks the rules: " + problem;
  if (breaker_id_of(breaker.account) != row.stream)
    return "breaks the rules: it stands in the stream of another account than it names";
  return {};
}

std::string StreamCheck::fold(JournalHistory& history, const EventRow& row) {
  auto parsed = parse_journal_event(row.type, row.version, row.payload);
  if (const auto* error = std::get_if<CodecError>(&parsed))
    return "has a payload that cannot be read: " + error->path + " " + error->what;
  if (row.stream != journal_stream_id())
    return "breaks the rules: the journal has one stream of its own, and this is another";
  note(history, std::get<JournalEvent>(parsed));
  return {};
}

SeenStreams::SeenStreams() : slots_(1'024, 0) {}

bool SeenStreams::contains(const StreamId& stream) const {
  const std::uint64_t mark = stream.key.low == 0 ? 1 : stream.key.low;
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t i = mark & mask; slots_[i] != 0; i = (i + 1) & mask)
    if (slots_[i] == mark) return true;
  return false;
}

bool SeenStreams::insert(const StreamId& stream) {
  if (contains(stream)) return false;
  if (size_ * 4 >= slots_.size() * 3) grow();
  const std::uint64_t mark = stream.key.low == 0 ? 1 : stream.key.low;
  const std::size_t mask = slots_.size() - 1;
  std::size_t i = mark & mask;
  while (slots_[i] != 0) i = (i + 1) & mask;
  slots_[i] = mark;
  ++size_;
  return true;
}

void SeenStreams::grow() {
  std::vector<std::uint64_t> old(slots_.size() * 2, 0);
  old.swap(slots_);
  const std::size_t mask = slots_.size() - 1;
  for (const std::uint64_t mark : old) {
    if (mark == 0) continue;
    std::size_t i = mark & mask;
    while (slots_[i] != 0) i = (i + 1) & mask;
    slots_[i] = mark;
  }
}

VerifyReport verify_journal(const JournalStore& store, const VerifyOptions& options) {
  VerifyReport report;
  const auto started = std::chrono::steady_clock::now();
  // The marks first: they follow the events, so a sound journal reaches at least as far.
  const auto broken = find_broken_mark(store);
  const auto stats = store.stats();
  if (const StoreError* error = error_of(stats)) report.error = *error;
  // Rows that are missing in the middle are found, and named, by reading all of them.
  if (const StoreError* error = error_of(broken); error && error->kind != StoreErrorKind::corrupt)
    report.error = *error;
  if (report.error) return report;
  const std::uint64_t last = std::get<StoreStats>(stats).last_position;

  std::atomic<bool> stop{false};
  std::vector<std::unique_ptr<Worker>> workers;
  std::vector<std::thread> threads;
  threads.reserve(options.workers);
  for (std::size_t i = 0; i < options.workers; ++i)
    workers.push_back(std::make_unique<Worker>(store, i, options, stop));
  for (auto& worker : workers) threads.emplace_back([&worker] { worker->run(); });
  deal_out(store, last, options, workers, stop, report);
  for (auto& worker : workers) worker->queue().end();
  for (std::thread& thread : threads) thread.join();

  for (const auto& worker : workers) {
    report.events += worker->events();
    report.streams += worker->streams();
    report.breakers += worker->breakers();
    report.remarks += worker->remarks();
    keep_first(report.fault, worker->fault());
    if (worker->error() && !report.error) report.error = worker->error();
  }
  if (!report.fault && !report.error) {
    if (const StoreError* error = error_of(broken))
      report.fault = JournalFault{0, "", 0, error->detail};
    else if (const auto& mark = std::get<std::optional<BrokenMark>>(broken))
      report.fault =
          JournalFault{mark->ends_before ? mark->last_position + 1 : mark->mark.position, "", 0,
                       (mark->ends_before ? "is missing: " : "is another: ") + mark->text()};
  }
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - started;
  report.seconds = taken.count();
  return report;
}

}  // namespace welkin
