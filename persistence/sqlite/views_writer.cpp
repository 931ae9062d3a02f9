// Writing views.
#include <algorithm>
#include <utility>

#include "persistence/sqlite/schema.hpp"
#include "persistence/sqlite/stream_index.hpp"
#include "persistence/sqlite/views.hpp"

namespace welkin::sqlite {
namespace {

// Forgetting is spread over checkpoints, so that a day's worth of keys never stalls one of them.
// Readers go by forget_idempotency_before_us, so what is forgotten is gone at once for them.
constexpr std::int64_t forget_rows_limit = 20'000;

constexpr const char* put_card =
    "INSERT OR REPLACE INTO cards (created_at_us, stream, position, shard, merchant_id, "
    "merchant_order_no, state, channel, currency, amount_minor, captured_minor, refunded_minor, "
    "updated_at_us, open, due_at_us) "
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)";
constexpr const char* put_open_card =
    "INSERT OR REPLACE INTO open_cards (stream, shard, open, due_at_us, created_at_us) "
    "VALUES (?1, ?2, ?3, ?4, ?5)";
constexpr const char* remove_open_card = "DELETE FROM open_cards WHERE stream = ?1";
constexpr const char* remove_idempotency =
    "DELETE FROM idempotency WHERE key_hash = ?1 AND merchant_id = ?2 AND key = ?3";
constexpr const char* put_idempotency =
    "INSERT INTO idempotency (key_hash, merchant_id, key, fingerprint, stream, seq, at_us) "
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
constexpr const char* put_snapshot =
    "INSERT INTO snapshots (stream, seq, version, payload, hash, seal) "
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6) "
    "ON CONFLICT (stream) DO UPDATE SET seq = excluded.seq, version = excluded.version, "
    "payload = excluded.payload, hash = excluded.hash, seal = excluded.seal";
constexpr const char* put_position =
    "UPDATE view_position SET position = ?1, forget_idempotency_before_us = "
    "max(forget_idempotency_before_us, ?2), hash = ?3 WHERE id = 1";
// Looks at the oldest rows only, so that it needs no index by age and its work is bounded.
constexpr const char* forget_old =
    "DELETE FROM idempotency WHERE id IN (SELECT id FROM "
    "(SELECT id, at_us FROM idempotency ORDER BY id LIMIT ?2) WHERE at_us < ?1)";
constexpr const char* select_position = "SELECT position FROM view_position WHERE id = 1";
constexpr const char* empty_all =
    "BEGIN IMMEDIATE; DELETE FROM cards; DELETE FROM open_cards; DELETE FROM idempotency; "
    "DELETE FROM snapshots; UPDATE view_position SET position = 0, hash = NULL, "
    "forget_idempotency_before_us = 0; COMMIT";

}  // namespace

std::int64_t idempotency_hash(std::string_view merchant_id, std::string_view key) {
  std::uint64_t hash = mix(merchant_id.size());
  for (const std::string_view part : {merchant_id, key})
    for (const char c : part) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return static_cast<std::int64_t>(mix(hash));
}

Failure ViewsWriter::empty() {
  if (!connection_) {
    if (auto failed = connect()) return failed;
  }
  return connection_->execute(empty_all);
}

Failure ViewsWriter::connect() {
  auto opened = Connection::open(path_, OpenMode::create);
  if (const auto* failed = error_of(opened)) return *failed;
  auto& connection = std::get<std::unique_ptr<Connection>>(opened);
  if (auto failed = set_up_writer(*connection, false)) return failed;
  // The tables are large and written all over: a bigger cache and a longer log save writing pages
  // twice. Longer than 16 MB would keep the disk from the journal's commits for too long at a time.
  if (auto failed = connection->execute("PRAGMA wal_autocheckpoint=4000; PRAGMA cache_size=-65536"))
    return failed;
  if (auto failed = migrate(*connection, views_schema)) return failed;
  connection_ = std::move(connection);
  return {};
}

Failure ViewsWriter::checkpoint(const ViewDelta& delta) {
  if (!connection_) {
    if (auto failed = connect()) return failed;
  }
  auto failed = write(delta);
  if (failed) connection_.reset();
  return failed;
}

Failure ViewsWriter::write(const ViewDelta& delta) {
  Transaction transaction(*connection_);
  if (auto failed = transaction.begin()) return failed;
  auto position = connection_->query_integer(select_position, 0);
  if (const auto* failed = error_of(position)) return *failed;
  if (static_cast<std::uint64_t>(std::get<std::int64_t>(position)) > delta.position)
    return StoreError{StoreErrorKind::fenced, path_ + ": views stand at " +
                                                  std::to_string(std::get<std::int64_t>(position)) +
                                                  " and do not go back to " +
                                                  std::to_string(delta.position)};
  if (auto failed = write_cards(delta.cards)) return failed;
  if (auto failed = write_idempotency(delta.idempotency)) return failed;
  for (const Snapshot& snapshot : delta.snapshots)
    if (auto failed = write_snapshot(snapshot)) return failed;
  if (auto failed = write_position(delta)) return failed;
  if (auto failed = forget(delta.forget_idempotency_before_us)) return failed;
  return transaction.commit();
}

Failure ViewsWriter::run(Statement& statement, std::string_view doing) {
  const int code = statement.step();
  if (code != SQLITE_DONE) return connection_->error(code, doing);
  return {};
}

