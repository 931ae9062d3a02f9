// What holds of every report, whichever channel's bytes it was made of: it becomes events, so its
// texts are UTF-8 and bounded, and a verdict that moves money comes with what the money is.
#pragma once

#include "protocol/channel/channel.hpp"
#include "tests/fuzz/claims.hpp"

namespace welkin::fuzz {

inline bool moves_money(ChannelVerdict verdict) {
  return verdict == ChannelVerdict::authorized || verdict == ChannelVerdict::paid ||
         verdict == ChannelVerdict::refunded;
}

inline void claim_report(const ChannelReport& report, std::size_t next_action_bytes_max = 2048) {
  claim_text(report.channel_order_no, 64, "an order's number is short and UTF-8");
  claim_text(report.refund_id, 64, "a refund's id is short and UTF-8");
  claim_text(report.merchant_id, 64, "a merchant's id is short and UTF-8");
  claim_text(report.channel_reference, 64, "a channel's reference is short and UTF-8");
  claim_text(report.charge_reference, 64, "a charge's reference is short and UTF-8");
  claim_text(report.next_action.type, 32, "a next action's type is short");
  claim_text(report.next_action.value, next_action_bytes_max, "a next action is bounded and UTF-8");
  claim_text(report.code, 64, "a channel's code is short and UTF-8");
  claim_text(report.message, 512, "a channel's message is bounded and UTF-8");
  if (!moves_money(report.verdict)) return;
  claim(report.amount_minor >= 1 && report.amount_minor <= max_amount_minor,
        "money that moves has an amount in range");
  claim(Currency::parse(report.currency.code()) == report.currency,
        "money that moves has a currency");
  claim((report.merchant_by_account || !report.merchant_id.empty()) &&
            !report.channel_order_no.empty(),
        "money that moves has a merchant and an order");
}

inline void claim_names_refund(const ChannelReport& report) {
  const bool of_refund = report.operation == ChannelOperation::refund;
  claim(of_refund == (!report.refund_id.empty() || report.outside_refund),
        "a callback about a refund names ours, or says that it is from outside");
  claim(!report.outside_refund || report.refund_id.empty(), "what is from outside is none of ours");
  claim(report.outside_refund || (!report.amount_is_total && report.charge_reference.empty()),
        "only what is from outside is told by its charge");
  claim(!report.outside_refund || !report.channel_reference.empty(),
        "a refund from outside is known by the channel's name for it");
}

inline void claim_same_report(const ChannelReport& a, const ChannelReport& b) {
  const char* words = "however it is laid out, a message says the same";
  claim(a.payment == b.payment && a.source == b.source && a.operation == b.operation &&
            a.verdict == b.verdict && a.outside_refund == b.outside_refund &&
            a.amount_minor == b.amount_minor && a.currency == b.currency,
        words);
  claim_same(a.channel_order_no, b.channel_order_no, words);
  claim_same(a.refund_id, b.refund_id, words);
  claim_same(a.merchant_id, b.merchant_id, words);
  claim_same(a.channel_reference, b.channel_reference, words);
  claim_same(a.next_action.type, b.next_action.type, words);
  claim_same(a.next_action.value, b.next_action.value, words);
  claim_same(a.code, b.code, words);
  claim_same(a.message, b.message, words);
}

}  // namespace welkin::fuzz
