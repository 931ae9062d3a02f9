// The circuit breaker of one channel account: its state, folded from events, and the pure rules of
// what calls, outcomes, the passing of time and operators ask for.
//
// What is counted (CallMeter) is not recorded: a breaker that starts again keeps its state and
// counts afresh.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "protocol/breaker/config.hpp"
#include "protocol/breaker/event.hpp"
#include "protocol/breaker/state.hpp"
#include "protocol/problem.hpp"

namespace welkin {

struct Breaker {
  std::string account;  // empty before the first event
  BreakerState state = BreakerState::closed;
  UnixUs since_us = 0;       // when it came to this state; 0: it has always been closed
  int trips = 0;             // in a row
  UnixUs open_until_us = 0;  // open only
  std::string reason;        // of the last change, for a person
  std::string by;            // the operator who made it; empty: the breaker itself

  template <class Self, class Visitor>
  static void visit_fields(Self& self, Visitor& v) {
    v("account", self.account);
    v("state", self.state);
    v("since_us", self.since_us);
    v("trips", self.trips);
    v("open_until_us", self.open_until_us);
    v("reason", self.reason);
    v("by", self.by);
  }
};

// False when the event may not follow in this state or contradicts the breaker, which for a
// recorded event means a broken journal. `problem` then says why.
bool apply(Breaker& breaker, const BreakerEvent& event, UnixUs at_us,
           std::string* problem = nullptr);

// ---- what is asked for

// What the calls counted so far ask for: to open, or to recover. `figures` are the meter's.
std::optional<BreakerEvent> decide_outcome(const Breaker& breaker, std::string_view account,
                                           const BreakerConfig& config,
                                           const BreakerFigures& figures, UnixUs now_us);
// What the passing of time asks for: to try again, or to be done with recovering.
std::optional<BreakerEvent> decide_due(const Breaker& breaker, std::string_view account,
                                       const BreakerConfig& config, const BreakerFigures& figures,
                                       UnixUs now_us);
// When time will next ask for something; 0: never.
UnixUs due_at_us(const Breaker& breaker, const BreakerConfig& config);

enum class BreakerAction : std::uint8_t { force_open, disable, release };
std::string_view name_of(BreakerAction action);
std::optional<BreakerAction> parse_breaker_action(std::string_view name);

struct BreakerCommand {
  BreakerAction action = BreakerAction::force_open;
  std::string by;
  std::string reason;
  std::string cause;
  std::string request_id = {};  // the operator's X-Request-Id, if one was sent
};
// Nothing: it is so already.
using BreakerDecision = std::variant<std::monostate, BreakerEvent, Problem>;
BreakerDecision decide(const Breaker& breaker, std::string_view account,
                       const BreakerCommand& command);

// ---- parts of the rules that are shown to people

// How long it stays open at its n-th trip in a row.
std::int64_t open_time_ms(const BreakerConfig& config, int trips);
// Trips in a row that still count.
int trips_at(const Breaker& breaker, const BreakerConfig& config, UnixUs now_us);
// The share of calls that goes through while it recovers, in percent.
int ramp_percent(const Breaker& breaker, const BreakerConfig& config, UnixUs now_us);
// "12 of 20 calls failed".
std::string words_of(TripCause cause, const BreakerFigures& figures);

}  // namespace welkin
