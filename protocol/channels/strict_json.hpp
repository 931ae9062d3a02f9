// JSON as it may come from outside: an object that names a key twice is refused, because two
// readers of one signed text could each see another value, and so is what is nested too deeply.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace welkin {

constexpr int max_json_depth = 16;

std::optional<nlohmann::ordered_json> parse_strict_json(std::string_view text);

// The text of a JSON string in its quotes, with its escapes read; empty for anything else.
std::string text_of_json_string(std::string_view raw);

}  // namespace welkin
