// What a journal store is. Three very different ones (memory, SQLite segments, PostgreSQL) pass one
// contract suite, tests/contract.
//
// Threads: `append` and `probe` are called by one thread at a time (the journal's); `checkpoint` by
// one thread at a time, which may be another; every const function by any thread at any time.
//
// Two kinds of data live here. Events are the truth and are durable when `append` returns. Views
// (cards, timers, idempotency records, snapshots) are derived from events, written lazily by
// `checkpoint`, and may be thrown away and rebuilt from position 0.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "protocol/ids.hpp"

namespace welkin {

// One journal row, as it is stored. `payload` is the event's JSON text, byte for byte what was
// hashed.
struct EventRow {
  std::uint64_t position = 0;  // 1, 2, 3 … over the whole journal, without gaps; set by the store
  StreamId stream;
  std::uint64_t seq = 0;  // 1, 2, 3 … in the stream
  std::string type;       // "payment_paid"
  int version = 1;
  std::string payload;
  UnixUs at_us = 0;
  std::string causation_id;
  std::string correlation_id;
  Hash prev_hash{};  // all zero before the first event of a stream
  Hash hash{};
};

// The rows of one actor's append: consecutive in one stream. All of them are written or none.
struct StreamAppend {
  StreamId stream;
  std::uint32_t shard = 0;
  std::uint64_t epoch = 0;
  std::uint64_t expected_seq = 0;  // the stream's last seq before this append; 0: the stream is new
  std::vector<EventRow> rows;      // seq expected_seq+1 …; positions are filled in by the store
};

enum class AppendStatus : std::uint8_t {
  committed,
  sequence_conflict,  // the stream's last seq is another one: somebody else wrote
  stale_epoch,        // the shard has a higher epoch: this node was fenced out
};

// What one StreamAppend of a batch came to. Refused ones do not disturb the others.
struct AppendResult {
  AppendStatus status = AppendStatus::committed;
  std::uint64_t actual_seq = 0;  // on a conflict
};

enum class StoreErrorKind : std::uint8_t {
  unavailable,  // nothing of the batch was written
  full,         // nothing of the batch was written: no space
  in_doubt,     // the commit's answer was lost: read back before telling anybody
  corrupt,      // what was read is not what could have been written
  fenced,       // nothing was written: a newer writer has been here, and trying again will not help
};
std::string_view name_of(StoreErrorKind kind);

struct StoreError {
  StoreErrorKind kind = StoreErrorKind::unavailable;
  std::string detail;
};

template <class T>
using StoreResult = std::variant<T, StoreError>;
using Done = std::monostate;

template <class T>
const StoreError* error_of(const StoreResult<T>& result) {
  return std::get_if<StoreError>(&result);
}

// ---- views

// What lists and timers need to know of one payment, after the event at `position`.
struct Card {
  StreamId stream;
  std::uint64_t position = 0;
  std::uint32_t shard = 0;
  std::string merchant_id;
  std::string merchant_order_no;
  std::string state;  // "PAID"
  std::string channel;
  std::string currency;
  std::int64_t amount_minor = 0;
  std::int64_t captured_minor = 0;
  std::int64_t refunded_minor = 0;
  UnixUs created_at_us = 0;
  UnixUs updated_at_us = 0;
  bool open = false;
  UnixUs due_at_us = 0;  // 0: no timer
  bool is_new = false;   // no checkpoint has held this stream yet: there is nothing to replace
};

// One idempotency key's answer: the state of `stream` after the request's last event.
struct IdempotencyRecord {
  std::string merchant_id;
  std::string key;
  std::string fingerprint;
  StreamId stream;
  std::uint64_t seq = 0;  // of the event that carries the key
  UnixUs at_us = 0;
};

struct Snapshot {
  StreamId stream;
  std::uint64_t seq = 0;
  int version = 1;
  std::string payload;  // JSON
  Hash hash{};          // the stream's chain at seq, so that the tail can be verified behind it
  Hash seal{};  // of all of the above; zeros in one that was written before there were seals
};
// What a snapshot's seal must be. A snapshot stands for rows that are not read again, so it is
// believed only under its seal.
Hash seal_of(const Snapshot& snapshot);

struct ViewDelta {
  std::uint64_t position = 0;  // the views hold everything up to here once this is written
  // Of shard 0, as the writer claimed it, for a claim takes every shard; 0: nobody ever claimed
  // one.
  std::uint64_t epoch = 0;
  Hash hash{};  // of the row at `position`
  std::vector<Card> cards;
  std::vector<IdempotencyRecord> idempotency;
  std::vector<Snapshot> snapshots;
  UnixUs forget_idempotency_before_us = 0;
};

struct DueTimer {
  StreamId stream;
  std::uint32_t shard = 0;
  UnixUs due_at_us = 0;
};

// Newest first by (created_at_us, stream). Empty or zero fields do not filter.
struct CardQuery {
  std::string merchant_id;
  std::string state;
  UnixUs created_from_us = 0;       // inclusive
  UnixUs created_to_us = 0;         // exclusive; 0: open
  UnixUs before_created_at_us = 0;  // cursor: strictly after this pair in the list's order
  StreamId before_stream;
  std::size_t limit = 20;
};

// ---- who may write

// A process that asks for the right to write to a journal that several can reach.
struct LeaseClaim {
  std::string holder;       // unlike any other process's
  std::string whereabouts;  // for people, and for processes beside it to tell whether it lives
  std::int64_t length_us = 0;
  std::string successor_of;  // a holder that is known to be dead: its time need not be over
};

// Who has that right, by the store's own clock.
struct Lease {
  bool is_ours = false;
  std::string holder;
  std::string whereabouts;
  std::uint64_t renewals = 0;  // one that grows is a holder that lives
  std::int64_t left_us = 0;    // until somebody else may have it
  bool is_needed = true;       // no: only one process can open this journal, and it is ours
};

struct StoreStats {
  std::uint64_t events = 0;
  std::uint64_t last_position = 0;
  std::uint64_t view_position = 0;
  std::uint64_t segments = 0;  // 1 for stores without segments
  std::uint64_t bytes = 0;
};

// How far the journal reached when somebody wrote it down, beside the journal or in it. What is
// written down lags behind the rows and never leads: a journal that ends before a mark, or holds
// another row there, is not the journal it was.
struct JournalMark {
  std::string source;  // for messages: "its views"
  std::uint64_t position = 0;
  Hash hash{};  // of the row at `position`; zeros where only the position is known
};

class JournalStore {
 public:
  virtual ~JournalStore() = default;

