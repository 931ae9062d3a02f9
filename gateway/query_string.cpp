#include "gateway/query_string.hpp"

#include <algorithm>
#include <charconv>

#include "gateway/rfc3339.hpp"

namespace welkin {
namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Nothing we take is outside printable ASCII, so what decodes to anything else is refused here.
std::optional<std::string> percent_decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = hex_value(text[i + 1]);
      const int low = hex_value(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    }
    if (c < 0x20 || c > 0x7e) return std::nullopt;
    out.push_back(c);
  }
  return out;
}

}  // namespace

QueryReader::QueryReader(std::string_view query) {
  while (!query.empty() && !problem_) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
    if (pair.empty()) continue;
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const auto name = percent_decode(pair.substr(0, equals));
    const auto value = percent_decode(pair.substr(std::min(equals + 1, pair.size())));
    if (!name || !value) {
      refuse(ProblemCode::invalid_value, name ? *name : "", "this is not printable ASCII");
      return;
    }
    for (const Parameter& parameter : parameters_)
      if (parameter.name == *name) refuse(*name, "this parameter stands there twice");
    parameters_.push_back({*name, *value});
  }
}

const std::string* QueryReader::take(std::string_view name) {
  for (Parameter& parameter : parameters_) {
    if (parameter.name != name) continue;
    parameter.taken = true;
    return &parameter.value;
  }
  return nullptr;
}

std::string QueryReader::text(std::string_view name, std::size_t max_characters) {
  const std::string* value = take(name);
  if (value == nullptr) return {};
  if (value->empty() || value->size() > max_characters)
    refuse(name, "this has 1 to " + std::to_string(max_characters) + " characters");
  return *value;
}

std::size_t QueryReader::number(std::string_view name, std::size_t min, std::size_t max,
                                std::size_t when_absent) {
  const std::string* value = take(name);
  if (value == nullptr) return when_absent;
  std::size_t out = 0;
  const char* end = value->data() + value->size();
  const auto [rest, error] = std::from_chars(value->data(), end, out);
  if (error != std::errc() || rest != end || out < min || out > max)
    refuse(name, "this is a number from " + std::to_string(min) + " to " + std::to_string(max));
  return out;
}

UnixUs QueryReader::time(std::string_view name) {
  const std::string* value = take(name);
  if (value == nullptr) return 0;
  const std::optional<UnixUs> at_us = parse_rfc3339(*value);
  // 0 is how the absence of a time is told, and no payment is as old as that.
  if (!at_us || *at_us <= 0)
    refuse(name, "this is an RFC 3339 time after 1970 such as 2030-01-31T12:00:00Z");
  return at_us.value_or(0);
}

void QueryReader::refuse(std::string_view name, std::string detail) {
  refuse(ProblemCode::invalid_value, name, std::move(detail));
}

void QueryReader::refuse(ProblemCode code, std::string_view name, std::string detail) {
  if (!problem_) problem_ = Problem{code, std::move(detail), "?" + std::string(name.substr(0, 64))};
}

std::optional<Problem> QueryReader::refuse_unknown(std::string_view query,
                                                   const std::vector<std::string_view>& known) {
  QueryReader reader(query);
  for (const std::string_view name : known) reader.take(name);
  return reader.finish();
}

std::optional<Problem> QueryReader::finish() {
  for (const Parameter& parameter : parameters_)
    if (!parameter.taken)
      refuse(ProblemCode::unknown_field, parameter.name, "there is no such parameter");
  return problem_;
}

}  // namespace welkin
