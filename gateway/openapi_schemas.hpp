// The schemas of the OpenAPI document: what requests and answers look like.
#pragma once

#include "gateway/openapi_parts.hpp"

namespace welkin::openapi_doc {

// By name, as the document's components have them.
Json schemas();

}  // namespace welkin::openapi_doc
