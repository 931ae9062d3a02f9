// Unpacking with a bound on what comes out, because a few packed bytes can become gigabytes.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace welkin {

// RFC 1950 (zlib). Nothing when it is broken, cut short, followed by more, or larger than the
// bound.
std::optional<std::string> inflate_zlib(std::string_view packed, std::size_t max_bytes);

}  // namespace welkin
