// Which event may follow in which state of a circuit breaker. The edges stand here a second time,
// as literals: the table in state.hpp cannot be its own witness.
#include <catch2/catch.hpp>
#include <map>
#include <set>

#include "protocol/breaker/breaker.hpp"

using namespace welkin;

namespace {

using S = BreakerState;
using K = BreakerEventKind;

struct LiteralEdge {
  S from;
  K on;
  S to;
};

// clang-format off
constexpr LiteralEdge literal_edges[] = {
    {S::closed,      K::opened,      S::open},
    {S::closed,      K::forced_open, S::forced_open},
    {S::closed,      K::disabled,    S::disabled},
    {S::open,        K::half_opened, S::half_open},
    {S::open,        K::forced_open, S::forced_open},
    {S::open,        K::disabled,    S::disabled},
    {S::half_open,   K::opened,      S::open},
    {S::half_open,   K::recovering,  S::recovering},
    {S::half_open,   K::forced_open, S::forced_open},
    {S::half_open,   K::disabled,    S::disabled},
    {S::recovering,  K::opened,      S::open},
    {S::recovering,  K::closed,      S::closed},
    {S::recovering,  K::forced_open, S::forced_open},
    {S::recovering,  K::disabled,    S::disabled},
    {S::forced_open, K::released,    S::half_open},
    {S::forced_open, K::disabled,    S::disabled},
    {S::disabled,    K::released,    S::closed},
    {S::disabled,    K::forced_open, S::forced_open},
};
// clang-format on

const LiteralEdge* find_literal(S from, K on) {
  for (const LiteralEdge& edge : literal_edges)
    if (edge.from == from && edge.on == on) return &edge;
  return nullptr;
}

Breaker in_state(S state) {
  Breaker breaker;
  breaker.account = "a";
  breaker.state = state;
  breaker.since_us = 50;
  return breaker;
}

std::vector<BreakerEvent> one_event_of_each_kind() {
  return {BreakerOpened{"a", TripCause::failures, {20, 10, 0}, 1, 100},
          BreakerHalfOpened{"a", 5},
          BreakerRecovering{"a", {5, 0, 0}},
          BreakerClosed{"a", {40, 1, 0}},
          BreakerForcedOpen{"a", "operator", "maintenance"},
          BreakerDisabled{"a", "operator", "test"},
          BreakerReleased{"a", "operator", "done"}};
}

}  // namespace

TEST_CASE("the breaker's table has the literal edges and no other") {
  std::set<std::pair<S, K>> in_table;
  for (const BreakerEdge& edge : breaker_edges) {
    CAPTURE(name_of(edge.from), name_of(edge.on));
    in_table.insert({edge.from, edge.on});
    const LiteralEdge* literal = find_literal(edge.from, edge.on);
    REQUIRE(literal);
    CHECK(edge.to == literal->to);
  }
  CHECK(in_table.size() == std::size(literal_edges));
}

TEST_CASE("each state of a breaker meets each event: a literal edge moves it or nothing does") {
  const auto events = one_event_of_each_kind();
  REQUIRE(events.size() == breaker_event_kind_count);
  for (std::size_t s = 0; s < breaker_state_count; ++s) {
    for (const BreakerEvent& event : events) {
      const S state = static_cast<S>(s);
      const K kind = kind_of(event);
      CAPTURE(name_of(state), name_of(kind));
      Breaker breaker = in_state(state);
      std::string problem;
      const bool applied = apply(breaker, event, 77, &problem);
      const LiteralEdge* edge = find_literal(state, kind);
      CHECK(applied == (edge != nullptr));
      CHECK(may_follow(state, kind) == applied);
      CHECK(breaker.state == (edge ? edge->to : state));
      CHECK(breaker.since_us == (applied ? 77 : 50));
      CHECK(problem.empty() == applied);
      if (!applied) {
        CHECK(problem.find(name_of(state)) != std::string::npos);
        CHECK(problem.find(name_of(kind)) != std::string::npos);
      }
    }
  }
}

