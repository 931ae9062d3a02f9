// The text of each schema step, and the one transaction that applies those that are missing.
#include "persistence/postgres/migrations.hpp"

#include <iterator>
#include <string>

namespace welkin::postgres {
namespace {

struct Migration {
  int number;
  const char* name;
  const char* sql;
};

// `payload` is json and not jsonb, because json keeps the text byte for byte, as it was hashed, and
// still takes -> and ->>. Ids compare bytewise (COLLATE "C"): that is the order of the numbers
// behind them, and the cheapest one. journal_head and its like hold one row that is rewritten all
// the time; the low fill factor keeps those updates within the page.
constexpr const char* first_schema = R"sql(
CREATE TABLE events (
  position       bigint PRIMARY KEY,
  stream         text COLLATE "C" NOT NULL,
  seq            bigint NOT NULL,
  type           text NOT NULL,
  version        integer NOT NULL,
  payload        json NOT NULL,
  at_us          bigint NOT NULL,
  causation_id   text NOT NULL,
  correlation_id text NOT NULL,
  prev_hash      bytea NOT NULL CHECK (octet_length(prev_hash) = 32),
  hash           bytea NOT NULL CHECK (octet_length(hash) = 32),
  UNIQUE (stream, seq));

CREATE VIEW journal AS
  SELECT position, stream, seq, type, version, payload,
         timestamptz 'epoch' + at_us * interval '1 microsecond' AS at,
         causation_id, correlation_id,
         encode(prev_hash, 'hex') AS prev_hash, encode(hash, 'hex') AS hash
  FROM events;

CREATE TABLE journal_head (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  position bigint NOT NULL) WITH (fillfactor = 20);
INSERT INTO journal_head (position) VALUES (0);

CREATE TABLE view_position (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  position bigint NOT NULL) WITH (fillfactor = 20);
INSERT INTO view_position (position) VALUES (0);

CREATE TABLE write_probe (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  at       timestamptz NOT NULL) WITH (fillfactor = 20);
INSERT INTO write_probe (at) VALUES (clock_timestamp());

CREATE TABLE shard (
  id    integer PRIMARY KEY,
  epoch bigint NOT NULL);

CREATE TABLE cards (
  stream            text COLLATE "C" PRIMARY KEY,
  position          bigint NOT NULL,
  shard             integer NOT NULL,
  merchant_id       text COLLATE "C" NOT NULL,
  merchant_order_no text COLLATE "C" NOT NULL,
  state             text COLLATE "C" NOT NULL,
  channel           text NOT NULL,
  currency          text NOT NULL,
  amount_minor      bigint NOT NULL,
  captured_minor    bigint NOT NULL,
  refunded_minor    bigint NOT NULL,
  created_at_us     bigint NOT NULL,
  updated_at_us     bigint NOT NULL,
  open              boolean NOT NULL,
  due_at_us         bigint NOT NULL) WITH (fillfactor = 80);
CREATE INDEX cards_by_merchant ON cards (merchant_id, created_at_us, stream);
CREATE INDEX cards_by_age ON cards (created_at_us, stream);
CREATE INDEX cards_open ON cards (stream) WHERE open;
CREATE INDEX cards_due ON cards (due_at_us, stream) WHERE due_at_us > 0;

CREATE TABLE idempotency (
  merchant_id text COLLATE "C" NOT NULL,
  key         text COLLATE "C" NOT NULL,
  fingerprint text NOT NULL,
  stream      text COLLATE "C" NOT NULL,
  seq         bigint NOT NULL,
  at_us       bigint NOT NULL,
  PRIMARY KEY (merchant_id, key));
CREATE INDEX idempotency_by_age ON idempotency (at_us);

CREATE TABLE snapshots (
  stream  text COLLATE "C" PRIMARY KEY,
  seq     bigint NOT NULL,
  version integer NOT NULL,
  payload json NOT NULL,
  hash    bytea NOT NULL CHECK (octet_length(hash) = 32));
)sql";

// How often an epoch was changed, in the row that every append locks: an append sees by this one
// number that the epochs it knows still hold, and whoever changes one, even by hand, waits for the
// append under way and is waited for by the next.
constexpr const char* claims_in_head = R"sql(
ALTER TABLE journal_head ADD COLUMN claims bigint NOT NULL DEFAULT 0;
CREATE FUNCTION count_claim() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE welkin.journal_head SET claims = claims + 1;
  RETURN NULL;
END $$;
CREATE TRIGGER count_claim BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON shard
  FOR EACH STATEMENT EXECUTE FUNCTION count_claim();
)sql";

