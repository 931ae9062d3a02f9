// What machines and people ask about the node itself, and the operators' routes.
#include "gateway/command_call.hpp"
#include "gateway/payment_json.hpp"

namespace welkin {

// Says only that the process answers: a store outage must not get the process restarted.
Step health(const RouteCall&, HttpAnswer& answer) {
  answer.content_type = "application/json";
  answer.body = R"({"status":"ok"})";
  return Answered{};
}

Step readiness(const RouteCall& call, HttpAnswer& answer) {
  const Readiness readiness = call.parts.service.readiness();
  answer.status = readiness.ready ? 200 : 503;
  answer.content_type = "application/json";
  answer.body = readiness.ready ? R"({"ready":true,"reason":)" : R"({"ready":false,"reason":)";
  append_json_string(answer.body, readiness.ready ? "" : readiness.reason);
  answer.body.push_back('}');
  if (!readiness.ready) answer.headers.emplace_back("Retry-After", "1");
  return Answered{};
}

Step metrics(const RouteCall& call, HttpAnswer& answer) {
  answer.content_type = "text/plain; version=0.0.4; charset=utf-8";
  answer.body = call.parts.service.metrics_text();
  answer.body += call.parts.metrics.text(*call.parts.edge);
  return Answered{};
}

Step openapi(const RouteCall& call, HttpAnswer& answer) {
  answer.content_type = "application/json";
  answer.body = call.parts.openapi_text;
  return Answered{};
}

Step list_parked(const RouteCall& call, HttpAnswer&) {
  return ask<PaymentService::FoundParked>(
      [&call](Then<PaymentService::FoundParked> done) {
        call.parts.service.parked(std::move(done));
      },
      [](PaymentService::FoundParked found, HttpAnswer& answer) -> Step {
        if (auto* problem = std::get_if<Problem>(&found)) return std::move(*problem);
        answer.content_type = "application/json";
        answer.body = list_json(std::get<std::vector<ParkedEntity>>(found), {}, append_parked);
        return Answered{};
      });
}

Step resume_payment(const RouteCall& call, HttpAnswer&) {
  auto parsed = parse_body(call);
  if (auto* problem = std::get_if<Problem>(&parsed)) return std::move(*problem);
  if (auto problem = FieldReader(std::get<JsonValue>(parsed)).finish()) return *problem;
  const std::optional<PaymentId> id = payment_id_in_path(call);
  if (!id) return no_such_payment();
  CommandCall command{*id, ResumePayment{"operator"}, Fingerprint(call.request)};
  return run_command(call, std::move(command), [](const CommandOutcome& done, HttpAnswer& answer) {
    return answer_payment(done.view, 200, answer);
  });
}

}  // namespace welkin