// In the order of the list: most go to its end then, where SQLite knows the way.
Failure ViewsWriter::write_cards(const std::vector<Card>& cards) {
  std::vector<const Card*> sorted;
  sorted.reserve(cards.size());
  for (const Card& card : cards) sorted.push_back(&card);
  std::stable_sort(sorted.begin(), sorted.end(), [](const Card* a, const Card* b) {
    return a->created_at_us < b->created_at_us;
  });
  for (const Card* card : sorted)
    if (auto failed = write_card(*card)) return failed;
  for (const Card& card : cards)
    if (auto failed = write_open_card(card)) return failed;
  return {};
}

Failure ViewsWriter::write_card(const Card& card) {
  auto prepared = connection_->prepare(put_card);
  if (const auto* failed = error_of(prepared)) return *failed;
  auto& put = *std::get<StatementScope>(prepared);
  put.bind(1, std::int64_t{card.created_at_us});
  put.bind(2, card.stream);
  put.bind(3, card.position);
  put.bind(4, std::int64_t{card.shard});
  put.bind(5, std::string_view(card.merchant_id));
  put.bind(6, std::string_view(card.merchant_order_no));
  put.bind(7, std::string_view(card.state));
  put.bind(8, std::string_view(card.channel));
  put.bind(9, std::string_view(card.currency));
  put.bind(10, card.amount_minor);
  put.bind(11, card.captured_minor);
  put.bind(12, card.refunded_minor);
  put.bind(13, std::int64_t{card.updated_at_us});
  put.bind(14, std::int64_t{card.open});
  put.bind(15, std::int64_t{card.due_at_us});
  return run(put, put_card);
}

Failure ViewsWriter::write_open_card(const Card& card) {
  const bool wanted = card.open || card.due_at_us != 0;
  if (!wanted && card.is_new) return {};
  auto prepared = connection_->prepare(wanted ? put_open_card : remove_open_card);
  if (const auto* failed = error_of(prepared)) return *failed;
  auto& change = *std::get<StatementScope>(prepared);
  change.bind(1, card.stream);
  if (wanted) {
    change.bind(2, std::int64_t{card.shard});
    change.bind(3, std::int64_t{card.open});
    change.bind(4, std::int64_t{card.due_at_us});
    change.bind(5, std::int64_t{card.created_at_us});
  }
  return run(change, wanted ? put_open_card : remove_open_card);
}

Failure ViewsWriter::write_idempotency(const std::vector<IdempotencyRecord>& records) {
  // In the order of the index: neighbours then share its pages, which counts once it outgrows the
  // cache. Stable, so that of two records with one key the later stays.
  std::vector<std::pair<std::int64_t, const IdempotencyRecord*>> sorted;
  sorted.reserve(records.size());
  for (const auto& record : records)
    sorted.emplace_back(idempotency_hash(record.merchant_id, record.key), &record);
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  for (const auto& [hash, record] : sorted)
    if (auto failed = write_idempotency(*record, hash)) return failed;
  return {};
}

Failure ViewsWriter::write_idempotency(const IdempotencyRecord& record, std::int64_t hash) {
  auto prepared_remove = connection_->prepare(remove_idempotency);
  if (const auto* failed = error_of(prepared_remove)) return *failed;
  auto& remove = *std::get<StatementScope>(prepared_remove);
  remove.bind(1, hash);
  remove.bind(2, std::string_view(record.merchant_id));
  remove.bind(3, std::string_view(record.key));
  if (auto failed = run(remove, remove_idempotency)) return failed;
  auto prepared_put = connection_->prepare(put_idempotency);
  if (const auto* failed = error_of(prepared_put)) return *failed;
  auto& put = *std::get<StatementScope>(prepared_put);
  put.bind(1, hash);
  put.bind(2, std::string_view(record.merchant_id));
  put.bind(3, std::string_view(record.key));
  put.bind(4, std::string_view(record.fingerprint));
  put.bind(5, record.stream);
  put.bind(6, record.seq);
  put.bind(7, std::int64_t{record.at_us});
  return run(put, put_idempotency);
}

Failure ViewsWriter::write_snapshot(const Snapshot& snapshot) {
  auto prepared = connection_->prepare(put_snapshot);
  if (const auto* failed = error_of(prepared)) return *failed;
  auto& put = *std::get<StatementScope>(prepared);
  put.bind(1, snapshot.stream);
  put.bind(2, snapshot.seq);
  put.bind(3, std::int64_t{snapshot.version});
  put.bind(4, std::string_view(snapshot.payload));
  put.bind(5, snapshot.hash);
  put.bind(6, snapshot.seal);
  return run(put, put_snapshot);
}

Failure ViewsWriter::write_position(const ViewDelta& delta) {
  auto prepared = connection_->prepare(put_position);
  if (const auto* failed = error_of(prepared)) return *failed;
  auto& put = *std::get<StatementScope>(prepared);
  put.bind(1, delta.position);
  put.bind(2, std::int64_t{delta.forget_idempotency_before_us});
  put.bind(3, delta.hash);
  return run(put, put_position);
}

Failure ViewsWriter::forget(UnixUs before_us) {
  if (before_us == 0) return {};
  auto prepared = connection_->prepare(forget_old);
  if (const auto* failed = error_of(prepared)) return *failed;
  auto& remove = *std::get<StatementScope>(prepared);
  remove.bind(1, std::int64_t{before_us});
  remove.bind(2, forget_rows_limit);
  return run(remove, forget_old);
}

}  // namespace welkin::sqlite
