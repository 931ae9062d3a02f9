// How a batch is written. First hopefully: insert every row in one statement, and let the head's
// count of claims, the unique index and a look for each stream's predecessor say whether all
// expectations held. Only when they did not is the batch rolled back and judged item by item, under
// the journal head's lock. (ON CONFLICT DO NOTHING would say it without an error, but costs a
// second descent of the index and a second WAL record a row: about a tenth of the speed, measured.)
//
// The head's row lock does two things. It makes commits happen in the order of positions, so that a
// reader who follows positions never passes a row that is committed later. And it fences: a change
// of an epoch takes the same lock (a trigger sees to that) and counts itself there, so an append
// that finds the count it knows writes under epochs that hold until its commit. (Share locks on the
// shards' own rows fence too, at a row lock and its WAL record a shard and batch.)
#include "persistence/postgres/append.hpp"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "persistence/journal_check.hpp"
#include "persistence/postgres/array_literal.hpp"
#include "persistence/postgres/binary_array.hpp"

namespace welkin::postgres {
namespace {

constexpr const char* lock_head_sql = "SELECT claims FROM journal_head FOR UPDATE";

// After the head is locked, so that no claim is under way.
constexpr const char* epochs_sql = "SELECT id, epoch FROM shard";

constexpr const char* last_seqs_sql =
    "SELECT wanted.stream,"
    "  (SELECT max(events.seq) FROM events WHERE events.stream = wanted.stream)"
    " FROM unnest($1::text[]) AS wanted(stream)";

constexpr const char* insert_sql = R"sql(
WITH head AS (
  UPDATE journal_head SET position = position + $1::bigint
  RETURNING position - $1::bigint AS base, claims),
added AS (
  INSERT INTO events (position, stream, seq, type, version, payload, at_us, causation_id,
                      correlation_id, prev_hash, hash)
  SELECT head.base + given.ordinal, given.stream, given.seq, given.type, given.version,
         given.payload, given.at_us, given.causation_id, given.correlation_id, given.prev_hash,
         given.hash
  FROM head, unnest($2::text[], $3::bigint[], $4::text[], $5::integer[], $6::json[], $7::bigint[],
                    $8::text[], $9::text[], $10::bytea[], $11::bytea[]) WITH ORDINALITY
       AS given(stream, seq, type, version, payload, at_us, causation_id, correlation_id, prev_hash,
                hash, ordinal)
  RETURNING 1)
SELECT (SELECT base FROM head), (SELECT claims FROM head), (SELECT count(*) FROM added),
       (SELECT count(*) FROM unnest($12::text[], $13::bigint[]) AS before(stream, seq)
        WHERE EXISTS (SELECT 1 FROM events
                      WHERE events.stream = before.stream AND events.seq = before.seq))
)sql";

using LastSeqs = std::unordered_map<StreamId, std::uint64_t>;

StoreError nul_in_text() {
  return {StoreErrorKind::unavailable, "postgresql: a text with a NUL byte cannot be stored"};
}

// Rows as columns. `predecessors` are the last events the first items of their streams build upon.
struct Columns {
  void add(const StreamId& stream, const EventRow& row) {
    add_stream(streams, stream);
    seqs.add_int8(row.seq);
    types.add_text(row.type);
    versions.add_int4(static_cast<std::uint32_t>(row.version));
    payloads.add_text(row.payload);
    at_us.add_int8(static_cast<std::uint64_t>(row.at_us));
    causation_ids.add_text(row.causation_id);
    correlation_ids.add_text(row.correlation_id);
    prev_hashes.add_hash(row.prev_hash);
    hashes.add_hash(row.hash);
  }
  void add_predecessor(const StreamId& stream, std::uint64_t seq) {
    add_stream(predecessor_streams, stream);
    predecessor_seqs.add_int8(seq);
  }
  bool has_nul() const {
    return types.has_nul() || payloads.has_nul() || causation_ids.has_nul() ||
           correlation_ids.has_nul();
  }
  std::size_t rows() const { return seqs.count(); }
  std::size_t predecessors() const { return predecessor_seqs.count(); }

