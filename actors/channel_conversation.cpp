#include "actors/channel_conversation.hpp"

#include <algorithm>
#include <utility>

namespace welkin {
void ChannelConversation::asked(const ChannelCall& call) {
  in_flight_.push_back({call.operation, call.refund_id, call.query});
}

bool ChannelConversation::waits_for(const ChannelCall& call) const {
  return std::any_of(in_flight_.begin(), in_flight_.end(), [&](const InFlight& other) {
    return other.operation == call.operation && other.refund_id == call.refund_id;
  });
}

void ChannelConversation::heard(const ReportRequest& request) {
  if (request.report.source == ReportSource::callback) return;
  const auto found = std::find_if(in_flight_.begin(), in_flight_.end(), [&](const InFlight& other) {
    return other.operation == request.report.operation &&
           other.refund_id == request.report.refund_id && other.query == request.is_query;
  });
  if (found != in_flight_.end()) in_flight_.erase(found);
}

bool ChannelConversation::is_asked(const Awaited& awaited) const {
  return std::any_of(in_flight_.begin(), in_flight_.end(), [&](const InFlight& other) {
    return other.operation == awaited.operation && other.refund_id == awaited.refund_id &&
           !other.query;
  });
}

bool ChannelConversation::hold_answer(const Waiter& waiter, const Payment& payment) {
  if (!waiter.awaited || !is_asked(*waiter.awaited) || is_answered(*waiter.awaited, payment))
    return false;
  waiters_.push_back(waiter);
  return true;
}

std::vector<ChannelConversation::Waiter> ChannelConversation::release(
    const Payment& payment, const std::vector<PaymentEvent>& events) {
  const auto released =
      std::stable_partition(waiters_.begin(), waiters_.end(), [&](const Waiter& waiter) {
        const PaymentEvent* begin = events.data();
        return is_asked(*waiter.awaited) &&
               !brings_answer(*waiter.awaited, begin, begin + events.size(), payment);
      });
  std::vector<Waiter> result(std::make_move_iterator(released),
                             std::make_move_iterator(waiters_.end()));
  waiters_.erase(released, waiters_.end());
  return result;
}

std::vector<ChannelConversation::Waiter> ChannelConversation::release_all() {
  return std::exchange(waiters_, {});
}

}  // namespace welkin
