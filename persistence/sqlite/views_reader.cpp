// Looking things up in views.
#include "persistence/sqlite/schema.hpp"
#include "persistence/sqlite/views.hpp"

#include <filesystem>
#include <system_error>

namespace welkin::sqlite {
namespace {

#define WELKIN_CARD_COLUMNS                                                                       \
  "c.created_at_us, c.stream, c.position, c.shard, c.merchant_id, c.merchant_order_no, c.state, " \
  "c.channel, c.currency, c.amount_minor, c.captured_minor, c.refunded_minor, c.updated_at_us, "  \
  "c.open, c.due_at_us"
constexpr const char* select_cards = "SELECT " WELKIN_CARD_COLUMNS " FROM cards AS c";
constexpr const char* select_open_cards =
    "SELECT " WELKIN_CARD_COLUMNS
    " FROM open_cards AS o JOIN cards AS c ON c.created_at_us = o.created_at_us "
    "AND c.stream = o.stream WHERE o.stream > ?1 AND o.open = 1 ORDER BY o.stream LIMIT ?2";
#undef WELKIN_CARD_COLUMNS
constexpr const char* select_due =
    "SELECT stream, shard, due_at_us FROM open_cards WHERE due_at_us > 0 AND due_at_us <= ?1 "
    "ORDER BY due_at_us, stream LIMIT ?2";
constexpr const char* select_idempotency =
    "SELECT fingerprint, stream, seq, at_us FROM idempotency "
    "WHERE merchant_id = ?1 AND key = ?2 AND key_hash = ?3 "
    "AND at_us >= (SELECT forget_idempotency_before_us FROM view_position)";
constexpr const char* select_snapshot =
    "SELECT seq, version, payload, hash, seal FROM snapshots WHERE stream = ?1";
constexpr const char* select_position = "SELECT position FROM view_position WHERE id = 1";
constexpr const char* select_mark = "SELECT position, hash FROM view_position WHERE id = 1";
// The cards of this schema are read as today's; only what the node itself reads is newer.
constexpr int oldest_readable_schema = 1;

StoreError not_readable(const Connection& connection) {
  return {StoreErrorKind::corrupt, connection.path() + ": a row is not readable; views can be " +
                                       "deleted while the node is stopped, and are made anew"};
}

StoreResult<std::vector<Card>> take_cards(const Connection& connection, Statement& from) {
  std::vector<Card> cards;
  int code = SQLITE_ROW;
  while ((code = from.step()) == SQLITE_ROW) {
    const auto stream = StreamId::parse(from.text(1));
    if (!stream) return not_readable(connection);
    Card& card = cards.emplace_back();
    card.created_at_us = from.integer(0);
    card.stream = *stream;
    card.position = from.count(2);
    card.shard = static_cast<std::uint32_t>(from.integer(3));
    card.merchant_id = from.text(4);
    card.merchant_order_no = from.text(5);
    card.state = from.text(6);
    card.channel = from.text(7);
    card.currency = from.text(8);
    card.amount_minor = from.integer(9);
    card.captured_minor = from.integer(10);
    card.refunded_minor = from.integer(11);
    card.updated_at_us = from.integer(12);
    card.open = from.integer(13) != 0;
    card.due_at_us = from.integer(14);
  }
  if (code != SQLITE_DONE) return connection.error(code, "read cards");
  return cards;
}

// Only the conditions that are asked for, so that SQLite can choose the index that fits them.
std::string list_sql(const CardQuery& query) {
  std::string sql = std::string(select_cards) + " WHERE c.created_at_us >= ?1";
  if (!query.merchant_id.empty()) sql += " AND c.merchant_id = ?2";
  if (!query.state.empty()) sql += " AND c.state = ?3";
  if (query.created_to_us != 0) sql += " AND c.created_at_us < ?4";
  if (query.before_created_at_us != 0) sql += " AND (c.created_at_us, c.stream) < (?5, ?6)";
  return sql + " ORDER BY c.created_at_us DESC, c.stream DESC LIMIT ?7";
}

}  // namespace

StoreResult<ReadPool::Lease> ViewsReader::lease() const {
  std::error_code ignored;
  if (!std::filesystem::exists(path_, ignored))
    return StoreError{StoreErrorKind::unavailable,
                      path_ + " is not there; the node makes it anew when it starts"};
  return readers_.acquire(path_);
}

Failure ViewsReader::check() const {
  auto leased = lease();
  if (const auto* failed = error_of(leased)) return *failed;
  auto checked =
      check_schema(*std::get<ReadPool::Lease>(leased), views_schema, oldest_readable_schema);
  if (const auto* failed = error_of(checked)) return *failed;
  return {};
}

StoreResult<std::uint64_t> ViewsReader::position() const {
  auto leased = lease();
  if (const auto* failed = error_of(leased)) return *failed;
  auto position = std::get<ReadPool::Lease>(leased)->query_integer(select_position, 0);
  if (const auto* failed = error_of(position)) return *failed;
  return static_cast<std::uint64_t>(std::get<std::int64_t>(position));
}

StoreResult<JournalMark> ViewsReader::mark() const {
  auto leased = lease();
  if (const auto* failed = error_of(leased)) return *failed;
  auto& connection = *std::get<ReadPool::Lease>(leased);
  JournalMark mark{"its views", 0, {}};
  auto schema = check_schema(connection, views_schema, oldest_readable_schema);
  if (const auto* failed = error_of(schema)) return *failed;
  if (std::get<int>(schema) == 0) return mark;
  const char* sql = std::get<int>(schema) == oldest_readable_schema ? select_position : select_mark;
  auto prepared = connection.prepare(sql);
  if (const auto* failed = error_of(prepared)) return *failed;
  auto& query = *std::get<StatementScope>(prepared);
  const int code = query.step();
  if (code != SQLITE_ROW) return connection.error(code, sql);
  mark.position = query.count(0);
  if (sql == select_mark) copy_hash(query.bytes(1), mark.hash);
  return mark;
}

StoreResult<std::vector<DueTimer>> ViewsReader::due_timers(UnixUs until_us,
                                                           std::size_t limit) const {
  auto leased = lease();
  if (const auto* failed = error_of(leased)) return *failed;
  auto& connection = *std::get<ReadPool::Lease>(leased);
  auto prepared = connection.prepare(select_due);
  if (const auto* failed = error_of(prepared)) return *failed;
  auto& query = *std::get<StatementScope>(prepared);
  query.bind(1, std::int64_t{until_us});
  query.bind(2, std::uint64_t{limit});
  std::vector<DueTimer> timers;
  int code = SQLITE_ROW;
  while ((code = query.step()) == SQLITE_ROW) {
    const auto stream = StreamId::parse(query.text(0));
    if (!stream) return not_readable(connection);
    timers.push_back({*stream, static_cast<std::uint32_t>(query.integer(1)), query.integer(2)});
  }
  if (code != SQLITE_DONE) return connection.error(code, select_due);
  return timers;
}

StoreResult<std::vector<Card>> ViewsReader::open_cards(const StreamId& after,
                                                       std::size_t limit) const {
  auto leased = lease();
  if (const auto* failed = error_of(leased)) return *failed;
  auto& connection = *std::get<ReadPool::Lease>(leased);
  auto prepared = connection.prepare(select_open_cards);
  if (const auto* failed = error_of(prepared)) return *failed;
  auto& query = *std::get<StatementScope>(prepared);
  query.bind(1, after);
  query.bind(2, std::uint64_t{limit});
  return take_cards(connection, query);
}

StoreResult<std::vector<Card>> ViewsReader::list_cards(const CardQuery& query) const {
  auto leased = lease();
  if (const auto* failed = error_of(leased)) return *failed;
  auto& connection = *std::get<ReadPool::Lease>(leased);
  auto prepared = connection.prepare_once(list_sql(query));
  if (const auto* failed = error_of(prepared)) return *failed;
  auto& select = *std::get<std::unique_ptr<Statement>>(prepared);
  select.bind(1, std::int64_t{query.created_from_us});
  if (!query.merchant_id.empty()) select.bind(2, std::string_view(query.merchant_id));
  if (!query.state.empty()) select.bind(3, std::string_view(query.state));
  if (query.created_to_us != 0) select.bind(4, std::int64_t{query.created_to_us});
  if (query.before_created_at_us != 0) {
    select.bind(5, std::int64_t{query.before_created_at_us});
    select.bind(6, query.before_stream);
  }
  select.bind(7, std::uint64_t{query.limit});
  return take_cards(connection, select);
}

StoreResult<std::optional<IdempotencyRecord>> ViewsReader::find_idempotency(
    std::string_view merchant_id, std::string_view key) const {
  auto leased = lease();
  if (const auto* failed = error_of(leased)) return *failed;
  auto& connection = *std::get<ReadPool::Lease>(leased);
  auto prepared = connection.prepare(select_idempotency);
  if (const auto* failed = error_of(prepared)) return *failed;
  auto& query = *std::get<StatementScope>(prepared);
  query.bind(1, merchant_id);
  query.bind(2, key);
  query.bind(3, idempotency_hash(merchant_id, key));
  const int code = query.step();
  if (code == SQLITE_DONE) return std::optional<IdempotencyRecord>();
  if (code != SQLITE_ROW) return connection.error(code, select_idempotency);
  const auto stream = StreamId::parse(query.text(1));
  if (!stream) return not_readable(connection);
  IdempotencyRecord record;
  record.merchant_id = merchant_id;
  record.key = key;
  record.fingerprint = query.text(0);
  record.stream = *stream;
  record.seq = query.count(2);
  record.at_us = query.integer(3);
  return std::optional<IdempotencyRecord>(std::move(record));
}

StoreResult<std::optional<Snapshot>> ViewsReader::load_snapshot(const StreamId& stream) const {
  auto leased = lease();
  if (const auto* failed = error_of(leased)) return *failed;
  auto& connection = *std::get<ReadPool::Lease>(leased);
  auto prepared = connection.prepare(select_snapshot);
  if (const auto* failed = error_of(prepared)) return *failed;
  auto& query = *std::get<StatementScope>(prepared);
  query.bind(1, stream);
  const int code = query.step();
  if (code == SQLITE_DONE) return std::optional<Snapshot>();
  if (code != SQLITE_ROW) return connection.error(code, select_snapshot);
  Snapshot snapshot;
  snapshot.stream = stream;
  snapshot.seq = query.count(0);
  snapshot.version = static_cast<int>(query.integer(1));
  snapshot.payload = query.text(2);
  if (!copy_hash(query.bytes(3), snapshot.hash)) return not_readable(connection);
  copy_hash(query.bytes(4), snapshot.seal);
  return std::optional<Snapshot>(std::move(snapshot));
}

}  // namespace welkin::sqlite
