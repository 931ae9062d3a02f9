// What UnionPay's response codes mean for what was asked. This table is the only place that says
// so; a code that is not listed for its question leaves the outcome unknown, and a query finds out.
#pragma once

#include <cstdint>
#include <string_view>

#include "protocol/channel/channel.hpp"

namespace welkin::union_pay {

enum class Question : std::uint8_t {
  create,    // respCode: a code for the payer to scan was asked for
  query,     // respCode of a query, when it is not "00" and so says nothing of the transaction
  order,     // origRespCode: what became of a payment
  refund,    // respCode: a refund or an undo was asked for, and "00" is no more than taken
  refunded,  // origRespCode: what became of it
};

struct Meaning {
  Question question;
  std::string_view code;
  ChannelVerdict verdict;
};

// clang-format off
inline constexpr Meaning meanings[] = {
    {Question::create,   "00", ChannelVerdict::accepted},
    // 12, a number that was used before, stays unknown: an order is there.
    {Question::create,   "01", ChannelVerdict::refused},
    {Question::create,   "10", ChannelVerdict::refused},
    {Question::create,   "13", ChannelVerdict::refused},
    {Question::create,   "14", ChannelVerdict::refused},
    {Question::create,   "30", ChannelVerdict::refused},
    // The amount of one order is too high: it is that everywhere, and the merchant must know at once.
    {Question::create,   "33", ChannelVerdict::refused},
    {Question::create,   "38", ChannelVerdict::refused},
    // About our account: shut or outside its hours (02, 39), its signature (11), its state (31), no
    // permission (32). Another account may take the order.
    {Question::create,   "02", ChannelVerdict::not_taken},
    {Question::create,   "11", ChannelVerdict::not_taken},
    {Question::create,   "31", ChannelVerdict::not_taken},
    {Question::create,   "32", ChannelVerdict::not_taken},
    {Question::create,   "39", ChannelVerdict::not_taken},

    {Question::query,    "34", ChannelVerdict::not_found},

    {Question::order,    "00", ChannelVerdict::paid},
    {Question::order,    "A6", ChannelVerdict::paid},
    {Question::order,    "03", ChannelVerdict::accepted},
    {Question::order,    "04", ChannelVerdict::accepted},
    {Question::order,    "05", ChannelVerdict::accepted},
    // A try of the payer's that failed. He may try again until the order's time is over: see wire.cpp.
    {Question::order,    "01", ChannelVerdict::refused},
    {Question::order,    "30", ChannelVerdict::refused},
    {Question::order,    "31", ChannelVerdict::refused},
    {Question::order,    "32", ChannelVerdict::refused},
    {Question::order,    "33", ChannelVerdict::refused},
    {Question::order,    "38", ChannelVerdict::refused},
    {Question::order,    "40", ChannelVerdict::refused},
    {Question::order,    "41", ChannelVerdict::refused},
    {Question::order,    "60", ChannelVerdict::refused},
    {Question::order,    "61", ChannelVerdict::refused},
    {Question::order,    "62", ChannelVerdict::refused},
    {Question::order,    "63", ChannelVerdict::refused},
    {Question::order,    "64", ChannelVerdict::refused},
    {Question::order,    "65", ChannelVerdict::refused},
    {Question::order,    "66", ChannelVerdict::refused},
    {Question::order,    "73", ChannelVerdict::refused},
    {Question::order,    "77", ChannelVerdict::refused},
    {Question::order,    "78", ChannelVerdict::refused},
    {Question::order,    "79", ChannelVerdict::refused},
    {Question::order,    "99", ChannelVerdict::refused},

    {Question::refund,   "00", ChannelVerdict::refund_pending},
    // Faults of ours (10 to 14) are not listed: an operator mends them, and the same refund goes on.
    {Question::refund,   "01", ChannelVerdict::refund_refused},
    {Question::refund,   "30", ChannelVerdict::refund_refused},
    {Question::refund,   "31", ChannelVerdict::refund_refused},
    {Question::refund,   "32", ChannelVerdict::refund_refused},
    {Question::refund,   "33", ChannelVerdict::refund_refused},
    {Question::refund,   "35", ChannelVerdict::refund_refused},
    {Question::refund,   "36", ChannelVerdict::refund_refused},
    {Question::refund,   "38", ChannelVerdict::refund_refused},

    {Question::refunded, "00", ChannelVerdict::refunded},
    {Question::refunded, "A6", ChannelVerdict::refunded},
    {Question::refunded, "03", ChannelVerdict::refund_pending},
    {Question::refunded, "04", ChannelVerdict::refund_pending},
    {Question::refunded, "05", ChannelVerdict::refund_pending},
    {Question::refunded, "01", ChannelVerdict::refund_refused},
    {Question::refunded, "30", ChannelVerdict::refund_refused},
    {Question::refunded, "31", ChannelVerdict::refund_refused},
    {Question::refunded, "32", ChannelVerdict::refund_refused},
    {Question::refunded, "33", ChannelVerdict::refund_refused},
    {Question::refunded, "35", ChannelVerdict::refund_refused},
    {Question::refunded, "36", ChannelVerdict::refund_refused},
    {Question::refunded, "38", ChannelVerdict::refund_refused},
    {Question::refunded, "40", ChannelVerdict::refund_refused},
    {Question::refunded, "41", ChannelVerdict::refund_refused},
    {Question::refunded, "60", ChannelVerdict::refund_refused},
    {Question::refunded, "61", ChannelVerdict::refund_refused},
    {Question::refunded, "62", ChannelVerdict::refund_refused},
    {Question::refunded, "63", ChannelVerdict::refund_refused},
    {Question::refunded, "64", ChannelVerdict::refund_refused},
    {Question::refunded, "65", ChannelVerdict::refund_refused},
    {Question::refunded, "66", ChannelVerdict::refund_refused},
    {Question::refunded, "73", ChannelVerdict::refund_refused},
    {Question::refunded, "77", ChannelVerdict::refund_refused},
    {Question::refunded, "78", ChannelVerdict::refund_refused},
    {Question::refunded, "79", ChannelVerdict::refund_refused},
    {Question::refunded, "99", ChannelVerdict::refund_refused},
};
// clang-format on

constexpr ChannelVerdict meaning_of(Question question, std::string_view code) {
  for (const Meaning& meaning : meanings)
    if (meaning.question == question && meaning.code == code) return meaning.verdict;
  return ChannelVerdict::unknown;
}

constexpr bool no_two_meanings_compete() {
  for (const Meaning& a : meanings)
    for (const Meaning& b : meanings)
      if (&a != &b && a.question == b.question && a.code == b.code) return false;
  return true;
}
static_assert(no_two_meanings_compete());

}  // namespace welkin::union_pay
