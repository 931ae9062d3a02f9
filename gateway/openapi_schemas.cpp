#include "gateway/openapi_schemas.hpp"

#include "gateway/openapi_events.hpp"
#include "gateway/request_limits.hpp"
#include "gateway/route.hpp"

namespace welkin::openapi_doc {
namespace {

Json problem_codes() {
  Json names = Json::array();
  for (int i = 0; i <= static_cast<int>(ProblemCode::internal); ++i)
    names.push_back(spec_of(static_cast<ProblemCode>(i)).name);
  return {{"type", "string"}, {"enum", names}};
}

constexpr std::string_view identifier_pattern = "^[A-Za-z0-9_.:-]+$";

void add_request_schemas(Json& out) {
  out["CreatePayment"] = object(
      {{"merchant_order_no", described(text(1, max_order_no_characters, identifier_pattern),
                                       "your number of the order; it names the payment")},
       {"amount", amount_asked()},
       {"currency", described(text(3, 3, "^[A-Z]{3}$"), "ISO 4217")},
       {"channel", described(text(1, 64), "which accounts may be asked is the node's to know")},
       {"method", described(text(1, max_method_characters, "^[a-z0-9_]+$"),
                            "how the payer pays at the channel; absent: in its first way")},
       {"payer", schema_ref("Payer")},
       {"subject", described(text(1, max_subject_characters), "shown to the payer")},
       // Not as `default`, of which generators of clients make required fields.
       {"capture",
        {{"type", "string"},
         {"enum", {"automatic", "manual"}},
         {"description", "absent: automatic"}}},
       {"expires_in_s",
        {{"type", "integer"},
         {"minimum", min_expires_in_s},
         {"maximum", max_expires_in_s},
         {"description", "absent: " + std::to_string(default_expires_in_s)}}},
       {"return_url", described(text(0, max_url_characters), "http or https; empty is none")},
       {"metadata",
        {{"type", "object"},
         {"maxProperties", max_metadata_entries},
         {"propertyNames", text(1, max_metadata_key_characters)},
         {"additionalProperties", text(0, max_metadata_value_characters)}}}},
      {"method", "payer", "capture", "expires_in_s", "return_url", "metadata"});
  out["Payer"] = described(
      object(
          {{"id", described(text(1, max_payer_id_characters),
                            "the payer's name at the channel, such as WeChat's openid")},
           {"ip", described(text(1, max_payer_ip_characters), "IPv4 or IPv6")},
           {"instrument", described(text(1, max_instrument_characters, identifier_pattern),
                                    "what to charge: a channel's token, never a card's number")}},
          {"id", "ip", "instrument"}),
      "what the channel must be told of the payer, depending on the method");
  out["CapturePayment"] =
      object({{"amount", described(amount_asked(), "absent: all that is authorized")}}, {"amount"});
  out["CreateRefund"] =
      object({{"merchant_refund_no", described(text(1, max_order_no_characters, identifier_pattern),
                                               "your number of the refund; repeating it is safe")},
              {"amount", amount_asked()},
              {"reason", text(0, max_reason_characters)}},
             {"reason"});
  Json actions = names_of<BreakerAction>(0, static_cast<int>(BreakerAction::release));
  out["OperateBreaker"] =
      object({{"action", std::move(actions)},
              {"reason", described(text(1, max_reason_characters), "recorded in the journal")}});
  out["Empty"] = object(Json::object());
}

void add_payment_schemas(Json& out) {
  out["PaymentStatus"] = names_of<PaymentState>(1, static_cast<int>(payment_state_count) - 1);
  out["RefundStatus"] = names_of<RefundState>(1, static_cast<int>(refund_state_count) - 1);
  out["Failure"] = object_or_null({{"code", type("string")}, {"message", type("string")}});
  out["NextAction"] = object_or_null(
      {{"type",
        {{"type", "string"},
         {"enum", {"qr_code", "redirect", "form", "client_parameters", "client_secret"}}}},
       {"value", described(type("string"),
                           "the QR code's text; the URL to send the payer to; an HTML page that "
                           "submits itself; JSON for the channel's own script; or the secret that "
                           "script needs")}});
  Json close_reason = names_of<CloseReason>(0, static_cast<int>(CloseReason::voided));
  close_reason["type"] = {"string", "null"};
  close_reason["enum"].push_back(nullptr);
  out["Payment"] = object(
      {{"id", text(30, 30, "^pay_[0-9a-hjkmnp-tv-z]{26}$")},
       {"merchant_order_no", type("string")},
       {"status", schema_ref("PaymentStatus")},
       {"amount", amount_shown()},
       {"authorized_amount", amount_shown()},
       {"captured_amount", amount_shown()},
       {"refunded_amount", amount_shown()},
       {"refunds_pending_amount", described(amount_shown(), "asked of the channel, not decided")},
       {"currency", text(3, 3)},
       {"channel", type("string")},
       {"method", described(type_or_null("string"), "null: the channel's first way to pay")},
       {"subject", type("string")},
       {"capture", {{"type", "string"}, {"enum", {"automatic", "manual"}}}},
       {"next_action", schema_ref("NextAction")},
       {"failure", schema_ref("Failure")},
       {"close_reason", close_reason},
       {"metadata", {{"type", "object"}, {"additionalProperties", type("string")}}},
       {"return_url", type_or_null("string")},
       {"created_at", time()},
       {"updated_at", time()},
       {"expires_at", time()}});
  out["Refund"] = object(
      {{"id", text(30, 30, "^rfd_[0-9a-hjkmnp-tv-z]{26}$")},
       {"payment_id", type("string")},
       {"merchant_refund_no",
        described(type_or_null("string"),
                  "null for a surplus and for a refund made at the channel's desk")},
       {"status", schema_ref("RefundStatus")},
       {"amount", amount_shown()},
       {"currency", text(3, 3)},
       {"reason", type("string")},
       {"surplus",
        described(type("boolean"), "money that was not asked for, given back by itself")},
       {"origin", described({{"type", "string"}, {"enum", {"welkin", "channel"}}},
                            "channel: made at the channel's own desk, not asked for here")},
       {"attention", described(schema_ref("Failure"),
                               "what the merchant has to see to at the channel; null: nothing")},
       {"failure", schema_ref("Failure")},
       {"created_at", time()},
       {"updated_at", time()}});
}

void add_other_schemas(Json& out) {
  Json parked_part = names_of<ChannelOperation>(0, static_cast<int>(ChannelOperation::refund));
  parked_part["type"] = {"string", "null"};
  parked_part["enum"].push_back(nullptr);
  out["Parked"] = object(
      {{"payment_id", type("string")},
       {"part",
        described(parked_part, "what of it waits; null: all of it, because it kept failing here")},
       {"refund_id", described(type_or_null("string"), "of a part that is a refund")},
       {"reason", type("string")},
       {"since", time()}});
  Json since = time();
  since["type"] = {"string", "null"};
  Json window = object(
      {{"calls", type("integer")}, {"failures", type("integer")}, {"slow", type("integer")}});
  out["Breaker"] = object(
      {{"account", type("string")},
       {"state", names_of<BreakerState>(0, static_cast<int>(breaker_state_count) - 1)},
       {"since", described(since, "null when it has always been closed")},
       {"reason", described(type_or_null("string"), "of the last change")},
       {"by", described(type_or_null("string"), "the operator who made it, null for itself")},
       {"trips", described(type("integer"), "in a row")},
       {"window", described(std::move(window), "the calls that are judged now")},
       {"next_probe_at", described(since, "while it is open")},
       {"refused_calls", described(type("integer"), "since the node started")}});
  out["BreakerList"] = page_of("Breaker");
  out["PaymentList"] = page_of("Payment");
  out["RefundList"] = page_of("Refund");
  out["EventList"] = page_of("Event");
  out["ParkedList"] = page_of("Parked");
  out["Health"] = object({{"status", {{"type", "string"}, {"enum", {"ok"}}}}});
  out["Readiness"] = object({{"ready", type("boolean")}, {"reason", type("string")}});
  Json document{{"openapi", type("string")}};
  for (const char* part : {"info", "paths", "components"}) document[part] = any_object();
  out["OpenApi"] = object(std::move(document));
  out["OpenApi"]["additionalProperties"] = true;
  out["ProblemCode"] = problem_codes();
  out["Problem"] =
      object({{"type", described(type("string"), "urn:welkin:problem: and the code")},
              {"title", type("string")},
              {"status", {{"type", "integer"}, {"minimum", 400}, {"maximum", 599}}},
              {"detail", type("string")},
              {"code", schema_ref("ProblemCode")},
              {"field",
               described(type("string"),
                         "a JSON pointer into the body, ?name of a parameter, or a header's name")},
              {"request_id", type("string")}},
             {"field"});
}

// What channels are answered, each in its own words; the sandbox's name the reason.
void add_callback_schemas(Json& out) {
  const auto only = [](Json value) { return Json{{"enum", Json::array({std::move(value)})}}; };
  const auto any_of = [](Json schemas) { return Json{{"anyOf", std::move(schemas)}}; };
  out["CallbackTaken"] =
      any_of(Json::array({object({{"code", only("SUCCESS")}}),  // and the sandbox
                          object({{"received", only(true)}})}));
  out["CallbackRefused"] = any_of(
      Json::array({object({{"code", only("FAIL")}, {"message", only("FAIL")}}),
                   object({{"received", only(false)}}),
                   object({{"code", schema_ref("ProblemCode")}, {"message", type("string")}})}));
}

}  // namespace

Json schemas() {
  Json out;
  add_request_schemas(out);
  add_payment_schemas(out);
  add_event_schemas(out);
  add_other_schemas(out);
  add_callback_schemas(out);
  return out;
}

}  // namespace welkin::openapi_doc
