#include "protocol/channels/stripe/amount.hpp"

#include <algorithm>
#include <iterator>
#include <string_view>

namespace welkin::stripe {
namespace {

constexpr std::string_view counted_whole[] = {"BIF", "CLP", "DJF", "GNF", "JPY",
                                              "KMF", "KRW", "MGA", "PYG", "RWF",
                                              "VND", "VUV", "XAF", "XOF", "XPF"};
// Written with three digits, of which Stripe wants the last to be 0.
constexpr std::string_view counted_in_thousandths[] = {"BHD", "JOD", "KWD", "OMR", "TND"};
// Written with two digits though they have none, which are then 00.
constexpr int usual_exponent = 2;

template <class Names>
bool holds(const Names& names, std::string_view code) {
  return std::find(std::begin(names), std::end(names), code) != std::end(names);
}

int stripe_exponent(Currency currency) {
  if (holds(counted_whole, currency.code())) return 0;
  if (holds(counted_in_thousandths, currency.code())) return 3;
  return usual_exponent;
}

std::optional<std::int64_t> rescaled(std::int64_t amount, int from, int to) {
  for (; from < to; ++from) {
    if (amount > max_amount_minor || amount < -max_amount_minor) return std::nullopt;
    amount *= 10;
  }
  for (; from > to; --from) {
    if (amount % 10 != 0) return std::nullopt;
    amount /= 10;
  }
  return amount;
}

}  // namespace

std::optional<std::int64_t> to_stripe_units(std::int64_t amount_minor, Currency currency) {
  const int exponent = stripe_exponent(currency);
  const auto amount = rescaled(amount_minor, currency.exponent(), exponent);
  if (!amount || (exponent == 3 && *amount % 10 != 0)) return std::nullopt;
  return amount;
}

std::optional<std::int64_t> from_stripe_units(std::int64_t amount, Currency currency) {
  return rescaled(amount, stripe_exponent(currency), currency.exponent());
}

}  // namespace welkin::stripe
