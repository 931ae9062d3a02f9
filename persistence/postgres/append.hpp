// The writing of truth: fenced, gapless, all-or-nothing per stream, one commit per batch.
#pragma once

#include <cstdint>
#include <vector>

#include "persistence/postgres/connection.hpp"

namespace welkin::postgres {

void prepare_append(pqxx::connection& connection);

StoreResult<std::vector<AppendResult>> append(WriteLane& lane, std::vector<StreamAppend>& batch);
StoreResult<std::vector<std::uint64_t>> claim_epochs(WriteLane& lane, std::uint32_t shard_count);
StoreResult<Done> probe(WriteLane& lane);

}  // namespace welkin::postgres
