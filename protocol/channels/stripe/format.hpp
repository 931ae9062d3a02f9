// An account at Stripe as a wire format among others.
#pragma once

#include "protocol/channels/stripe/account.hpp"
#include "protocol/channels/wire_format.hpp"

namespace welkin::stripe {

WireFormatPtr wire_format_of(Account account);

}  // namespace welkin::stripe
