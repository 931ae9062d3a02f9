#include "protocol/payment/state.hpp"

#include <iterator>

#include "protocol/name_table.hpp"
#include "protocol/payment/event.hpp"
#include "protocol/payment/payment.hpp"

namespace welkin {
namespace {

constexpr std::string_view state_names[] = {"NONE",    "CREATED", "PAYING", "AUTHORIZED",
                                            "PAID",    "FAILED",  "CLOSED", "PARTIALLY_REFUNDED",
                                            "REFUNDED"};
static_assert(std::size(state_names) == payment_state_count);

constexpr std::string_view event_names[] = {"payment_created",
                                            "payment_started",
                                            "payment_route_refused",
                                            "payment_channel_accepted",
                                            "payment_unsettled",
                                            "payment_authorized",
                                            "payment_capture_requested",
                                            "payment_capture_refused",
                                            "payment_paid",
                                            "payment_failed",
                                            "payment_close_requested",
                                            "payment_close_refused",
                                            "payment_void_requested",
                                            "payment_void_refused",
                                            "payment_closed",
                                            "payment_refund_requested",
                                            "payment_refund_succeeded",
                                            "payment_refund_failed",
                                            "payment_refund_reversed",
                                            "payment_surplus_recorded",
                                            "payment_surplus_refunded",
                                            "payment_report_refused",
                                            "payment_request_repeated",
                                            "payment_parked",
                                            "payment_resumed",
                                            "payment_refund_needs_attention",
                                            "payment_outside_refund_recorded"};
static_assert(std::size(event_names) == payment_event_kind_count);

constexpr std::string_view capture_names[] = {"automatic", "manual"};
constexpr std::string_view close_names[] = {"merchant", "expired", "voided"};
constexpr std::string_view attempt_names[] = {"asked", "doubtful", "not_taken", "answered"};
constexpr std::string_view refund_names[] = {"NONE", "PENDING", "SUCCEEDED", "FAILED"};
static_assert(std::size(refund_names) == refund_state_count);

}  // namespace

std::string_view name_of(PaymentState state) { return state_names[static_cast<int>(state)]; }
std::string_view name_of(PaymentEventKind kind) { return event_names[static_cast<int>(kind)]; }
std::string_view name_of(CaptureMethod method) { return capture_names[static_cast<int>(method)]; }
std::string_view name_of(CloseReason reason) { return close_names[static_cast<int>(reason)]; }
std::string_view name_of(AttemptOutcome outcome) {
  return attempt_names[static_cast<int>(outcome)];
}
std::string_view name_of(RefundState state) { return refund_names[static_cast<int>(state)]; }

std::optional<PaymentState> parse_payment_state(std::string_view name) {
  return find_name<PaymentState>(state_names, name);
}
std::optional<PaymentEventKind> parse_payment_event_kind(std::string_view name) {
  return find_name<PaymentEventKind>(event_names, name);
}
std::optional<CaptureMethod> parse_capture_method(std::string_view name) {
  return find_name<CaptureMethod>(capture_names, name);
}
std::optional<CloseReason> parse_close_reason(std::string_view name) {
  return find_name<CloseReason>(close_names, name);
}
std::optional<AttemptOutcome> parse_attempt_outcome(std::string_view name) {
  return find_name<AttemptOutcome>(attempt_names, name);
}
std::optional<RefundState> parse_refund_state(std::string_view name) {
  return find_name<RefundState>(refund_names, name);
}

}  // namespace welkin