TEST_CASE("an event that contradicts the breaker is refused although its state would allow it") {
  struct Row {
    S state;
    BreakerEvent event;
    UnixUs at_us;
    const char* why;
  };
  const Row rows[] = {
      {S::closed, BreakerOpened{"a", {}, {20, 21, 0}, 1, 100}, 77, "the figures are not possible"},
      {S::closed, BreakerOpened{"a", {}, {20, -1, 0}, 1, 100}, 77, "the figures are not possible"},
      {S::closed, BreakerOpened{"a", {}, {20, 0, 21}, 1, 100}, 77, "the figures are not possible"},
      {S::closed, BreakerOpened{"a", {}, {20, 9, 0}, 0, 100}, 77, "the trips are not possible"},
      {S::closed, BreakerOpened{"a", {}, {20, 9, 0}, 1, 77}, 77,
       "it would be open until before it opened"},
      {S::closed, BreakerOpened{"b", {}, {20, 9, 0}, 1, 100}, 77, "it names another account"},
      {S::closed, BreakerOpened{"", {}, {20, 9, 0}, 1, 100}, 77, "it names no account"},
      {S::closed, BreakerOpened{"a", {}, {20, 9, 0}, 1, 100}, 49,
       "it is older than the one before it"},
      {S::open, BreakerHalfOpened{"a", 0}, 77, "no probe is let through"},
      {S::half_open, BreakerRecovering{"a", {5, 6, 0}}, 77, "the figures are not possible"},
      {S::recovering, BreakerClosed{"a", {5, 0, 6}}, 77, "the figures are not possible"},
      {S::closed, BreakerForcedOpen{"a", "", "why"}, 77, "it does not say by whom"},
      {S::closed, BreakerDisabled{"a", "", "why"}, 77, "it does not say by whom"},
      {S::disabled, BreakerReleased{"a", "", "why"}, 77, "it does not say by whom"},
  };
  for (const Row& row : rows) {
    CAPTURE(name_of(row.state), name_of(kind_of(row.event)), row.why);
    Breaker breaker = in_state(row.state);
    std::string problem;
    CHECK_FALSE(apply(breaker, row.event, row.at_us, &problem));
    CHECK(problem == std::string(name_of(kind_of(row.event))) + ": " + row.why);
    CHECK(breaker.state == row.state);
    CHECK(breaker.since_us == 50);
  }
}

TEST_CASE("a breaker's states, events, causes and actions go by these names") {
  const char* states[] = {"CLOSED", "OPEN", "HALF_OPEN", "RECOVERING", "FORCED_OPEN", "DISABLED"};
  const char* events[] = {"breaker_opened",  "breaker_half_opened", "breaker_recovering",
                          "breaker_closed",  "breaker_forced_open", "breaker_disabled",
                          "breaker_released"};
  REQUIRE(std::size(states) == breaker_state_count);
  REQUIRE(std::size(events) == breaker_event_kind_count);
  for (std::size_t i = 0; i < breaker_state_count; ++i) {
    CHECK(name_of(static_cast<S>(i)) == states[i]);
    CHECK(parse_breaker_state(states[i]) == static_cast<S>(i));
  }
  for (std::size_t i = 0; i < breaker_event_kind_count; ++i) {
    CHECK(name_of(static_cast<K>(i)) == events[i]);
    CHECK(parse_breaker_event_kind(events[i]) == static_cast<K>(i));
  }
  CHECK_FALSE(parse_breaker_state("open"));
  CHECK_FALSE(parse_breaker_event_kind("payment_paid"));
  CHECK(name_of(TripCause::failures) == "failures");
  CHECK(parse_trip_cause("slow_calls") == TripCause::slow_calls);
  CHECK(parse_breaker_action("force_open") == BreakerAction::force_open);
  CHECK(parse_breaker_action("disable") == BreakerAction::disable);
  CHECK(parse_breaker_action("release") == BreakerAction::release);
  CHECK_FALSE(parse_breaker_action("close"));
}

TEST_CASE(
    "every state of a breaker leads back to closed, and none is skipped on the way by itself") {
  std::map<S, std::set<S>> reach;
  for (const LiteralEdge& edge : literal_edges) reach[edge.from].insert(edge.to);
  for (std::size_t round = 0; round < breaker_state_count; ++round)
    for (auto& [from, to] : reach)
      for (const S via : std::set<S>(to)) to.insert(reach[via].begin(), reach[via].end());
  for (std::size_t s = 0; s < breaker_state_count; ++s) {
    CAPTURE(name_of(static_cast<S>(s)));
    CHECK(reach[static_cast<S>(s)].count(S::closed) == 1);
  }
  // Without an operator the only way from open to closed is over probes and a recovery.
  for (const LiteralEdge& edge : literal_edges) {
    const bool by_operator =
        edge.on == K::forced_open || edge.on == K::disabled || edge.on == K::released;
    if (!by_operator && edge.to == S::closed) CHECK(edge.from == S::recovering);
    if (!by_operator && edge.to == S::recovering) CHECK(edge.from == S::half_open);
  }
}

TEST_CASE("an account is worth choosing unless its breaker refuses every call") {
  for (const S state : {S::closed, S::half_open, S::recovering, S::disabled})
    CHECK(is_available(state));
  for (const S state : {S::open, S::forced_open}) CHECK_FALSE(is_available(state));
}