// Which process may write, and until when by this server's clock.
constexpr const char* lease_of_a_node = R"sql(
CREATE TABLE node_lease (
  only_row    boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  holder      text NOT NULL,
  whereabouts text NOT NULL,
  renewals    bigint NOT NULL,
  ends_at     timestamptz NOT NULL) WITH (fillfactor = 20);
INSERT INTO node_lease VALUES (true, '', '', 0, clock_timestamp());
)sql";

// What a checkpoint was made from, so that a start can tell whether the journal is still that one,
// and what a snapshot must be under to be believed.
constexpr const char* hashes_in_views = R"sql(
ALTER TABLE view_position ADD COLUMN hash bytea CHECK (octet_length(hash) = 32);
ALTER TABLE snapshots ADD COLUMN seal bytea CHECK (octet_length(seal) = 32);
)sql";

constexpr Migration migrations[] = {
    {1, "events, shards and views", first_schema},
    {2, "claims counted in the head", claims_in_head},
    {3, "the lease of a node", lease_of_a_node},
    {4, "hashes in the views", hashes_in_views},
};
constexpr int newest_schema = std::end(migrations)[-1].number;

StoreError wrong_schema(int found) {
  return {StoreErrorKind::corrupt,
          "postgresql: the schema has number " + std::to_string(found) + ", this program knows " +
              std::to_string(newest_schema) +
              (found > newest_schema ? ": use a newer program"
                                     : ": let a node start once to migrate it")};
}

}  // namespace

StoreResult<Done> migrate(WriteLane& lane) {
  return lane.transact([](pqxx::work& transaction) -> StoreResult<Verdict> {
    transaction.exec("SELECT pg_advisory_xact_lock(hashtext('welkin.schema_migrations'))");
    // Payloads are UTF-8, and a server that recodes them would break every hash.
    const pqxx::row encoding = transaction.exec1("SHOW server_encoding");
    if (encoding[0].as<std::string>() != "UTF8")
      return StoreError{StoreErrorKind::corrupt, "postgresql: the database's encoding is " +
                                                     encoding[0].as<std::string>() + ", not UTF8"};
    transaction.exec(
        "CREATE SCHEMA IF NOT EXISTS welkin;"
        "CREATE TABLE IF NOT EXISTS schema_migrations ("
        "  number integer PRIMARY KEY, name text NOT NULL,"
        "  applied_at timestamptz NOT NULL DEFAULT clock_timestamp())");
    const int found =
        transaction.exec1("SELECT coalesce(max(number), 0) FROM schema_migrations")[0].as<int>();
    if (found > newest_schema) return wrong_schema(found);
    if (found == newest_schema) return Verdict::roll_back;
    for (const Migration& step : migrations) {
      if (step.number <= found) continue;
      transaction.exec(step.sql);
      transaction.exec_params("INSERT INTO schema_migrations (number, name) VALUES ($1, $2)",
                              step.number, step.name);
    }
    return Verdict::commit;
  });
}

StoreResult<Done> check_schema(ReadPool& pool) {
  return pool.read<Done>([](pqxx::nontransaction& statements) -> StoreResult<Done> {
    const pqxx::row there = statements.exec1("SELECT to_regclass('schema_migrations') IS NOT NULL");
    if (!there[0].as<bool>())
      return StoreError{StoreErrorKind::unavailable,
                        "postgresql: there is no journal in this database yet"};
    const int found =
        statements.exec1("SELECT coalesce(max(number), 0) FROM schema_migrations")[0].as<int>();
    if (found != newest_schema) return wrong_schema(found);
    return Done{};
  });
}

}  // namespace welkin::postgres
