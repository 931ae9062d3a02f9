// What Stripe answers, judged.
#include <utility>

#include "protocol/channels/channel_json.hpp"
#include "protocol/channels/report_bounds.hpp"
#include "protocol/channels/stripe/amount.hpp"
#include "protocol/channels/stripe/meanings.hpp"
#include "protocol/channels/stripe/reading.hpp"
#include "protocol/channels/stripe/wire.hpp"
#include "protocol/utf8.hpp"

namespace welkin::stripe {
namespace {

using json = nlohmann::ordered_json;

void say(ChannelReport& report, std::string code, std::string message) {
  report.verdict = ChannelVerdict::unknown;
  report.code = std::move(code);
  report.message = std::move(message);
}

std::optional<Currency> currency_of(const json& object) {
  std::string code = text_of(object, "currency");
  for (char& c : code)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return Currency::parse(code);
}

// The amount under `name` in our minor units.
std::optional<std::int64_t> amount_of(const json& object, const char* name, Currency currency) {
  const auto amount = integer_of(object, name);
  return amount ? from_stripe_units(*amount, currency) : std::nullopt;
}

NextAction next_action_of(const json& intent) {
  const std::string url =
      text_of(member_of(member_of(intent, "next_action"), "redirect_to_url"), "url");
  if (!url.empty()) return {"redirect", url};
  const std::string secret = text_of(intent, "client_secret");
  if (!secret.empty()) return {"client_secret", secret};
  return {};
}

Question question_of(const ChannelCall& call) {
  if (call.query) return Question::intent;
  switch (call.operation) {
    case ChannelOperation::create:
      return Question::create;
    case ChannelOperation::capture:
      return Question::capture;
    case ChannelOperation::close:
    case ChannelOperation::void_:
      return Question::cancel;
    case ChannelOperation::refund:
      break;
  }
  return Question::refund;
}

bool is_about(const ChannelCall& call, const json& intent) {
  return order_no_of(intent) == call.channel_order_no &&
         (call.channel_reference.empty() || text_of(intent, "id") == call.channel_reference);
}

ChannelReport intent_report(const ChannelCall& call, const json& intent) {
  if (!is_about(call, intent))
    return report_unknown(call, "other_order", "The answer is about another order.");
  ChannelReport report = report_about(call);
  read_intent(report, intent);
  return report;
}

// The error may bring the intent as it stands, and a state that nothing can change any more says
// more than the refusal to change it.
ChannelReport error_report(const ChannelCall& call, const WireAnswer& answer, const json& error) {
  const std::string code = text_of(error, "code");
  const std::string type = text_of(error, "type");
  const json& intent = member_of(error, "payment_intent");
  if (code == "payment_intent_unexpected_state" && intent.is_object() && is_about(call, intent)) {
    ChannelReport report = intent_report(call, intent);
    if (report.verdict == ChannelVerdict::paid || report.verdict == ChannelVerdict::closed)
      return report;
  }
  ChannelReport report = report_about(call);
  report.merchant_by_account = true;
  const std::string decline = text_of(error, "decline_code");
  report.code = !decline.empty() ? decline : !code.empty() ? code : type;
  report.message = text_of(error, "message");
  report.verdict = meaning_of_error(question_of(call), answer.status, code, type);
  if (report.code.empty()) report.code = "http_" + std::to_string(answer.status);
  if (report.message.empty()) report.message = "HTTP status " + std::to_string(answer.status);
  return report;
}

ChannelReport search_report(const ChannelCall& call, const json& found) {
  const json& data = member_of(found, "data");
  if (!data.is_array() || data.size() > 1)
    return report_unknown(call, "wrong_shape", "The search finds no one order.");
  if (!data.empty()) return intent_report(call, data.front());
  ChannelReport report = report_about(call);
  report.verdict = ChannelVerdict::not_found;
  report.message = "No order of this number is found.";
  return report;
}

ChannelReport refund_list_report(const ChannelCall& call, const json& list) {
  const json& data = member_of(list, "data");
  if (!data.is_array()) return report_unknown(call, "wrong_shape", "There is no list of refunds.");
  for (const json& refund : data) {
    if (refund_no_of(refund) != call.channel_refund_no) continue;
    ChannelReport report = report_about(call);
    read_refund(report, refund);
    return report;
  }
  if (flag_of(list, "has_more") || !member_of(list, "has_more").is_boolean())
    return report_unknown(call, "too_many_refunds", "The refund may stand on a further page.");
  ChannelReport report = report_about(call);
  report.verdict = ChannelVerdict::not_found;
  report.message = "The order has no refund of this number.";
  return report;
}

ChannelReport read_answer(const Account& account, const ChannelCall& call,
                          const WireAnswer& answer) {
  const auto body = parse_channel_json(answer.body);
  if (!body)
    return report_unknown(
        call, answer.status >= 500 ? "server_error" : "unreadable_answer",
        "The answer, of status " + std::to_string(answer.status) + ", is no JSON object.");
  if (answer.status != 200) return error_report(call, answer, member_of(*body, "error"));
  const std::string object = text_of(*body, "object");
  // Both worlds answer alike; an object of the other one is none of ours.
  if (member_of(*body, "livemode").is_boolean() && flag_of(*body, "livemode") != account.live)
    return report_unknown(call, "wrong_account", "The object is of the other mode.");
  if (call.operation == ChannelOperation::refund) {
    if (object == "list" && call.query) return refund_list_report(call, *body);
    if (object != "refund") return report_unknown(call, "wrong_shape", "This is no refund.");
    if (refund_no_of(*body) != call.channel_refund_no)
      return report_unknown(call, "other_refund", "The answer is about another refund.");
    ChannelReport report = report_about(call);
    read_refund(report, *body);
    return report;
  }
  if (object == "search_result" && call.query) return search_report(call, *body);
  if (object != "payment_intent") return report_unknown(call, "wrong_shape", "This is no intent.");
  return intent_report(call, *body);
}

}  // namespace

std::string order_no_of(const json& object) {
  return text_of(member_of(object, "metadata"), "order_no");
}
std::string refund_no_of(const json& object) {
  return text_of(member_of(object, "metadata"), "refund_no");
}

void read_intent(ChannelReport& report, const json& intent) {
  report.merchant_by_account = true;
  report.channel_reference = text_of(intent, "id");
  const std::string status = text_of(intent, "status");
  const json& error = member_of(intent, "last_payment_error");
  const bool failed = status == "requires_payment_method" && error.is_object();
  report.verdict = meaning_of(Question::intent, 200, failed ? try_failed : status);
  const auto currency = currency_of(intent);
  // What has moved or is held may be less than what was asked for.
  const char* const name = report.verdict == ChannelVerdict::paid         ? "amount_received"
                           : report.verdict == ChannelVerdict::authorized ? "amount_capturable"
                                                                          : "amount";
  const auto amount = currency ? amount_of(intent, name, *currency) : std::nullopt;
  if (!amount || report.channel_reference.empty())
    return say(report, "wrong_shape", "The intent does not name its id, currency and amount.");
  report.amount_minor = *amount;
  report.currency = *currency;
  if (report.verdict == ChannelVerdict::accepted) report.next_action = next_action_of(intent);
  const std::string decline = text_of(error, "decline_code");
  report.code = decline.empty() ? text_of(error, "code") : decline;
  report.message = text_of(error, "message");
  if (report.verdict == ChannelVerdict::unknown)
    say(report, status.empty() ? "wrong_shape" : status, "This state of an intent is not known.");
}

void read_refund(ChannelReport& report, const json& refund) {
  report.merchant_by_account = true;
  report.channel_reference = text_of(refund, "id");
  const std::string status = text_of(refund, "status");
  const std::string waits_for = text_of(refund, "pending_reason");
  const std::string reasoned = status + "/" + waits_for;
  const bool for_funds = reasoned == pending_for_funds;
  report.verdict = meaning_of(Question::refund_state, 200, for_funds ? reasoned : status);
  const auto currency = currency_of(refund);
  const auto amount = currency ? amount_of(refund, "amount", *currency) : std::nullopt;
  if (!amount || report.channel_reference.empty())
    return say(report, "wrong_shape", "The refund does not name its id, currency and amount.");
  report.amount_minor = *amount;
  report.currency = *currency;
  if (report.verdict == ChannelVerdict::refund_refused) {
    const std::string reason = text_of(refund, "failure_reason");
    report.code = reason.empty() ? status : reason;
  }
  if (report.verdict == ChannelVerdict::refund_needs_action) {
    report.code = for_funds ? waits_for : status;
    report.message = for_funds ? "The balance at Stripe is too low for the refund."
                               : "The payer has yet to tell Stripe where the refund shall go.";
  }
  if (report.verdict == ChannelVerdict::unknown)
    say(report, status.empty() ? "wrong_shape" : status, "This state of a refund is not known.");
}

void read_charge_refunds(ChannelReport& report, const json& charge) {
  report.merchant_by_account = true;
  const auto currency = currency_of(charge);
  const auto of = [&](const char* name) {
    return currency ? amount_of(charge, name, *currency) : std::nullopt;
  };
  const auto amount = of("amount");
  const auto captured = of("amount_captured");
  const auto refunded = of("amount_refunded");
  if (!amount || !refunded || text_of(charge, "payment_intent").empty())
    return say(report, "wrong_shape", "The charge does not name its intent, currency and amounts.");
  // What was authorized and never captured counts as refunded with Stripe.
  const std::int64_t let_go_minor = *amount - captured.value_or(*amount);
  report.amount_minor = *refunded - let_go_minor;
  report.currency = *currency;
  report.charge_reference = text_of(charge, "payment_intent");
  report.verdict = flag_of(charge, "captured") && report.amount_minor > 0
                       ? ChannelVerdict::refunded
                       : ChannelVerdict::refund_pending;
}

ChannelReport parse_answer(const Account& account, const ChannelCall& call,
                           const WireAnswer& answer) {
  return within_bounds(read_answer(account, call, answer));
}

std::variant<ReportRun, Problem> parse_report_run(const WireAnswer& answer) {
  const auto body = parse_channel_json(answer.body);
  const Problem none{ProblemCode::invalid_value,
                     "This, of status " + std::to_string(answer.status) + ", is no report's run.",
                     {}};
  if (answer.status != 200 || !body || text_of(*body, "object") != "reporting.report_run")
    return none;
  ReportRun run{text_of(*body, "id"), text_of(*body, "status"),
                text_of(member_of(*body, "result"), "url")};
  if (run.id.empty() || !is_plain_text(run.id, max_channel_reference_bytes) ||
      !is_plain_text(run.status, max_channel_code_bytes) ||
      !is_plain_text(run.url, max_next_action_bytes))
    return none;
  return run;
}

}  // namespace welkin::stripe
