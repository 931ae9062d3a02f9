// What nlohmann's parser passes over without a word, so that a reader that says it is strict can
// refuse it: a NUL byte ends the text for it and whatever stands behind is never looked at, and a
// byte order mark in front is skipped. RFC 8259 knows neither.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace welkin {

constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

// The place of the first byte that the parser would not judge, counted from 0. A NUL byte within a
// string is found too; the parser refuses it anyway.
inline std::optional<std::size_t> unjudged_json_byte(std::string_view text) {
  if (text.substr(0, byte_order_mark.size()) == byte_order_mark) return 0;
  const std::size_t nul = text.find('\0');
  return nul == std::string_view::npos ? std::nullopt : std::optional<std::size_t>(nul);
}

}  // namespace welkin
