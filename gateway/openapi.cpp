#include "gateway/openapi.hpp"

#include <nlohmann/json.hpp>

#include <string_view>

#include "gateway/request_limits.hpp"
#include "gateway/route.hpp"
#include "protocol/money.hpp"

namespace welkin {
namespace {

using Json = nlohmann::ordered_json;

Json ref(std::string_view schema) {
  return {{"$ref", std::string("#/components/schemas/").append(schema)}};
}

Json text(std::size_t min, std::size_t max, std::string_view pattern = {}) {
  Json out{{"type", "string"}, {"minLength", min}, {"maxLength", max}};
  if (!pattern.empty()) out["pattern"] = pattern;
  return out;
}

Json type(std::string_view name) { return {{"type", name}}; }
Json type_or_null(std::string_view name) { return {{"type", {name, "null"}}}; }
Json time() { return {{"type", "string"}, {"format", "date-time"}}; }
Json described(Json schema, std::string_view description) {
  schema["description"] = description;
  return schema;
}

Json amount_asked() {
  return {{"type", "integer"},
          {"format", "int64"},
          {"minimum", 1},
          {"maximum", max_amount_minor},
          {"description", "in the currency's minor unit"}};
}
Json amount_shown() { return {{"type", "integer"}, {"format", "int64"}, {"minimum", 0}}; }

// An object whose fields are all known, and required but for `optional`.
Json object(Json properties, std::initializer_list<std::string_view> optional = {}) {
  Json required = Json::array();
  for (const auto& [name, schema] : properties.items()) {
    bool is_optional = false;
    for (const std::string_view other : optional) is_optional = is_optional || name == other;
    if (!is_optional) required.push_back(name);
  }
  Json out{{"type", "object"}, {"properties", std::move(properties)}};
  if (!required.empty()) out["required"] = std::move(required);
  out["additionalProperties"] = false;
  return out;
}

Json object_or_null(Json properties) {
  Json out = object(std::move(properties));
  out["type"] = {"object", "null"};
  return out;
}

Json page_of(std::string_view item) {
  return object({{"items", {{"type", "array"}, {"items", ref(item)}}},
                 {"next_cursor", described(type_or_null("string"), "null on the last page")}});
}

template <class Enum>
Json names_of(int first, int last) {
  Json names = Json::array();
  for (int i = first; i <= last; ++i) names.push_back(name_of(static_cast<Enum>(i)));
  return {{"type", "string"}, {"enum", names}};
}

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
       {"payer", ref("Payer")},
       {"subject", described(text(1, max_subject_characters), "shown to the payer")},
       {"capture",
        {{"type", "string"}, {"enum", {"automatic", "manual"}}, {"default", "automatic"}}},
       {"expires_in_s",
        {{"type", "integer"},
         {"minimum", min_expires_in_s},
         {"maximum", max_expires_in_s},
         {"default", default_expires_in_s}}},
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
       {"status", ref("PaymentStatus")},
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
       {"next_action", ref("NextAction")},
       {"failure", ref("Failure")},
       {"close_reason", close_reason},
       {"metadata", {{"type", "object"}, {"additionalProperties", type("string")}}},
       {"return_url", type_or_null("string")},
       {"created_at", time()},
       {"updated_at", time()},
       {"expires_at", time()}});
  out["Refund"] = object(
      {{"id", text(30, 30, "^rfd_[0-9a-hjkmnp-tv-z]{26}$")},
       {"payment_id", type("string")},
       {"merchant_refund_no", described(type_or_null("string"), "null for a refund of a surplus")},
       {"status", ref("RefundStatus")},
       {"amount", amount_shown()},
       {"currency", text(3, 3)},
       {"reason", type("string")},
       {"surplus",
        described(type("boolean"), "money that was not asked for, given back by itself")},
       {"failure", ref("Failure")},
       {"created_at", time()},
       {"updated_at", time()}});
}

