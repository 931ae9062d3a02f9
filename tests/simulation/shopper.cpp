#include "tests/simulation/shopper.hpp"

#include <utility>

#include "tests/support/payment_script.hpp"

namespace welkin::simulation {
namespace {

constexpr UnixUs patience_us = 10 * us_per_s;
constexpr int max_looks = 40;

bool may_be_repeated(ProblemCode code) { return spec_of(code).retry_after_s > 0; }

// The payer may still pay, or the channel has not answered yet.
bool is_under_way(const Payment& payment) {
  return payment.state == PaymentState::created || payment.state == PaymentState::paying ||
         payment.pending.has_value();
}

}  // namespace

Shopper::Shopper(Stage& stage, Node& node, Evidence& evidence, OrderScript script)
    : stage_(stage),
      node_(node),
      evidence_(evidence),
      script_(std::move(script)),
      dice_(stage.dice.fork(5)) {}

void Shopper::begin() {
  stage_.after(script_.starts_after_us + act().pause_us, [this] { perform(); });
}

void Shopper::next_act() {
  ++attempt_;
  tries_ = 0;
  if (++act_ >= script_.acts.size()) {
    done_ = true;
    return;
  }
  stage_.after(act().pause_us, [this] { perform(); });
}

void Shopper::perform() {
  ++stage_.activity;
  ++attempt_;
  ++tries_;
  give_up_waiting_later();
  if (act().kind == ActKind::look || act().kind == ActKind::await_payment) return look();
  PaymentCommand command = command_of(act());
  if (!act().key.empty()) return look_up_key_first(std::move(command));
  if (act().kind == ActKind::create_twice) submit(command_of(act()));
  submit(std::move(command));
}

void Shopper::give_up_waiting_later() {
  stage_.after(patience_us, [this, attempt = attempt_] {
    if (attempt == attempt_ && !done_) try_again();
  });
}

void Shopper::look() {
  const std::uint64_t known_seq = evidence_.known_seq(script_.payment());
  node_.look(script_.payment(), [this, known_seq, attempt = attempt_](const Node::Answer& answer) {
    if (answer) evidence_.add({std::nullopt, script_.payment(), *answer, known_seq});
    heard(attempt, answer);
  });
}

// As the gateway does: a key seen before is answered with what its request was answered with.
void Shopper::look_up_key_first(PaymentCommand command) {
  node_.find_key(command.merchant_id, command.request.idempotency_key,
                 [this, command, attempt = attempt_](const Node::KeyAnswer& found) {
                   if (attempt != attempt_) return;
                   if (!found.reached) return heard(attempt, std::nullopt);
                   if (!found.record) return submit(command);
                   // Another body under the same key is refused at the edge, and that is that.
                   if (found.record->stream != command.payment)
                     evidence_.strange_keys.push_back(command.request.idempotency_key);
                   next_act();
                 });
}

void Shopper::submit(PaymentCommand command) {
  const std::uint64_t known_seq = evidence_.known_seq(command.payment);
  stage_.note([&] {
    return "client: " + command.cause + " asks " +
           std::string(name_of(first_event_of(command.body))) + " of " + command.payment.text();
  });
  auto on_answer = [this, command, known_seq, attempt = attempt_](const Node::Answer& answer) {
    if (answer) evidence_.add({command, command.payment, *answer, known_seq});
    heard(attempt, answer);
  };
  node_.submit(std::move(command), std::move(on_answer));
}

void Shopper::heard(std::uint64_t attempt, const Node::Answer& answer) {
  if (attempt != attempt_ || done_) return;
  if (!answer) return try_again();
  if (const auto* problem = std::get_if<Problem>(&*answer)) {
    if (may_be_repeated(problem->code)) return try_again();
    return next_act();
  }
  const Payment& payment = *std::get<CommandOutcome>(*answer).view.payment;
  last_state_ = payment.state;
  if (act().kind == ActKind::await_payment && is_under_way(payment)) return try_again();
  next_act();
}

void Shopper::try_again() {
  ++attempt_;
  const bool waits = act().kind == ActKind::await_payment;
  if (tries_ >= (waits ? max_looks : script_.max_tries)) return next_act();
  stage_.after(
      waits ? dice_.between(us_per_s, 6 * us_per_s) : dice_.between(300 * us_per_ms, 4 * us_per_s),
      [this] { perform(); });
}

PaymentCommandBody Shopper::body_of(const Act& act) const {
  switch (act.kind) {
    case ActKind::capture:
      return CapturePayment{act.amount_minor};
    case ActKind::void_authorization:
      return VoidPayment{};
    case ActKind::close:
      return ClosePayment{};
    case ActKind::refund:
      return RefundPayment{act.refund_no, act.amount_minor, "sent back"};
    default:
      break;
  }
  CreatePayment create;
  create.merchant_order_no = script_.order_no;
  create.amount_minor =
      act.kind == ActKind::create_other_body ? act.amount_minor : script_.amount_minor;
  create.currency = currency_of("CNY");
  create.channel = std::string(the_channel);
  create.method = script_.method;
  create.payer = script_.payer;
  create.return_url = script_.return_url;
  create.subject = script_.subject;
  create.capture_method = script_.capture;
  create.expires_in_s = script_.expires_in_s;
  return create;
}

PaymentCommand Shopper::command_of(const Act& act) const {
  PaymentCommand command;
  command.payment = script_.payment();
  command.merchant_id = script_.merchant_id;
  command.cause = evidence_.new_cause();
  command.request.idempotency_key = act.key;
  command.body = body_of(act);
  // Of what the body says, and of nothing else: equal bodies have equal fingerprints.
  std::string said(name_of(first_event_of(command.body)));
  said += "/" + script_.order_no + "/" + act.refund_no + "/";
  const auto* create = std::get_if<CreatePayment>(&command.body);
  said += std::to_string(create ? create->amount_minor : act.amount_minor);
  command.request.fingerprint = sha256_hex(said);
  return command;
}

}  // namespace welkin::simulation
