// PostgreSQL array literals ("{…}") for unnest: this libpqxx cannot send arrays itself.
#pragma once

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "protocol/ids.hpp"

namespace welkin::postgres {

class ArrayLiteral {
 public:
  explicit ArrayLiteral(std::size_t bytes_hint = 0) { text_.reserve(bytes_hint + 2); }

  template <class Integer>
  void add_number(Integer value) {
    begin_element();
    char digits[24];
    const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    text_.append(digits, end);
  }

  void add_bool(bool value) {
    begin_element();
    text_ += value ? 't' : 'f';
  }

  void add_text(std::string_view value) {
    begin_element();
    text_ += '"';
    while (true) {
      const std::size_t special = value.find_first_of(escaped);
      text_.append(value.substr(0, special));
      if (special == std::string_view::npos) break;
      // Parameters travel as C strings, so nothing behind a NUL would arrive.
      if (value[special] == '\0') has_nul_ = true;
      text_ += '\\';
      text_ += value[special];
      value.remove_prefix(special + 1);
    }
    text_ += '"';
  }

  void add_hash(const Hash& hash) {
    static constexpr char digits[] = "0123456789abcdef";
    begin_element();
    char bytes[2 * std::tuple_size_v<Hash>];
    char* out = bytes;
    for (const std::uint8_t byte : hash) {
      *out++ = digits[byte >> 4];
      *out++ = digits[byte & 15];
    }
    text_.append("\"\\\\x").append(bytes, sizeof bytes).append("\"");
  }

  // True once a text with a NUL byte was added; such an array must not be sent.
  bool has_nul() const { return has_nul_; }

  std::string take() {
    if (text_.empty()) text_ = "{";
    text_ += '}';
    return std::move(text_);
  }

 private:
  static constexpr std::string_view escaped{"\"\\\0", 3};

  void begin_element() { text_ += text_.empty() ? '{' : ','; }

  std::string text_;
  bool has_nul_ = false;
};

}  // namespace welkin::postgres
