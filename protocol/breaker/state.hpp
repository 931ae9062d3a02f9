// The life of a channel account's circuit breaker as data. Which event may follow in which state
// stands in `breaker_edges` and nowhere else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace welkin {

enum class BreakerState : std::uint8_t {
  closed,       // calls go through and are counted; where every breaker begins
  open,         // calls are refused until the time is up
  half_open,    // a few probes go through, and decide
  recovering,   // a growing share of calls goes through
  forced_open,  // an operator refuses every call
  disabled,     // an operator lets every call through, and nothing is counted
};
constexpr std::size_t breaker_state_count = 6;

enum class BreakerEventKind : std::uint8_t {
  opened,
  half_opened,
  recovering,
  closed,
  forced_open,
  disabled,
  released,
};
constexpr std::size_t breaker_event_kind_count = 7;

struct BreakerEdge {
  BreakerState from;
  BreakerEventKind on;
  BreakerState to;
};

namespace detail {
using BS = BreakerState;
using BK = BreakerEventKind;
}  // namespace detail

// clang-format off
inline constexpr BreakerEdge breaker_edges[] = {
    {detail::BS::closed,      detail::BK::opened,      detail::BS::open},
    {detail::BS::closed,      detail::BK::forced_open, detail::BS::forced_open},
    {detail::BS::closed,      detail::BK::disabled,    detail::BS::disabled},

    {detail::BS::open,        detail::BK::half_opened, detail::BS::half_open},
    {detail::BS::open,        detail::BK::forced_open, detail::BS::forced_open},
    {detail::BS::open,        detail::BK::disabled,    detail::BS::disabled},

    {detail::BS::half_open,   detail::BK::opened,      detail::BS::open},
    {detail::BS::half_open,   detail::BK::recovering,  detail::BS::recovering},
    {detail::BS::half_open,   detail::BK::forced_open, detail::BS::forced_open},
    {detail::BS::half_open,   detail::BK::disabled,    detail::BS::disabled},

    {detail::BS::recovering,  detail::BK::opened,      detail::BS::open},
    {detail::BS::recovering,  detail::BK::closed,      detail::BS::closed},
    {detail::BS::recovering,  detail::BK::forced_open, detail::BS::forced_open},
    {detail::BS::recovering,  detail::BK::disabled,    detail::BS::disabled},

    // Whoever forced it open had a reason: a few probes find out whether it is over.
    {detail::BS::forced_open, detail::BK::released,    detail::BS::half_open},
    {detail::BS::forced_open, detail::BK::disabled,    detail::BS::disabled},

    {detail::BS::disabled,    detail::BK::released,    detail::BS::closed},
    {detail::BS::disabled,    detail::BK::forced_open, detail::BS::forced_open},
};
// clang-format on

constexpr const BreakerEdge* find_edge(BreakerState from, BreakerEventKind on) {
  for (const BreakerEdge& edge : breaker_edges)
    if (edge.from == from && edge.on == on) return &edge;
  return nullptr;
}

constexpr bool may_follow(BreakerState from, BreakerEventKind on) {
  return find_edge(from, on) != nullptr;
}

constexpr bool no_two_breaker_edges_compete() {
  for (const BreakerEdge& edge : breaker_edges)
    if (find_edge(edge.from, edge.on) != &edge) return false;
  return true;
}
static_assert(no_two_breaker_edges_compete());

// Is it worth choosing this account? Half-open and recovering are: without calls they would stay.
constexpr bool is_available(BreakerState state) {
  return state != BreakerState::open && state != BreakerState::forced_open;
}

std::string_view name_of(BreakerState state);     // "HALF_OPEN"
std::string_view name_of(BreakerEventKind kind);  // "breaker_half_opened", the type column
std::optional<BreakerState> parse_breaker_state(std::string_view name);
std::optional<BreakerEventKind> parse_breaker_event_kind(std::string_view name);

}  // namespace welkin
