// What the runtime says to a channel and hears from it, whatever the channel's wire format is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/ids.hpp"
#include "protocol/money.hpp"

namespace welkin {

enum class ChannelOperation : std::uint8_t { create, capture, close, void_, refund };
std::string_view name_of(ChannelOperation operation);
std::optional<ChannelOperation> parse_channel_operation(std::string_view name);

// Three-valued, with pending for "heard, not decided yet". Unknown is never treated as failed.
enum class Outcome : std::uint8_t { succeeded, failed, pending, unknown };
std::string_view name_of(Outcome outcome);
std::optional<Outcome> parse_outcome(std::string_view name);

// How a report reached us.
enum class ReportSource : std::uint8_t { answer, query, callback };
std::string_view name_of(ReportSource source);
std::optional<ReportSource> parse_report_source(std::string_view name);

// What the payer has to do next.
struct NextAction {
  // "qr_code" (the code's text), "redirect" (a URL), "form" (an HTML page that submits itself),
  // "client_parameters" (JSON for the channel's own script), "client_secret"; empty when there is
  // nothing to do.
  std::string type;
  std::string value;

  template <class Self, class Visitor>
  static void visit_fields(Self& self, Visitor& v) {
    v("type", self.type);
    v("value", self.value);
  }
};

// One thing asked of a channel. `query` asks how `operation` went instead of doing it.
struct ChannelCall {
  PaymentId payment;
  std::string account;  // which of our channel accounts is asked
  ChannelOperation operation = ChannelOperation::create;
  bool query = false;
  std::string merchant_id;
  std::string channel_order_no;
  std::string channel_refund_no;  // refunds only
  std::string refund_id;          // refunds only; comes back in the report
  std::int64_t amount_minor = 0;  // of the order; for capture and refund, of that operation
  std::int64_t order_amount_minor = 0;
  Currency currency;
  bool manual_capture = false;
  std::string subject;
  std::string return_url;
  UnixUs expires_at_us = 0;
  // A surplus that is only authorized is voided under its own refund id.
  bool surplus = false;
  // The channel's own id of the charge this is about, once it is known.
  std::string channel_reference;
  UnixUs order_created_at_us = 0;   // since when this order number may be known to the channel
  UnixUs refund_created_at_us = 0;  // and since when the refund's, for refunds
  // The channel has answered the create, so that the payer has what he needs to pay.
  bool order_accepted = false;
  // How the payer pays, where a channel has several ways ("native", "h5", "page"), and what it must
  // then be told of the payer. Empty: the channel's first way, and nothing is told.
  std::string method;
  std::string payer_id;          // the payer's name at the channel: WeChat's openid
  std::string payer_ip;          // the payer's address, as the merchant has seen it
  std::string payer_instrument;  // what to charge, if the merchant knows: Stripe's pm_…
};

// What the channel says is the case. Everything an adapter cannot name for certain is `unknown`.
enum class ChannelVerdict : std::uint8_t {
  accepted,    // the order is open and waits for the payer
  authorized,  // money is held, not captured
  paid,        // money is taken
  closed,      // the order (or the authorization) is closed, no money can move any more
  refused,     // a definite no to the operation asked
  // Nothing has happened and nothing can: the call never left this machine, or the account cannot
  // take any order now. For a new order another account may be asked.
  not_taken,
  not_found,  // the channel has never heard of this order or refund
  refund_pending,
  refunded,
  refund_refused,
  refund_needs_action,  // asked for and not done, until somebody acts at the channel: `code` says
                        // why
  try_failed,           // a try of the payer's failed; the order waits for another
  unknown,
};
constexpr std::size_t channel_verdict_count = 13;
std::string_view name_of(ChannelVerdict verdict);
std::optional<ChannelVerdict> parse_channel_verdict(std::string_view name);

// How far a call came: what its repetition (protocol/channel/retry.hpp) and the account's health
// turn on.
enum class CallFate : std::uint8_t {
  answered,   // the channel has spoken, whatever it says
  garbled,    // an answer came that cannot be read or believed
  unwell,     // the channel says that it is not well now or is asked too much
  no_answer,  // sent, and no whole answer came
  not_sent,   // the channel could not be reached: no byte of the request left this machine
  not_made,   // nothing was tried: there is no room, or the account cannot say what is asked
};
std::string_view name_of(CallFate fate);

// A verified message from a channel about one order: the answer to a call or a query, or a
// callback.
struct ChannelReport {
  PaymentId payment;
  std::string account;  // which of our accounts it came by; empty: not said
  ReportSource source = ReportSource::answer;
  ChannelOperation operation = ChannelOperation::create;  // what it speaks about
  ChannelVerdict verdict = ChannelVerdict::unknown;
  std::string id;  // the callback's nonce or the call's id: who caused what follows
  std::string channel_order_no;
  std::string refund_id;
  // What the channel says the order is; checked against the payment whenever the verdict moves
  // money.
  std::string merchant_id;
  // The channel knows its account, not which of our merchants it serves with it: `merchant_id` says
  // nothing, and the adapter has checked that the account is ours.
  bool merchant_by_account = false;
  std::int64_t amount_minor = 0;
  Currency currency;
  std::string channel_reference;  // the channel's own id of the charge or refund
  // A refund that was made at the channel's own desk: `channel_reference` names it, `refund_id` is
  // empty.
  bool outside_refund = false;
  bool amount_is_total = false;  // `amount_minor` is what the charge has given back in all
  std::string
      charge_reference;  // of a refund from outside: the charge, where the channel says which
  NextAction next_action;
  std::string code;  // the channel's words for a refusal or an unknown
  std::string message;
  CallFate fate = CallFate::answered;  // of the call that this answers
};

// A report that says whose call it answers and nothing else yet: its verdict is unknown.
ChannelReport report_about(const ChannelCall& call);
// For a call whose answer cannot be understood, with `code` and `message` saying what happened.
ChannelReport report_unknown(const ChannelCall& call, std::string code, std::string message);
// For a call that for certain has not been made or taken.
ChannelReport report_not_taken(const ChannelCall& call, std::string code, std::string message);

}  // namespace welkin
