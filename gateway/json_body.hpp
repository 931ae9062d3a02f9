// A request's JSON body, read strictly: one object, no key twice, no field we do not know, no
// surprise about types. The first thing wrong becomes a Problem with the field's JSON pointer.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "protocol/problem.hpp"

namespace welkin {

struct JsonValue;
using JsonMember = std::pair<std::string, JsonValue>;

struct JsonValue {
  enum class Kind : std::uint8_t {
    null,
    boolean,
    integer,
    big_integer,
    real,
    string,
    array,
    object
  };
  Kind kind = Kind::null;
  bool boolean = false;
  std::int64_t integer = 0;  // of integers that fit; others are `big_integer`
  std::string string;
  std::vector<JsonValue> items;
  std::vector<JsonMember> members;  // in the order they came
};

// Beyond any body of ours. The second keeps what it costs to look for repeated names small.
constexpr std::size_t max_json_depth = 16;
constexpr std::size_t max_json_members = 64;  // of one object

std::variant<JsonValue, Problem> parse_json_object(std::string_view body);

struct TextRule {
  std::size_t min_characters = 0;
  std::size_t max_characters = 0;  // of Unicode, not bytes
  bool identifier = false;         // only [A-Za-z0-9_.:-]
  bool plain_name = false;         // only [a-z0-9_]
};

// Takes fields out of an object one by one and remembers the first problem; after that every call
// is harmless. `finish` refuses what nobody took.
class FieldReader {
 public:
  // `parent` names the member that `object` is, if it is not the body itself.
  explicit FieldReader(const JsonValue& object, std::string parent = {})
      : object_(object), parent_(std::move(parent)), taken_(object.members.size(), false) {}

  std::string required_text(std::string_view name, const TextRule& rule);
  std::string optional_text(std::string_view name, const TextRule& rule);
  std::int64_t required_amount(std::string_view name);
  std::optional<std::int64_t> optional_amount(std::string_view name);
  std::int64_t optional_integer(std::string_view name, std::int64_t min, std::int64_t max,
                                std::int64_t when_absent);
  std::map<std::string, std::string> optional_text_map(std::string_view name,
                                                       std::size_t max_entries,
                                                       std::size_t max_key_characters,
                                                       std::size_t max_value_characters);

  // Reads the object's own fields with `read`, a function of a FieldReader; absent: as if empty.
  template <class Read>
  void optional_object(std::string_view name, Read read) {
    const JsonValue* value = take_object(name);
    if (value == nullptr) return;
    FieldReader fields(*value, std::string(name));
    read(fields);
    if (auto problem = fields.finish(); problem && !problem_) problem_ = std::move(problem);
  }

  void refuse(ProblemCode code, std::string detail, std::string_view name);
  bool failed() const { return problem_.has_value(); }
  std::optional<Problem> finish();

 private:
  const JsonValue* take(std::string_view name);
  const JsonValue* take_required(std::string_view name);
  const JsonValue* take_object(std::string_view name);
  std::string pointer_to(std::string_view name) const;
  std::string text_of(const JsonValue* value, std::string_view name, const TextRule& rule);
  std::optional<std::int64_t> amount_of(const JsonValue* value, std::string_view name);

  const JsonValue& object_;
  std::string parent_;
  std::vector<bool> taken_;
  std::optional<Problem> problem_;
};

// "/a~1b" for the member "a/b".
std::string json_pointer(std::string_view member, std::string_view below = {});

// Code points of valid UTF-8.
std::size_t count_characters(std::string_view text);
bool is_identifier(std::string_view text);
bool is_plain_name(std::string_view text);

}  // namespace welkin
