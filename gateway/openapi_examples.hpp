// The examples in the OpenAPI document. Answers are written by the same functions that write them
// for clients, so that an example cannot look like no answer does.
#pragma once

#include <string_view>

#include "gateway/openapi_parts.hpp"
#include "protocol/problem.hpp"

namespace welkin::openapi_doc {

// Of the request or answer of this name; null when there is none.
Json example_of(std::string_view schema);
Json problem_example(ProblemCode code);

}  // namespace welkin::openapi_doc
