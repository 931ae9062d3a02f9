// Encoding, decoding and sorting of forms; see the header for what is promised.
#include "protocol/channels/form.hpp"

#include <algorithm>
#include <set>

namespace welkin {
namespace {

bool is_unreserved(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

void append_encoded(std::string& out, std::string_view text, FormSpace space) {
  constexpr char digits[] = "0123456789ABCDEF";
  for (const char c : text) {
    if (is_unreserved(c)) {
      out.push_back(c);
    } else if (c == ' ' && space == FormSpace::plus) {
      out.push_back('+');
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out.push_back('%');
      out.push_back(digits[byte >> 4]);
      out.push_back(digits[byte & 15]);
    }
  }
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out.push_back(' ');
    } else if (text[i] != '%') {
      out.push_back(text[i]);
    } else {
      const int high = i + 1 < text.size() ? hex_value(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
      if (high < 0 || low < 0) return std::nullopt;
      out.push_back(static_cast<char>(high * 16 + low));
      i += 2;
    }
  }
  return out;
}

std::string sorted(const FormFields& fields, std::initializer_list<std::string_view> without,
                   bool with_empty) {
  std::vector<const std::pair<std::string, std::string>*> kept;
  for (const auto& field : fields)
    if ((with_empty || !field.second.empty()) &&
        std::find(without.begin(), without.end(), field.first) == without.end())
      kept.push_back(&field);
  std::sort(kept.begin(), kept.end(), [](const auto* a, const auto* b) { return *a < *b; });
  std::string text;
  for (const auto* field : kept) {
    if (!text.empty()) text.push_back('&');
    text.append(field->first).append("=").append(field->second);
  }
  return text;
}

}  // namespace

std::string percent_encode(std::string_view text) {
  std::string out;
  append_encoded(out, text, FormSpace::percent_20);
  return out;
}

std::string encode_form(const FormFields& fields, FormSpace space) {
  std::string out;
  for (const auto& [name, value] : fields) {
    if (!out.empty()) out.push_back('&');
    append_encoded(out, name, space);
    out.push_back('=');
    append_encoded(out, value, space);
  }
  return out;
}

std::optional<FormFields> parse_form(std::string_view body) {
  FormFields fields;
  std::set<std::string> names;
  while (!body.empty()) {
    const std::size_t end = std::min(body.find('&'), body.size());
    const std::string_view pair = body.substr(0, end);
    body.remove_prefix(std::min(end + 1, body.size()));
    if (pair.empty()) continue;
    const std::size_t equals = std::min(pair.find('='), pair.size());
    auto name = decode(pair.substr(0, equals));
    auto value = decode(pair.substr(std::min(equals + 1, pair.size())));
    if (!name || !value || name->empty() || fields.size() >= max_form_fields ||
        !names.insert(*name).second)
      return std::nullopt;
    fields.emplace_back(std::move(*name), std::move(*value));
  }
  return fields;
}

std::string_view field_of(const FormFields& fields, std::string_view name) {
  for (const auto& [key, value] : fields)
    if (key == name) return value;
  return {};
}

std::string sorted_text(const FormFields& fields) { return sorted_text_without(fields, {}); }

std::string sorted_text_without(const FormFields& fields,
                                std::initializer_list<std::string_view> names) {
  return sorted(fields, names, /*with_empty=*/false);
}

std::string sorted_text_with_empty(const FormFields& fields,
                                   std::initializer_list<std::string_view> without) {
  return sorted(fields, without, /*with_empty=*/true);
}

std::string escape_html(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out.append("&amp;");
        break;
      case '<':
        out.append("&lt;");
        break;
      case '>':
        out.append("&gt;");
        break;
      case '"':
        out.append("&quot;");
        break;
      case '\'':
        out.append("&#39;");
        break;
      case '\r':  // a parser of HTML makes one line feed of these two
        out.append("&#13;");
        break;
      case '\n':
        out.append("&#10;");
        break;
      default:
        out.push_back(c);
    }
  }
  return out;
}

std::string self_submitting_form(std::string_view action, const FormFields& fields) {
  std::string page =
      "<!DOCTYPE html><html><head><meta charset=\"utf-8\"></head>"
      "<body onload=\"document.forms[0].submit()\"><form method=\"post\" accept-charset=\"utf-8\" "
      "action=\"" +
      escape_html(action) + "\">";
  for (const auto& [name, value] : fields)
    page += "<input type=\"hidden\" name=\"" + escape_html(name) + "\" value=\"" +
            escape_html(value) + "\">";
  page += "<noscript><button>Continue</button></noscript></form></body></html>";
  return page;
}

}  // namespace welkin
