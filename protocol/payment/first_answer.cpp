#include "protocol/payment/first_answer.hpp"

#include <utility>

#include "protocol/cause.hpp"

namespace welkin {
namespace {

bool is_over(const Awaited& awaited, const Payment& payment) {
  if (awaited.operation != ChannelOperation::refund)
    return !payment.pending || payment.pending->operation != awaited.operation;
  const Refund* refund = payment.find_refund(awaited.refund_id);
  return refund == nullptr || refund->state != RefundState::pending;
}

bool is_spoken_of(const Awaited& awaited, const PaymentEvent& event) {
  if (std::holds_alternative<PaymentChannelAccepted>(event))
    return awaited.operation == ChannelOperation::create;
  if (const auto* stuck = std::get_if<PaymentRefundNeedsAttention>(&event))
    return awaited.operation == ChannelOperation::refund && stuck->refund_id == awaited.refund_id;
  const auto* unsettled = std::get_if<PaymentUnsettled>(&event);
  return unsettled != nullptr && unsettled->operation == awaited.operation &&
         unsettled->refund_id == awaited.refund_id;
}

// The events that were recorded at once with the one at `from`.
std::size_t end_of_batch(const std::vector<RecordedEvent>& events, std::size_t from) {
  std::size_t end = from + 1;
  while (end < events.size() && events[end].causation_id == events[from].causation_id &&
         events[end].at_us == events[from].at_us)
    ++end;
  return end;
}

bool fold(FirstAnswer& answer, const std::vector<RecordedEvent>& events, std::size_t until) {
  for (; answer.seq < until; ++answer.seq)
    if (!apply(answer.payment, events[answer.seq].event, events[answer.seq].at_us)) return false;
  return true;
}

// When the channel is first asked how the operation went, unless its call is still on its way.
UnixUs patience_ends_at_us(const Awaited& awaited, const Payment& payment) {
  if (awaited.operation != ChannelOperation::refund) return payment.pending->next_query_at_us;
  return payment.find_refund(awaited.refund_id)->next_query_at_us;
}

// What comes of questions and of time, once nobody waits any more. An answer that comes sooner is
// one to an earlier question.
bool is_after_waiting(const RecordedEvent& event, UnixUs patience_ends_at_us) {
  const bool by_itself = is_caused_by(event.causation_id, CauseKind::query) ||
                         is_caused_by(event.causation_id, CauseKind::timer);
  return by_itself && event.at_us >= patience_ends_at_us;
}

}  // namespace

std::optional<Awaited> awaited_by(const PaymentId& payment, const PaymentCommandBody& body) {
  switch (first_event_of(body)) {
    case PaymentEventKind::created:
      return Awaited{ChannelOperation::create, {}};
    case PaymentEventKind::close_requested:
      return Awaited{ChannelOperation::close, {}};
    case PaymentEventKind::capture_requested:
      return Awaited{ChannelOperation::capture, {}};
    case PaymentEventKind::void_requested:
      return Awaited{ChannelOperation::void_, {}};
    case PaymentEventKind::refund_requested:
      return Awaited{
          ChannelOperation::refund,
          refund_id_of(payment, std::get<RefundPayment>(body).merchant_refund_no).text()};
    default:
      return std::nullopt;
  }
}

std::optional<Awaited> awaited_by(const PaymentEvent& request) {
  if (const auto* refund = std::get_if<PaymentRefundRequested>(&request))
    return Awaited{ChannelOperation::refund, refund->refund_id};
  if (const auto* repeated = std::get_if<PaymentRequestRepeated>(&request))
    return Awaited{repeated->operation, repeated->refund_id};
  switch (kind_of(request)) {
    case PaymentEventKind::created:
      return Awaited{ChannelOperation::create, {}};
    case PaymentEventKind::close_requested:
      return Awaited{ChannelOperation::close, {}};
    case PaymentEventKind::capture_requested:
      return Awaited{ChannelOperation::capture, {}};
    case PaymentEventKind::void_requested:
      return Awaited{ChannelOperation::void_, {}};
    default:
      return std::nullopt;
  }
}

bool is_answered(const Awaited& awaited, const Payment& payment) {
  if (is_over(awaited, payment)) return true;
  if (awaited.operation == ChannelOperation::refund)
    return payment.find_refund(awaited.refund_id)->tries > 0;
  if (payment.pending->tries > 0) return true;
  const AttemptOutcome outcome = payment.last_attempt().outcome;
  return awaited.operation == ChannelOperation::create && outcome != AttemptOutcome::asked;
}

bool brings_answer(const Awaited& awaited, const PaymentEvent* begin, const PaymentEvent* end,
                   const Payment& payment) {
  for (const PaymentEvent* event = begin; event != end; ++event)
    if (is_spoken_of(awaited, *event)) return true;
  return is_over(awaited, payment);
}

std::optional<FirstAnswer> first_answer(const std::vector<RecordedEvent>& events,
                                        std::size_t request) {
  if (request >= events.size()) return std::nullopt;
  FirstAnswer own;
  if (!fold(own, events, end_of_batch(events, request))) return std::nullopt;
  const auto awaited = awaited_by(events[request].event);
  if (!awaited || is_answered(*awaited, own.payment)) return own;
  const UnixUs patience_us = patience_ends_at_us(*awaited, own.payment);
  FirstAnswer later = own;
  while (later.seq < events.size()) {
    const std::size_t from = later.seq;
    if (!fold(later, events, end_of_batch(events, from))) return std::nullopt;
    std::vector<PaymentEvent> batch;
    for (std::size_t i = from; i < later.seq; ++i) batch.push_back(events[i].event);
    if (!brings_answer(*awaited, batch.data(), batch.data() + batch.size(), later.payment))
      continue;
    return is_after_waiting(events[from], patience_us) ? own : later;
  }
  return own;
}

}  // namespace welkin
