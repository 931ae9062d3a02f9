// A scanner that knows strings and braces and nothing more; see the header.
#include "protocol/channels/alipay/answer_text.hpp"

namespace welkin::alipay {
namespace {

class Scanner {
 public:
  Scanner(std::string_view text, Charset charset) : text_(text), charset_(charset) {}

  void skip_space() {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\r' || text_[at_] == '\n'))
      ++at_;
  }
  bool at_end() const { return at_ == text_.size(); }
  bool take(char c) {
    skip_space();
    if (at_end() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  // With its quotes.
  std::optional<std::string_view> string() {
    skip_space();
    const std::size_t from = at_;
    if (!take('"')) return std::nullopt;
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c == '\\' || leads_pair(c, charset_)) ++at_;
      if (c == '"') return text_.substr(from, at_ - from);
    }
    return std::nullopt;
  }
  std::optional<std::string_view> value() {
    skip_space();
    if (at_end()) return std::nullopt;
    if (text_[at_] == '"') return string();
    if (text_[at_] == '{' || text_[at_] == '[') return nested();
    const std::size_t from = at_;
    while (at_ < text_.size() && text_[at_] != ',' && text_[at_] != '}') ++at_;
    if (at_ == from) return std::nullopt;
    return text_.substr(from, at_ - from);
  }

 private:
  std::optional<std::string_view> nested() {
    const std::size_t from = at_;
    std::vector<char> open;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"') {
        if (!string()) return std::nullopt;
        continue;
      }
      ++at_;
      if (c == '{' || c == '[') {
        if (open.size() == max_raw_depth) return std::nullopt;
        open.push_back(c == '{' ? '}' : ']');
      } else if (c == '}' || c == ']') {
        if (open.back() != c) return std::nullopt;
        open.pop_back();
        if (open.empty()) return text_.substr(from, at_ - from);
      }
    }
    return std::nullopt;
  }

  std::string_view text_;
  Charset charset_;
  std::size_t at_ = 0;
};

bool holds(const RawMembers& members, std::string_view name) {
  for (const auto& member : members)
    if (member.first == name) return true;
  return false;
}

}  // namespace

std::optional<RawMembers> split_members(std::string_view body, Charset charset) {
  Scanner scanner(body, charset);
  RawMembers members;
  if (!scanner.take('{')) return std::nullopt;
  do {
    const auto name = scanner.string();
    if (!name || !scanner.take(':')) return std::nullopt;
    const auto value = scanner.value();
    if (!value) return std::nullopt;
    const std::string_view inner = name->substr(1, name->size() - 2);
    if (holds(members, inner) || members.size() == max_raw_members) return std::nullopt;
    members.emplace_back(inner, *value);
  } while (scanner.take(','));
  if (!scanner.take('}')) return std::nullopt;
  scanner.skip_space();
  if (!scanner.at_end()) return std::nullopt;
  return members;
}

}  // namespace welkin::alipay
