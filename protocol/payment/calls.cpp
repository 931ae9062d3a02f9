// What a payment asks of its channel: once an event is durable, when a question is due, and when
// the channel says that what was asked has not happened.
#include "protocol/payment/decide.hpp"

namespace welkin {
namespace {

ChannelCall call_of(const Payment& payment, ChannelOperation operation, const PaymentId& id) {
  ChannelCall call;
  const Attempt& attempt = payment.last_attempt();
  call.payment = id;
  call.account = attempt.account;
  call.operation = operation;
  call.merchant_id = payment.merchant_id;
  call.channel_order_no = attempt.channel_order_no;
  call.amount_minor = operation == ChannelOperation::capture && payment.pending
                          ? payment.pending->amount_minor
                          : payment.amount_minor;
  call.order_amount_minor = payment.amount_minor;
  call.currency = payment.currency;
  call.manual_capture = payment.capture_method == CaptureMethod::manual;
  call.subject = payment.subject;
  call.return_url = payment.return_url;
  call.expires_at_us = payment.expires_at_us;
  call.channel_reference = payment.channel_reference;
  call.order_created_at_us = attempt.started_at_us;
  call.order_accepted = attempt.outcome == AttemptOutcome::answered;
  call.method = payment.method;
  call.payer_id = payment.payer.id;
  call.payer_ip = payment.payer.ip;
  call.payer_instrument = payment.payer.instrument;
  return call;
}

ChannelCall refund_call(const Payment& payment, const Refund& refund, const PaymentId& id) {
  const auto operation =
      refund.authorized_only ? ChannelOperation::void_ : ChannelOperation::refund;
  ChannelCall call = call_of(payment, operation, id);
  const Attempt* charged = payment.find_attempt(refund.channel_order_no);
  if (charged && charged != &payment.last_attempt()) {
    call.account = charged->account;
    call.channel_order_no = charged->channel_order_no;
    call.order_created_at_us = charged->started_at_us;
    call.order_accepted = true;  // it was charged
    call.channel_reference.clear();
  }
  call.refund_id = refund.refund_id;
  if (const auto parsed = RefundId::parse(refund.refund_id))
    call.channel_refund_no = channel_refund_no(*parsed);
  call.amount_minor = refund.amount_minor;
  call.surplus = refund.surplus;
  call.refund_created_at_us = refund.created_at_us;
  // A surplus is another charge than the payment's own, and is given back from that one.
  if (refund.surplus && !refund.channel_reference.empty())
    call.channel_reference = refund.channel_reference;
  return call;
}

}  // namespace

ChannelCall proposed_call(const CreatePayment& order) {
  Payment payment;
  payment.amount_minor = order.amount_minor;
  payment.currency = order.currency;
  payment.method = order.method;
  payment.payer = order.payer;
  payment.subject = order.subject;
  payment.capture_method = order.capture_method;
  payment.return_url = order.return_url;
  return call_of(payment, ChannelOperation::create, {});
}

std::vector<ChannelCall> calls_after(const Payment& payment, const PaymentEvent& event,
                                     const PaymentId& id) {
  switch (kind_of(event)) {
    case PaymentEventKind::started:
      return {call_of(payment, ChannelOperation::create, id)};
    case PaymentEventKind::capture_requested:
      return {call_of(payment, ChannelOperation::capture, id)};
    case PaymentEventKind::void_requested:
      return {call_of(payment, ChannelOperation::void_, id)};
    case PaymentEventKind::close_requested:
      if (payment.state != PaymentState::paying) return {};  // closed with it: no account has it
      return {call_of(payment, ChannelOperation::close, id)};
    case PaymentEventKind::failed:
      // What the merchant had named could not be charged, and the channel still has the order: it
      // is let go, so that nobody can pay it another way. Should that be lost, whoever does all the
      // same gets his money back.
      if (std::get<PaymentFailed>(event).source == ReportSource::answer ||
          payment.payer.instrument.empty())
        return {};
      return {call_of(payment, ChannelOperation::close, id)};
    case PaymentEventKind::refund_requested:
    case PaymentEventKind::surplus_recorded:
      return {refund_call(payment, payment.refunds.back(), id)};
    default:
      return {};
  }
}

std::vector<ChannelCall> calls_due(const Payment& payment, const PaymentId& id, UnixUs now_us) {
  std::vector<ChannelCall> calls;
  const auto is_due = [now_us](UnixUs at_us) { return at_us != 0 && at_us <= now_us; };
  if (payment.pending && !payment.waits_for_a_route()) {
    const PendingOperation& pending = *payment.pending;
    // Expired: what is to be closed is asked about first, whenever it was asked about before.
    const bool expired = now_us >= payment.expires_at_us && !pending.parked &&
                         payment.state == PaymentState::paying &&
                         pending.operation == ChannelOperation::create &&
                         pending.close_refusals == 0 && pending.heard_at_us < payment.expires_at_us;
    if (expired || is_due(pending.next_query_at_us))
      calls.push_back(call_of(payment, pending.operation, id));
  }
  for (const Refund& refund : payment.refunds)
    if (refund.state == RefundState::pending && is_due(refund.next_query_at_us))
      calls.push_back(refund_call(payment, refund, id));
  for (ChannelCall& call : calls) call.query = true;
  return calls;
}

std::vector<ChannelCall> calls_to_ask(const Payment& payment, const PaymentId& id) {
  if (payment.attempts.empty() || payment.waits_for_a_route()) return {};
  const bool settling = payment.pending.has_value();
  std::vector<ChannelCall> calls{
      call_of(payment, settling ? payment.pending->operation : ChannelOperation::create, id)};
  for (const Refund& refund : payment.refunds)
    if (refund.state == RefundState::pending) calls.push_back(refund_call(payment, refund, id));
  for (ChannelCall& call : calls) call.query = true;
  return calls;
}

std::vector<ChannelCall> calls_to_repeat(const Payment& payment, const ChannelReport& report,
                                         const PaymentId& id) {
  // Only a query's answer shows that the operation itself has not happened.
  if (report.source != ReportSource::query) return {};
  if (!report.refund_id.empty()) {
    const Refund* refund = payment.find_refund(report.refund_id);
    if (!refund || refund->state != RefundState::pending) return {};
    const bool undone = report.verdict == ChannelVerdict::not_found ||
                        (refund->authorized_only && report.verdict == ChannelVerdict::authorized);
    if (!undone) return {};
    return {refund_call(payment, *refund, id)};
  }
  const bool of_another_attempt =
      !report.channel_order_no.empty() &&
      report.channel_order_no != payment.last_attempt().channel_order_no;
  if (!payment.pending || payment.waits_for_a_route() || of_another_attempt) return {};
  const ChannelOperation operation = payment.pending->operation;
  const bool undone =
      (operation == ChannelOperation::create && report.verdict == ChannelVerdict::not_found) ||
      (operation == ChannelOperation::close && report.verdict == ChannelVerdict::accepted) ||
      ((operation == ChannelOperation::capture || operation == ChannelOperation::void_) &&
       report.verdict == ChannelVerdict::authorized);
  if (!undone) return {};
  return {call_of(payment, operation, id)};
}

}  // namespace welkin
