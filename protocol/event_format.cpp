#include "protocol/event_format.hpp"

#include <utility>

#include "protocol/field_codec.hpp"
#include "protocol/json_bytes.hpp"
#include "protocol/sha256.hpp"

namespace welkin {
namespace {

void append_number(std::string& out, std::uint64_t value) {
  char bytes[8];
  for (int i = 0; i < 8; ++i) bytes[i] = static_cast<char>(value >> (56 - 8 * i));
  out.append(bytes, sizeof bytes);
}

void append_text(std::string& out, std::string_view text) {
  append_number(out, text.size());
  out.append(text);
}

}  // namespace

Hash event_hash(const Hash& prev, std::string_view stream_text, std::uint64_t seq,
                std::string_view type, int version, UnixUs at_us, std::string_view causation_id,
                std::string_view correlation_id, std::string_view payload) {
  thread_local std::string head;
  head.assign(reinterpret_cast<const char*>(prev.data()), prev.size());
  append_text(head, stream_text);
  append_number(head, seq);
  append_text(head, type);
  append_number(head, static_cast<std::uint64_t>(version));
  append_number(head, static_cast<std::uint64_t>(at_us));
  append_text(head, causation_id);
  append_text(head, correlation_id);
  append_number(head, payload.size());
  Sha256& hasher = Sha256::start();
  hasher.add(head);
  hasher.add(payload);
  return hasher.finish();
}

std::variant<nlohmann::json, CodecError> parse_without_repeats(std::string_view text) {
  using Json = nlohmann::json;
  std::vector<std::vector<std::string>> open_objects;
  std::string repeated;
  const auto callback = [&](int, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::object_start) open_objects.emplace_back();
    if (event == Json::parse_event_t::object_end) open_objects.pop_back();
    if (event == Json::parse_event_t::key) {
      auto& names = open_objects.back();
      const std::string name = parsed.get<std::string>();
      for (const std::string& seen : names)
        if (seen == name) repeated = name;
      names.push_back(name);
    }
    return true;
  };
  Json json = Json::parse(text.begin(), text.end(), callback, /*allow_exceptions=*/false);
  if (json.is_discarded() || unjudged_json_byte(text)) return CodecError{"/", "is not valid JSON"};
  if (!repeated.empty()) return CodecError{"/" + repeated, "stands twice"};
  return json;
}

}  // namespace welkin
