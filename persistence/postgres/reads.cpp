// Everything that is read: rows into values, with each value checked on the way in.
#include "persistence/postgres/reads.hpp"

#include <algorithm>
#include <limits>
#include <string>

namespace welkin::postgres {
namespace {

const std::string event_columns =
    "position, stream, seq, type, version, payload, at_us, causation_id, correlation_id, "
    "prev_hash, "
    "hash";
const std::string card_columns =
    "stream, position, shard, merchant_id, merchant_order_no, state, channel, currency, "
    "amount_minor, captured_minor, refunded_minor, created_at_us, updated_at_us, open, due_at_us";

StoreError corrupt(const std::string& what) {
  return {StoreErrorKind::corrupt, "postgresql: " + what};
}

// bigint has no more.
std::int64_t limit_of(std::size_t limit) {
  return static_cast<std::int64_t>(
      std::min<std::size_t>(limit, std::numeric_limits<std::int64_t>::max()));
}
std::int64_t signed_of(std::uint64_t number) { return limit_of(number); }

std::string text_of(const pqxx::field& field) { return {field.c_str(), field.size()}; }

std::optional<Hash> hash_of(const pqxx::field& field) {
  const std::string_view text{field.c_str(), field.size()};
  return text.substr(0, 2) == "\\x" ? parse_hash(text.substr(2)) : std::nullopt;
}

std::optional<EventRow> event_of(const pqxx::row& row) {
  const std::optional<StreamId> stream = StreamId::parse(row[1].c_str());
  const std::optional<Hash> prev_hash = hash_of(row[9]);
  const std::optional<Hash> hash = hash_of(row[10]);
  if (!stream || !prev_hash || !hash) return std::nullopt;
  EventRow event;
  event.position = row[0].as<std::uint64_t>();
  event.stream = *stream;
  event.seq = row[2].as<std::uint64_t>();
  event.type = text_of(row[3]);
  event.version = row[4].as<int>();
  event.payload = text_of(row[5]);
  event.at_us = row[6].as<UnixUs>();
  event.causation_id = text_of(row[7]);
  event.correlation_id = text_of(row[8]);
  event.prev_hash = *prev_hash;
  event.hash = *hash;
  return event;
}

std::optional<Card> card_of(const pqxx::row& row) {
  const std::optional<StreamId> stream = StreamId::parse(row[0].c_str());
  if (!stream) return std::nullopt;
  Card card;
  card.stream = *stream;
  card.position = row[1].as<std::uint64_t>();
  card.shard = row[2].as<std::uint32_t>();
  card.merchant_id = text_of(row[3]);
  card.merchant_order_no = text_of(row[4]);
  card.state = text_of(row[5]);
  card.channel = text_of(row[6]);
  card.currency = text_of(row[7]);
  card.amount_minor = row[8].as<std::int64_t>();
  card.captured_minor = row[9].as<std::int64_t>();
  card.refunded_minor = row[10].as<std::int64_t>();
  card.created_at_us = row[11].as<UnixUs>();
  card.updated_at_us = row[12].as<UnixUs>();
  card.open = row[13].as<bool>();
  card.due_at_us = row[14].as<UnixUs>();
  return card;
}

StoreResult<std::vector<EventRow>> events_of(const pqxx::result& rows) {
  std::vector<EventRow> events;
  events.reserve(rows.size());
  for (const pqxx::row& row : rows) {
    std::optional<EventRow> event = event_of(row);
    if (!event) return corrupt("unreadable event at position " + text_of(row[0]));
    events.push_back(std::move(*event));
  }
  return events;
}

StoreResult<std::vector<Card>> cards_of(const pqxx::result& rows) {
  std::vector<Card> cards;
  cards.reserve(rows.size());
  for (const pqxx::row& row : rows) {
    std::optional<Card> card = card_of(row);
    if (!card) return corrupt("unreadable card of stream " + text_of(row[0]));
    cards.push_back(std::move(*card));
  }
  return cards;
}

}  // namespace

void prepare_reads(pqxx::connection& connection) {
  connection.prepare("read_stream", "SELECT " + event_columns +
                                        " FROM events WHERE stream = $1 AND seq > $2 ORDER BY seq");
  connection.prepare("read_all", "SELECT " + event_columns +
                                     " FROM events WHERE position > $1 ORDER BY position LIMIT $2");
  connection.prepare("view_position", "SELECT position FROM view_position");
  connection.prepare(
      "due_timers",
      "SELECT stream, shard, due_at_us FROM cards"
      " WHERE due_at_us > 0 AND due_at_us <= $1 ORDER BY due_at_us, stream LIMIT $2");
  connection.prepare(
      "open_cards",
      "SELECT " + card_columns + " FROM cards WHERE open AND stream > $1 ORDER BY stream LIMIT $2");
  connection.prepare("find_idempotency",
                     "SELECT fingerprint, stream, seq, at_us FROM idempotency"
                     " WHERE merchant_id = $1 AND key = $2");
  connection.prepare(
      "load_snapshot",
      "SELECT seq, version, payload, hash, coalesce(seal, '') FROM snapshots WHERE stream = $1");
}

StoreResult<std::vector<EventRow>> read_stream(ReadPool& pool, const StreamId& stream,
                                               std::uint64_t after_seq) {
  return pool.read<std::vector<EventRow>>([&](pqxx::nontransaction& statements) {
    return events_of(statements.exec_prepared("read_stream", stream.text(), signed_of(after_seq)));
  });
}

StoreResult<std::vector<EventRow>> read_all(ReadPool& pool, std::uint64_t after_position,
                                            std::size_t limit) {
  return pool.read<std::vector<EventRow>>([&](pqxx::nontransaction& statements) {
    return events_of(
        statements.exec_prepared("read_all", signed_of(after_position), limit_of(limit)));
  });
}

StoreResult<StoreStats> stats(ReadPool& pool) {
  return pool.read<StoreStats>([](pqxx::nontransaction& statements) -> StoreResult<StoreStats> {
    // Positions have no gaps, so the head is the count too, which no scan of the journal can be.
    const pqxx::row row = statements.exec1(
        "SELECT (SELECT position FROM journal_head), (SELECT position FROM view_position),"
        " (SELECT sum(pg_total_relation_size(oid)) FROM pg_class"
        "  WHERE relnamespace = 'welkin'::regnamespace AND relkind = 'r')");
    StoreStats stats;
    stats.events = stats.last_position = row[0].as<std::uint64_t>();
    stats.view_position = row[1].as<std::uint64_t>();
    stats.segments = 1;
    stats.bytes = row[2].as<std::uint64_t>();
    return stats;
  });
}

StoreResult<std::uint64_t> view_position(ReadPool& pool) {
  return pool.read<std::uint64_t>(
      [](pqxx::nontransaction& statements) -> StoreResult<std::uint64_t> {
        return statements.exec_prepared1("view_position")[0].as<std::uint64_t>();
      });
}

StoreResult<std::vector<JournalMark>> marks(ReadPool& pool) {
  using Marks = std::vector<JournalMark>;
  return pool.read<Marks>([](pqxx::nontransaction& statements) -> StoreResult<Marks> {
    const pqxx::row row = statements.exec1(
        "SELECT (SELECT position FROM journal_head), position, coalesce(hash, '')"
        " FROM view_position");
    return Marks{{"its head", row[0].as<std::uint64_t>(), {}},
                 {"its views", row[1].as<std::uint64_t>(), hash_of(row[2]).value_or(Hash{})}};
  });
}

StoreResult<std::vector<DueTimer>> due_timers(ReadPool& pool, UnixUs until_us, std::size_t limit) {
  using Timers = std::vector<DueTimer>;
  return pool.read<Timers>([&](pqxx::nontransaction& statements) -> StoreResult<Timers> {
    Timers timers;
    for (const pqxx::row& row : statements.exec_prepared("due_timers", until_us, limit_of(limit))) {
      const std::optional<StreamId> stream = StreamId::parse(row[0].c_str());
      if (!stream) return corrupt("unreadable timer of stream " + text_of(row[0]));
      timers.push_back({*stream, row[1].as<std::uint32_t>(), row[2].as<UnixUs>()});
    }
    return timers;
  });
}

StoreResult<std::vector<Card>> open_cards(ReadPool& pool, const StreamId& after,
                                          std::size_t limit) {
  return pool.read<std::vector<Card>>([&](pqxx::nontransaction& statements) {
    return cards_of(statements.exec_prepared("open_cards", after.text(), limit_of(limit)));
  });
}

StoreResult<std::vector<Card>> list_cards(ReadPool& pool, const CardQuery& query) {
  return pool.read<std::vector<Card>>([&](pqxx::nontransaction& statements) {
    std::string sql = "SELECT " + card_columns + " FROM cards WHERE true";
    if (!query.merchant_id.empty())
      sql += " AND merchant_id = " + statements.quote(query.merchant_id);
    if (!query.state.empty()) sql += " AND state = " + statements.quote(query.state);
    if (query.created_from_us != 0)
      sql += " AND created_at_us >= " + std::to_string(query.created_from_us);
    if (query.created_to_us != 0)
      sql += " AND created_at_us < " + std::to_string(query.created_to_us);
    if (query.before_created_at_us != 0)
      sql += " AND (created_at_us, stream) < (" + std::to_string(query.before_created_at_us) +
             ", " + statements.quote(query.before_stream.text()) + ")";
    sql +=
        " ORDER BY created_at_us DESC, stream DESC LIMIT " + std::to_string(limit_of(query.limit));
    return cards_of(statements.exec(sql));
  });
}

StoreResult<std::optional<IdempotencyRecord>> find_idempotency(ReadPool& pool,
                                                               std::string_view merchant_id,
                                                               std::string_view key) {
  using Found = std::optional<IdempotencyRecord>;
  return pool.read<Found>([&](pqxx::nontransaction& statements) -> StoreResult<Found> {
    const pqxx::result rows =
        statements.exec_prepared("find_idempotency", std::string{merchant_id}, std::string{key});
    if (rows.empty()) return Found{};
    const pqxx::row row = rows[0];
    const std::optional<StreamId> stream = StreamId::parse(row[1].c_str());
    if (!stream) return corrupt("unreadable idempotency record of stream " + text_of(row[1]));
    IdempotencyRecord record;
    record.merchant_id = merchant_id;
    record.key = key;
    record.fingerprint = text_of(row[0]);
    record.stream = *stream;
    record.seq = row[2].as<std::uint64_t>();
    record.at_us = row[3].as<UnixUs>();
    return Found{std::move(record)};
  });
}

StoreResult<std::optional<Snapshot>> load_snapshot(ReadPool& pool, const StreamId& stream) {
  using Found = std::optional<Snapshot>;
  return pool.read<Found>([&](pqxx::nontransaction& statements) -> StoreResult<Found> {
    const pqxx::result rows = statements.exec_prepared("load_snapshot", stream.text());
    if (rows.empty()) return Found{};
    const pqxx::row row = rows[0];
    const std::optional<Hash> hash = hash_of(row[3]);
    if (!hash) return corrupt("unreadable snapshot of stream " + stream.text());
    Snapshot snapshot;
    snapshot.stream = stream;
    snapshot.seq = row[0].as<std::uint64_t>();
    snapshot.version = row[1].as<int>();
    snapshot.payload = text_of(row[2]);
    snapshot.hash = *hash;
    snapshot.seal = hash_of(row[4]).value_or(Hash{});
    return Found{std::move(snapshot)};
  });
}

}  // namespace welkin::postgres
