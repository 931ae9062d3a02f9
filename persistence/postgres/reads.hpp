// Reading the journal and what is derived from it; any thread.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "persistence/postgres/connection.hpp"

namespace welkin::postgres {

void prepare_reads(pqxx::connection& connection);

StoreResult<std::vector<EventRow>> read_stream(ReadPool& pool, const StreamId& stream,
                                               std::uint64_t after_seq);
StoreResult<std::vector<EventRow>> read_all(ReadPool& pool, std::uint64_t after_position,
                                            std::size_t limit);
StoreResult<StoreStats> stats(ReadPool& pool);

StoreResult<std::uint64_t> view_position(ReadPool& pool);
StoreResult<std::vector<JournalMark>> marks(ReadPool& pool);
StoreResult<std::vector<DueTimer>> due_timers(ReadPool& pool, UnixUs until_us, std::size_t limit);
StoreResult<std::vector<Card>> open_cards(ReadPool& pool, const StreamId& after, std::size_t limit);
StoreResult<std::vector<Card>> list_cards(ReadPool& pool, const CardQuery& query);
StoreResult<std::optional<IdempotencyRecord>> find_idempotency(ReadPool& pool,
                                                               std::string_view merchant_id,
                                                               std::string_view key);
StoreResult<std::optional<Snapshot>> load_snapshot(ReadPool& pool, const StreamId& stream);

}  // namespace welkin::postgres
