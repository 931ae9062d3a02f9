// Which store a URL names.
#include "persistence/journal_store.hpp"
#include "persistence/memory/memory_store.hpp"
#include "persistence/postgres/postgres_store.hpp"
#include "persistence/sqlite/sqlite_store.hpp"

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

}  // namespace welkin
