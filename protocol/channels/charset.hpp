// Which of the two charsets that channels write in a text is in. A machine in front of a channel
// may answer in another one than was asked for, and say so or not.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace welkin {

enum class Charset : std::uint8_t { utf8, gbk };

// The one that the header declares, where the bytes can be in it; else the other, if they can be in
// that; else nothing. Without a declaration it is UTF-8 that is tried first.
std::optional<Charset> charset_of(std::string_view bytes, std::string_view content_type);

// Nothing when the bytes are not in it.
std::optional<std::string> utf8_of(std::string_view bytes, Charset charset);

// The first byte of a character of two: the second may look like a bracket or a backslash.
constexpr bool leads_pair(char c, Charset charset) {
  const auto byte = static_cast<unsigned char>(c);
  return charset == Charset::gbk && byte >= 0x81 && byte <= 0xfe;
}

}  // namespace welkin
