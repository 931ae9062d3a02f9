// Times as people write them: RFC 3339. Written in UTC with milliseconds; read with any offset.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "protocol/ids.hpp"

namespace welkin {

void append_rfc3339(std::string& out, UnixUs at_us);
std::optional<UnixUs> parse_rfc3339(std::string_view text);

}  // namespace welkin
