// Schemas of segments, views and meta, and the function that brings a file up to date.
#include "persistence/sqlite/schema.hpp"

#include <iterator>

namespace welkin::sqlite {
namespace {

// `events` has no index but its rowid while it is written: a growing random index is what makes a
// journal slow down. (stream, seq) is guarded in memory, and the unique index that sealing builds
// proves it. `journal` is for people in the sqlite3 shell.
constexpr Migration segment_migrations[] = {
    {1, "events", R"sql(
CREATE TABLE events (
  position       INTEGER PRIMARY KEY,
  stream         TEXT    NOT NULL,
  seq            INTEGER NOT NULL,
  type           TEXT    NOT NULL,
  version        INTEGER NOT NULL,
  payload        TEXT    NOT NULL,
  at_us          INTEGER NOT NULL,
  causation_id   TEXT    NOT NULL,
  correlation_id TEXT    NOT NULL,
  prev_hash      BLOB    NOT NULL,
  hash           BLOB    NOT NULL
);
CREATE TABLE segment (
  id            INTEGER PRIMARY KEY CHECK (id = 1),
  base_position INTEGER NOT NULL,            -- of the first row
  sealed        INTEGER NOT NULL DEFAULT 0,  -- 1: full, indexed, never written again
  last_position INTEGER,                     -- when sealed
  probes        INTEGER NOT NULL DEFAULT 0,  -- writes that only proved that writing works
  bloom         BLOB                         -- when sealed: which streams may be here
);
CREATE VIEW journal AS
  SELECT position, stream, seq, type, version, payload,
         strftime('%Y-%m-%dT%H:%M:%S', at_us / 1000000, 'unixepoch')
           || printf('.%06dZ', at_us % 1000000) AS at,
         causation_id, correlation_id,
         lower(hex(prev_hash)) AS prev_hash, lower(hex(hash)) AS hash
    FROM events;
)sql"},
};

// open_cards holds the few cards that something is still going to happen to, so that a restart and
// the timer never look at the many that are done.
constexpr Migration views_migrations[] = {
    {1, "cards_idempotency_snapshots", R"sql(
CREATE TABLE cards (
  created_at_us     INTEGER NOT NULL,
  stream            TEXT    NOT NULL,
  position          INTEGER NOT NULL,
  shard             INTEGER NOT NULL,
  merchant_id       TEXT    NOT NULL,
  merchant_order_no TEXT    NOT NULL,
  state             TEXT    NOT NULL,
  channel           TEXT    NOT NULL,
  currency          TEXT    NOT NULL,
  amount_minor      INTEGER NOT NULL,
  captured_minor    INTEGER NOT NULL,
  refunded_minor    INTEGER NOT NULL,
  updated_at_us     INTEGER NOT NULL,
  open              INTEGER NOT NULL,
  due_at_us         INTEGER NOT NULL,
  PRIMARY KEY (created_at_us, stream)
) WITHOUT ROWID;
CREATE INDEX cards_by_merchant ON cards (merchant_id, created_at_us, stream);
CREATE TABLE open_cards (
  stream        TEXT    PRIMARY KEY,
  shard         INTEGER NOT NULL,
  open          INTEGER NOT NULL,
  due_at_us     INTEGER NOT NULL,
  created_at_us INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX open_cards_by_due ON open_cards (due_at_us, stream) WHERE due_at_us > 0;
CREATE TABLE idempotency (
  id          INTEGER PRIMARY KEY,  -- grows, and so does at_us but for a few
  key_hash    INTEGER NOT NULL,     -- of merchant_id and key: an index of texts is much larger
  merchant_id TEXT    NOT NULL,
  key         TEXT    NOT NULL,
  fingerprint TEXT    NOT NULL,
  stream      TEXT    NOT NULL,
  seq         INTEGER NOT NULL,
  at_us       INTEGER NOT NULL
);
CREATE INDEX idempotency_by_key ON idempotency (key_hash);
CREATE TABLE snapshots (
  stream  TEXT    PRIMARY KEY,
  seq     INTEGER NOT NULL,
  version INTEGER NOT NULL,
  payload TEXT    NOT NULL,
  hash    BLOB    NOT NULL
);
CREATE TABLE view_position (
  id                           INTEGER PRIMARY KEY CHECK (id = 1),
  position                     INTEGER NOT NULL,  -- the tables hold everything up to here
  forget_idempotency_before_us INTEGER NOT NULL   -- what is older counts as gone
);
INSERT INTO view_position VALUES (1, 0, 0);
)sql"},
    {2, "hashes", R"sql(
ALTER TABLE view_position ADD COLUMN hash BLOB;  -- of the journal's row at position
ALTER TABLE snapshots ADD COLUMN seal BLOB;      -- over all columns of the row
)sql"},
};

constexpr Migration meta_migrations[] = {
    {1, "shards", R"sql(
CREATE TABLE settings (
  name  TEXT    PRIMARY KEY,
  value INTEGER NOT NULL
);
CREATE TABLE shards (
  shard INTEGER PRIMARY KEY,
  epoch INTEGER NOT NULL
);
)sql"},
    {2, "mark", R"sql(
CREATE TABLE mark (
  id       INTEGER PRIMARY KEY CHECK (id = 1),
  position INTEGER NOT NULL,  -- the journal reached this far
  hash     BLOB    NOT NULL   -- of the row there
);
)sql"},
};

constexpr const char* newest_applied = "SELECT max(number) FROM schema_migrations";
constexpr const char* has_migrations =
    "SELECT count(*) FROM sqlite_master WHERE name = 'schema_migrations'";

StoreError newer_than_program(const Connection& connection, const Schema& schema, int found) {
  return {StoreErrorKind::corrupt, connection.path() + ": " + schema.kind + " schema " +
                                       std::to_string(found) +
                                       " was written by a newer program; this one knows up to " +
                                       std::to_string(schema.migrations[schema.count - 1].number)};
}

Failure apply(Connection& connection, const Migration& migration) {
  if (auto failed = connection.execute(migration.sql)) return failed;
  auto prepared = connection.prepare_once(
      "INSERT INTO schema_migrations (number, name, applied_at) "
      "VALUES (?1, ?2, strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))");
  if (const auto* failed = error_of(prepared)) return *failed;
  auto& record = *std::get<std::unique_ptr<Statement>>(prepared);
  record.bind(1, std::int64_t{migration.number});
  record.bind(2, std::string_view(migration.name));
  const int code = record.step();
  if (code != SQLITE_DONE) return connection.error(code, "record a migration");
  return {};
}

}  // namespace

const Schema segment_schema{"segment", segment_migrations, std::size(segment_migrations)};
const Schema views_schema{"views", views_migrations, std::size(views_migrations)};
const Schema meta_schema{"meta", meta_migrations, std::size(meta_migrations)};

Failure migrate(Connection& connection, const Schema& schema) {
  Transaction transaction(connection);
  if (auto failed = transaction.begin()) return failed;
  if (auto failed = connection.execute(
          "CREATE TABLE IF NOT EXISTS schema_migrations "
          "(number INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at TEXT NOT NULL)"))
    return failed;
  auto applied = connection.query_integer(newest_applied, 0);
  if (const auto* failed = error_of(applied)) return *failed;
  const int found = static_cast<int>(std::get<std::int64_t>(applied));
  const int known = schema.migrations[schema.count - 1].number;
  if (found > known) return newer_than_program(connection, schema, found);
  if (found == known) return {};
  for (std::size_t i = 0; i < schema.count; ++i) {
    if (schema.migrations[i].number <= found) continue;
    if (auto failed = apply(connection, schema.migrations[i])) return failed;
  }
  return transaction.commit();
}

StoreResult<int> check_schema(Connection& connection, const Schema& schema, int oldest_known) {
  auto exists = connection.query_integer(has_migrations, 0);
  if (const auto* failed = error_of(exists)) return *failed;
  if (std::get<std::int64_t>(exists) == 0) return 0;
  auto applied = connection.query_integer(newest_applied, 0);
  if (const auto* failed = error_of(applied)) return *failed;
  const int found = static_cast<int>(std::get<std::int64_t>(applied));
  const int known = schema.migrations[schema.count - 1].number;
  if (found > known) return newer_than_program(connection, schema, found);
  if (found < (oldest_known == 0 ? known : oldest_known))
    return StoreError{StoreErrorKind::unavailable,
                      connection.path() + ": " + schema.kind + " schema " + std::to_string(found) +
                          " is older than this program's; start the node once to migrate it"};
  return found;
}

}  // namespace welkin::sqlite
