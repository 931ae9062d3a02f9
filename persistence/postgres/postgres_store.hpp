// The journal store of a cluster: PostgreSQL by a postgres:// or postgresql:// URL, in the schema
// `welkin` of the database it names. The view welkin.journal is made for people.
#pragma once

#include <memory>

#include "persistence/journal_store.hpp"

namespace welkin {

StoreResult<std::unique_ptr<JournalStore>> open_postgres_store(const StoreOptions& options);

}  // namespace welkin
