// Copying an embedded journal beside the node that writes it, and laying a copy down again.
#pragma once

#include <string>

#include "persistence/journal_store.hpp"

namespace welkin {

// Copies the journal in `folder` into `destination`, which is not there yet or empty. What was
// acknowledged before this began is in the copy. Each file is copied as of one moment, in an order
// in which none knows of more than what is copied after it: first the views and the epochs, which
// follow the rows, then the segments as they were begun, up to the one that is written now.
// Plain files without logs beside them come of it, for their owner alone.
StoreResult<Done> copy_sqlite_journal(const std::string& folder, const std::string& destination);

// Copies the files of a backup into `folder`, which is not there yet or empty.
StoreResult<Done> lay_sqlite_journal(const std::string& backup, const std::string& folder);

}  // namespace welkin
