// Writing what is derived from the journal.
#pragma once

#include "persistence/postgres/connection.hpp"

namespace welkin::postgres {

StoreResult<Done> checkpoint(WriteLane& lane, const ViewDelta& delta);
// As JournalStore says.
StoreResult<Done> accept_end(WriteLane& lane);

}  // namespace welkin::postgres
