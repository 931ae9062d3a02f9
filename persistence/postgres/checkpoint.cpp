// Each kind of view is written in one statement; all kinds and the position in one transaction.
#include "persistence/postgres/checkpoint.hpp"

#include <optional>
#include <string>

#include "persistence/postgres/array_literal.hpp"

namespace welkin::postgres {
namespace {

// Where a delta names a thing twice the later word counts: no statement may write a row twice.
constexpr const char* write_cards_sql = R"sql(
INSERT INTO cards (stream, position, shard, merchant_id, merchant_order_no, state, channel,
                   currency, amount_minor, captured_minor, refunded_minor, created_at_us,
                   updated_at_us, open, due_at_us)
SELECT DISTINCT ON (stream) stream, position, shard, merchant_id, merchant_order_no, state, channel,
       currency, amount_minor, captured_minor, refunded_minor, created_at_us, updated_at_us, open,
       due_at_us
FROM unnest($1::text[], $2::bigint[], $3::integer[], $4::text[], $5::text[], $6::text[], $7::text[],
            $8::text[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[],
            $14::boolean[], $15::bigint[]) WITH ORDINALITY
     AS given(stream, position, shard, merchant_id, merchant_order_no, state, channel, currency,
              amount_minor, captured_minor, refunded_minor, created_at_us, updated_at_us, open,
              due_at_us, ordinal)
ORDER BY stream, ordinal DESC
ON CONFLICT (stream) DO UPDATE SET
  position = excluded.position, shard = excluded.shard, merchant_id = excluded.merchant_id,
  merchant_order_no = excluded.merchant_order_no, state = excluded.state,
  channel = excluded.channel, currency = excluded.currency, amount_minor = excluded.amount_minor,
  captured_minor = excluded.captured_minor, refunded_minor = excluded.refunded_minor,
  created_at_us = excluded.created_at_us, updated_at_us = excluded.updated_at_us,
  open = excluded.open, due_at_us = excluded.due_at_us
)sql";

constexpr const char* write_idempotency_sql = R"sql(
INSERT INTO idempotency (merchant_id, key, fingerprint, stream, seq, at_us)
SELECT DISTINCT ON (merchant_id, key) merchant_id, key, fingerprint, stream, seq, at_us
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[])
     WITH ORDINALITY AS given(merchant_id, key, fingerprint, stream, seq, at_us, ordinal)
ORDER BY merchant_id, key, ordinal DESC
ON CONFLICT (merchant_id, key) DO UPDATE SET
  fingerprint = excluded.fingerprint, stream = excluded.stream, seq = excluded.seq,
  at_us = excluded.at_us
)sql";

constexpr const char* write_snapshots_sql = R"sql(
INSERT INTO snapshots (stream, seq, version, payload, hash, seal)
SELECT DISTINCT ON (stream) stream, seq, version, payload, hash, seal
FROM unnest($1::text[], $2::bigint[], $3::integer[], $4::json[], $5::bytea[], $6::bytea[])
     WITH ORDINALITY AS given(stream, seq, version, payload, hash, seal, ordinal)
ORDER BY stream, ordinal DESC
ON CONFLICT (stream) DO UPDATE SET
  seq = excluded.seq, version = excluded.version, payload = excluded.payload, hash = excluded.hash,
  seal = excluded.seal
)sql";

// Each writes its kind, and answers false when a text has a NUL byte.
bool write_cards(pqxx::work& transaction, const std::vector<Card>& cards) {
  if (cards.empty()) return true;
  ArrayLiteral streams, positions, shards, merchant_ids, order_nos, states, channels, currencies,
      amounts, captured, refunded, created, updated, open, due;
  for (const Card& card : cards) {
    streams.add_text(card.stream.text());
    positions.add_number(card.position);
    shards.add_number(card.shard);
    merchant_ids.add_text(card.merchant_id);
    order_nos.add_text(card.merchant_order_no);
    states.add_text(card.state);
    channels.add_text(card.channel);
    currencies.add_text(card.currency);
    amounts.add_number(card.amount_minor);
    captured.add_number(card.captured_minor);
    refunded.add_number(card.refunded_minor);
    created.add_number(card.created_at_us);
    updated.add_number(card.updated_at_us);
    open.add_bool(card.open);
    due.add_number(card.due_at_us);
  }
  if (merchant_ids.has_nul() || order_nos.has_nul() || states.has_nul() || channels.has_nul() ||
      currencies.has_nul())
    return false;
  transaction.exec_params(write_cards_sql, streams.take(), positions.take(), shards.take(),
                          merchant_ids.take(), order_nos.take(), states.take(), channels.take(),
                          currencies.take(), amounts.take(), captured.take(), refunded.take(),
                          created.take(), updated.take(), open.take(), due.take());
  return true;
}

