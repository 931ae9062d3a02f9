// A journal store that forgets everything with its process: for tests, simulation and trying things
// out.
#pragma once

#include <memory>

#include "persistence/journal_store.hpp"

namespace welkin {

StoreResult<std::unique_ptr<JournalStore>> open_memory_store(const StoreOptions& options);

}  // namespace welkin
