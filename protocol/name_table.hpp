// Enumerators by the names they have in journals and on the wire: a table in the order of the enum.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace welkin {

template <class Enum, std::size_t N>
std::optional<Enum> find_name(const std::string_view (&names)[N], std::string_view name) {
  for (std::size_t i = 0; i < N; ++i)
    if (names[i] == name) return static_cast<Enum>(i);
  return std::nullopt;
}

}  // namespace welkin
