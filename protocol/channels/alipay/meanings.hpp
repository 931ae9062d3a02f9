// What Alipay's words mean for what was asked. This table is the only place that says so; a word
// that is not listed for its question leaves the outcome unknown, and a query finds out.
#pragma once

#include <cstdint>
#include <string_view>

#include "protocol/channel/channel.hpp"

namespace welkin::alipay {

enum class Question : std::uint8_t { create, query, close, refund, refund_query };

struct Meaning {
  Question question;
  std::string_view word;  // a code, a sub_code, a trade_status, a fund_change or a refund_status
  ChannelVerdict verdict;
};

// The word for a refund query that succeeds and names no refund_status.
inline constexpr std::string_view no_refund_status = "(no refund_status)";

// clang-format off
inline constexpr Meaning meanings[] = {
    // The order is made. Definite refusals of it: nothing was made. Unknown stay, above all,
    // TRADE_HAS_SUCCESS, TRADE_HAS_CLOSE and CONTEXT_INCONSISTENT: an order of this number is there.
    {Question::create, "10000",                         ChannelVerdict::accepted},
    {Question::create, "40001",                         ChannelVerdict::refused},
    {Question::create, "ACQ.INVALID_PARAMETER",         ChannelVerdict::refused},
    // The amount of one order is too high: it is that everywhere, and the merchant must know at once.
    {Question::create, "ACQ.TOTAL_FEE_EXCEED",          ChannelVerdict::refused},
    {Question::create, "ACQ.BUYER_BALANCE_NOT_ENOUGH",  ChannelVerdict::refused},
    {Question::create, "ACQ.PAYMENT_FAIL",              ChannelVerdict::refused},
    // About our account: its authorization, application, key or certificate is not good (40002 is
    // about what stands around the order, and 40004 about the order itself), not ready, not allowed
    // to, blocked, or asks too often. Another account may take the order.
    {Question::create, "20001",                         ChannelVerdict::not_taken},
    {Question::create, "40002",                         ChannelVerdict::not_taken},
    {Question::create, "40003",                         ChannelVerdict::not_taken},
    {Question::create, "40005",                         ChannelVerdict::not_taken},
    {Question::create, "40006",                         ChannelVerdict::not_taken},
    {Question::create, "ACQ.ACCESS_FORBIDDEN",          ChannelVerdict::not_taken},
    {Question::create, "ACQ.SELLER_BEEN_BLOCKED",       ChannelVerdict::not_taken},

    {Question::query,  "WAIT_BUYER_PAY",                ChannelVerdict::accepted},
    {Question::query,  "TRADE_SUCCESS",                 ChannelVerdict::paid},
    {Question::query,  "TRADE_FINISHED",                ChannelVerdict::paid},
    // Never paid, or paid and wholly refunded: no money can move any more either way.
    {Question::query,  "TRADE_CLOSED",                  ChannelVerdict::closed},
    // The trade begins when the payer scans: see wire.cpp for one that waits for that.
    {Question::query,  "ACQ.TRADE_NOT_EXIST",           ChannelVerdict::not_found},

    {Question::close,  "10000",                         ChannelVerdict::closed},
    {Question::close,  "ACQ.TRADE_HAS_CLOSE",           ChannelVerdict::closed},
    {Question::close,  "ACQ.TRADE_NOT_EXIST",           ChannelVerdict::not_found},
    {Question::close,  "ACQ.TRADE_HAS_SUCCESS",         ChannelVerdict::refused},
    {Question::close,  "ACQ.TRADE_HAS_FINISHED",        ChannelVerdict::refused},
    {Question::close,  "ACQ.TRADE_STATUS_ERROR",        ChannelVerdict::refused},
    {Question::close,  "ACQ.REASON_TRADE_STATUS_INVALID", ChannelVerdict::refused},
    {Question::close,  "ACQ.REASON_ILLEGAL_STATUS",     ChannelVerdict::refused},

    // fund_change: whether this call moved the money. A repeat moves none, and a query tells.
    {Question::refund, "Y",                             ChannelVerdict::refunded},
    {Question::refund, "N",                             ChannelVerdict::refund_pending},
    // Nothing was given back, for want of money of the merchant's: it is repeated under its number.
    {Question::refund, "ACQ.SELLER_BALANCE_NOT_ENOUGH", ChannelVerdict::refund_needs_action},
    // Not listed, and so asked again under the same number: wrong states, which an earlier try of this refund may have brought about;
    // DISCORDANT_REPEAT_REQUEST, which says that a refund of this number was made.
    {Question::refund, "ACQ.INVALID_PARAMETER",         ChannelVerdict::refund_refused},
    {Question::refund, "ACQ.ACCESS_FORBIDDEN",          ChannelVerdict::refund_refused},
    {Question::refund, "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL", ChannelVerdict::refund_refused},
    {Question::refund, "ACQ.TRADE_NOT_ALLOW_REFUND",    ChannelVerdict::refund_refused},
    {Question::refund, "ACQ.TRADE_HAS_FINISHED",        ChannelVerdict::refund_refused},

    {Question::refund_query, "REFUND_SUCCESS",          ChannelVerdict::refunded},
    // Not refunded; the refund may be repeated under its own number.
    {Question::refund_query, no_refund_status,          ChannelVerdict::not_found},
};
// clang-format on

constexpr ChannelVerdict meaning_of(Question question, std::string_view word) {
  for (const Meaning& meaning : meanings)
    if (meaning.question == question && meaning.word == word) return meaning.verdict;
  return ChannelVerdict::unknown;
}

constexpr bool no_two_meanings_compete() {
  for (const Meaning& a : meanings)
    for (const Meaning& b : meanings)
      if (&a != &b && a.question == b.question && a.word == b.word) return false;
  return true;
}
static_assert(no_two_meanings_compete());

}  // namespace welkin::alipay
