// The schema, as numbered steps that are never changed once released: a new need is a new step.
#pragma once

#include "persistence/postgres/connection.hpp"

namespace welkin::postgres {

// Brings the schema up to this program's number, in one transaction and under a lock, so that nodes
// started together do not disturb each other. A schema from a newer program is refused.
StoreResult<Done> migrate(WriteLane& lane);

// For read-only use: the schema must be there already, at exactly this program's number.
StoreResult<Done> check_schema(ReadPool& pool);

}  // namespace welkin::postgres
