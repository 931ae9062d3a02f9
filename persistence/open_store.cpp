// Which store a URL names.
#include "persistence/journal_store.hpp"
#include "persistence/memory/memory_store.hpp"
#include "persistence/postgres/postgres_store.hpp"
#include "persistence/sqlite/journal_folder.hpp"
#include "persistence/sqlite/sqlite_store.hpp"
#include "protocol/sha256.hpp"

namespace welkin {

std::string_view name_of(StoreErrorKind kind) {
  switch (kind) {
    case StoreErrorKind::unavailable:
      return "unavailable";
    case StoreErrorKind::full:
      return "full";
    case StoreErrorKind::in_doubt:
      return "in_doubt";
    case StoreErrorKind::corrupt:
      return "corrupt";
    case StoreErrorKind::fenced:
      return "fenced";
  }
  return "unknown";
}

StoreResult<std::unique_ptr<JournalStore>> open_store(const StoreOptions& options) {
  const std::string_view url = options.url;
  const std::string_view scheme = url.substr(0, url.find(':'));
  if (scheme.size() < url.size()) {
    if (scheme == "memory") return open_memory_store(options);
    if (scheme == "sqlite") return open_sqlite_store(options);
    if (scheme == "postgres" || scheme == "postgresql") return open_postgres_store(options);
  }
  // The URL itself stays out of the message: it may hold a password.
  return StoreError{StoreErrorKind::unavailable,
                    "a store's URL begins with memory:, sqlite:, postgres: or postgresql:"};
}

std::vector<std::string> paths_open_to_others(const StoreOptions& options) {
  if (options.url.rfind("sqlite:", 0) != 0) return {};
  return sqlite::JournalFolder(sqlite_folder_of(options.url)).open_to_others();
}

Hash seal_of(const Snapshot& snapshot) {
  Sha256& hasher = Sha256::start();
  hasher.add(snapshot.stream.text() + " " + std::to_string(snapshot.seq) + " " +
             std::to_string(snapshot.version) + " " + hex(snapshot.hash) + " ");
  hasher.add(snapshot.payload);
  return hasher.finish();
}

}  // namespace welkin
