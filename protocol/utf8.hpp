// Texts as UTF-8, where more than one part of the program has to know what a character is.
#pragma once

#include <cstddef>
#include <string_view>

namespace welkin {

// At most `bytes_max` bytes of a valid text, which are valid again: a cut inside a character would
// make a text that can be recorded and never read.
inline std::string_view cut_text(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  std::size_t end = bytes_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end);
}

}  // namespace welkin