void add_other_schemas(Json& out) {
  out["Event"] = object(
      {{"seq", {{"type", "integer"}, {"minimum", 1}}},
       {"type", names_of<PaymentEventKind>(0, static_cast<int>(payment_event_kind_count) - 1)},
       {"version", {{"type", "integer"}, {"minimum", 1}}},
       {"at", time()},
       {"causation_id", type("string")},
       {"correlation_id", type("string")},
       {"payload", type("object")}});
  out["Parked"] =
      object({{"payment_id", type("string")}, {"reason", type("string")}, {"since", time()}});
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
  out["OpenApi"] = {{"type", "object"}, {"required", {"openapi", "info", "paths", "components"}}};
  out["ProblemCode"] = problem_codes();
  out["Problem"] =
      object({{"type", described(type("string"), "urn:welkin:problem: and the code")},
              {"title", type("string")},
              {"status", {{"type", "integer"}, {"minimum", 400}, {"maximum", 599}}},
              {"detail", type("string")},
              {"code", ref("ProblemCode")},
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
  out["CallbackRefused"] =
      any_of(Json::array({object({{"code", only("FAIL")}, {"message", only("FAIL")}}),
                          object({{"received", only(false)}}),
                          object({{"code", ref("ProblemCode")}, {"message", type("string")}})}));
}

Json query_parameters() {
  const auto parameter = [](std::string_view name, Json schema, std::string_view description) {
    return Json{{"name", name},
                {"in", "query"},
                {"schema", std::move(schema)},
                {"description", description}};
  };
  Json limit{{"type", "integer"},
             {"minimum", 1},
             {"maximum", max_page_size},
             {"default", default_page_size}};
  return Json::array(
      {parameter("merchant_order_no", text(1, max_order_no_characters), "exactly this order"),
       parameter("status", ref("PaymentStatus"), "only payments in this state"),
       parameter("created_from", time(), "this moment or later"),
       parameter("created_to", time(), "before this moment"),
       parameter("limit", std::move(limit), "how many a page"),
       parameter("cursor", text(1, max_cursor_characters), "next_cursor of the page before")});
}

// The names in the pattern's braces.
Json path_parameters(std::string_view pattern) {
  Json out = Json::array();
  for (std::size_t open = pattern.find('{'); open != std::string_view::npos;
       open = pattern.find('{', open + 1)) {
    const std::size_t close = pattern.find('}', open);
    out.push_back({{"name", pattern.substr(open + 1, close - open - 1)},
                   {"in", "path"},
                   {"required", true},
                   {"schema", type("string")}});
  }
  return out;
}

Json parameters_of(const HttpRoute& route) {
  Json out = path_parameters(route.pattern);
  if (route.operation_id == "listPayments")
    for (Json& parameter : query_parameters()) out.push_back(std::move(parameter));
  if (route.is_command && route.access == Access::merchant)
    out.push_back({{"name", "Idempotency-Key"},
                   {"in", "header"},
                   {"schema", text(1, 255)},
                   {"description", "the same key and request get the first answer again"}});
  out.push_back({{"name", "X-Request-Id"},
                 {"in", "header"},
                 {"schema", text(1, 64, "^[A-Za-z0-9_-]+$")},
                 {"description", "comes back in the answer"}});
  return out;
}

Json answer_of(const HttpRoute& route, std::string_view description) {
  Json content;
  if (!route.answer_schema.empty()) {
    content["application/json"]["schema"] = ref(route.answer_schema);
  } else {
    content["text/plain"]["schema"] = type("string");
  }
  return {{"description", description}, {"content", content}};
}

Json refusal(std::string_view description) {
  return {{"description", description},
          {"content", {{"application/problem+json", {{"schema", ref("Problem")}}}}}};
}

// Beside each channel's own refusals stand problem documents: of a callback whose account is not
// there, or that found no room before anybody looked whose it is.
Json callback_answers() {
  Json taken{{"description", "Taken, or old news, in the channel's words"}};
  taken["content"]["application/json"]["schema"] = ref("CallbackTaken");
  taken["content"]["text/plain"]["schema"]["enum"] = {"success", "ok"};
  Json in_plain = refusal("Refused by Alipay's or UnionPay's word, or for the sandbox");
  in_plain["content"]["application/json"]["schema"] = ref("CallbackRefused");
  in_plain["content"]["text/plain"]["schema"]["enum"] = {"fail"};
  Json in_json = refusal("Refused in WeChat Pay's or Stripe's words, or for the sandbox");
  in_json["content"]["application/json"]["schema"] = ref("CallbackRefused");
  Json other = refusal("Refused for the sandbox, or for nobody's account");
  other["content"]["application/json"]["schema"] = ref("CallbackRefused");
  return {{"200", std::move(taken)},
          {"400", std::move(in_plain)},
          {"500", std::move(in_json)},
          {"default", std::move(other)}};
}

Json answers_of(const HttpRoute& route) {
  if (route.access == Access::channel) return callback_answers();
  Json out;
  const bool creates =
      route.operation_id == "createPayment" || route.operation_id == "createRefund";
  if (creates) out["201"] = answer_of(route, "Made now");
  out["200"] =
      answer_of(route, creates ? "Was there already, made by the same request" : "As asked");
  if (route.operation_id == "getReadiness") out["503"] = answer_of(route, "Not now");
  out["default"] = refusal("Refused");
  return out;
}

Json request_body_of(const HttpRoute& route) {
  Json content;
  if (route.body == Body::raw) {
    content["*/*"]["schema"] = Json::object();
  } else {
    content["application/json"]["schema"] = ref(route.request_schema);
  }
  return {{"required", route.body != Body::maybe}, {"content", content}};
}

std::string_view tag_of(const HttpRoute& route) {
  switch (route.access) {
    case Access::merchant:
      return "payments";
    case Access::admin:
      return "operators";
    case Access::channel:
      return "channels";
    case Access::anyone:
      return "node";
  }
  return "node";
}

Json operation_of(const HttpRoute& route) {
  Json out{{"operationId", route.operation_id},
           {"summary", route.summary},
           {"tags", {tag_of(route)}},
           {"parameters", parameters_of(route)}};
  if (route.body != Body::none) out["requestBody"] = request_body_of(route);
  out["responses"] = answers_of(route);
  out["security"] = Json::array();
  if (route.access == Access::merchant) out["security"].push_back({{"merchantKey", Json::array()}});
  if (route.access == Access::admin) out["security"].push_back({{"operatorKey", Json::array()}});
  return out;
}

}  // namespace

std::string openapi_document() {
  Json paths;
  for (const HttpRoute& route : routes()) {
    std::string method(route.method);
    for (char& c : method) c = static_cast<char>(c | 0x20);
    paths[std::string(route.pattern)][method] = operation_of(route);
  }
  Json schemas;
  add_request_schemas(schemas);
  add_payment_schemas(schemas);
  add_other_schemas(schemas);
  add_callback_schemas(schemas);
  const Json bearer{{"type", "http"}, {"scheme", "bearer"}};
  const Json document{{"openapi", "3.1.0"},
                      {"info",
                       {{"title", "Welkin"},
                        {"version", "1"},
                        {"license", {{"name", "Apache-2.0"}}},
                        {"description",
                         "Payments: create, follow, capture, refund. Amounts are integers in the "
                         "currency's minor unit; times are RFC 3339 in UTC."}}},
                      {"paths", paths},
                      {"components",
                       {{"schemas", schemas},
                        {"securitySchemes", {{"merchantKey", bearer}, {"operatorKey", bearer}}}}}};
  return document.dump(2);
}

}  // namespace welkin
