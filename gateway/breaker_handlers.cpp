// /admin/v1/breakers: how the channel accounts' circuit breakers stand, and what operators do to
// them.
#include "gateway/command_call.hpp"
#include "gateway/payment_json.hpp"
#include "gateway/request_limits.hpp"

namespace welkin {

Step list_breakers(const RouteCall& call, HttpAnswer&) {
  return ask<PaymentService::FoundBreakers>(
      [&call](Then<PaymentService::FoundBreakers> done) {
        call.parts.service.breakers(std::move(done));
      },
      [](PaymentService::FoundBreakers found, HttpAnswer& answer) -> Step {
        if (auto* problem = std::get_if<Problem>(&found)) return std::move(*problem);
        answer.content_type = "application/json";
        answer.body = list_json(std::get<std::vector<BreakerView>>(found), {}, append_breaker);
        return Answered{};
      });
}

Step operate_breaker(const RouteCall& call, HttpAnswer&) {
  const auto body = parse_json_object(call.request.body);
  if (const auto* problem = std::get_if<Problem>(&body)) return *problem;
  FieldReader fields(std::get<JsonValue>(body));
  BreakerCommand command;
  const std::string action = fields.required_text("action", {1, max_action_characters});
  command.reason = fields.required_text("reason", {1, max_reason_characters});
  const std::optional<BreakerAction> known = parse_breaker_action(action);
  if (!known && !fields.failed())
    fields.refuse(ProblemCode::invalid_value, "must be force_open, disable or release", "action");
  if (auto problem = fields.finish()) return *problem;
  command.action = *known;
  command.by = "operator";
  command.cause = cause_of(call);
  command.request_id = sent_request_id(call);
  return ask<BreakerAnswer>(
      [&call, command = std::move(command)](Then<BreakerAnswer> done) mutable {
        call.parts.service.operate_breaker(std::string(call.values[0]), std::move(command),
                                           std::move(done));
      },
      [](BreakerAnswer result, HttpAnswer& answer) -> Step {
        if (auto* problem = std::get_if<Problem>(&result)) return std::move(*problem);
        answer.content_type = "application/json";
        append_breaker(answer.body, std::get<BreakerView>(result));
        return Answered{};
      });
}

}  // namespace welkin
