// Stripe's API, version 1: calls become requests, answers and webhooks become reports. Pure: the
// time is an argument, and what cannot be understood is a report with verdict unknown that says
// why. Answers are believed because of TLS alone; webhooks bear a signature.
//
// An order is a PaymentIntent under our order number, in its metadata and in the idempotency key.
// The payer confirms it on the merchant's page with the client secret, or the merchant names a
// payer_instrument ("pm_…") and it is confirmed with the order.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "protocol/channel/channel.hpp"
#include "protocol/channels/exchange.hpp"
#include "protocol/channels/stripe/account.hpp"

namespace welkin::stripe {

constexpr std::int64_t timestamp_tolerance_s = 300;
// So long after an order was first sent, it is asked for by repeating it under its key, which is
// exact; later by a search, whose index is behind by about a minute, and by more on bad days. An
// order that is to end is repeated without its payment method: if it is there, the key is taken,
// and if it is not, nobody is charged for it any more.
constexpr UnixUs repeat_window_us = 180 * us_per_s;

// A call about an intent whose id is not known, which is another call's answer: that one, to be
// made first. Its report's channel_reference belongs into the call.
std::optional<ChannelCall> call_before(const ChannelCall& call);
// What is kept under a key is the first answer, and what a search finds is behind: an intent that
// was found in one of these ways, and can still change, is read again by its id.
std::optional<ChannelCall> call_after(const ChannelCall& call, const ChannelReport& heard);

std::optional<Problem> objection_to(const ChannelCall& call);
EncodedCall encode_call(const Account& account, const ChannelCall& call,
                        const SigningContext& context);
ChannelReport parse_answer(const Account& account, const ChannelCall& call,
                           const WireAnswer& answer);

// Stripe sends an event again for three days under the same id, which becomes the report's id.
// Timestamps are refused on both sides of the tolerance, the future's too.
CallbackVerdict parse_callback(const Account& account, const RawCallback& callback, UnixUs now_us);
CallbackAck taken();
CallbackAck not_taken();  // sent again

// A payment method for an intent that has none: the merchant's server confirms in the payer's name.
WireRequest encode_confirm(const Account& account, const ChannelCall& call,
                           const SigningContext& context);

// ---- the balance report

// Of [from_s, to_s), asked for under a key of ours; poll it by its id until it has a URL.
WireRequest encode_report_run(const Account& account, std::int64_t from_s, std::int64_t to_s,
                              std::string_view idempotency_key);
WireRequest encode_report_query(const Account& account, std::string_view report_run_id);
struct ReportRun {
  std::string id;
  std::string status;  // "pending", "succeeded", "failed"
  std::string url;     // once it has succeeded
};
std::variant<ReportRun, Problem> parse_report_run(const WireAnswer& answer);

// ---- pieces, for those who check or make signatures themselves

// Empty when one of `secrets` signed the body and the time is near; else bad_signature or
// stale_timestamp.
std::optional<Problem> check_webhook(const std::vector<std::string>& secrets,
                                     std::string_view signature_header, std::string_view body,
                                     UnixUs now_us);
// The time that a signature stands over, as it is written; empty when the header cannot be read.
std::string signed_time(std::string_view signature_header);
// "t=…,v1=…"
std::string sign_webhook(std::string_view secret, std::string_view body, UnixUs now_us);

// Names with their brackets as they are, values percent-encoded.
using Fields = std::vector<std::pair<std::string, std::string>>;
std::string encode_fields(const Fields& fields);

}  // namespace welkin::stripe
