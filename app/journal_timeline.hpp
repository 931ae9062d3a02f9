// One stream's events in order with the state after each: what `welkin journal show` prints.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "persistence/journal_store.hpp"
#include "protocol/breaker/breaker.hpp"
#include "protocol/journal/event.hpp"
#include "protocol/payment/payment.hpp"

namespace welkin {

// What a stream's events fold to, by its kind.
using StreamState = std::variant<Payment, Breaker, JournalHistory>;

struct TimelineStep {
  EventRow row;
  UnixUs gap_us = 0;                 // since the event before
  std::optional<StreamState> after;  // absent from the first bad row on
  std::string details;               // one line for a person
  std::string problem;               // why the row does not follow, on the first bad row
};

// Checks every row as `welkin journal verify` does, and goes on past a bad one without its state.
std::vector<TimelineStep> timeline_of(std::vector<EventRow> rows);

// What stands in an event beyond its kind, in the currency of the payment it happened to.
std::string details_of(const PaymentEvent& event, Currency currency);
std::string details_of(const BreakerEvent& event);
std::string details_of(const JournalEvent& event);

}  // namespace welkin
