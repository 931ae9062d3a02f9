// The writing of truth: fenced, gapless, all-or-nothing per stream, one commit per batch.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "persistence/postgres/connection.hpp"
#include "persistence/postgres/known_seqs.hpp"

namespace welkin::postgres {

void prepare_append(pqxx::connection& connection);

// What the journal's thread remembers between appends, so that the server need not be asked again.
// Forgotten whenever anything fails.
struct AppendMemory {
  // How often epochs had been changed when `epochs` was read; empty: never read.
  std::optional<std::uint64_t> claims;
  std::unordered_map<std::uint32_t, std::uint64_t> epochs;  // by shard
  KnownSeqs known;
};

StoreResult<std::vector<AppendResult>> append(WriteLane& lane, AppendMemory& memory,
                                              std::vector<StreamAppend>& batch);
// `accept_lost_shards`: makes them anew where they are gone though the journal has rows.
StoreResult<std::vector<std::uint64_t>> claim_epochs(WriteLane& lane, std::uint32_t shard_count,
                                                     bool accept_lost_shards);
StoreResult<Done> probe(WriteLane& lane);
// Returns when no transaction that was about to commit rows is under way any more.
StoreResult<Done> settle_doubt(WriteLane& lane);

}  // namespace welkin::postgres