  BinaryArray streams{ElementType::text}, seqs{ElementType::int8}, types{ElementType::text},
      versions{ElementType::int4}, payloads{ElementType::json}, at_us{ElementType::int8},
      causation_ids{ElementType::text}, correlation_ids{ElementType::text},
      prev_hashes{ElementType::bytea}, hashes{ElementType::bytea},
      predecessor_streams{ElementType::text}, predecessor_seqs{ElementType::int8};

 private:
  static void add_stream(BinaryArray& to, const StreamId& stream) { to.add_text(stream.text()); }
};

bool is_numbered(const StreamAppend& item) {
  std::uint64_t seq = item.expected_seq;
  return std::all_of(item.rows.begin(), item.rows.end(),
                     [&seq](const EventRow& row) { return row.seq == ++seq; });
}

class Batch {
 public:
  Batch(std::vector<StreamAppend>& items, AppendMemory& memory)
      : items_(items), memory_(memory), results_(items.size()) {}

  // Both are bodies of a transaction.
  StoreResult<Verdict> write_hopefully(pqxx::work& transaction);
  StoreResult<Verdict> write_judged(pqxx::work& transaction);

  // Whether write_hopefully found an expectation that did not hold.
  bool needs_judging() const { return needs_judging_; }
  // After the commit: gives positions, and remembers what is there now.
  std::vector<AppendResult> take_results();

 private:
  bool is_accepted(std::size_t i) const { return results_[i].status == AppendStatus::committed; }
  // Under the head's lock, which it takes.
  void read_epochs(pqxx::work& transaction);
  bool holds_epoch(const StreamAppend& item) const;
  void judge(LastSeqs last_seqs);
  LastSeqs read_last_seqs(pqxx::work& transaction) const;
  // Whether the items hold what the insert alone cannot see: epochs, as far as they are known; rows
  // at all, numbered from what the item expects, which is where an earlier one of its stream ends.
  bool is_coherent() const;
  Columns collect() const;
  StoreResult<Verdict> insert(pqxx::work& transaction);

