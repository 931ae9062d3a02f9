#include "gateway/json_body.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "protocol/json_bytes.hpp"
#include "protocol/money.hpp"
#include "protocol/utf8.hpp"

namespace welkin {
namespace {

// `position` counts from 1, as the parser does.
Problem not_json_at(std::size_t position) {
  return {ProblemCode::malformed_json,
          "not valid JSON (RFC 8259, UTF-8) at byte " + std::to_string(position),
          {}};
}

// Builds a JsonValue from the parser's events. Written here because the library's own tree keeps
// the last of two members with one name and says nothing.
class TreeBuilder {
 public:
  using Json = nlohmann::json;

  bool null() { return put({}); }
  bool boolean(bool value) {
    JsonValue out;
    out.kind = JsonValue::Kind::boolean;
    out.boolean = value;
    return put(std::move(out));
  }
  bool number_integer(Json::number_integer_t value) {
    JsonValue out;
    out.kind = JsonValue::Kind::integer;
    out.integer = value;
    return put(std::move(out));
  }
  bool number_unsigned(Json::number_unsigned_t value) {
    JsonValue out;
    const bool fits = value <= static_cast<std::uint64_t>(INT64_MAX);
    out.kind = fits ? JsonValue::Kind::integer : JsonValue::Kind::big_integer;
    out.integer = fits ? static_cast<std::int64_t>(value) : 0;
    return put(std::move(out));
  }
  bool number_float(Json::number_float_t, const std::string& text) {
    JsonValue out;
    const bool is_whole = text.find_first_of(".eE") == std::string::npos;
    out.kind = is_whole ? JsonValue::Kind::big_integer : JsonValue::Kind::real;
    return put(std::move(out));
  }
  bool string(std::string& value) {
    JsonValue out;
    out.kind = JsonValue::Kind::string;
    out.string = std::move(value);
    return put(std::move(out));
  }
  bool binary(Json::binary_t&) { return false; }  // never in JSON text
  bool start_object(std::size_t) { return open(JsonValue::Kind::object); }
  bool start_array(std::size_t) { return open(JsonValue::Kind::array); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }
  bool key(std::string& name) {
    JsonValue& object = *open_.back();
    if (object.members.size() == max_json_members) {
      problem_ = {ProblemCode::malformed_json, "an object has too many members", {}};
      return false;
    }
    for (const JsonMember& member : object.members) {
      if (member.first != name) continue;
      problem_ = {ProblemCode::malformed_json, "an object has two members of this name",
                  json_pointer(name)};
      return false;
    }
    object.members.emplace_back(std::move(name), JsonValue());
    return true;
  }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) {
    problem_ = not_json_at(position);
    return false;
  }

  JsonValue take_root() { return std::move(root_); }
  Problem take_problem() { return std::move(problem_); }

 private:
  // The place the next value goes to: the last member or item of what is open, or the root.
  JsonValue& place() {
    if (open_.empty()) return root_;
    JsonValue& parent = *open_.back();
    if (parent.kind == JsonValue::Kind::object) return parent.members.back().second;
    parent.items.emplace_back();
    return parent.items.back();
  }
  bool put(JsonValue value) {
    place() = std::move(value);
    return true;
  }
  bool open(JsonValue::Kind kind) {
    if (open_.size() == max_json_depth) {
      problem_ = {ProblemCode::malformed_json, "the body is nested too deeply", {}};
      return false;
    }
    JsonValue& value = place();
    value.kind = kind;
    open_.push_back(&value);  // stays valid: siblings are only added after this one is closed
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }

  JsonValue root_;
  std::vector<JsonValue*> open_;
  Problem problem_{ProblemCode::malformed_json, {}, {}};
};

bool holds_control_character(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
  });
}

}  // namespace

std::variant<JsonValue, Problem> parse_json_object(std::string_view body) {
  if (body.empty()) return Problem{ProblemCode::malformed_json, "a JSON body is needed here", {}};
  if (body.substr(0, byte_order_mark.size()) == byte_order_mark)
    return Problem{ProblemCode::malformed_json, "the body begins with a byte order mark", {}};
  TreeBuilder builder;
  if (!nlohmann::json::sax_parse(body.begin(), body.end(), &builder)) return builder.take_problem();
  // After the parser, which names the first fault: it stops at the byte that is unjudged.
  if (const auto unjudged = unjudged_json_byte(body)) return not_json_at(*unjudged + 1);
  JsonValue root = builder.take_root();
  if (root.kind != JsonValue::Kind::object)
    return Problem{ProblemCode::wrong_type, "the body must be a JSON object", {}};
  return root;
}

std::string json_pointer(std::string_view member, std::string_view below) {
  std::string out = "/";
  const auto append = [&out](std::string_view part) {
    // A pointer is an answer's field: a hostile name is cut, not echoed at length.
    for (const char c : cut_text(part, 64)) {
      if (c == '~') {
        out.append("~0");
      } else if (c == '/') {
        out.append("~1");
      } else {
        out.push_back(c);
      }
    }
  };
  append(member);
  if (!below.empty()) {
    out.push_back('/');
    append(below);
  }
  return out;
}

std::size_t count_characters(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

bool is_identifier(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == ':' || c == '-';
  });
}

