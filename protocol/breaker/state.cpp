#include "protocol/breaker/state.hpp"

#include <iterator>

#include "protocol/breaker/breaker.hpp"
#include "protocol/name_table.hpp"

namespace welkin {
namespace {

constexpr std::string_view state_names[] = {"CLOSED",     "OPEN",        "HALF_OPEN",
                                            "RECOVERING", "FORCED_OPEN", "DISABLED"};
static_assert(std::size(state_names) == breaker_state_count);

constexpr std::string_view event_names[] = {
    "breaker_opened",      "breaker_half_opened", "breaker_recovering", "breaker_closed",
    "breaker_forced_open", "breaker_disabled",    "breaker_released"};
static_assert(std::size(event_names) == breaker_event_kind_count);

constexpr std::string_view cause_names[] = {"failures", "slow_calls"};
constexpr std::string_view action_names[] = {"force_open", "disable", "release"};

}  // namespace

std::string_view name_of(BreakerState state) { return state_names[static_cast<int>(state)]; }
std::string_view name_of(BreakerEventKind kind) { return event_names[static_cast<int>(kind)]; }
std::string_view name_of(TripCause cause) { return cause_names[static_cast<int>(cause)]; }
std::string_view name_of(BreakerAction action) { return action_names[static_cast<int>(action)]; }

std::optional<BreakerState> parse_breaker_state(std::string_view name) {
  return find_name<BreakerState>(state_names, name);
}
std::optional<BreakerEventKind> parse_breaker_event_kind(std::string_view name) {
  return find_name<BreakerEventKind>(event_names, name);
}
std::optional<TripCause> parse_trip_cause(std::string_view name) {
  return find_name<TripCause>(cause_names, name);
}
std::optional<BreakerAction> parse_breaker_action(std::string_view name) {
  return find_name<BreakerAction>(action_names, name);
}

}  // namespace welkin