  std::vector<StreamAppend>& items_;
  AppendMemory& memory_;
  std::vector<AppendResult> results_;
  std::uint64_t base_ = 0;
  bool needs_judging_ = false;
};

StoreResult<Verdict> Batch::write_hopefully(pqxx::work& transaction) {
  if (!memory_.claims || !is_coherent()) {
    needs_judging_ = true;
    return Verdict::roll_back;
  }
  try {
    return insert(transaction);
  } catch (const pqxx::unique_violation&) {
    needs_judging_ = true;
    return Verdict::roll_back;
  }
}

StoreResult<Verdict> Batch::write_judged(pqxx::work& transaction) {
  results_.assign(items_.size(), {});
  needs_judging_ = false;
  read_epochs(transaction);
  judge(read_last_seqs(transaction));
  StoreResult<Verdict> verdict = insert(transaction);
  if (needs_judging_)
    return StoreError{StoreErrorKind::corrupt,
                      "postgresql: a row was refused that nothing stands against"};
  return verdict;
}

std::vector<AppendResult> Batch::take_results() {
  std::uint64_t position = base_;
  for (std::size_t i = 0; i < items_.size(); ++i) {
    if (!is_accepted(i)) continue;
    for (EventRow& row : items_[i].rows) row.position = ++position;
    memory_.known.committed(items_[i].stream, items_[i].expected_seq + items_[i].rows.size());
  }
  return std::move(results_);
}

void Batch::read_epochs(pqxx::work& transaction) {
  memory_.claims = transaction.exec_prepared1("lock_head")[0].as<std::uint64_t>();
  memory_.epochs.clear();
  for (const pqxx::row& row : transaction.exec_prepared("epochs"))
    memory_.epochs.emplace(row[0].as<std::uint32_t>(), row[1].as<std::uint64_t>());
}

bool Batch::holds_epoch(const StreamAppend& item) const {
  // Nobody was ever given another epoch than the shard's, so any other one is not a holder's.
  const auto held = memory_.epochs.find(item.shard);
  return held != memory_.epochs.end() && held->second == item.epoch;
}

LastSeqs Batch::read_last_seqs(pqxx::work& transaction) const {
  LastSeqs last_seqs;
  std::unordered_map<std::string, StreamId> streams;
  for (const StreamAppend& item : items_) {
    if (!last_seqs.emplace(item.stream, 0).second) continue;
    streams.emplace(item.stream.text(), item.stream);
  }
  ArrayLiteral wanted;
  for (const auto& [text, stream] : streams) wanted.add_text(text);
  for (const pqxx::row& row : transaction.exec_prepared("last_seqs", wanted.take()))
    if (!row[1].is_null())
      last_seqs[streams.at(row[0].as<std::string>())] = row[1].as<std::uint64_t>();
  return last_seqs;
}

void Batch::judge(LastSeqs last_seqs) {
  for (std::size_t i = 0; i < items_.size(); ++i) {
    std::uint64_t& last_seq = last_seqs[items_[i].stream];
    if (!holds_epoch(items_[i]))
      results_[i].status = AppendStatus::stale_epoch;
    else if (items_[i].expected_seq == last_seq && is_numbered(items_[i]))
      last_seq += items_[i].rows.size();
    else
      results_[i] = {AppendStatus::sequence_conflict, last_seq};
  }
}

bool Batch::is_coherent() const {
  LastSeqs written;
  for (const StreamAppend& item : items_) {
    if (!holds_epoch(item) || item.rows.empty() || !is_numbered(item)) return false;
    const auto last_seq = written.emplace(item.stream, item.expected_seq).first;
    if (last_seq->second != item.expected_seq) return false;
    last_seq->second += item.rows.size();
  }
  return true;
}

Columns Batch::collect() const {
  Columns columns;
  std::unordered_set<StreamId> seen;
  for (std::size_t i = 0; i < items_.size(); ++i) {
    if (!is_accepted(i)) continue;
    const StreamAppend& item = items_[i];
    if (seen.insert(item.stream).second && item.expected_seq > 0 &&
        !memory_.known.holds(item.stream, item.expected_seq))
      columns.add_predecessor(item.stream, item.expected_seq);
    for (const EventRow& row : item.rows) columns.add(item.stream, row);
  }
  return columns;
}

StoreResult<Verdict> Batch::insert(pqxx::work& transaction) {
  Columns columns = collect();
  if (columns.has_nul()) return nul_in_text();
  if (columns.rows() == 0) return Verdict::roll_back;
  const pqxx::row outcome = transaction.exec_prepared1(
      "insert", columns.rows(), columns.streams.parameter(), columns.seqs.parameter(),
      columns.types.parameter(), columns.versions.parameter(), columns.payloads.parameter(),
      columns.at_us.parameter(), columns.causation_ids.parameter(),
      columns.correlation_ids.parameter(), columns.prev_hashes.parameter(),
      columns.hashes.parameter(), columns.predecessor_streams.parameter(),
      columns.predecessor_seqs.parameter());
  base_ = outcome[0].as<std::uint64_t>();
  needs_judging_ = outcome[1].as<std::uint64_t>() != memory_.claims ||
                   outcome[2].as<std::size_t>() != columns.rows() ||
                   outcome[3].as<std::size_t>() != columns.predecessors();
  return needs_judging_ ? Verdict::roll_back : Verdict::commit;
}

}  // namespace

