// See the header.
#include "sandbox/stripe_objects.hpp"

#include "protocol/channels/strict_json.hpp"
#include "protocol/channels/stripe/amount.hpp"
#include "protocol/sha256.hpp"

namespace welkin::sandbox::stripe_objects {
namespace {

using sandbox_wire::OrderStatus;
using sandbox_wire::RefundStatus;

std::string lower(std::string_view code) {
  std::string out(code);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}
std::string_view refund_status(RefundStatus status) {
  return status == RefundStatus::succeeded ? "succeeded"
         : status == RefundStatus::failed  ? "failed"
         : status == RefundStatus::stuck   ? "requires_action"
                                           : "pending";
}

}  // namespace

DeskAnswer error(int status, std::string_view type, std::string_view code, std::string_view message,
                 const Json& more) {
  Json inner{{"type", type}};
  if (!code.empty()) inner["code"] = code;
  inner["message"] = message;
  for (const auto& item : more.items()) inner[item.key()] = item.value();
  return {status, "application/json", Json{{"error", std::move(inner)}}.dump(2), {}};
}
DeskAnswer invalid(std::string_view code, std::string_view message, std::string_view parameter) {
  return error(400, "invalid_request_error", code, message, {{"param", parameter}});
}
DeskAnswer missing(std::string_view what) {
  return error(404, "invalid_request_error", "resource_missing",
               "No such " + std::string(what) + ".");
}

std::string upper(std::string_view code) {
  std::string out(code);
  for (char& c : out)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return out;
}

std::int64_t units(std::int64_t amount_minor, Currency currency) {
  return stripe::to_stripe_units(amount_minor, currency).value_or(amount_minor);
}

Json metadata_of(const FormFields& fields) {
  Json metadata = Json::object();
  for (const auto& [name, value] : fields)
    if (name.substr(0, 9) == "metadata[" && name.back() == ']')
      metadata[name.substr(9, name.size() - 10)] = value;
  return metadata;
}

Json details_of(const std::string& details) {
  const auto json = parse_strict_json(details);
  return json && json->is_object() ? *json : Json::object();
}

Instrument instrument_of(std::string_view name) {
  const auto holds = [name](std::string_view word) {
    return name.find(word) != std::string_view::npos;
  };
  if (holds("InsufficientFunds") || holds("insufficientFunds")) return Instrument::has_no_funds;
  if (holds("Declined")) return Instrument::is_declined;
  if (holds("authenticationRequired")) return Instrument::wants_authentication;
  return Instrument::pays;
}

Json decline_error(const std::string& instrument) {
  if (instrument_of(instrument) == Instrument::wants_authentication)
    return {{"type", "invalid_request_error"},
            {"code", "payment_intent_authentication_failure"},
            {"message", "The provided PaymentMethod has failed authentication."}};
  const bool no_funds = instrument_of(instrument) == Instrument::has_no_funds;
  return {{"type", "card_error"},
          {"code", "card_declined"},
          {"decline_code", no_funds ? "insufficient_funds" : "generic_decline"},
          {"message", no_funds ? "Your card has insufficient funds." : "Your card was declined."}};
}

Json refund_json(const BookResult& of) {
  const auto& refund = *of.refund;
  const Json details = details_of(of.refund_facts.terms.details);
  Json json{{"id", "re_" + refund.out_refund_no},
            {"object", "refund"},
            {"amount", units(refund.amount_minor, refund.currency)},
            {"charge", "ch_" + refund.out_order_no},
            {"created", of.refund_facts.created_at_us / us_per_s},
            {"currency", lower(refund.currency.code())},
            {"metadata", details.value("metadata", Json::object())},
            {"payment_intent", "pi_" + refund.out_order_no},
            {"reason", nullptr},
            {"status", refund_status(refund.status)}};
  if (refund.status == RefundStatus::failed) json["failure_reason"] = "declined";
  return json;
}

Json charge_json(const OrderFacts& facts) {
  const auto& order = facts.order;
  return {{"id", "ch_" + order.out_order_no},
          {"object", "charge"},
          {"amount", units(order.amount_minor, order.currency)},
          {"amount_captured", units(order.captured_minor, order.currency)},
          // What was let go of by a capture of less counts as refunded.
          {"amount_refunded",
           units(order.amount_minor - order.captured_minor + order.refunded_minor, order.currency)},
          {"captured", true},
          {"created", facts.paid_at_us / us_per_s},
          {"currency", lower(order.currency.code())},
          {"livemode", false},
          {"metadata", details_of(facts.terms.details).value("metadata", Json::object())},
          {"paid", true},
          {"payment_intent", "pi_" + order.out_order_no},
          {"refunded", order.refunded_minor == order.captured_minor},
          {"status", "succeeded"}};
}

Json intent_json(const OrderFacts& facts, const IntentLinks& links) {
  const auto& order = facts.order;
  const Json details = details_of(facts.terms.details);
  const std::string instrument = details.value("instrument", "");
  const std::string id = "pi_" + order.out_order_no;
  const std::int64_t amount = units(order.amount_minor, order.currency);
  const bool paid = order.status == OrderStatus::paid;
  const bool waits_for_payer = order.status == OrderStatus::open && facts.terms.begun &&
                               facts.declined_tries == 0 && !instrument.empty();
  Json json{{"id", id},
            {"object", "payment_intent"},
            {"amount", amount},
            {"amount_capturable", order.status == OrderStatus::authorized ? amount : 0},
            {"amount_received", paid ? units(order.captured_minor, order.currency) : 0},
            {"canceled_at", nullptr},
            {"cancellation_reason", nullptr},
            {"capture_method", order.manual_capture ? "manual" : "automatic"},
            {"client_secret",
             id + "_secret_" + sha256_hex(std::string(links.secret_of_secrets) + id).substr(0, 25)},
            {"created", facts.created_at_us / us_per_s},
            {"currency", lower(order.currency.code())},
            {"description", facts.subject},
            {"last_payment_error", nullptr},
            {"latest_charge", nullptr},
            {"livemode", false},
            {"metadata", details.value("metadata", Json::object())},
            {"next_action", nullptr},
            {"payment_method", nullptr},
            {"payment_method_types",
             {facts.terms.method.empty() ? std::string("card") : facts.terms.method}}};
  json["status"] = order.status == OrderStatus::closed       ? "canceled"
                   : paid                                    ? "succeeded"
                   : order.status == OrderStatus::authorized ? "requires_capture"
                   : waits_for_payer                         ? "requires_action"
                                                             : "requires_payment_method";
  if (paid || order.status == OrderStatus::authorized)
    json["latest_charge"] = "ch_" + order.out_order_no;
  if (!instrument.empty() && facts.declined_tries == 0) json["payment_method"] = instrument;
  if (order.status == OrderStatus::open && facts.declined_tries > 0)
    json["last_payment_error"] = decline_error(instrument);
  if (waits_for_payer)
    json["next_action"] = {{"type", "redirect_to_url"},
                           {"redirect_to_url",
                            {{"return_url", facts.return_url},
                             {"url", std::string(links.pay_url_base) + order.out_order_no}}}};
  if (order.status == OrderStatus::closed) {
    json["canceled_at"] = facts.closed_at_us / us_per_s;
    const std::string reason = details.value("cancellation_reason", "");
    if (!reason.empty()) json["cancellation_reason"] = reason;
  }
  return json;
}

}  // namespace welkin::sandbox::stripe_objects
