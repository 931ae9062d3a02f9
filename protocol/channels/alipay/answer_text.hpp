// The outer object of an Alipay answer, taken apart without changing a byte: the signature is over
// the text between the braces of one member, escapes and spaces included, and parsing it first
// would lose that text.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/channels/charset.hpp"

namespace welkin::alipay {

// The members of a JSON object: names without their quotes (one with an escape in it is not looked
// for, and so stays as it is), values as their raw text.
using RawMembers = std::vector<std::pair<std::string_view, std::string_view>>;

constexpr std::size_t max_raw_members = 16;
constexpr std::size_t max_raw_depth = 32;

// Nothing unless `body` is one object of well-matched braces and strings, with no name twice and
// nothing behind it. Whether the values are JSON is for the parser to say. The bytes must be in the
// charset: in GBK the second byte of a character may be a backslash's.
std::optional<RawMembers> split_members(std::string_view body, Charset charset = Charset::utf8);

}  // namespace welkin::alipay