bool is_plain_name(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

std::string FieldReader::pointer_to(std::string_view name) const {
  return parent_.empty() ? json_pointer(name) : json_pointer(parent_, name);
}

void FieldReader::refuse(ProblemCode code, std::string detail, std::string_view name) {
  if (!problem_) problem_ = Problem{code, std::move(detail), pointer_to(name)};
}

const JsonValue* FieldReader::take(std::string_view name) {
  for (std::size_t i = 0; i < object_.members.size(); ++i) {
    if (object_.members[i].first != name) continue;
    taken_[i] = true;
    return &object_.members[i].second;
  }
  return nullptr;
}

const JsonValue* FieldReader::take_required(std::string_view name) {
  const JsonValue* value = take(name);
  if (value == nullptr) refuse(ProblemCode::missing_field, "this field is required", name);
  return value;
}

const JsonValue* FieldReader::take_object(std::string_view name) {
  const JsonValue* value = take(name);
  if (value == nullptr || value->kind == JsonValue::Kind::object) return value;
  refuse(ProblemCode::wrong_type, "this must be an object", name);
  return nullptr;
}

std::string FieldReader::text_of(const JsonValue* value, std::string_view name,
                                 const TextRule& rule) {
  if (value == nullptr) return {};
  if (value->kind != JsonValue::Kind::string) {
    refuse(ProblemCode::wrong_type, "this must be a string", name);
    return {};
  }
  const std::size_t characters = count_characters(value->string);
  if (characters < rule.min_characters || characters > rule.max_characters) {
    refuse(ProblemCode::invalid_value,
           "this must have " + std::to_string(rule.min_characters) + " to " +
               std::to_string(rule.max_characters) + " characters",
           name);
  } else if (rule.plain_name && !is_plain_name(value->string)) {
    refuse(ProblemCode::invalid_value, "only lower-case letters, digits and _ may stand here",
           name);
  } else if (rule.identifier && !is_identifier(value->string)) {
    refuse(ProblemCode::invalid_value, "only letters, digits and _.:- may stand here", name);
  } else if (holds_control_character(value->string)) {
    refuse(ProblemCode::invalid_value, "control characters may not stand here", name);
  }
  return value->string;
}

std::string FieldReader::required_text(std::string_view name, const TextRule& rule) {
  return text_of(take_required(name), name, rule);
}

std::string FieldReader::optional_text(std::string_view name, const TextRule& rule) {
  return text_of(take(name), name, rule);
}

std::optional<std::int64_t> FieldReader::amount_of(const JsonValue* value, std::string_view name) {
  if (value == nullptr) return std::nullopt;
  const bool is_big = value->kind == JsonValue::Kind::big_integer;
  if (value->kind != JsonValue::Kind::integer && !is_big) {
    refuse(ProblemCode::wrong_type, "an amount is an integer of minor units", name);
  } else if (is_big || value->integer <= 0 || value->integer > max_amount_minor) {
    refuse(ProblemCode::amount_out_of_range,
           "an amount is between 1 and " + std::to_string(max_amount_minor) + " minor units", name);
  }
  return value->integer;
}

std::int64_t FieldReader::required_amount(std::string_view name) {
  return amount_of(take_required(name), name).value_or(0);
}

std::optional<std::int64_t> FieldReader::optional_amount(std::string_view name) {
  return amount_of(take(name), name);
}

std::int64_t FieldReader::optional_integer(std::string_view name, std::int64_t min,
                                           std::int64_t max, std::int64_t when_absent) {
  const JsonValue* value = take(name);
  if (value == nullptr) return when_absent;
  const bool is_big = value->kind == JsonValue::Kind::big_integer;
  if (value->kind != JsonValue::Kind::integer && !is_big) {
    refuse(ProblemCode::wrong_type, "this must be an integer", name);
  } else if (is_big || value->integer < min || value->integer > max) {
    refuse(ProblemCode::invalid_value,
           "this must be between " + std::to_string(min) + " and " + std::to_string(max), name);
  }
  return value->integer;
}

std::map<std::string, std::string> FieldReader::optional_text_map(
    std::string_view name, std::size_t max_entries, std::size_t max_key_characters,
    std::size_t max_value_characters) {
  std::map<std::string, std::string> out;
  const JsonValue* value = take(name);
  if (value == nullptr) return out;
  if (value->kind != JsonValue::Kind::object) {
    refuse(ProblemCode::wrong_type, "this must be an object of strings", name);
    return out;
  }
  if (value->members.size() > max_entries)
    refuse(ProblemCode::invalid_value,
           "this may have at most " + std::to_string(max_entries) + " entries", name);
  const auto refuse_entry = [&](ProblemCode code, std::string detail, const std::string& key) {
    if (!problem_) problem_ = Problem{code, std::move(detail), json_pointer(name, key)};
  };
  for (const auto& [key, entry] : value->members) {
    if (key.empty() || count_characters(key) > max_key_characters || holds_control_character(key)) {
      refuse_entry(ProblemCode::invalid_value,
                   "a key has 1 to " + std::to_string(max_key_characters) + " plain characters",
                   key);
    } else if (entry.kind != JsonValue::Kind::string) {
      refuse_entry(ProblemCode::wrong_type, "a value must be a string", key);
    } else if (count_characters(entry.string) > max_value_characters ||
               holds_control_character(entry.string)) {
      refuse_entry(
          ProblemCode::invalid_value,
          "a value has at most " + std::to_string(max_value_characters) + " plain characters", key);
    }
    out.emplace(key, entry.string);
  }
  return out;
}

std::optional<Problem> FieldReader::finish() {
  for (std::size_t i = 0; i < taken_.size(); ++i)
    if (!taken_[i])
      refuse(ProblemCode::unknown_field, "there is no such field", object_.members[i].first);
  return problem_;
}

}  // namespace welkin
