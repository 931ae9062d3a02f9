// What WeChat Pay's words mean for what was asked. This table is the only place that says so; what
// is not listed for its question and status leaves the outcome unknown, and a query finds out.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/channel/channel.hpp"

namespace welkin::wechat_pay {

enum class Question : std::uint8_t { create, query, close, refund, refund_query };

struct Meaning {
  Question question;
  int http_status;
  std::string_view word;  // an error code without its underscores, a trade_state or a refund status
  ChannelVerdict verdict;
};

// clang-format off
inline constexpr Meaning meanings[] = {
    // The states of an order. A failed try to pay leaves it NOTPAY; only a close ends it.
    {Question::query,  200, "NOTPAY",              ChannelVerdict::accepted},
    {Question::query,  200, "USERPAYING",          ChannelVerdict::accepted},
    {Question::query,  200, "ACCEPT",              ChannelVerdict::accepted},
    {Question::query,  200, "SUCCESS",             ChannelVerdict::paid},
    // At least one refund exists; how many, our own refunds say.
    {Question::query,  200, "REFUND",              ChannelVerdict::paid},
    {Question::query,  200, "CLOSED",              ChannelVerdict::closed},
    {Question::query,  200, "REVOKED",             ChannelVerdict::closed},
    {Question::query,  200, "PAYERROR",            ChannelVerdict::refused},
    {Question::query,  404, "ORDERNOTEXIST",       ChannelVerdict::not_found},

    // Definite refusals of an order: none was made. Unknown stay ORDERPAID and OUT_TRADE_NO_USED,
    // which say that an order of this number is there.
    {Question::create, 400, "PARAMERROR",          ChannelVerdict::refused},
    {Question::create, 400, "INVALIDREQUEST",      ChannelVerdict::refused},
    {Question::create, 403, "TRADEERROR",          ChannelVerdict::refused},
    // These two speak of the payer's account, which is the same at every account of ours.
    {Question::create, 403, "ACCOUNTERROR",        ChannelVerdict::refused},
    {Question::create, 403, "USERACCOUNTABNORMAL", ChannelVerdict::refused},
    // And these of ours: its numbers do not belong together or are not there, its signature is not
    // known, it may not do this, it has reached what it may take, it asks too often. Another
    // account may take the order.
    {Question::create, 400, "APPIDMCHIDNOTMATCH",  ChannelVerdict::not_taken},
    {Question::create, 400, "MCHNOTEXISTS",        ChannelVerdict::not_taken},
    {Question::create, 401, "SIGNERROR",           ChannelVerdict::not_taken},
    {Question::create, 403, "NOAUTH",              ChannelVerdict::not_taken},
    {Question::create, 403, "RULELIMIT",           ChannelVerdict::not_taken},
    {Question::create, 429, "FREQUENCYLIMITED",    ChannelVerdict::not_taken},
    {Question::create, 429, "RATELIMITEXCEEDED",   ChannelVerdict::not_taken},
    {Question::create, 400, "ORDERCLOSED",         ChannelVerdict::closed},

    {Question::close,  400, "ORDERCLOSED",         ChannelVerdict::closed},
    {Question::close,  400, "ORDERPAID",           ChannelVerdict::refused},
    {Question::close,  404, "ORDERNOTEXIST",       ChannelVerdict::not_found},

    {Question::refund, 200, "SUCCESS",             ChannelVerdict::refunded},
    {Question::refund, 200, "PROCESSING",          ChannelVerdict::refund_pending},
    {Question::refund, 200, "CLOSED",              ChannelVerdict::refund_refused},
    // The payer's account cannot take it and an operator has to see to it at WeChat: until that is
    // done the money has left, so another refund would be a second one.
    {Question::refund, 200, "ABNORMAL",            ChannelVerdict::refund_needs_action},
    // Nothing was given back, for want of money of the merchant's: it is repeated under its number.
    {Question::refund, 403, "NOTENOUGH",           ChannelVerdict::refund_needs_action},
    {Question::refund, 400, "PARAMERROR",          ChannelVerdict::refund_refused},
    {Question::refund, 400, "INVALIDREQUEST",      ChannelVerdict::refund_refused},
    {Question::refund, 403, "NOAUTH",              ChannelVerdict::refund_refused},
    {Question::refund, 403, "USERACCOUNTABNORMAL", ChannelVerdict::refund_refused},

    {Question::refund_query, 200, "SUCCESS",           ChannelVerdict::refunded},
    {Question::refund_query, 200, "PROCESSING",        ChannelVerdict::refund_pending},
    {Question::refund_query, 200, "CLOSED",            ChannelVerdict::refund_refused},
    {Question::refund_query, 200, "ABNORMAL",          ChannelVerdict::refund_needs_action},
    {Question::refund_query, 404, "RESOURCENOTEXISTS", ChannelVerdict::not_found},
};
// clang-format on

constexpr ChannelVerdict meaning_of(Question question, int http_status, std::string_view word) {
  for (const Meaning& meaning : meanings)
    if (meaning.question == question && meaning.http_status == http_status && meaning.word == word)
      return meaning.verdict;
  return ChannelVerdict::unknown;
}

constexpr bool no_two_meanings_compete() {
  for (const Meaning& a : meanings)
    for (const Meaning& b : meanings)
      if (&a != &b && a.question == b.question && a.http_status == b.http_status &&
          a.word == b.word)
        return false;
  return true;
}
static_assert(no_two_meanings_compete());

// Codes come in two spellings, ORDER_NOT_EXIST and ORDERNOTEXIST.
inline std::string without_underscores(std::string_view code) {
  std::string word;
  for (const char c : code)
    if (c != '_') word.push_back(c);
  return word;
}

}  // namespace welkin::wechat_pay
