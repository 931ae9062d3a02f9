// The merchant's commands, from the request's body to what the runtime is asked: what is taken is
// within the documented bounds, how a body is laid out changes nothing, and a refusal is an answer.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "gateway/json_body.hpp"
#include "gateway/problem_document.hpp"
#include "gateway/request_limits.hpp"
#include "gateway/route.hpp"
#include "tests/fuzz/claims.hpp"
#include "tests/fuzz/recording_service.hpp"

namespace welkin::fuzz {
namespace {

using Json = nlohmann::json;

struct Command {
  std::string_view word;  // the input's first line
  std::string_view path;
};
constexpr Command commands[] = {
    {"create", "/v1/payments"},
    {"refund", "/v1/payments/pay_00000000000000000000000001/refunds"},
    {"capture", "/v1/payments/pay_00000000000000000000000001/capture"},
    {"close", "/v1/payments/pay_00000000000000000000000001/close"},
    {"void", "/v1/payments/pay_00000000000000000000000001/void"},
    {"resume", "/admin/v1/payments/pay_00000000000000000000000001/resume"},
};

// By its first two letters, so that a change to a seed seldom leads nowhere.
const Command& command_of(std::string_view word) {
  for (const Command& command : commands)
    if (command.word.substr(0, 2) == word.substr(0, 2)) return command;
  return commands[0];
}

struct Outcome {
  std::optional<Problem> problem;
  std::optional<PaymentCommand> asked;
  HttpAnswer answer;
};

Outcome run(const Command& command, std::string_view body) {
  static RecordingService service;
  static GatewayParts parts{service, {}, GatewayMetrics({"any"}), nullptr, {}};
  service.command.reset();
  HttpRequest request;
  request.method = "POST";
  request.target = request.path = command.path;
  request.body = body;
  request.headers = {{"idempotency-key", "key-1"}};
  const RouteMatch match = match_route(request.method, request.path);
  Outcome out;
  RecordedExchange::End end = RecordedExchange::finish(
      match.route->handler, {request, parts, RecordingService::merchant_id, "req_1", match.values});
  out.problem = std::move(end.problem);
  out.answer = std::move(end.answer);
  out.asked = service.command;
  return out;
}

void claim_characters(const std::string& text, std::size_t min, std::size_t max) {
  claim_text(text, 4 * max, "what is taken is UTF-8 within its limit");
  const auto characters = static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
  claim(characters >= min && characters <= max, "what is taken is as long as documented");
  claim(std::none_of(text.begin(), text.end(),
                     [](char c) { return (c >= 0 && c < 0x20) || c == 0x7f; }),
        "what is taken holds no control character");
}

void claim_amount(std::int64_t amount_minor) {
  claim(amount_minor >= 1 && amount_minor <= max_amount_minor, "an amount is in range");
}

void check_fields(const CreatePayment& create) {
  claim_characters(create.merchant_order_no, 1, max_order_no_characters);
  claim_amount(create.amount_minor);
  claim(Currency::parse(create.currency.code()) == create.currency, "a currency is known");
  claim_characters(create.channel, 1, 64);  // whether there is one is asked of new orders only
  claim_characters(create.subject, 1, max_subject_characters);
  claim_characters(create.method, 0, max_method_characters);
  claim(is_plain_name(create.method), "a method is a plain name");
  claim_characters(create.payer.id, 0, max_payer_id_characters);
  claim_characters(create.payer.ip, 0, max_payer_ip_characters);
  claim(create.payer.ip.find_first_not_of("0123456789abcdefABCDEF.:") == std::string::npos,
        "an address is one");
  claim_characters(create.payer.instrument, 0, max_instrument_characters);
  claim(is_identifier(create.payer.instrument), "an instrument is a token");
  claim(create.expires_in_s >= min_expires_in_s && create.expires_in_s <= max_expires_in_s,
        "an expiry is in range");
  claim_characters(create.return_url, 0, max_url_characters);
  claim(create.return_url.empty() || create.return_url.rfind("http", 0) == 0, "a URL is HTTP's");
  claim(create.metadata.size() <= max_metadata_entries, "metadata has a limit");
  for (const auto& [key, value] : create.metadata) {
    claim_characters(key, 1, max_metadata_key_characters);
    claim_characters(value, 0, max_metadata_value_characters);
  }
}
void check_fields(const RefundPayment& refund) {
  claim_characters(refund.merchant_refund_no, 1, max_order_no_characters);
  claim_amount(refund.amount_minor);
  claim_characters(refund.reason, 0, max_reason_characters);
}
void check_fields(const CapturePayment& capture) {
  if (capture.amount_minor) claim_amount(*capture.amount_minor);
}
void check_fields(const ClosePayment&) {}
void check_fields(const VoidPayment&) {}
void check_fields(const ResumePayment& resume) { claim(!resume.by.empty(), "a resume has a name"); }

void check(std::string_view input) {
  const Command& command = command_of(take_line(input));
  const Outcome outcome = run(command, input);
  if (outcome.problem) {
    claim(!outcome.asked, "what is refused reaches no payment");
    claim_problem(*outcome.problem);
    HttpAnswer refusal;
    answer_problem(*outcome.problem, "req_1", refusal);
    claim(Json::accept(refusal.body), "a refusal is JSON");
    return;
  }
  claim(outcome.asked.has_value(), "what is taken reaches the payment");
  claim(Json::accept(outcome.answer.body), "an answer is JSON");
  std::visit([](const auto& body) { check_fields(body); }, outcome.asked->body);

  if (input.empty()) return;
  claim_every_byte_judged(
      input, [&command](std::string_view other) { return !run(command, other).problem; });
  // The same members in another order and layout are the same request.
  const std::string laid_out = Json::parse(input.begin(), input.end()).dump(2, ' ', true);
  const Outcome again = run(command, laid_out);
  claim(!again.problem && again.asked.has_value(), "another layout is taken too");
  claim_same(again.asked->request.fingerprint, outcome.asked->request.fingerprint,
             "another layout is the same request");
  claim(again.asked->payment == outcome.asked->payment, "another layout is the same payment");
}

}  // namespace
}  // namespace welkin::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  welkin::fuzz::check(welkin::fuzz::view_of(data, size));
  return 0;
}
