#include "protocol/channels/channel_json.hpp"

#include <limits>

#include "protocol/channels/strict_json.hpp"

namespace welkin {

using json = nlohmann::ordered_json;

std::optional<json> parse_channel_json(std::string_view body) {
  auto parsed = parse_strict_json(body);
  if (parsed && !parsed->is_object()) parsed.reset();
  return parsed;
}

const json& member_of(const json& object, const char* name) {
  static const json nothing;
  if (!object.is_object()) return nothing;
  const auto it = object.find(name);
  return it == object.end() ? nothing : *it;
}

std::string text_of(const json& object, const char* name) {
  const json& value = member_of(object, name);
  return value.is_string() ? value.get<std::string>() : std::string();
}

std::optional<std::int64_t> integer_of(const json& object, const char* name) {
  const json& value = member_of(object, name);
  if (!value.is_number_integer()) return std::nullopt;
  constexpr auto largest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (value.is_number_unsigned() && value.get<std::uint64_t>() > largest) return std::nullopt;
  return value.get<std::int64_t>();
}

bool flag_of(const json& object, const char* name) {
  const json& value = member_of(object, name);
  return value.is_boolean() && value.get<bool>();
}

}  // namespace welkin
