// What is asked of Stripe, as the requests it wants.
#include <utility>

#include "protocol/channels/form.hpp"
#include "protocol/channels/stripe/amount.hpp"
#include "protocol/channels/stripe/wire.hpp"

namespace welkin::stripe {
namespace {

constexpr std::string_view intents = "/v1/payment_intents";
constexpr std::string_view refunds = "/v1/refunds";

Problem not_possible(std::string field, std::string detail) {
  return {ProblemCode::invalid_value, std::move(detail), std::move(field)};
}

Problem cannot_charge() {
  return not_possible("/amount", "Stripe cannot charge this amount in this currency.");
}

std::string lower(std::string_view code) {
  std::string out(code);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

WireHeaders common_headers(const Account& account) {
  return {{"authorization", "Bearer " + account.secret_key},
          {"accept", "application/json"},
          {"content-type", "application/x-www-form-urlencoded"},
          {"stripe-version", account.api_version},
          {"user-agent", "Welkin"}};
}

WireRequest get(const Account& account, std::string target) {
  return {"GET", std::move(target), common_headers(account), {}};
}

// The key is what keeps a repeated request from being done twice.
WireRequest post(const Account& account, std::string target, const Fields& fields,
                 std::string idempotency_key) {
  WireRequest request{"POST", std::move(target), common_headers(account), encode_fields(fields)};
  request.headers.emplace_back("idempotency-key", std::move(idempotency_key));
  return request;
}

std::string intent_path(const ChannelCall& call) {
  return std::string(intents) + "/" + percent_encode(call.channel_reference);
}

// An operation that cannot happen twice has a new key each time it is sent: under the old one a
// refusal or a fault of Stripe's would be replayed for a day.
std::string fresh_key(const ChannelCall& call, std::string_view what,
                      const SigningContext& context) {
  return call.channel_order_no + ":" + std::string(what) +
         (context.nonce.empty() ? "" : ":" + context.nonce);
}

// A fault of Stripe's is kept under the key for a day as well. An order is made this late only
// after a search has not found it: one that charges nobody by being made then gets its second key,
// and one that does stays with its first.
std::string create_key(const ChannelCall& call, UnixUs now_us) {
  const bool late = now_us - call.order_created_at_us > repeat_window_us;
  return call.channel_order_no +
         (late && call.payer_instrument.empty() ? ":create:again" : ":create");
}

EncodedCall create(const Account& account, const ChannelCall& call, UnixUs now_us) {
  const auto amount = to_stripe_units(call.amount_minor, call.currency);
  if (!amount) return cannot_charge();
  Fields fields{{"amount", std::to_string(*amount)}, {"currency", lower(call.currency.code())}};
  if (call.manual_capture) fields.emplace_back("capture_method", "manual");
  if (call.method.empty()) {
    fields.emplace_back("automatic_payment_methods[enabled]", "true");
    // Stripe confirms no intent that may send the payer away and does not say where he comes back
    // to.
    if (!call.payer_instrument.empty() && call.return_url.empty())
      fields.emplace_back("automatic_payment_methods[allow_redirects]", "never");
  } else {
    fields.emplace_back("payment_method_types[0]", call.method);
  }
  fields.emplace_back("metadata[order_no]", call.channel_order_no);
  if (!call.subject.empty()) fields.emplace_back("description", call.subject);
  if (!call.payer_instrument.empty()) {
    fields.emplace_back("confirm", "true");
    fields.emplace_back("payment_method", call.payer_instrument);
    // Only a confirmed intent may have one.
    if (!call.return_url.empty()) fields.emplace_back("return_url", call.return_url);
  }
  return post(account, std::string(intents), fields, create_key(call, now_us));
}

EncodedCall refund(const Account& account, const ChannelCall& call) {
  const auto amount = to_stripe_units(call.amount_minor, call.currency);
  if (!amount) return not_possible("/amount", "Stripe cannot refund this amount in this currency.");
  return post(account, std::string(refunds),
              {{"payment_intent", call.channel_reference},
               {"amount", std::to_string(*amount)},
               {"metadata[refund_no]", call.channel_refund_no},
               {"metadata[order_no]", call.channel_order_no}},
              call.channel_refund_no);
}

EncodedCall query(const Account& account, const ChannelCall& call, const SigningContext& context) {
  if (call.operation == ChannelOperation::refund)
    return get(account,
               std::string(refunds) + "?" +
                   encode_fields({{"payment_intent", call.channel_reference}, {"limit", "100"}}));
  if (!call.channel_reference.empty()) return get(account, intent_path(call));
  if (context.now_us - call.order_created_at_us <= repeat_window_us) {
    const bool expired = call.expires_at_us != 0 && context.now_us >= call.expires_at_us;
    ChannelCall again = call;
    again.amount_minor = call.order_amount_minor;
    if (expired || call.operation != ChannelOperation::create) again.payer_instrument.clear();
    return create(account, again, context.now_us);
  }
  return get(account,
             std::string(intents) + "/search?" +
                 encode_fields({{"query", "metadata['order_no']:'" + call.channel_order_no + "'"},
                                {"limit", "2"}}));
}

}  // namespace

std::string encode_fields(const Fields& fields) {
  std::string text;
  for (const auto& [name, value] : fields) {
    if (!text.empty()) text.push_back('&');
    text.append(name).append("=");
    // Brackets stand as they are, in values too, as Stripe's own libraries send them.
    std::string encoded = percent_encode(value);
    for (const auto& [code, bracket] : {std::pair("%5B", '['), std::pair("%5D", ']')})
      for (std::size_t at; (at = encoded.find(code)) != std::string::npos;)
        encoded.replace(at, 3, 1, bracket);
    text.append(encoded);
  }
  return text;
}

std::optional<Problem> objection_to(const ChannelCall& call) {
  if (to_stripe_units(call.amount_minor, call.currency)) return std::nullopt;
  return cannot_charge();
}

std::optional<ChannelCall> call_before(const ChannelCall& call) {
  const bool finds_out_itself = call.operation == ChannelOperation::create ||
                                (call.query && call.operation != ChannelOperation::refund);
  if (finds_out_itself || !call.channel_reference.empty()) return std::nullopt;
  ChannelCall first = call;
  // A query of a refund asks for the refund, and so of the order; all others ask for the order.
  if (call.operation == ChannelOperation::refund) first.operation = ChannelOperation::create;
  first.query = true;
  first.refund_id.clear();
  first.channel_refund_no.clear();
  return first;
}

std::optional<ChannelCall> call_after(const ChannelCall& call, const ChannelReport& heard) {
  const bool asked_without_id =
      call.query && call.operation != ChannelOperation::refund && call.channel_reference.empty();
  const bool can_change = heard.verdict == ChannelVerdict::accepted ||
                          heard.verdict == ChannelVerdict::try_failed ||
                          heard.verdict == ChannelVerdict::authorized;
  if (!asked_without_id || !can_change) return std::nullopt;
  ChannelCall again = call;
  again.channel_reference = heard.channel_reference;
  return again;
}

EncodedCall encode_call(const Account& account, const ChannelCall& call,
                        const SigningContext& context) {
  if (call_before(call))
    return not_possible("/channel_reference", "The intent's id must be asked for first.");
  if (call.query) return query(account, call, context);
  switch (call.operation) {
    case ChannelOperation::create:
      return create(account, call, context.now_us);
    case ChannelOperation::capture: {
      const auto amount = to_stripe_units(call.amount_minor, call.currency);
      if (!amount)
        return not_possible("/amount", "Stripe cannot capture this amount in this currency.");
      return post(account, intent_path(call) + "/capture",
                  {{"amount_to_capture", std::to_string(*amount)}},
                  fresh_key(call, "capture", context));
    }
    case ChannelOperation::close:
    case ChannelOperation::void_:
      return post(account, intent_path(call) + "/cancel", {{"cancellation_reason", "abandoned"}},
                  fresh_key(call, "cancel", context));
    case ChannelOperation::refund:
      break;
  }
  return refund(account, call);
}

WireRequest encode_confirm(const Account& account, const ChannelCall& call,
                           const SigningContext& context) {
  Fields fields{{"payment_method", call.payer_instrument}};
  if (!call.return_url.empty()) fields.emplace_back("return_url", call.return_url);
  return post(account, intent_path(call) + "/confirm", fields, fresh_key(call, "confirm", context));
}

WireRequest encode_report_run(const Account& account, std::int64_t from_s, std::int64_t to_s,
                              std::string_view idempotency_key) {
  Fields fields{{"report_type", "balance_change_from_activity.itemized.3"},
                {"parameters[interval_start]", std::to_string(from_s)},
                {"parameters[interval_end]", std::to_string(to_s)},
                {"parameters[timezone]", "Etc/UTC"}};
  constexpr std::string_view columns[] = {
      "balance_transaction_id", "created_utc", "currency",         "gross", "fee", "net",
      "reporting_category",     "source_id",   "payment_intent_id"};
  int index = 0;
  for (const std::string_view column : columns)
    fields.emplace_back("parameters[columns][" + std::to_string(index++) + "]", column);
  return post(account, "/v1/reporting/report_runs", fields, std::string(idempotency_key));
}

WireRequest encode_report_query(const Account& account, std::string_view report_run_id) {
  return get(account, "/v1/reporting/report_runs/" + percent_encode(report_run_id));
}

}  // namespace welkin::stripe
