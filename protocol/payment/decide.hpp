// What the rules in decide.cpp, report.cpp and calls.cpp share. Callers need only payment.hpp.
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

// A round asks every account of the channel at most once.
enum class Round : std::uint8_t { same, next };
// The next attempt, at an account that the round has not asked yet; nothing when none is left, or
// after too many.
std::optional<PaymentStarted> next_attempt(const Payment& payment, const std::string& channel,
                                           Round round, const DecisionContext& context);

// Of a report that tells of a refund made at the channel's own desk; `attempt` was charged.
Decision decide_outside_refund(const Payment& payment, const ChannelReport& report,
                               const Attempt& attempt, const DecisionContext& context);

// On expiry the channel is asked how the order stands before it is told to close it: the last word
// must be younger than the expiry, and a question that is due goes first.
bool asks_before_closing(const PendingOperation& pending, UnixUs expires_at_us, UnixUs now_us);

}  // namespace welkin
