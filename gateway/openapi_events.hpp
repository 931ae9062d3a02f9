// The schemas of recorded events: one for each kind, told apart by `type`, its payload made from
// the field lists that the journal's codec reads and writes by.
#pragma once

#include "gateway/openapi_parts.hpp"

namespace welkin::openapi_doc {

// Adds "Event" and what it refers to.
void add_event_schemas(Json& out);

}  // namespace welkin::openapi_doc
