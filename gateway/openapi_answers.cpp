#include "gateway/openapi_answers.hpp"

#include <algorithm>
#include <initializer_list>
#include <map>
#include <string>
#include <vector>

#include "gateway/openapi_examples.hpp"

namespace welkin::openapi_doc {
namespace {

using C = ProblemCode;

// The codes of one status, in the order of the problem table.
using Codes = std::vector<C>;
using CodesByStatus = std::map<int, Codes>;

CodesByStatus codes_of(const HttpRoute& route) {
  CodesByStatus out;
  for (int i = 0; i <= static_cast<int>(C::internal); ++i) {
    const auto code = static_cast<C>(i);
    if (may_be_refused_with(route, code)) out[spec_of(code).http_status].push_back(code);
  }
  return out;
}

Json header_ref(std::string_view name) {
  return {{"$ref", std::string("#/components/headers/").append(name)}};
}

// Every answer's, and those a problem document brings by its code.
Json headers_of(const Codes& codes) {
  Json headers{{"X-Request-Id", header_ref("X-Request-Id")}, {"Date", header_ref("Date")}};
  const auto any = [&](auto holds) { return std::any_of(codes.begin(), codes.end(), holds); };
  const auto passes = [](C code) { return spec_of(code).retry_after_s > 0; };
  if (std::all_of(codes.begin(), codes.end(), passes) && !codes.empty())
    headers["Retry-After"] = header_ref("Retry-After");
  else if (any(passes))
    headers["Retry-After"] = header_ref("Retry-After-By-Code");
  if (any([](C code) { return code == C::unsupported_media_type; }))
    headers["Accept-Encoding"] = header_ref("Accept-Encoding");
  if (any([](C code) { return code == C::unauthorized; }))
    headers["WWW-Authenticate"] = header_ref("WWW-Authenticate");
  return headers;
}

std::string sentence_of(const Codes& codes) {
  std::string out;
  for (const C code : codes)
    out.append(out.empty() ? "" : "; ")
        .append(spec_of(code).name)
        .append(": ")
        .append(spec_of(code).title);
  return out;
}

// The problem document, of no other codes than these.
Json problem_schema(const Codes& codes) {
  Json names = Json::array();
  for (const C code : codes) names.push_back(spec_of(code).name);
  Json narrowed{{"type", "object"},
                {"properties", {{"code", {{"type", "string"}, {"enum", std::move(names)}}}}},
                {"required", {"code"}}};
  return {{"allOf", Json::array({schema_ref("Problem"), std::move(narrowed)})}};
}

Json refusal(const Codes& codes) {
  Json content;
  content["application/problem+json"] = {{"schema", problem_schema(codes)},
                                         {"example", problem_example(codes.front())}};
  return {{"description", sentence_of(codes)},
          {"headers", headers_of(codes)},
          {"content", std::move(content)}};
}

// What stands alone at its status is the same answer wherever it stands, and goes by its name.
bool is_shared(const Codes& codes) { return codes.size() == 1; }
Json shared(const Codes& codes) {
  return {{"$ref", std::string("#/components/responses/").append(spec_of(codes.front()).name)}};
}

Json answer_of(const HttpRoute& route, std::string_view description) {
  Json headers = headers_of({});
  if (takes_idempotency_key(route))
    headers["Idempotency-Replayed"] = header_ref("Idempotency-Replayed");
  Json content;
  if (route.answer_schema.empty()) {
    content["text/plain"]["schema"] = type("string");
  } else {
    Json& json = content["application/json"];
    json["schema"] = schema_ref(route.answer_schema);
    if (Json example = example_of(route.answer_schema); !example.is_null())
      json["example"] = std::move(example);
  }
  return {{"description", description},
          {"headers", std::move(headers)},
          {"content", std::move(content)}};
}

// To channels in their own words; beside them stand problem documents: of a callback whose account
// is not there, or that found no room before anybody looked whose it is.
Json callback_answers(const HttpRoute& route) {
  Json out;
  Json taken{{"description", "Taken, or old news, in the channel's words"},
             {"headers", headers_of({})}};
  taken["content"]["application/json"] = {{"schema", schema_ref("CallbackTaken")},
                                          {"example", {{"code", "SUCCESS"}}}};
  taken["content"]["text/plain"]["schema"] = {{"type", "string"}, {"enum", {"success", "ok"}}};
  out["200"] = std::move(taken);
  for (const auto& [status, codes] : codes_of(route)) {
    Json answer = refusal(codes);
    answer["content"]["application/json"]["schema"] = schema_ref("CallbackRefused");
    // WeChat Pay's and Stripe's word has one status whatever the reason is, which may pass.
    answer["headers"]["Retry-After"] = header_ref("Retry-After-By-Code");
    if (status == 400)  // Alipay's and UnionPay's word, whatever the reason is
      answer["content"]["text/plain"]["schema"] = {{"type", "string"}, {"enum", {"fail"}}};
    out[std::to_string(status)] = std::move(answer);
  }
  return out;
}

bool is_of_payments(const HttpRoute& route) {
  return route.pattern.find("/payments") != std::string_view::npos;
}

bool is_one_of(const HttpRoute& route, std::initializer_list<std::string_view> ids) {
  return std::find(ids.begin(), ids.end(), route.operation_id) != ids.end();
}

}  // namespace

bool takes_idempotency_key(const HttpRoute& route) {
  return route.is_command && route.access == Access::merchant;
}

bool may_be_refused_with(const HttpRoute& route, C code) {
  const bool is_callback = route.access == Access::channel;
  const bool has_key = route.access == Access::merchant || route.access == Access::admin;
  const bool takes_json = route.body == Body::json || route.body == Body::maybe;
  const bool names_one = route.pattern.find('{') != std::string_view::npos;
  const bool reads_store = has_key || is_callback;
  switch (code) {
    case C::body_too_large:
    case C::transfer_encoding_refused:
    case C::headers_too_large:
    case C::request_timeout:
    case C::bad_request:
    case C::overloaded:
    case C::internal:
      return true;  // before anybody knows which operation is meant
    case C::unknown_field:
    case C::invalid_value:
      return true;  // a query parameter that no route knows, or one that stands there twice
    case C::unsupported_media_type:
      return takes_json;
    case C::malformed_json:
    case C::wrong_type:
      return takes_json || is_callback;
    case C::missing_field:
      return route.body == Body::json || is_callback;
    case C::amount_out_of_range:
      return is_one_of(route, {"createPayment", "capturePayment", "createRefund"}) || is_callback;
    case C::unknown_currency:
      return route.operation_id == "createPayment" || is_callback;
    case C::unknown_channel:
      return route.operation_id == "createPayment";
    case C::unauthorized:
    case C::forbidden:
      return has_key;
    case C::not_found:
      return names_one;
    case C::method_not_allowed:
      return false;
    case C::order_exists_with_other_body:
      return route.operation_id == "createPayment";
    case C::refund_exists_with_other_body:
    case C::amount_exceeds_refundable:
      return route.operation_id == "createRefund";
    case C::idempotency_key_reused:
    case C::idempotency_in_flight:
      return takes_idempotency_key(route);
    case C::illegal_transition:
      return is_one_of(route, {"closePayment", "capturePayment", "voidPayment", "createRefund",
                               "operateBreaker"});
    case C::operation_in_progress:
      return is_one_of(route, {"capturePayment", "voidPayment"});
    case C::amount_exceeds_authorized:
      return route.operation_id == "capturePayment";
    case C::not_parked:
      return route.operation_id == "resumePayment";
    case C::limit_reached:
      return is_one_of(route, {"closePayment", "capturePayment", "voidPayment", "createRefund"});
    case C::bad_signature:
    case C::stale_timestamp:
    case C::repeated_nonce:
    case C::report_mismatch:
    case C::unknown_serial:
    case C::wrong_account:
    case C::broken_ciphertext:
    case C::malformed_callback:
      return is_callback;
    case C::store_unavailable:
      return reads_store;
    case C::outcome_unknown:
      return is_of_payments(route) || is_callback || route.operation_id == "operateBreaker";
    case C::entity_parked:
      return is_of_payments(route) || is_callback;
    case C::shard_moved:
    case C::draining:
      return is_of_payments(route) || is_callback || route.operation_id == "operateBreaker";
  }
  return false;
}

Json answers_of(const HttpRoute& route) {
  if (route.access == Access::channel) return callback_answers(route);
  Json out;
  const bool creates = is_one_of(route, {"createPayment", "createRefund"});
  out["200"] =
      answer_of(route, creates ? "Was there already, made by the same request" : "As asked");
  if (creates) out["201"] = answer_of(route, "Made now");
  for (const auto& [status, codes] : codes_of(route))
    out[std::to_string(status)] = is_shared(codes) ? shared(codes) : refusal(codes);
  if (route.operation_id == "getReadiness") {
    // Not ready, in its own words; or no room to be asked.
    Json& not_now = out["503"];
    not_now = refusal({C::overloaded});
    not_now["description"] = "Not now; or overloaded: Too much is waiting";
    not_now["content"]["application/json"]["schema"] = schema_ref(route.answer_schema);
  }
  return out;
}

Json shared_answers() {
  Json out;
  for (const HttpRoute& route : routes()) {
    if (route.access == Access::channel) continue;
    for (const auto& [status, codes] : codes_of(route))
      if (is_shared(codes)) out[std::string(spec_of(codes.front()).name)] = refusal(codes);
  }
  return out;
}

Json shared_headers() {
  const auto header = [](std::string_view description, Json schema, bool required) {
    return Json{
        {"description", description}, {"required", required}, {"schema", std::move(schema)}};
  };
  const Json seconds{{"type", "integer"}, {"minimum", 1}};
  Json replayed{{"type", "string"}, {"enum", {"true"}}};
  return {{"X-Request-Id", header("the request's own, if it sent a good one, else one made here",
                                  text(1, 64, "^[A-Za-z0-9_-]+$"), true)},
          {"Date", header("the node's clock (RFC 9110 5.6.7)", type("string"), true)},
          {"Accept-Encoding", header("identity, when the body's coding is why",
                                     {{"type", "string"}, {"enum", {"identity"}}}, false)},
          {"Retry-After", header("after how many seconds to try again", seconds, true)},
          {"Retry-After-By-Code",
           header("after how many seconds to try again, with the codes that pass by themselves",
                  seconds, false)},
          {"Idempotency-Replayed",
           header("the idempotency key was used before, and this is the first answer again",
                  std::move(replayed), false)},
          {"WWW-Authenticate", header("which key is asked for", type("string"), true)}};
}

}  // namespace welkin::openapi_doc
