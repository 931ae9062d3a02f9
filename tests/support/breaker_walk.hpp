// Circuit breakers as tests/support/reachable_walk.hpp walks them: operators' commands, what the
// calls counted so far ask for, and the passing of time, also backwards.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "protocol/breaker/breaker.hpp"
#include "protocol/breaker/event_codec.hpp"
#include "tests/support/reachable_walk.hpp"

namespace welkin {

class BreakerWalk {
 public:
  struct State {
    Breaker breaker;
    UnixUs now_us = 1'767'225'600 * us_per_s;
  };
  struct Counted {
    BreakerFigures figures;
  };
  struct Passing {
    UnixUs by_us = 0;  // 0: until it is due
    BreakerFigures figures;
  };
  using Input = std::variant<BreakerCommand, Counted, Passing>;

  std::vector<State> beginnings() const { return {State{}}; }
  std::vector<std::size_t> groups(const State&) const {
    return {actions, figures.size(), passings.size() * figures.size()};
  }
  Input input(const State&, std::size_t group, std::size_t n) const {
    if (group == 0) return BreakerCommand{static_cast<BreakerAction>(n), "ops", "why", "request:1"};
    if (group == 1) return Counted{figures[n]};
    return Passing{passings[n / figures.size()], figures[n % figures.size()]};
  }
  std::size_t stride(std::size_t) const { return 1; }
  std::string words(const Input& input) const {
    if (const auto* command = std::get_if<BreakerCommand>(&input))
      return "command " + std::string(name_of(command->action));
    if (const auto* counted = std::get_if<Counted>(&input))
      return "counted: " + words_of(TripCause::failures, counted->figures) + ", " +
             words_of(TripCause::slow_calls, counted->figures);
    return "time passes by " + std::to_string(std::get<Passing>(input).by_us / us_per_s) + " s";
  }

  WalkStep<State> take(State state, const Input& input) const {
    if (const auto* command = std::get_if<BreakerCommand>(&input)) {
      const BreakerDecision decision = decide(state.breaker, "a", *command);
      const auto* event = std::get_if<BreakerEvent>(&decision);
      return event ? record(state, *event) : WalkStep<State>{};
    }
    if (const auto* counted = std::get_if<Counted>(&input)) {
      const auto event = decide_outcome(state.breaker, "a", config, counted->figures, state.now_us);
      return event ? record(state, *event) : WalkStep<State>{};
    }
    const auto& passing = std::get<Passing>(input);
    const UnixUs due_us = due_at_us(state.breaker, config);
    state.now_us = passing.by_us == 0 && due_us != 0 ? due_us : state.now_us + passing.by_us;
    const auto event = decide_due(state.breaker, "a", config, passing.figures, state.now_us);
    return event ? record(state, *event) : WalkStep<State>{std::move(state), ""};
  }

  std::string judge(const State& state) const {
    const bool ends_by_itself = state.breaker.state == BreakerState::open ||
                                state.breaker.state == BreakerState::recovering;
    if (ends_by_itself == (due_at_us(state.breaker, config) == 0))
      return "it is woken where nothing ends by itself, or not where it should";
    return {};
  }

  std::optional<std::string> likeness(const State& state) const {
    const Breaker& b = state.breaker;
    const UnixUs due_us = due_at_us(b, config);
    std::string words(name_of(b.state));
    words += " trips " + std::to_string(std::min(b.trips, most_trips));
    words += state.now_us < b.since_us ? " before" : state.now_us == b.since_us ? " at" : " after";
    return words + (due_us != 0 && due_us <= state.now_us ? " due" : "");
  }

 private:
  // As the actor writes it: what is recorded is never older than what stands.
  static WalkStep<State> record(State state, const BreakerEvent& event) {
    std::string problem;
    const auto before = name_of(state.breaker.state);
    if (apply(state.breaker, event, std::max(state.now_us, state.breaker.since_us), &problem))
      return {std::move(state), ""};
    return {{},
            std::string(before) + " decided " + std::string(name_of(kind_of(event))) +
                " and does not take it: " + problem};
  }

  static constexpr int most_trips = 12;
  static constexpr std::size_t actions = 3;
  const BreakerConfig config{};
  const std::vector<BreakerFigures> figures = {
      {0, 0, 0},   {1, 1, 0},   {5, 0, 0},
      {5, 5, 5},   {5, 1, 4},   {20, 10, 0},
      {20, 0, 20}, {100, 0, 0}, {2'000'000'000, 1'000'000'000, 0}};
  const std::vector<UnixUs> passings = {0, us_per_s, 3'600 * us_per_s, -3'600 * us_per_s,
                                        -us_per_s};
};

}  // namespace welkin
