// Reading what a channel sends as JSON. Lenient where channels grow (fields nobody asked for), and
// strict where two readers could see two things (a key that stands twice, a wrong type).
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace welkin {

// The object, or nothing when it is no JSON object, names a key twice or is nested too deeply.
std::optional<nlohmann::ordered_json> parse_channel_json(std::string_view body);

// The member, or null; so they can be asked of a member's member without looking first.
const nlohmann::ordered_json& member_of(const nlohmann::ordered_json& object, const char* name);
// The text, or empty when it is missing, null or not a text.
std::string text_of(const nlohmann::ordered_json& object, const char* name);
// The integer, or nothing: also for 1.0 and for what does not fit.
std::optional<std::int64_t> integer_of(const nlohmann::ordered_json& object, const char* name);
bool flag_of(const nlohmann::ordered_json& object, const char* name);

}  // namespace welkin
