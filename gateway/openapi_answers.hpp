// The answers in the OpenAPI document: of each operation its success and every refusal by status
// and code, with the headers they carry.
#pragma once

#include "gateway/openapi_parts.hpp"
#include "gateway/route.hpp"

namespace welkin::openapi_doc {

// Whether an operation may be refused with this code. `method_not_allowed` is no operation's: it
// says that there is none.
bool may_be_refused_with(const HttpRoute& route, ProblemCode code);

bool takes_idempotency_key(const HttpRoute& route);

// By status. Refusals that mean the same everywhere are references to `shared_answers`.
Json answers_of(const HttpRoute& route);

Json shared_answers();
Json shared_headers();

}  // namespace welkin::openapi_doc
