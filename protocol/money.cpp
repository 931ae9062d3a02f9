#include "protocol/money.hpp"

namespace welkin {
namespace {

struct IsoCurrency {
  char code[4];
  std::int8_t exponent;
};

// ISO 4217 active codes of national currencies; funds codes, metals and test codes cannot be paid
// in.
// clang-format off
constexpr IsoCurrency iso_4217[] = {
    {"AED", 2}, {"AFN", 2}, {"ALL", 2}, {"AMD", 2}, {"ANG", 2}, {"AOA", 2}, {"ARS", 2}, {"AUD", 2},
    {"AWG", 2}, {"AZN", 2}, {"BAM", 2}, {"BBD", 2}, {"BDT", 2}, {"BGN", 2}, {"BHD", 3}, {"BIF", 0},
    {"BMD", 2}, {"BND", 2}, {"BOB", 2}, {"BRL", 2}, {"BSD", 2}, {"BTN", 2}, {"BWP", 2}, {"BYN", 2},
    {"BZD", 2}, {"CAD", 2}, {"CDF", 2}, {"CHF", 2}, {"CLP", 0}, {"CNY", 2}, {"COP", 2}, {"CRC", 2},
    {"CUP", 2}, {"CVE", 2}, {"CZK", 2}, {"DJF", 0}, {"DKK", 2}, {"DOP", 2}, {"DZD", 2}, {"EGP", 2},
    {"ERN", 2}, {"ETB", 2}, {"EUR", 2}, {"FJD", 2}, {"FKP", 2}, {"GBP", 2}, {"GEL", 2}, {"GHS", 2},
    {"GIP", 2}, {"GMD", 2}, {"GNF", 0}, {"GTQ", 2}, {"GYD", 2}, {"HKD", 2}, {"HNL", 2}, {"HTG", 2},
    {"HUF", 2}, {"IDR", 2}, {"ILS", 2}, {"INR", 2}, {"IQD", 3}, {"IRR", 2}, {"ISK", 0}, {"JMD", 2},
    {"JOD", 3}, {"JPY", 0}, {"KES", 2}, {"KGS", 2}, {"KHR", 2}, {"KMF", 0}, {"KPW", 2}, {"KRW", 0},
    {"KWD", 3}, {"KYD", 2}, {"KZT", 2}, {"LAK", 2}, {"LBP", 2}, {"LKR", 2}, {"LRD", 2}, {"LSL", 2},
    {"LYD", 3}, {"MAD", 2}, {"MDL", 2}, {"MGA", 2}, {"MKD", 2}, {"MMK", 2}, {"MNT", 2}, {"MOP", 2},
    {"MRU", 2}, {"MUR", 2}, {"MVR", 2}, {"MWK", 2}, {"MXN", 2}, {"MYR", 2}, {"MZN", 2}, {"NAD", 2},
    {"NGN", 2}, {"NIO", 2}, {"NOK", 2}, {"NPR", 2}, {"NZD", 2}, {"OMR", 3}, {"PAB", 2}, {"PEN", 2},
    {"PGK", 2}, {"PHP", 2}, {"PKR", 2}, {"PLN", 2}, {"PYG", 0}, {"QAR", 2}, {"RON", 2}, {"RSD", 2},
    {"RUB", 2}, {"RWF", 0}, {"SAR", 2}, {"SBD", 2}, {"SCR", 2}, {"SDG", 2}, {"SEK", 2}, {"SGD", 2},
    {"SHP", 2}, {"SLE", 2}, {"SOS", 2}, {"SRD", 2}, {"SSP", 2}, {"STN", 2}, {"SVC", 2}, {"SYP", 2},
    {"SZL", 2}, {"THB", 2}, {"TJS", 2}, {"TMT", 2}, {"TND", 3}, {"TOP", 2}, {"TRY", 2}, {"TTD", 2},
    {"TWD", 2}, {"TZS", 2}, {"UAH", 2}, {"UGX", 0}, {"USD", 2}, {"UYU", 2}, {"UZS", 2}, {"VED", 2},
    {"VES", 2}, {"VND", 0}, {"VUV", 0}, {"WST", 2}, {"XAF", 0}, {"XCD", 2}, {"XOF", 0}, {"XPF", 0},
    {"YER", 2}, {"ZAR", 2}, {"ZMW", 2}, {"ZWL", 2},
};
// clang-format on

constexpr bool is_sorted_by_code() {
  for (std::size_t i = 1; i < std::size(iso_4217); ++i)
    if (std::string_view(iso_4217[i - 1].code) >= std::string_view(iso_4217[i].code)) return false;
  return true;
}
static_assert(is_sorted_by_code(), "Currency::parse searches by halves");

}  // namespace

std::optional<Currency> Currency::parse(std::string_view code) {
  std::size_t from = 0;
  std::size_t to = std::size(iso_4217);
  while (from < to) {
    const std::size_t middle = (from + to) / 2;
    const std::string_view candidate = iso_4217[middle].code;
    if (candidate == code)
      return Currency({candidate[0], candidate[1], candidate[2]}, iso_4217[middle].exponent);
    if (candidate < code)
      from = middle + 1;
    else
      to = middle;
  }
  return std::nullopt;
}

std::string format_major(std::int64_t amount_minor, Currency currency) {
  std::string digits = std::to_string(amount_minor);
  const bool negative = digits.front() == '-';
  if (negative) digits.erase(0, 1);
  const auto exponent = static_cast<std::size_t>(currency.exponent());
  if (exponent > 0) {
    if (digits.size() <= exponent) digits.insert(0, exponent + 1 - digits.size(), '0');
    digits.insert(digits.size() - exponent, ".");
  }
  return negative ? "-" + digits : digits;
}

std::optional<std::int64_t> parse_major(std::string_view text, Currency currency) {
  const bool negative = !text.empty() && text.front() == '-';
  if (negative) text.remove_prefix(1);
  const auto exponent = static_cast<std::size_t>(currency.exponent());
  const std::size_t point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  std::string_view fraction;
  if (point != std::string_view::npos) {
    fraction = text.substr(point + 1);
    if (fraction.empty() || fraction.size() > exponent) return std::nullopt;
  }
  if (whole.empty() || (whole.size() > 1 && whole.front() == '0')) return std::nullopt;
  std::int64_t amount_minor = 0;
  const auto take = [&amount_minor](char digit) {
    if (digit < '0' || digit > '9' || amount_minor > max_amount_minor / 10) return false;
    amount_minor = amount_minor * 10 + (digit - '0');
    return true;
  };
  for (const char digit : whole)
    if (!take(digit)) return std::nullopt;
  for (std::size_t i = 0; i < exponent; ++i)
    if (!take(i < fraction.size() ? fraction[i] : '0')) return std::nullopt;
  if (amount_minor > max_amount_minor) return std::nullopt;
  return negative ? -amount_minor : amount_minor;
}

}  // namespace welkin
