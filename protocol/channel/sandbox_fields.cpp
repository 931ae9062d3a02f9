// How the sandbox channel's JSON is read; see the header.
#include "protocol/channel/sandbox_fields.hpp"

#include <algorithm>
#include <set>

#include "protocol/json_bytes.hpp"
#include "protocol/utf8.hpp"

namespace welkin::sandbox_wire {
namespace {

Problem malformed(std::string detail) {
  return {ProblemCode::malformed_json, std::move(detail), {}};
}

constexpr int max_depth = 3;  // deeper than anything this format has

}  // namespace

// nlohmann keeps the last of two equal keys, which lets two readers of one signed body see
// different values; here such a body is refused.
Parsed<Json> parse_json(std::string_view body) {
  std::vector<std::set<std::string>> keys;
  const char* fault = nullptr;
  const Json::parser_callback_t watch = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::object_start) {
      if (depth >= max_depth) fault = "The JSON is nested too deeply.";
      keys.emplace_back();
    } else if (event == Json::parse_event_t::object_end) {
      if (!keys.empty()) keys.pop_back();
    } else if (event == Json::parse_event_t::key) {
      if (!keys.empty() && !keys.back().insert(parsed.get<std::string>()).second)
        fault = "A JSON key stands twice.";
    } else if (event == Json::parse_event_t::array_start) {
      fault = "There are no arrays in this format.";
    }
    return fault == nullptr;
  };
  Json json = Json::parse(body, watch, /*allow_exceptions=*/false);
  if (fault) return malformed(fault);
  if (json.is_discarded() || unjudged_json_byte(body)) return malformed("The body is not JSON.");
  if (!json.is_object()) return malformed("The body is not a JSON object.");
  return json;
}

std::string Fields::text(const char* name, std::size_t min_bytes, std::size_t max_bytes) {
  const Json* value = take(name, Json::value_t::string);
  if (!value) return {};
  auto text = value->get<std::string>();
  if (text.size() < min_bytes || text.size() > max_bytes)
    fail(ProblemCode::invalid_value, name, "The length is out of range.");
  return text;
}

std::string Fields::number(const char* name) {
  std::string text = this->text(name, 8, 64);
  const bool clean = std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
  });
  if (!clean) fail(ProblemCode::invalid_value, name, "Only letters and digits are allowed.");
  return text;
}

std::string Fields::url(const char* name) {
  std::string text = this->text(name, 0, 2048);
  const bool clean =
      std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
  if (!clean) fail(ProblemCode::invalid_value, name, "Only printable ASCII is allowed.");
  return text;
}

std::int64_t Fields::integer(const char* name, std::int64_t min, std::int64_t max) {
  const Json* value = find(name);
  if (!value) return 0;
  if (!value->is_number_integer()) {
    fail(ProblemCode::wrong_type, name, "An integer is expected.");
    return 0;
  }
  const bool too_large =
      value->is_number_unsigned() && value->get<std::uint64_t>() > static_cast<std::uint64_t>(max);
  if (too_large || value->get<std::int64_t>() < min) {
    fail(ProblemCode::invalid_value, name, "The number is out of range.");
    return 0;
  }
  return value->get<std::int64_t>();
}

std::int64_t Fields::amount(const char* name, std::int64_t min) {
  const std::int64_t value = integer(name, min, max_amount_minor);
  if (problem_ && problem_->field == path_ + "/" + name &&
      problem_->code == ProblemCode::invalid_value)
    problem_->code = ProblemCode::amount_out_of_range;
  return value;
}

bool Fields::boolean(const char* name) {
  const Json* value = take(name, Json::value_t::boolean);
  return value && value->get<bool>();
}

Currency Fields::currency(const char* name) {
  const std::string code = text(name, 3, 3);
  const auto currency = Currency::parse(code);
  if (!currency) fail(ProblemCode::unknown_currency, name, "The currency is not known.");
  return currency.value_or(Currency{});
}

void Fields::fail(ProblemCode code, std::string_view name, std::string detail) {
  if (!problem_) problem_ = Problem{code, std::move(detail), path_ + "/" + std::string(name)};
}

std::optional<Problem> Fields::finish() {
  for (const auto& item : object_.items()) {
    const bool known = std::find(seen_.begin(), seen_.end(), item.key()) != seen_.end();
    if (!known) fail(ProblemCode::unknown_field, cut_text(item.key(), 64), "No such field.");
  }
  return problem_;
}

const Json* Fields::find(const char* name) {
  seen_.emplace_back(name);
  const auto it = object_.find(name);
  if (it != object_.end()) return &*it;
  fail(ProblemCode::missing_field, name, "The field is missing.");
  return nullptr;
}

const Json* Fields::take(const char* name, Json::value_t type) {
  const Json* value = find(name);
  if (!value || value->type() == type) return value;
  fail(ProblemCode::wrong_type, name, "The field has the wrong JSON type.");
  return nullptr;
}

}  // namespace welkin::sandbox_wire