void prepare_append(pqxx::connection& connection) {
  connection.prepare("lock_head", lock_head_sql);
  connection.prepare("epochs", epochs_sql);
  connection.prepare("last_seqs", last_seqs_sql);
  connection.prepare("insert", insert_sql);
  connection.prepare("probe", "UPDATE write_probe SET at = clock_timestamp()");
}

StoreResult<std::vector<AppendResult>> append(WriteLane& lane, AppendMemory& memory,
                                              std::vector<StreamAppend>& items) {
  if (items.empty()) return std::vector<AppendResult>{};
  Batch batch{items, memory};
  StoreResult<Done> done =
      lane.transact([&batch](pqxx::work& work) { return batch.write_hopefully(work); });
  if (!error_of(done) && batch.needs_judging())
    done = lane.transact([&batch](pqxx::work& work) { return batch.write_judged(work); });
  if (const StoreError* error = error_of(done)) {
    memory = {};
    return *error;
  }
  return batch.take_results();
}

StoreResult<std::vector<std::uint64_t>> claim_epochs(WriteLane& lane, std::uint32_t shard_count,
                                                     bool accept_lost_shards) {
  if (shard_count > 65'536)
    return StoreError{StoreErrorKind::unavailable, "a journal has 1 to 65536 shards"};
  std::vector<std::uint64_t> epochs;
  const StoreResult<Done> done = lane.transact([&](pqxx::work& work) -> StoreResult<Verdict> {
    // Lets appends go on, whose locks are of rows, and other claims wait.
    work.exec("LOCK TABLE shard IN SHARE ROW EXCLUSIVE MODE");
    const auto found = work.exec1("SELECT count(*) FROM shard")[0].as<std::uint32_t>();
    if (found == 0 && !accept_lost_shards &&
        work.exec1("SELECT position FROM journal_head")[0].as<std::uint64_t>() > 0)
      return StoreError{StoreErrorKind::corrupt,
                        std::string("welkin.shard is empty, though the journal has events: it "
                                    "holds the number of shards and their epochs; ") +
                            way_out_of_a_truncated_journal};
    if (shard_count == 0) shard_count = found;
    if (shard_count == 0)
      return StoreError{StoreErrorKind::unavailable, "no node has used this journal yet"};
    epochs.resize(shard_count);
    if (found != 0 && found != shard_count)
      return StoreError{StoreErrorKind::corrupt,
                        "the journal was made with " + std::to_string(found) +
                            " shards and cannot be used with " + std::to_string(shard_count)};
    const pqxx::result claimed = found == 0
                                     ? work.exec_params(
                                           "INSERT INTO shard (id, epoch) SELECT id, 1 "
                                           "FROM generate_series(0, $1::integer - 1) AS id "
                                           "RETURNING id, epoch",
                                           shard_count)
                                     : work.exec(
                                           "WITH locked AS MATERIALIZED ("
                                           "  SELECT id FROM shard ORDER BY id FOR UPDATE) "
                                           "UPDATE shard SET epoch = epoch + 1 FROM locked "
                                           "WHERE shard.id = locked.id RETURNING shard.id, epoch");
    for (const pqxx::row& row : claimed)
      epochs.at(row[0].as<std::uint32_t>()) = row[1].as<std::uint64_t>();
    return Verdict::commit;
  });
  if (const StoreError* error = error_of(done)) return *error;
  return epochs;
}

StoreResult<Done> probe(WriteLane& lane) {
  return lane.transact([](pqxx::work& work) -> StoreResult<Verdict> {
    work.exec_prepared("probe");
    return Verdict::commit;
  });
}

// A transaction holds the head's row from its insert to its end, also when its client is gone. So
// whoever has the lock after it knows that what was to land has landed.
StoreResult<Done> settle_doubt(WriteLane& lane) {
  return lane.transact([](pqxx::work& work) -> StoreResult<Verdict> {
    work.exec_prepared("lock_head");
    return Verdict::roll_back;
  });
}

}  // namespace welkin::postgres
