#include "tests/gateway/fake_service.hpp"

#include "protocol/channels/default_method.hpp"
#include "protocol/payment/event_codec.hpp"

namespace welkin::test {

void FakeService::execute(PaymentCommand command, Then<CommandAnswer> then) {
  const CommandAnswer answer = execute_now(std::move(command));
  if (!answer_later) return then(answer);
  answer_later([then = std::move(then), answer] { then(answer); });
}

CommandAnswer FakeService::execute_now(PaymentCommand command) {
  pass_gate();
  if (before_execute) before_execute(command);
  std::lock_guard lock(mutex_);
  const auto* order = std::get_if<CreatePayment>(&command.body);
  const bool is_new = payments_.count(command.payment.text()) == 0;
  if (order != nullptr && is_new && channels.count(order->channel) == 0)
    return Problem{ProblemCode::unknown_channel, "There is no such channel here.", "/channel"};
  ++executed;
  last_command = command;
  if (refuse_with) return *refuse_with;
  auto answer = std::visit([&](auto& body) { return run(command, body); }, command.body);
  if (const auto* outcome = std::get_if<CommandOutcome>(&answer))
    if (!command.request.idempotency_key.empty())
      keys_[{command.merchant_id, command.request.idempotency_key}] = {
          {command.request.fingerprint, command.payment, outcome->view.seq}, *outcome};
  return answer;
}

FakeService::FoundPayment FakeService::find_now(const PaymentId& id) {
  std::lock_guard lock(mutex_);
  const auto found = payments_.find(id.text());
  if (found == payments_.end()) return Problem{ProblemCode::not_found, "unknown here", ""};
  return found->second;
}

FakeService::FoundPage FakeService::list_now(const PaymentListQuery& query) {
  std::lock_guard lock(mutex_);
  last_list = query;
  PaymentListPage page;
  for (const auto& [id, view] : payments_) {
    if (view.payment->merchant_id != query.merchant_id || id <= query.cursor) continue;
    if (query.state && *query.state != view.payment->state) continue;
    if (page.payments.size() == query.limit) {
      page.next_cursor = page.payments.back().id.text();
      break;
    }
    page.payments.push_back(view);
  }
  return page;
}

void FakeService::events(const PaymentId& id, Then<FoundEvents> then) {
  EventView event;
  event.seq = 1;
  PaymentCreated created;
  created.merchant_order_no = "o";
  created.currency = *Currency::parse("CNY");
  event.type = name_of(created.kind);
  event.version = created.version;
  write_event(created, event.payload);
  event.at_us = start_us;
  event.causation_id = "req_1";
  event.correlation_id = id.text();
  then(std::vector<EventView>{event});
}

void FakeService::find_idempotency(std::string_view merchant_id, std::string_view key,
                                   Then<FoundKey> then) {
  then(find_key_now(merchant_id, key));
}

FakeService::FoundKey FakeService::find_key_now(std::string_view merchant_id,
                                                std::string_view key) {
  std::lock_guard lock(mutex_);
  const auto found = keys_.find({std::string(merchant_id), std::string(key)});
  if (found == keys_.end()) return std::optional<IdempotencyHit>();
  return std::optional<IdempotencyHit>(found->second.hit);
}

void FakeService::replay(const IdempotencyHit& hit, Then<CommandAnswer> then) {
  then(replay_now(hit));
}

CommandAnswer FakeService::replay_now(const IdempotencyHit& hit) {
  std::lock_guard lock(mutex_);
  for (const auto& [name, kept] : keys_)
    if (kept.hit.payment == hit.payment && kept.hit.seq == hit.seq &&
        kept.hit.fingerprint == hit.fingerprint)
      return kept.outcome;
  return Problem{ProblemCode::internal, "no such answer", ""};
}

void FakeService::notify(const RawCallback& callback, Then<TakenCallback> then) {
  then(notify_now(callback));
}

FakeService::TakenCallback FakeService::notify_now(const RawCallback& callback) {
  std::lock_guard lock(mutex_);
  last_callback = callback;
  const WireFormat& channel = *accounts.at(callback.channel);
  if (callback.body == "forged") return channel.not_taken({ProblemCode::bad_signature, "", ""});
  return channel.taken();
}

void FakeService::parked(Then<FoundParked> then) {
  then(std::vector<ParkedEntity>{
      {payment_id_of("m_1", "parked"), "gave up", start_us, ChannelOperation::refund, "rfd_1"}});
}

void FakeService::breakers(Then<FoundBreakers> then) {
  std::lock_guard lock(mutex_);
  then(std::vector<BreakerView>{breaker});
}

void FakeService::operate_breaker(const std::string& account, BreakerCommand command,
                                  Then<BreakerAnswer> then) {
  std::lock_guard lock(mutex_);
  last_order = command;
  if (account != breaker.account)
    return then(Problem{ProblemCode::not_found, "There is no such channel account.", ""});
  Breaker before;
  before.state = breaker.state;
  const BreakerDecision decision = decide(before, account, command);
  if (const auto* problem = std::get_if<Problem>(&decision)) return then(*problem);
  if (const auto* event = std::get_if<BreakerEvent>(&decision)) {
    apply(before, *event, start_us);
    breaker.state = before.state;
    breaker.since_us = start_us;
    breaker.by = before.by;
    breaker.reason = before.reason;
  }
  then(breaker);
}

std::string_view FakeService::default_method(std::string_view channel) const {
  return knows_defaults ? default_method_of(channel) : std::string_view();
}

bool FakeService::knows_account(std::string_view account) const {
  return accounts.count(std::string(account)) > 0;
}

std::optional<CallbackAck> FakeService::refuse_callback(std::string_view account,
                                                        const Problem& why) {
  if (!knows_account(account)) return std::nullopt;
  return accounts.at(std::string(account))->not_taken(why);
}

void FakeService::shut_gate() {
  std::lock_guard lock(gate_mutex_);
  gate_open_ = false;
}

void FakeService::open_gate() {
  std::lock_guard lock(gate_mutex_);
  gate_open_ = true;
  gate_changed_.notify_all();
}

void FakeService::wait_for_waiting(int count) {
  std::unique_lock lock(gate_mutex_);
  gate_changed_.wait(lock, [&] { return waiting_ >= count; });
}

void FakeService::change(const PaymentId& id, const std::function<void(Payment&)>& how) {
  std::lock_guard lock(mutex_);
  PaymentView& view = payments_.at(id.text());
  Payment payment = *view.payment;
  how(payment);
  view.payment = std::make_shared<const Payment>(std::move(payment));
  ++view.seq;
}

std::map<std::string, WireFormatPtr> FakeService::sandbox_alone() {
  std::map<std::string, WireFormatPtr> accounts;
  accounts["sandbox"] = sandbox_wire::wire_format_of({"http://x", "secret", ""});
  return accounts;
}

void FakeService::pass_gate() {
  std::unique_lock lock(gate_mutex_);
  ++waiting_;
  gate_changed_.notify_all();
  gate_changed_.wait(lock, [&] { return gate_open_; });
  --waiting_;
}

template <class Change>
CommandAnswer FakeService::finish(const PaymentCommand& command, Change change_payment) {
  const auto found = payments_.find(command.payment.text());
  if (found == payments_.end()) return Problem{ProblemCode::not_found, "", ""};
  Payment payment = *found->second.payment;
  change_payment(payment);
  found->second.payment = std::make_shared<const Payment>(std::move(payment));
  ++found->second.seq;
  return CommandOutcome{found->second, false, ""};
}

CommandAnswer FakeService::run(const PaymentCommand& command, const CreatePayment& c) {
  const auto found = payments_.find(command.payment.text());
  if (found != payments_.end()) {
    if (found->second.payment->request_fingerprint != command.request.fingerprint)
      return Problem{ProblemCode::order_exists_with_other_body, "", "/merchant_order_no"};
    return CommandOutcome{found->second, false, ""};
  }
  Payment p;
  p.state = PaymentState::paying;
  p.merchant_id = command.merchant_id;
  p.merchant_order_no = c.merchant_order_no;
  p.amount_minor = c.amount_minor;
  p.currency = c.currency;
  p.channel = c.channel;
  p.method = c.method;
  p.payer = c.payer;
  p.subject = c.subject;
  p.capture_method = c.capture_method;
  p.return_url = c.return_url;
  p.metadata = c.metadata;
  p.request_fingerprint = command.request.fingerprint;
  p.created_at_us = p.updated_at_us = start_us;
  p.expires_at_us = start_us + c.expires_in_s * us_per_s;
  p.next_action = {"qr_code", "https://pay.example/\"q\""};
  PaymentView view{command.payment, 3, std::make_shared<const Payment>(std::move(p))};
  payments_[command.payment.text()] = view;
  return CommandOutcome{view, true, ""};
}

CommandAnswer FakeService::run(const PaymentCommand& command, const ClosePayment&) {
  return finish(command, [](Payment& p) {
    p.state = PaymentState::closed;
    p.close_reason = CloseReason::merchant;
  });
}

CommandAnswer FakeService::run(const PaymentCommand& command, const VoidPayment&) {
  return finish(command, [](Payment& p) {
    p.state = PaymentState::closed;
    p.close_reason = CloseReason::voided;
  });
}

CommandAnswer FakeService::run(const PaymentCommand& command, const CapturePayment& c) {
  return finish(command, [&](Payment& p) {
    p.captured_minor = c.amount_minor.value_or(p.amount_minor);
    p.state = PaymentState::paid;
  });
}

CommandAnswer FakeService::run(const PaymentCommand& command, const ResumePayment&) {
  return finish(command, [](Payment& p) { p.pending.reset(); });
}

CommandAnswer FakeService::run(const PaymentCommand& command, const RefundPayment& r) {
  const std::string id = refund_id_of(command.payment, r.merchant_refund_no).text();
  const auto found = payments_.find(command.payment.text());
  if (found == payments_.end()) return Problem{ProblemCode::not_found, "", ""};
  if (found->second.payment->find_refund(id) != nullptr)
    return CommandOutcome{found->second, false, id};
  if (r.amount_minor > found->second.payment->amount_minor)
    return Problem{ProblemCode::amount_exceeds_refundable, "", "/amount"};
  auto answer = finish(command, [&](Payment& p) {
    Refund refund;
    refund.refund_id = id;
    refund.merchant_refund_no = r.merchant_refund_no;
    refund.amount_minor = r.amount_minor;
    refund.reason = r.reason;
    refund.created_at_us = refund.updated_at_us = start_us;
    p.refunds.push_back(refund);
    p.refund_pending_minor += r.amount_minor;
  });
  if (auto* outcome = std::get_if<CommandOutcome>(&answer)) {
    outcome->refund_id = id;
    outcome->created = true;
  }
  return answer;
}

}  // namespace welkin::test
