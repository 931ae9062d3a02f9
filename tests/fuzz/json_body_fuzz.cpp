// A request's JSON body: what is taken is what the library reads there, and what is refused is what
// the library refuses too, or a body that two readers could read in two ways.
#include "gateway/json_body.hpp"

#include <nlohmann/json.hpp>
#include <set>

#include "tests/fuzz/claims.hpp"

namespace welkin::fuzz {
namespace {

using Json = nlohmann::json;

// Counts what the strict reader refuses beyond RFC 8259.
struct Shape {
  std::size_t depth = 0;
  bool repeats = false;
  std::size_t members_max = 0;
};

Shape shape_of(std::string_view body) {
  Shape shape;
  std::vector<std::set<std::string>> open;
  const auto watch = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::object_start) open.emplace_back();
    if (event == Json::parse_event_t::object_end && !open.empty()) open.pop_back();
    if (event == Json::parse_event_t::object_start || event == Json::parse_event_t::array_start)
      shape.depth = std::max(shape.depth, static_cast<std::size_t>(depth) + 1);
    if (event == Json::parse_event_t::key && !open.empty()) {
      shape.repeats = !open.back().insert(parsed.get<std::string>()).second || shape.repeats;
      shape.members_max = std::max(shape.members_max, open.back().size());
    }
    return true;
  };
  (void)Json::parse(body.begin(), body.end(), watch, false);
  return shape;
}

bool same(const JsonValue& ours, const Json& theirs) {
  switch (ours.kind) {
    case JsonValue::Kind::null:
      return theirs.is_null();
    case JsonValue::Kind::boolean:
      return theirs.is_boolean() && theirs.get<bool>() == ours.boolean;
    case JsonValue::Kind::integer:
      return theirs.is_number_integer() && theirs == ours.integer;
    case JsonValue::Kind::big_integer:
      return theirs.is_number() && !(theirs.is_number_integer() && !theirs.is_number_unsigned());
    case JsonValue::Kind::real:
      return theirs.is_number_float();
    case JsonValue::Kind::string:
      return theirs.is_string() && theirs.get_ref<const std::string&>() == ours.string;
    case JsonValue::Kind::array: {
      bool all = theirs.is_array() && theirs.size() == ours.items.size();
      for (std::size_t i = 0; all && i < ours.items.size(); ++i)
        all = same(ours.items[i], theirs[i]);
      return all;
    }
    case JsonValue::Kind::object: {
      bool all = theirs.is_object() && theirs.size() == ours.members.size();
      for (const auto& [name, value] : ours.members)
        all = all && theirs.contains(name) && same(value, theirs[name]);
      return all;
    }
  }
  return false;
}

void check(std::string_view body) {
  const auto ours = parse_json_object(body);
  const Json theirs = Json::parse(body.begin(), body.end(), nullptr, false);
  const Shape shape = shape_of(body);
  if (const auto* problem = std::get_if<Problem>(&ours)) {
    claim_problem(*problem);
    claim(theirs.is_discarded() || !theirs.is_object() || unjudged_json_byte(body) ||
              shape.repeats || shape.depth > max_json_depth || shape.members_max > max_json_members,
          "what is refused is no object, ambiguous or beyond a limit");
    return;
  }
  claim(!theirs.is_discarded(), "what is taken is JSON");
  claim(!shape.repeats, "no member of what is taken stands twice");
  claim(shape.depth <= max_json_depth && shape.members_max <= max_json_members,
        "what is taken is within the limits");
  claim(same(std::get<JsonValue>(ours), theirs), "what is taken is what the library reads");
  claim_every_byte_judged(body, [](std::string_view text) {
    return std::holds_alternative<JsonValue>(parse_json_object(text));
  });
}

}  // namespace
}  // namespace welkin::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  welkin::fuzz::check(welkin::fuzz::view_of(data, size));
  return 0;
}
