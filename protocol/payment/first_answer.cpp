#include "protocol/payment/first_answer.hpp"

#include <utility>

#include "protocol/cause.hpp"

namespace welkin {
namespace {

// The operation whose end, or whose first word from the channel, the answer waited for.
struct Awaited {
  ChannelOperation operation = ChannelOperation::create;
  std::string refund_id;  // for refunds, else empty

  bool is_over(const Payment& payment) const {
    if (refund_id.empty()) return !payment.pending || payment.pending->operation != operation;
    const Refund* refund = payment.find_refund(refund_id);
    return refund == nullptr || refund->state != RefundState::pending;
  }

  bool is_spoken_of_in(const PaymentEvent& event) const {
    if (std::holds_alternative<PaymentChannelAccepted>(event))
      return operation == ChannelOperation::create && refund_id.empty();
    if (const auto* stuck = std::get_if<PaymentRefundNeedsAttention>(&event))
      return operation == ChannelOperation::refund && stuck->refund_id == refund_id;
    const auto* unsettled = std::get_if<PaymentUnsettled>(&event);
    return unsettled != nullptr && unsettled->operation == operation &&
           unsettled->refund_id == refund_id;
  }
};

std::optional<Awaited> awaited_after(const Payment& payment, const PaymentEvent& request) {
  if (const auto* refund = std::get_if<PaymentRefundRequested>(&request))
    return Awaited{ChannelOperation::refund, refund->refund_id};
  if (!payment.pending) return std::nullopt;
  // A repetition that came after the channel had spoken, or while no account had the order, did not
  // wait.
  const AttemptOutcome outcome = payment.last_attempt().outcome;
  const bool spoken =
      payment.pending->operation == ChannelOperation::create
          ? outcome == AttemptOutcome::answered || outcome == AttemptOutcome::not_taken
          : payment.pending->tries > 0;
  if (spoken) return std::nullopt;
  return Awaited{payment.pending->operation, {}};
}

}  // namespace

std::optional<FirstAnswer> first_answer(const std::vector<RecordedEvent>& events,
                                        std::size_t request) {
  if (request >= events.size()) return std::nullopt;
  FirstAnswer own;
  const auto is_own = [&](std::size_t i) {
    // In the first journals two requests could be written under one cause, but not at one time.
    return i <= request || (events[i].causation_id == events[request].causation_id &&
                            events[i].at_us == events[request].at_us);
  };
  while (own.seq < events.size() && is_own(own.seq)) {
    if (!apply(own.payment, events[own.seq].event, events[own.seq].at_us)) return std::nullopt;
    ++own.seq;
  }
  const auto awaited = awaited_after(own.payment, events[request].event);
  if (!awaited || awaited->is_over(own.payment)) return own;
  FirstAnswer later = own;
  while (later.seq < events.size()) {
    const RecordedEvent& next = events[later.seq];
    if (is_caused_by(next.causation_id, CauseKind::query) ||
        is_caused_by(next.causation_id, CauseKind::timer))
      break;
    if (!apply(later.payment, next.event, next.at_us)) return std::nullopt;
    ++later.seq;
    if (awaited->is_spoken_of_in(next.event) || awaited->is_over(later.payment)) return later;
  }
  return own;
}

}  // namespace welkin
