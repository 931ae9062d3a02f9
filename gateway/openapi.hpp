// The OpenAPI 3.1 document, made from the route table and the schemas in openapi.cpp.
#pragma once

#include <string>

namespace welkin {

std::string openapi_document();

}  // namespace welkin
