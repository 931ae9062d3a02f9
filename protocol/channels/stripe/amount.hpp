// Stripe's smallest units, which are not ISO 4217's minor units for every currency.
#pragma once

#include <cstdint>
#include <optional>

#include "protocol/money.hpp"

namespace welkin::stripe {

// Nothing when the amount cannot be said in Stripe's units: half a franc of a currency it counts in
// whole ones, or a last digit other than 0 where it wants that.
std::optional<std::int64_t> to_stripe_units(std::int64_t amount_minor, Currency currency);
std::optional<std::int64_t> from_stripe_units(std::int64_t amount, Currency currency);

}  // namespace welkin::stripe
