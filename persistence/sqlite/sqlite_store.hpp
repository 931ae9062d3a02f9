// The embedded journal store: a folder of SQLite files. docs of the format:
// persistence/sqlite/schema.cpp.
#pragma once

#include <memory>

#include "persistence/journal_store.hpp"

namespace welkin {

// URL "sqlite:<folder>". A second writer of the same folder is refused.
StoreResult<std::unique_ptr<JournalStore>> open_sqlite_store(const StoreOptions& options);

}  // namespace welkin
