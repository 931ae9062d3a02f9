// Whether the headers of a request with a JSON body say that it is one, in UTF-8 and as it is.
#pragma once

#include <optional>

#include "gateway/edge/http_message.hpp"
#include "protocol/problem.hpp"

namespace welkin {

// Names the coding, the charset or the type that is not taken.
std::optional<Problem> refuse_content(const HttpRequest& request);

}  // namespace welkin
