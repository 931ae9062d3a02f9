// nlohmann's parser, watched; see the header.
#include "protocol/channels/strict_json.hpp"

#include <set>
#include <vector>

#include "protocol/json_bytes.hpp"

namespace welkin {

using Json = nlohmann::ordered_json;

std::optional<Json> parse_strict_json(std::string_view text) {
  if (unjudged_json_byte(text)) return std::nullopt;
  std::vector<std::set<std::string>> keys;
  bool good = true;
  const Json::parser_callback_t watch = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::object_start || event == Json::parse_event_t::array_start) {
      if (depth >= max_json_depth) good = false;
      if (event == Json::parse_event_t::object_start) keys.emplace_back();
    } else if (event == Json::parse_event_t::object_end) {
      if (!keys.empty()) keys.pop_back();
    } else if (event == Json::parse_event_t::key) {
      if (!keys.empty() && !keys.back().insert(parsed.get<std::string>()).second) good = false;
    }
    return good;
  };
  Json json = Json::parse(text, watch, /*allow_exceptions=*/false);
  if (!good || json.is_discarded()) return std::nullopt;
  return json;
}

std::string text_of_json_string(std::string_view raw) {
  const auto json = parse_strict_json(raw);
  return json && json->is_string() ? json->get<std::string>() : std::string();
}

}  // namespace welkin
