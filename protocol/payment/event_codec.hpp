// A payment's events as JSON text and back. Parsing is strict: an unknown, missing, repeated or
// mistyped field is an error that names its path, because a journal that is half understood must
// not be acted on.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "protocol/event_format.hpp"
#include "protocol/payment/event.hpp"
#include "protocol/payment/payment.hpp"

namespace welkin {

// Appends the event's JSON object to `out`.
void write_event(const PaymentEvent& event, std::string& out);
int version_of(const PaymentEvent& event);

// The fields that a payload of an older version of this kind may lack, as JSON pointers.
std::vector<std::string> fields_of_later_versions(const PaymentEvent& event);

// Upcasts older versions one step at a time, so that the rest of the program sees only today's
// shape.
std::variant<PaymentEvent, CodecError> parse_event(std::string_view type, int version,
                                                   std::string_view payload);

// Snapshots. A payload of another version is not an error but no snapshot: the events are read.
constexpr int payment_snapshot_version = 5;
std::string encode_payment(const Payment& payment);
std::variant<Payment, CodecError> parse_payment(std::string_view payload);

}  // namespace welkin
