// The runtime's commands: what payments answer, on no thread that waits.
#include <utility>

#include "actors/runtime_parts.hpp"
#include "protocol/channels/default_method.hpp"

namespace welkin {

void Runtime::submit(PaymentCommand command, Then<CommandAnswer> then) {
  auto request = std::make_shared<CommandRequest>();
  request->reply_to = parts_->answers.expect(command.payment, std::move(then));
  request->command = std::move(command);
  const caf::actor& shard = parts_->context->shard(request->command.payment);
  caf::anon_send(shard, submit_atom::value, CommandRequestPtr(std::move(request)));
}

// What a node has in memory is another's to say once it may have been taken over.
std::optional<Problem> Runtime::not_serving() const {
  const Standing& standing = parts_->standing;
  if (standing.fate->has_ended())
    return standing.fate->reason() == fenced_reason
               ? Problem{ProblemCode::shard_moved, "Another node has taken this journal over.", ""}
               : Problem{ProblemCode::store_unavailable, "This node is stopping.", ""};
  if (!standing.lease->is_held())
    return Problem{ProblemCode::store_unavailable, "This node cannot renew its lease.", ""};
  return std::nullopt;
}

// What no account of the channel could be asked for.
std::optional<Problem> Runtime::objection_to(const PaymentCommand& command) const {
  const auto* order = std::get_if<CreatePayment>(&command.body);
  if (!order) return std::nullopt;
  const auto found = parts_->ports.find(order->channel);
  if (found == parts_->ports.end())
    return Problem{ProblemCode::unknown_channel, "There is no such channel here.", "/channel"};
  std::optional<Problem> first;
  for (const ChannelPort* port : found->second) {
    auto objection = port->objection(*order);
    if (!objection) return std::nullopt;
    if (!first) first = std::move(objection);
  }
  return first;
}

// Its channel may be configured in another way, or away, since the order was taken.
void Runtime::execute_if_taken(PaymentCommand command, Problem objection,
                               Then<CommandAnswer> then) {
  const PaymentId id = command.payment;
  find(id, [this, command = std::move(command), objection = std::move(objection),
            then = std::move(then)](const FoundPayment& found) {
    const auto* problem = std::get_if<Problem>(&found);
    if (!problem) return submit(command, then);
    then(problem->code == ProblemCode::not_found ? objection : *problem);
  });
}

void Runtime::execute(PaymentCommand command, Then<CommandAnswer> then) {
  if (auto problem = not_serving()) return then(std::move(*problem));
  if (auto objection = objection_to(command))
    return execute_if_taken(std::move(command), std::move(*objection), std::move(then));
  if (!std::holds_alternative<ResumePayment>(command.body))
    return submit(std::move(command), std::move(then));
  // Parked is either the actor, which kept failing, or the settling, which the payment records.
  const PaymentId id = command.payment;
  const ReplyTo reply_to = parts_->answers.expect(
      id, [this, command = std::move(command), then = std::move(then)](CommandAnswer answer) {
        const auto* problem = std::get_if<Problem>(&answer);
        if (!problem || problem->code != ProblemCode::not_parked) return then(std::move(answer));
        submit(command, then);
      });
  caf::anon_send(parts_->context->shard(id), resume_atom::value, id, reply_to);
}

void Runtime::find(const PaymentId& id, Then<FoundPayment> then) {
  if (auto problem = not_serving()) return then(std::move(*problem));
  auto request = std::make_shared<LookRequest>();
  request->payment = id;
  request->reply_to = parts_->answers.expect(id, [then = std::move(then)](CommandAnswer answer) {
    if (auto* problem = std::get_if<Problem>(&answer)) return then(std::move(*problem));
    then(std::move(std::get<CommandOutcome>(answer).view));
  });
  caf::anon_send(parts_->context->shard(id), look_atom::value, LookRequestPtr(std::move(request)));
}

void Runtime::notify(const RawCallback& callback, Then<TakenCallback> then) {
  callbacks_->take(callback, std::move(then));
}

std::optional<CallbackAck> Runtime::refuse_callback(std::string_view account, const Problem& why) {
  return callbacks_->refuse(account, why);
}

// Accounts of different kinds that serve one channel have no default in common.
std::string_view Runtime::default_method(std::string_view channel) const {
  const auto found = parts_->ports.find(channel);
  if (found == parts_->ports.end()) return default_method_of(channel);
  const std::string_view method = found->second.front()->default_method();
  for (const ChannelPort* port : found->second)
    if (port->default_method() != method) return {};
  return method;
}

}  // namespace welkin
