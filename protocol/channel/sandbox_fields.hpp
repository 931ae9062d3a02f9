// Strict reading of the sandbox channel's JSON: every field is asked for by name, with its type and
// its bounds, and what nobody asked for is refused.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "protocol/channel/sandbox_wire.hpp"

namespace welkin::sandbox_wire {

using Json = nlohmann::ordered_json;

// An object without arrays, keys that stand twice, or more depth than the format has.
Parsed<Json> parse_json(std::string_view body);

// Reads the fields of one object and afterwards refuses what it was not asked for. The first fault
// is kept, and reading goes on with default values, so that callers check once, at the end.
class Fields {
 public:
  Fields(const Json& object, std::string path) : object_(object), path_(std::move(path)) {}

  std::string text(const char* name, std::size_t min_bytes, std::size_t max_bytes);
  // Numbers of orders and refunds stand in paths, so they are made of letters and digits.
  std::string number(const char* name);
  // A URL that a header may carry: nothing in it can end a header line.
  std::string url(const char* name);
  std::int64_t integer(const char* name, std::int64_t min, std::int64_t max);
  std::int64_t amount(const char* name, std::int64_t min = 1);
  bool boolean(const char* name);
  Currency currency(const char* name);
  template <class T>
  T named(const char* name, std::optional<T> (*parse)(std::string_view)) {
    const std::string text = this->text(name, 1, 64);
    const auto value = parse(text);
    if (!value) fail(ProblemCode::invalid_value, name, "The value is not known.");
    return value.value_or(T{});
  }
  bool has(const char* name) const { return object_.contains(name); }
  const Json* object(const char* name) { return take(name, Json::value_t::object); }
  void adopt(const std::optional<Problem>& inner) {
    if (inner && !problem_) problem_ = inner;
  }
  void fail(ProblemCode code, std::string_view name, std::string detail);

  // The first fault, an unknown field included.
  std::optional<Problem> finish();

 private:
  const Json* find(const char* name);
  const Json* take(const char* name, Json::value_t type);

  const Json& object_;
  std::string path_;
  std::vector<std::string> seen_;
  std::optional<Problem> problem_;
};

template <class T, class Read>
Parsed<T> read_body(std::string_view body, Read read) {
  auto parsed = parse_json(body);
  if (auto* problem = std::get_if<Problem>(&parsed)) return std::move(*problem);
  Fields fields(std::get<Json>(parsed), "");
  T value = read(fields);
  if (auto problem = fields.finish()) return std::move(*problem);
  return value;
}

}  // namespace welkin::sandbox_wire
