// What the rules in decide.cpp and report.cpp share. Callers need only payment.hpp.
#pragma once

#include <string>
#include <vector>

#include "protocol/payment/payment.hpp"

namespace welkin {

// How long an intent waits for the answer to its call before the channel is asked how it went.
// Longer than any call's deadline, so that a query never overtakes the call it asks about.
constexpr UnixUs answer_patience_us = 15 * us_per_s;

// Debits one account and credits the other, so that the sum is zero by construction.
std::vector<Posting> balanced_postings(std::string debit_account, std::string credit_account,
                                       std::int64_t amount_minor);

}  // namespace welkin
