#include "gateway/command_call.hpp"

#include <algorithm>

#include "gateway/payment_json.hpp"
#include "gateway/problem_document.hpp"
#include "protocol/cause.hpp"

namespace welkin {
namespace {

constexpr std::size_t max_key_bytes = 255;

std::optional<Problem> check_key(const HttpRequest& request) {
  const auto is_key = [](const HeaderView& line) { return line.name == "idempotency-key"; };
  const auto count = std::count_if(request.headers.begin(), request.headers.end(), is_key);
  if (count == 0) return std::nullopt;
  const std::string_view key = request.header("idempotency-key");
  const bool visible =
      std::all_of(key.begin(), key.end(), [](char c) { return c >= 0x21 && c <= 0x7e; });
  if (count > 1 || key.empty() || key.size() > max_key_bytes || !visible)
    return Problem{ProblemCode::invalid_value,
                   "an idempotency key is one header of 1 to 255 visible ASCII characters",
                   "Idempotency-Key"};
  return std::nullopt;
}

bool is_taken_for_another(const Problem& problem) {
  return problem.code == ProblemCode::order_exists_with_other_body ||
         problem.code == ProblemCode::idempotency_key_reused;
}

Step go_on_with(CommandAnswer result, const OnOutcome& then, HttpAnswer& answer) {
  if (auto* problem = std::get_if<Problem>(&result)) return std::move(*problem);
  return then(std::get<CommandOutcome>(result), answer);
}

Step execute(const RouteCall& call, CommandCall command, RequestMark mark, OnOutcome then) {
  const RouteHandler as_before = command.as_before;
  PaymentCommand out;
  out.payment = command.payment;
  out.merchant_id = call.merchant_id;
  out.request = std::move(mark);
  out.request.request_id = sent_request_id(call);
  out.cause = cause_of(call);
  out.body = std::move(command.body);
  return ask<CommandAnswer>(
      [&call, out = std::move(out)](Then<CommandAnswer> done) mutable {
        call.parts.service.execute(std::move(out), std::move(done));
      },
      [&call, as_before, then = std::move(then)](CommandAnswer result, HttpAnswer& answer) {
        const auto* problem = std::get_if<Problem>(&result);
        if (problem && as_before && is_taken_for_another(*problem)) return as_before(call, answer);
        return go_on_with(std::move(result), then, answer);
      });
}

// The key was used before, or this is its first use.
Step execute_under_key(const RouteCall& call, CommandCall command, RequestMark mark, OnOutcome then,
                       const std::optional<IdempotencyHit>& hit, HttpAnswer& answer) {
  if (!hit) return execute(call, std::move(command), std::move(mark), std::move(then));
  if (hit->fingerprint != mark.fingerprint && command.as_before)
    return command.as_before(call, answer);
  if (hit->fingerprint != mark.fingerprint)
    return Problem{ProblemCode::idempotency_key_reused, {}, "Idempotency-Key"};
  return ask<CommandAnswer>(
      [&call, hit = *hit](Then<CommandAnswer> done) {
        call.parts.service.replay(hit, std::move(done));
      },
      [then = std::move(then)](CommandAnswer result, HttpAnswer& replayed) {
        if (std::holds_alternative<CommandOutcome>(result))
          replayed.headers.emplace_back("Idempotency-Replayed", "true");
        return go_on_with(std::move(result), then, replayed);
      });
}

}  // namespace

Problem no_such_payment() { return {ProblemCode::not_found, "There is no such payment.", {}}; }

std::optional<PaymentId> payment_id_in_path(const RouteCall& call) {
  return PaymentId::parse(call.values[0], StreamKind::payment);
}

Step look_up(const RouteCall& call, const PaymentId& id, OnFound then) {
  return ask<PaymentService::FoundPayment>(
      [&call, id](Then<PaymentService::FoundPayment> done) {
        call.parts.service.find(id, std::move(done));
      },
      std::move(then));
}

Step with_own_payment(const RouteCall& call, OnPayment then) {
  const std::optional<PaymentId> id = payment_id_in_path(call);
  if (!id) return no_such_payment();
  return look_up(call, *id,
                 [&call, then = std::move(then)](PaymentService::FoundPayment found,
                                                 HttpAnswer& answer) -> Step {
                   if (const auto* problem = std::get_if<Problem>(&found))
                     return problem->code == ProblemCode::not_found ? no_such_payment() : *problem;
                   const auto& view = std::get<PaymentView>(found);
                   if (view.payment == nullptr || view.payment->merchant_id != call.merchant_id)
                     return no_such_payment();
                   return then(view, answer);
                 });
}

std::string sent_request_id(const RouteCall& call) {
  // One that cannot be taken has been replaced.
  return call.request_id == call.request.header("x-request-id") ? call.request_id : std::string();
}

std::string cause_of(const RouteCall& call) {
  const bool is_ours = sent_request_id(call).empty();
  return cause(CauseKind::request,
               is_ours ? call.request_id.substr(request_id_prefix.size()) : fresh_number());
}

Fingerprint::Fingerprint(const HttpRequest& request) {
  canonical_.reserve(256);
  add(request.method).add(request.path);
}

Fingerprint& Fingerprint::add(std::string_view text) {
  // With its length before it, so that no two lists of parts look the same.
  append_json_int(canonical_, static_cast<std::int64_t>(text.size()));
  canonical_.append(":").append(text);
  return *this;
}

Fingerprint& Fingerprint::add(std::int64_t number) {
  canonical_.push_back('#');
  append_json_int(canonical_, number);
  return *this;
}

std::string Fingerprint::hex() const { return sha256_hex(canonical_); }

Step run_command(const RouteCall& call, CommandCall command, OnOutcome then) {
  if (auto problem = check_key(call.request)) return *problem;
  const std::string_view key = call.request.header("idempotency-key");
  if (key.empty()) {
    RequestMark mark;
    if (command.always_fingerprint) mark.fingerprint = command.fingerprint.hex();
    return execute(call, std::move(command), std::move(mark), std::move(then));
  }

  if (!call.key) call.key.emplace(call.parts.in_flight, call.merchant_id, key);
  if (call.key->entry() == InFlightKeys::Entry::twin)
    return Problem{ProblemCode::idempotency_in_flight, {}, "Idempotency-Key"};
  if (call.key->entry() == InFlightKeys::Entry::full)
    return Problem{ProblemCode::overloaded, {}, {}};
  RequestMark mark{std::string(key), command.fingerprint.hex()};
  return ask<PaymentService::FoundKey>(
      [&call, key](Then<PaymentService::FoundKey> done) {
        call.parts.service.find_idempotency(call.merchant_id, key, std::move(done));
      },
      [&call, command = std::move(command), mark = std::move(mark), then = std::move(then)](
          PaymentService::FoundKey found, HttpAnswer& answer) -> Step {
        if (auto* problem = std::get_if<Problem>(&found)) return std::move(*problem);
        return execute_under_key(call, command, mark, then,
                                 std::get<std::optional<IdempotencyHit>>(found), answer);
      });
}

std::variant<JsonValue, Problem> parse_body(const RouteCall& call) {
  if (!call.request.body.empty()) return parse_json_object(call.request.body);
  JsonValue nothing;
  nothing.kind = JsonValue::Kind::object;
  return nothing;
}

Step answer_payment(const PaymentView& view, int status, HttpAnswer& answer) {
  answer.status = status;
  answer.content_type = "application/json";
  append_payment(answer.body, view);
  return Answered{};
}

}  // namespace welkin
