#include "protocol/channels/charset.hpp"

#include "protocol/channels/gbk.hpp"
#include "protocol/utf8.hpp"

namespace welkin {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

bool declares_gbk(std::string_view content_type) {
  const std::string head = lower(content_type);
  constexpr std::string_view name = "charset=";
  const std::size_t at = head.find(name);
  if (at == std::string::npos) return false;
  std::string_view value = std::string_view(head).substr(at + name.size());
  if (!value.empty() && value.front() == '"') value.remove_prefix(1);
  value = value.substr(0, value.find_first_of("\"; \t,"));
  // The second is a part of GBK and the third one more than it; who declares them means GBK.
  return value == "gbk" || value == "gb2312" || value == "gb18030";
}

}  // namespace

std::optional<Charset> charset_of(std::string_view bytes, std::string_view content_type) {
  const bool says_gbk = declares_gbk(content_type);
  if (says_gbk && utf8_of_gbk(bytes)) return Charset::gbk;
  if (is_utf8(bytes)) return Charset::utf8;
  if (!says_gbk && utf8_of_gbk(bytes)) return Charset::gbk;
  return std::nullopt;
}

std::optional<std::string> utf8_of(std::string_view bytes, Charset charset) {
  if (charset == Charset::gbk) return utf8_of_gbk(bytes);
  if (!is_utf8(bytes)) return std::nullopt;
  return std::string(bytes);
}

}  // namespace welkin