bool write_idempotency(pqxx::work& transaction, const std::vector<IdempotencyRecord>& records) {
  if (records.empty()) return true;
  ArrayLiteral merchant_ids, keys, fingerprints, streams, seqs, at_us;
  for (const IdempotencyRecord& record : records) {
    merchant_ids.add_text(record.merchant_id);
    keys.add_text(record.key);
    fingerprints.add_text(record.fingerprint);
    streams.add_text(record.stream.text());
    seqs.add_number(record.seq);
    at_us.add_number(record.at_us);
  }
  if (merchant_ids.has_nul() || keys.has_nul() || fingerprints.has_nul()) return false;
  transaction.exec_params(write_idempotency_sql, merchant_ids.take(), keys.take(),
                          fingerprints.take(), streams.take(), seqs.take(), at_us.take());
  return true;
}

bool write_snapshots(pqxx::work& transaction, const std::vector<Snapshot>& snapshots) {
  if (snapshots.empty()) return true;
  ArrayLiteral streams, seqs, versions, payloads, hashes, seals;
  for (const Snapshot& snapshot : snapshots) {
    streams.add_text(snapshot.stream.text());
    seqs.add_number(snapshot.seq);
    versions.add_number(snapshot.version);
    payloads.add_text(snapshot.payload);
    hashes.add_hash(snapshot.hash);
    seals.add_hash(snapshot.seal);
  }
  if (payloads.has_nul()) return false;
  transaction.exec_params(write_snapshots_sql, streams.take(), seqs.take(), versions.take(),
                          payloads.take(), hashes.take(), seals.take());
  return true;
}

// The shard's row is locked against a claim until this commits, and the views' against another
// writer of views. Empty: it may go on.
std::optional<StoreError> objection_to(pqxx::work& transaction, const ViewDelta& delta) {
  const pqxx::result epochs = transaction.exec("SELECT epoch FROM shard WHERE id = 0 FOR SHARE");
  const auto epoch = epochs.empty() ? 0 : epochs[0][0].as<std::uint64_t>();
  if (epoch != delta.epoch)
    return StoreError{StoreErrorKind::fenced, "postgresql: views are written under epoch " +
                                                  std::to_string(epoch) + ", not " +
                                                  std::to_string(delta.epoch)};
  const auto position =
      transaction.exec1("SELECT position FROM view_position FOR UPDATE")[0].as<std::uint64_t>();
  if (position > delta.position)
    return StoreError{StoreErrorKind::fenced,
                      "postgresql: views stand at " + std::to_string(position) +
                          " and do not go back to " + std::to_string(delta.position)};
  return std::nullopt;
}

}  // namespace

StoreResult<Done> checkpoint(WriteLane& lane, const ViewDelta& delta) {
  return lane.transact([&delta](pqxx::work& transaction) -> StoreResult<Verdict> {
    if (auto objection = objection_to(transaction, delta)) return *objection;
    if (!write_cards(transaction, delta.cards) ||
        !write_idempotency(transaction, delta.idempotency) ||
        !write_snapshots(transaction, delta.snapshots))
      return StoreError{StoreErrorKind::unavailable,
                        "postgresql: a text with a NUL byte cannot be stored"};
    if (delta.forget_idempotency_before_us > 0)
      transaction.exec_params("DELETE FROM idempotency WHERE at_us < $1",
                              delta.forget_idempotency_before_us);
    transaction.exec_params("UPDATE view_position SET position = $1, hash = decode($2, 'hex')",
                            delta.position, hex(delta.hash));
    return Verdict::commit;
  });
}

StoreResult<Done> accept_end(WriteLane& lane) {
  return lane.transact([](pqxx::work& transaction) -> StoreResult<Verdict> {
    // The head keeps appends out meanwhile.
    transaction.exec(
        "UPDATE journal_head SET position = (SELECT coalesce(max(position), 0) FROM events);"
        "DELETE FROM cards; DELETE FROM idempotency; DELETE FROM snapshots;"
        "UPDATE view_position SET position = 0, hash = NULL");
    return Verdict::commit;
  });
}

}  // namespace welkin::postgres
