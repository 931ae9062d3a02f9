// meta.db: how many shards the journal has, each one's epoch, and how far the journal had come when
// that was last written down here.
//
// One thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "persistence/sqlite/sqlite_connection.hpp"

namespace welkin::sqlite {

class Meta {
 public:
  static StoreResult<Meta> open(const std::string& path);

  // The epochs as they stand, by shard; empty before the first claim.
  StoreResult<std::vector<std::uint64_t>> epochs();
  StoreResult<std::vector<std::uint64_t>> claim(std::uint32_t shard_count);
  // Position 0 forgets what was noted before.
  Failure note_end(std::uint64_t position, const Hash& hash);

 private:
  explicit Meta(std::unique_ptr<Connection> connection) : connection_(std::move(connection)) {}
  Failure set_shard_count(std::uint32_t shard_count);
  Failure raise_epoch(std::uint32_t shard);

  std::unique_ptr<Connection> connection_;
};

}  // namespace welkin::sqlite