  // ---- truth
  // One transaction, durable on return. The results are in the batch's order.
  virtual StoreResult<std::vector<AppendResult>> append(std::vector<StreamAppend>& batch) = 0;
  // Takes the next epoch of every shard in [0, shard_count): what was held before is fenced out.
  // The first call fixes shard_count for good; another count later is refused as corrupt. 0 stands
  // for the count that was fixed, and is refused where none was.
  virtual StoreResult<std::vector<std::uint64_t>> claim_epochs(std::uint32_t shard_count) = 0;
  // A durable write that proves the store takes writes again.
  virtual StoreResult<Done> probe() = 0;
  // Takes the journal's present end for its end: marks are forgotten and the views emptied, since
  // they may be made from rows that are gone.
  virtual StoreResult<Done> accept_end() = 0;

  // Rows of a stream with seq > after_seq, in order; empty when there are none.
  virtual StoreResult<std::vector<EventRow>> read_stream(const StreamId& stream,
                                                         std::uint64_t after_seq = 0) const = 0;
  // Rows with position > after_position, in order, at most `limit`. Never skips a committed row.
  virtual StoreResult<std::vector<EventRow>> read_all(std::uint64_t after_position,
                                                      std::size_t limit) const = 0;
  // Each place where the journal's end was written down.
  virtual StoreResult<std::vector<JournalMark>> marks() const = 0;

  // After an append in doubt: returns when what was on its way has landed or never will. A read
  // before that may miss it.
  virtual StoreResult<Done> settle_doubt() { return Done{}; }

  // ---- who may write: for stores that more than one process can open. One thread at a time, which
  // may be another than those that append and checkpoint.
  // Takes what is free, what is over, and what was `successor_of`'s.
  virtual StoreResult<Lease> take_lease(const LeaseClaim& claim) {
    Lease lease;
    lease.is_ours = true;
    lease.is_needed = false;
    lease.holder = claim.holder;
    return lease;
  }
  // Only what is the holder's still: what was lost in between is not taken back.
  virtual StoreResult<Lease> renew_lease(const LeaseClaim& claim) { return take_lease(claim); }
  virtual StoreResult<Done> give_up_lease(const LeaseClaim&) { return Done{}; }

  // ---- views
  // Refused as fenced, whole, when the epoch is not the store's, or the position is behind the
  // views': what an old node still writes overwrites nothing.
  virtual StoreResult<Done> checkpoint(const ViewDelta& delta) = 0;
  virtual StoreResult<std::uint64_t> view_position() const = 0;
  virtual StoreResult<std::vector<DueTimer>> due_timers(UnixUs until_us,
                                                        std::size_t limit) const = 0;
  virtual StoreResult<std::vector<Card>> open_cards(const StreamId& after,
                                                    std::size_t limit) const = 0;
  virtual StoreResult<std::vector<Card>> list_cards(const CardQuery& query) const = 0;
  virtual StoreResult<std::optional<IdempotencyRecord>> find_idempotency(
      std::string_view merchant_id, std::string_view key) const = 0;
  virtual StoreResult<std::optional<Snapshot>> load_snapshot(const StreamId& stream) const = 0;

  virtual StoreResult<StoreStats> stats() const = 0;
};

// Opens by URL: "memory:", "sqlite:/var/lib/welkin/journal" (a folder), "postgres://…" or
// "postgresql://…". Creates and migrates the schema. `read_only` never writes, takes no lock and
// works beside a running node.
struct StoreOptions {
  std::string url;
  bool read_only = false;
  std::uint64_t segment_rows = 500'000;  // SQLite only
  // SQLite only: a journal whose meta.db is gone is opened all the same.
  bool accept_truncated = false;
};
StoreResult<std::unique_ptr<JournalStore>> open_store(const StoreOptions& options);

// Files and folders of an embedded journal that others than their owner may read or write.
std::vector<std::string> paths_open_to_others(const StoreOptions& options);

}  // namespace welkin
