// /channels/{account}/notify: no key of ours is asked for; the channel's signature, checked by the
// runtime over the raw bytes, says who speaks, and the channel's own words answer it.
#include "gateway/route.hpp"

namespace welkin {

Step channel_notify(const RouteCall& call, HttpAnswer&) {
  if (!call.parts.service.knows_account(call.values[0]))
    return Problem{ProblemCode::not_found, "There is no such channel account.", {}};
  RawCallback callback;
  callback.channel = call.values[0];
  callback.headers.reserve(call.request.headers.size());
  for (const HeaderView& line : call.request.headers)
    callback.headers.emplace_back(line.name, line.value);
  callback.body = call.request.body;
  return ask<PaymentService::TakenCallback>(
      [&call, callback = std::move(callback)](Then<PaymentService::TakenCallback> done) {
        call.parts.service.notify(callback, std::move(done));
      },
      [](PaymentService::TakenCallback taken, HttpAnswer& answer) -> Step {
        if (auto* problem = std::get_if<Problem>(&taken)) return std::move(*problem);
        auto& ack = std::get<CallbackAck>(taken);
        answer.status = ack.http_status;
        answer.content_type = std::move(ack.content_type);
        answer.body = std::move(ack.body);
        return Answered{};
      });
}

}  // namespace welkin
