// The embedded journal store: a folder of SQLite files. docs of the format:
// persistence/sqlite/schema.cpp.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "persistence/journal_store.hpp"

namespace welkin {

// URL "sqlite:<folder>". A second writer of the same folder is refused.
StoreResult<std::unique_ptr<JournalStore>> open_sqlite_store(const StoreOptions& options);

// The folder that such a URL names.
std::string sqlite_folder_of(std::string_view url);

}  // namespace welkin
