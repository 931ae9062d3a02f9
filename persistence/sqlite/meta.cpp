// Epochs on disk.
#include "persistence/sqlite/meta.hpp"

#include "persistence/sqlite/schema.hpp"

namespace welkin::sqlite {
namespace {

constexpr const char* select_shard_count = "SELECT value FROM settings WHERE name = 'shard_count'";
constexpr const char* insert_shard_count =
    "INSERT INTO settings (name, value) VALUES ('shard_count', ?1)";
constexpr const char* raise_shard_epoch =
    "INSERT INTO shards (shard, epoch) VALUES (?1, 1) "
    "ON CONFLICT (shard) DO UPDATE SET epoch = epoch + 1";
constexpr const char* put_mark =
    "INSERT OR REPLACE INTO mark (id, position, hash) VALUES (1, ?1, ?2)";
constexpr const char* select_epochs = "SELECT shard, epoch FROM shards ORDER BY shard";

}  // namespace

StoreResult<Meta> Meta::open(const std::string& path) {
  auto opened = Connection::open(path, OpenMode::create);
  if (const auto* failed = error_of(opened)) return *failed;
  Meta meta(std::move(std::get<std::unique_ptr<Connection>>(opened)));
  if (auto failed = set_up_writer(*meta.connection_, true)) return *failed;
  if (auto failed = migrate(*meta.connection_, meta_schema)) return *failed;
  return StoreResult<Meta>(std::move(meta));
}

StoreResult<std::vector<std::uint64_t>> Meta::epochs() {
  auto prepared = connection_->prepare(select_epochs);
  if (const auto* failed = error_of(prepared)) return *failed;
  auto& query = *std::get<StatementScope>(prepared);
  std::vector<std::uint64_t> epochs;
  int code = SQLITE_ROW;
  while ((code = query.step()) == SQLITE_ROW) {
    if (query.count(0) != epochs.size())
      return StoreError{StoreErrorKind::corrupt, connection_->path() + ": a shard is missing"};
    epochs.push_back(query.count(1));
  }
  if (code != SQLITE_DONE) return connection_->error(code, select_epochs);
  return epochs;
}

StoreResult<std::vector<std::uint64_t>> Meta::claim(std::uint32_t shard_count) {
  Transaction transaction(*connection_);
  if (auto failed = transaction.begin()) return *failed;
  auto known = connection_->query_integer(select_shard_count, 0);
  if (const auto* failed = error_of(known)) return *failed;
  const std::int64_t fixed = std::get<std::int64_t>(known);
  if (shard_count == 0) shard_count = static_cast<std::uint32_t>(fixed);
  if (shard_count == 0)
    return StoreError{StoreErrorKind::unavailable, "no node has used this journal yet"};
  if (fixed == 0) {
    if (auto failed = set_shard_count(shard_count)) return *failed;
  } else if (fixed != shard_count) {
    return StoreError{StoreErrorKind::corrupt, "this journal has " + std::to_string(fixed) +
                                                   " shards, not " + std::to_string(shard_count) +
                                                   ": the number is fixed at creation"};
  }
  for (std::uint32_t shard = 0; shard < shard_count; ++shard)
    if (auto failed = raise_epoch(shard)) return *failed;
  auto claimed = epochs();
  if (error_of(claimed)) return claimed;
  if (auto failed = transaction.commit()) return *failed;
  return claimed;
}

Failure Meta::note_end(std::uint64_t position, const Hash& hash) {
  auto prepared = connection_->prepare(put_mark);
  if (const auto* failed = error_of(prepared)) return *failed;
  auto& put = *std::get<StatementScope>(prepared);
  put.bind(1, position);
  put.bind(2, hash);
  const int code = put.step();
  if (code != SQLITE_DONE) return connection_->error(code, put_mark);
  return {};
}

Failure Meta::set_shard_count(std::uint32_t shard_count) {
  auto prepared = connection_->prepare(insert_shard_count);
  if (const auto* failed = error_of(prepared)) return *failed;
  auto& insert = *std::get<StatementScope>(prepared);
  insert.bind(1, std::int64_t{shard_count});
  const int code = insert.step();
  if (code != SQLITE_DONE) return connection_->error(code, insert_shard_count);
  return {};
}

Failure Meta::raise_epoch(std::uint32_t shard) {
  auto prepared = connection_->prepare(raise_shard_epoch);
  if (const auto* failed = error_of(prepared)) return *failed;
  auto& raise = *std::get<StatementScope>(prepared);
  raise.bind(1, std::int64_t{shard});
  const int code = raise.step();
  if (code != SQLITE_DONE) return connection_->error(code, raise_shard_epoch);
  return {};
}

}  // namespace welkin::sqlite
