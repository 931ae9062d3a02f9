// A time as channels sign it: whole seconds since 1970, in digits.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace welkin {

// Nothing when it is no such number, or so far away that microseconds of it would overflow.
std::optional<std::int64_t> parse_unix_seconds(std::string_view text);

}  // namespace welkin
