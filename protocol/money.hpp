// Money as integers in a currency's minor unit. There is no floating point here, and every sum is
// checked: an amount that would overflow is a refusal, never a wrapped number.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace welkin {

// An ISO 4217 alphabetic code, known to the table in money.cpp.
class Currency {
 public:
  constexpr Currency() = default;
  static std::optional<Currency> parse(std::string_view code);  // "CNY"; upper case only

  std::string_view code() const { return {code_.data(), code_.size()}; }
  int exponent() const { return exponent_; }  // minor units a major unit: 10^exponent

  friend bool operator==(const Currency& a, const Currency& b) { return a.code_ == b.code_; }
  friend bool operator!=(const Currency& a, const Currency& b) { return !(a == b); }

 private:
  constexpr Currency(std::array<char, 3> code, std::int8_t exponent)
      : code_(code), exponent_(exponent) {}
  std::array<char, 3> code_{'X', 'X', 'X'};
  std::int8_t exponent_ = 0;
};

// The largest amount one payment may have, in minor units. It leaves room for every sum of refunds
// and for channels whose own limits are 15 digits.
constexpr std::int64_t max_amount_minor = 999'999'999'999'999;

inline std::optional<std::int64_t> checked_add(std::int64_t a, std::int64_t b) {
  std::int64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) return std::nullopt;
  return sum;
}
inline std::optional<std::int64_t> checked_sub(std::int64_t a, std::int64_t b) {
  std::int64_t difference = 0;
  if (__builtin_sub_overflow(a, b, &difference)) return std::nullopt;
  return difference;
}

// "12.34" for 1234 CNY, "1234" for 1234 JPY: for people, and for channels that write amounts so.
std::string format_major(std::int64_t amount_minor, Currency currency);
// The other way, strictly: an optional minus, digits without needless zeros in front, and if there
// is a point, at least one digit behind it and no more than the currency has. Nothing for any other
// text, and nothing beyond max_amount_minor.
std::optional<std::int64_t> parse_major(std::string_view text, Currency currency);

}  // namespace welkin
