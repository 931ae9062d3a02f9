#include "actors/channel_conversation.hpp"

#include <algorithm>
#include <utility>

namespace welkin {
namespace {

// The operation a command's answer waits for; nothing for commands that only write.
std::optional<ChannelOperation> operation_of(const PaymentCommandBody& body) {
  switch (first_event_of(body)) {
    case PaymentEventKind::created:
      return ChannelOperation::create;
    case PaymentEventKind::close_requested:
      return ChannelOperation::close;
    case PaymentEventKind::capture_requested:
      return ChannelOperation::capture;
    case PaymentEventKind::void_requested:
      return ChannelOperation::void_;
    case PaymentEventKind::refund_requested:
      return ChannelOperation::refund;
    default:
      return std::nullopt;
  }
}

// It speaks of an attempt after which another account was asked.
bool is_old_news(const Payment& payment, const ChannelReport& report) {
  const Attempt* attempt = payment.find_attempt(report.channel_order_no);
  return report.refund_id.empty() && attempt && attempt->number != payment.last_attempt().number;
}

bool is_released(const ChannelConversation::Waiter& waiter, const Payment& payment,
                 const ReportRequest* report) {
  if (report && report->report.operation == waiter.operation &&
      report->report.refund_id == waiter.refund_id && !is_old_news(payment, report->report))
    return true;
  if (waiter.refund_id.empty())
    return !payment.pending || payment.pending->operation != waiter.operation;
  const Refund* refund = payment.find_refund(waiter.refund_id);
  return !refund || refund->state != RefundState::pending;
}

}  // namespace

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

bool ChannelConversation::hold_answer(const CommandRequestPtr& request,
                                      const std::string& refund_id, bool created) {
  const auto operation = operation_of(request->command.body);
  if (!operation) return false;
  const bool asked = std::any_of(in_flight_.begin(), in_flight_.end(), [&](const InFlight& other) {
    return other.operation == *operation && other.refund_id == refund_id && !other.query;
  });
  if (!asked) return false;
  waiters_.push_back({request, *operation, refund_id, created});
  return true;
}

std::vector<ChannelConversation::Waiter> ChannelConversation::release(const Payment& payment,
                                                                      const ReportRequest* report) {
  const auto released = std::stable_partition(
      waiters_.begin(), waiters_.end(),
      [&](const Waiter& waiter) { return !is_released(waiter, payment, report); });
  std::vector<Waiter> result(std::make_move_iterator(released),
                             std::make_move_iterator(waiters_.end()));
  waiters_.erase(released, waiters_.end());
  return result;
}

std::vector<ChannelConversation::Waiter> ChannelConversation::release_all() {
  return std::exchange(waiters_, {});
}

}  // namespace welkin
