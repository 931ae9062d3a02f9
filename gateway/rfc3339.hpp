// Times as people write them: RFC 3339. Written in UTC with milliseconds; read with any offset.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "protocol/ids.hpp"

namespace welkin {

// What four digits of a year can say: 0000-01-01T00:00:00Z and the last microsecond of 9999.
constexpr UnixUs rfc3339_first_us = -719'528LL * 86'400 * us_per_s;
constexpr UnixUs rfc3339_last_us = 2'932'897LL * 86'400 * us_per_s - 1;

// `at_us` is within these two, as are all times that are read.
void append_rfc3339(std::string& out, UnixUs at_us);
std::optional<UnixUs> parse_rfc3339(std::string_view text);

}  // namespace welkin
