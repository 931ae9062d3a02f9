// What Stripe's words mean for what was asked. This table is the only place that says so; what is
// not listed for its question and status leaves the outcome unknown, and a query finds out.
#pragma once

#include <cstdint>
#include <string_view>

#include "protocol/channel/channel.hpp"

namespace welkin::stripe {

enum class Question : std::uint8_t { intent, create, capture, cancel, refund_state, refund };

struct Meaning {
  Question question;
  int http_status;
  std::string_view word;  // a status, or an error's code, or its type when the code is not listed
  ChannelVerdict verdict;
};

// An intent that requires a payment method because the last one failed, authentication included.
inline constexpr std::string_view try_failed = "requires_payment_method/last_payment_error";
// A refund that waits for money in the merchant's balance.
inline constexpr std::string_view pending_for_funds = "pending/insufficient_funds";

// clang-format off
inline constexpr Meaning meanings[] = {
    // The states of an intent, whoever asks. A try that failed leaves it payable.
    {Question::intent,  200, "requires_payment_method", ChannelVerdict::accepted},
    {Question::intent,  200, try_failed,                ChannelVerdict::try_failed},
    {Question::intent,  200, "requires_confirmation",   ChannelVerdict::accepted},
    {Question::intent,  200, "requires_action",         ChannelVerdict::accepted},
    {Question::intent,  200, "processing",              ChannelVerdict::accepted},
    {Question::intent,  200, "requires_capture",        ChannelVerdict::authorized},
    {Question::intent,  200, "succeeded",               ChannelVerdict::paid},
    {Question::intent,  200, "canceled",                ChannelVerdict::closed},
    {Question::intent,  404, "resource_missing",        ChannelVerdict::not_found},
    // The answer that is kept for an order whose own was lost: the same one, and it means the same.
    {Question::intent,  402, "card_error",              ChannelVerdict::refused},
    {Question::intent,  402, "processing_error",        ChannelVerdict::unknown},

    // Definite refusals of an order. A card that is declined ends this try; the intent stays, and
    // nobody but us can confirm it. Unknown stays, above all, idempotency_error: the key is taken.
    {Question::create,  400, "invalid_request_error",   ChannelVerdict::refused},
    // About our account: its key is not good, may not do this, opens only the world of tests, or is
    // used too often. Another account may take the order.
    {Question::create,  401, "invalid_request_error",   ChannelVerdict::not_taken},
    {Question::create,  403, "invalid_request_error",   ChannelVerdict::not_taken},
    {Question::create,  400, "testmode_charges_only",   ChannelVerdict::not_taken},
    {Question::create,  429, "rate_limit",              ChannelVerdict::not_taken},
    {Question::create,  402, "card_error",              ChannelVerdict::refused},
    {Question::create,  402, "processing_error",        ChannelVerdict::unknown},

    // Wrong states are judged by the intent that comes with the error.
    {Question::capture, 400, "payment_intent_unexpected_state", ChannelVerdict::unknown},
    {Question::capture, 400, "amount_too_large",        ChannelVerdict::refused},
    {Question::capture, 400, "amount_too_small",        ChannelVerdict::refused},
    {Question::capture, 400, "invalid_request_error",   ChannelVerdict::refused},
    {Question::capture, 402, "card_error",              ChannelVerdict::refused},
    {Question::capture, 402, "processing_error",        ChannelVerdict::unknown},

    {Question::cancel,  400, "payment_intent_unexpected_state", ChannelVerdict::refused},
    {Question::cancel,  404, "resource_missing",        ChannelVerdict::not_found},

    // A success may turn failed later; the money is then back in the balance.
    {Question::refund_state, 200, "pending",            ChannelVerdict::refund_pending},
    // The payer has not said yet where the money shall go, or there is none to give: the merchant
    // sees to it.
    {Question::refund_state, 200, "requires_action",    ChannelVerdict::refund_needs_action},
    {Question::refund_state, 200, pending_for_funds,    ChannelVerdict::refund_needs_action},
    {Question::refund_state, 200, "succeeded",          ChannelVerdict::refunded},
    {Question::refund_state, 200, "failed",             ChannelVerdict::refund_refused},
    {Question::refund_state, 200, "canceled",           ChannelVerdict::refund_refused},

    // Perhaps by an earlier try of this very refund: the list tells.
    {Question::refund,  400, "charge_already_refunded", ChannelVerdict::unknown},
    // Nothing was given back, for want of money of the merchant's: it is repeated under its number.
    {Question::refund,  400, "insufficient_funds",      ChannelVerdict::refund_needs_action},
    {Question::refund,  400, "balance_insufficient",    ChannelVerdict::refund_needs_action},
    {Question::refund,  400, "invalid_request_error",   ChannelVerdict::refund_refused},
    {Question::refund,  401, "invalid_request_error",   ChannelVerdict::unknown},
    {Question::refund,  403, "invalid_request_error",   ChannelVerdict::unknown},
};
// clang-format on

constexpr const Meaning* find_meaning(Question question, int http_status, std::string_view word) {
  for (const Meaning& meaning : meanings)
    if (meaning.question == question && meaning.http_status == http_status && meaning.word == word)
      return &meaning;
  return nullptr;
}

constexpr ChannelVerdict meaning_of(Question question, int http_status, std::string_view word) {
  const Meaning* meaning = find_meaning(question, http_status, word);
  return meaning ? meaning->verdict : ChannelVerdict::unknown;
}

// The code says more than the type, and is asked first.
constexpr ChannelVerdict meaning_of_error(Question question, int http_status, std::string_view code,
                                          std::string_view type) {
  if (const Meaning* meaning = find_meaning(question, http_status, code)) return meaning->verdict;
  return meaning_of(question, http_status, type);
}

constexpr bool no_two_meanings_compete() {
  for (const Meaning& meaning : meanings)
    if (find_meaning(meaning.question, meaning.http_status, meaning.word) != &meaning) return false;
  return true;
}
static_assert(no_two_meanings_compete());

}  // namespace welkin::stripe
