// Texts as UTF-8, where more than one part of the program has to know what a character is.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace welkin {

// The length of the character at the start of `text`, or 0 when there is none that is valid.
std::size_t utf8_length(std::string_view text);
bool is_utf8(std::string_view text);

// At most `bytes_max` bytes of a valid text, which are valid again: a cut inside a character would
// make a text that can be recorded and never read.
std::string_view cut_text(std::string_view text, std::size_t bytes_max);

// What of a stranger's words can be recorded and shown: at most `bytes_max` bytes, a space for each
// control character and a question mark for each byte that is no text.
std::string readable_text(std::string_view text, std::size_t bytes_max);

// Whether it can be a name in a journal and in a log: valid, within `bytes_max`, no control
// characters.
bool is_plain_text(std::string_view text, std::size_t bytes_max);

}  // namespace welkin
