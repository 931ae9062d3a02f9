#include "gateway/content_rules.hpp"

#include <algorithm>
#include <string>
#include <string_view>

namespace welkin {
namespace {

constexpr std::size_t max_named_characters = 40;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

bool is_word(std::string_view text, std::string_view lower_word) {
  return std::equal(text.begin(), text.end(), lower_word.begin(), lower_word.end(),
                    [](char a, char b) { return lower(a) == b; });
}

std::string_view trim(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

// As it may stand in an answer: what a client sent may be of any length, and not even be text.
std::string named(std::string_view text) {
  const bool plain =
      std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
  if (text.empty() || !plain) return "that was sent";
  return std::string(text.substr(0, max_named_characters));
}

std::string_view take_until(std::string_view& text, char separator) {
  const std::size_t end = std::min(text.find(separator), text.size());
  const std::string_view part = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return trim(part);
}

Problem not_taken(std::string detail, const char* header) {
  return {ProblemCode::unsupported_media_type, std::move(detail), header};
}

std::optional<Problem> refuse_coding(std::string_view codings) {
  while (!codings.empty()) {
    const std::string_view coding = take_until(codings, ',');
    if (!coding.empty() && !is_word(coding, "identity"))
      return not_taken("the coding " + named(coding) + " is not taken; send the body as it is",
                       "Content-Encoding");
  }
  return std::nullopt;
}

// Of the type's parameters only the charset changes what the body says. A quoted value may hold a
// semicolon, and is then no charset of ours either.
std::optional<Problem> refuse_type(std::string_view type) {
  if (!is_word(take_until(type, ';'), "application/json"))
    return not_taken("the body must be application/json", "Content-Type");
  while (!type.empty()) {
    std::string_view value = take_until(type, ';');
    if (!is_word(take_until(value, '='), "charset")) continue;
    value = trim(value);
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
      value = value.substr(1, value.size() - 2);
    if (!is_word(value, "utf-8") && !is_word(value, "utf8"))
      return not_taken("the charset " + named(value) + " is not taken; JSON is UTF-8",
                       "Content-Type");
  }
  return std::nullopt;
}

}  // namespace

std::optional<Problem> refuse_content(const HttpRequest& request) {
  bool has_type = false;
  for (const HeaderView& line : request.headers) {
    if (line.name == "content-encoding")
      if (auto problem = refuse_coding(line.value)) return problem;
    if (line.name != "content-type") continue;
    if (has_type) return not_taken("Content-Type stands there twice", "Content-Type");
    has_type = true;
    if (auto problem = refuse_type(line.value)) return problem;
  }
  if (!has_type) return not_taken("the body must be application/json", "Content-Type");
  return std::nullopt;
}

}  // namespace welkin
