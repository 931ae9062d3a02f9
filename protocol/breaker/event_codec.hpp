// A breaker's events as JSON text and back, as strictly as a payment's.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "protocol/breaker/breaker.hpp"
#include "protocol/event_format.hpp"

namespace welkin {

// Appends the event's JSON object to `out`.
void write_event(const BreakerEvent& event, std::string& out);
int version_of(const BreakerEvent& event);

std::variant<BreakerEvent, CodecError> parse_breaker_event(std::string_view type, int version,
                                                           std::string_view payload);

// The whole state as JSON, for people; it is kept nowhere.
std::string encode_breaker(const Breaker& breaker);

}  // namespace welkin
