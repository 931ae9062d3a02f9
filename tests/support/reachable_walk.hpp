// Walks what an entity can come to and holds its rules to one promise: what they decide, they also
// take. By breadth, each likeness of a state once, with everything that may come to it; and along
// long random lives.
//
// A kind of entity describes itself by:
//   State                      the entity, and the clock it lives under
//   Input                      one thing that may come to it
//   beginnings()               where lives begin
//   groups(state)              how many inputs there are, group by group
//   input(state, group, n)     the n-th of a group
//   stride(group)              the walk by breadth tries each so-manieth of the group in one state,
//                              and in the next state others
//   words(input)               for a person
//   take(state, input)         lets it come: what it leads to, or what contradicts
//   judge(state)               what is wrong with the state itself, or nothing
//   likeness(state)            states of one likeness are walked on from once; nothing: it lies
//                              beyond the bounds, and is judged but not walked on from
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

namespace welkin {

// Neither a state nor a contradiction: nothing is recorded, and all stays as it is.
template <class State>
struct WalkStep {
  std::optional<State> next;
  std::string wrong;
};

struct WalkResult {
  std::size_t states = 0;  // that were walked on from
  std::size_t inputs = 0;
  bool whole = true;  // no state was left out for want of room
  // What contradicts, with the way there; the first few.
  std::vector<std::string> contradictions;
};

constexpr std::size_t max_contradictions_kept = 12;

template <class Kind>
WalkResult walk_by_breadth(const Kind& kind, std::size_t max_states) {
  struct Place {
    typename Kind::State state;
    std::size_t from;  // the place before it; its own number where a life begins
    std::string by;
  };
  std::vector<Place> places;
  std::unordered_set<std::string> seen;
  std::unordered_set<std::string> told;
  WalkResult result;
  const auto way_to = [&places](std::size_t place) {
    std::string way;
    for (; places[place].from != place; place = places[place].from)
      way = "\n  " + places[place].by + way;
    return way;
  };
  const auto tell = [&](const std::string& what, std::size_t place, const std::string& by) {
    if (!told.insert(what).second || told.size() > max_contradictions_kept) return;
    result.contradictions.push_back(what + ", after" + way_to(place) + "\n  " + by);
  };
  for (auto& state : kind.beginnings()) {
    const std::string wrong = kind.judge(state);
    const std::size_t number = places.size();
    seen.insert(kind.likeness(state).value_or(""));
    places.push_back({std::move(state), number, ""});
    if (!wrong.empty()) tell(wrong, number, "nothing");
  }
  for (std::size_t place = 0; place < places.size(); ++place) {
    ++result.states;
    const std::vector<std::size_t> groups = kind.groups(places[place].state);
    for (std::size_t group = 0; group < groups.size(); ++group) {
      const std::size_t stride = kind.stride(group);
      for (std::size_t n = place % stride; n < groups[group]; n += stride) {
        ++result.inputs;
        const auto input = kind.input(places[place].state, group, n);
        auto step = kind.take(places[place].state, input);
        if (!step.wrong.empty()) tell(step.wrong, place, kind.words(input));
        if (!step.wrong.empty() || !step.next) continue;
        const std::optional<std::string> likeness = kind.likeness(*step.next);
        if (likeness && !seen.insert(*likeness).second) continue;
        const std::string wrong = kind.judge(*step.next);
        if (!wrong.empty()) tell(wrong, place, kind.words(input));
        if (!likeness || !wrong.empty()) continue;
        if (places.size() < max_states)
          places.push_back({std::move(*step.next), place, kind.words(input)});
        else
          result.whole = false;
      }
    }
  }
  return result;
}

// One life of at most `steps` inputs; every group is as likely as another. Says what contradicts
// and after what, or nothing.
template <class Kind>
std::string walk_at_random(const Kind& kind, std::uint64_t seed, int steps) {
  std::mt19937_64 random(seed);
  const auto pick = [&random](std::size_t bound) { return random() % bound; };
  auto beginnings = kind.beginnings();
  auto state = std::move(beginnings[pick(beginnings.size())]);
  std::string way;
  for (int step = 0; step < steps; ++step) {
    const std::vector<std::size_t> groups = kind.groups(state);
    const std::size_t group = pick(groups.size());
    if (groups[group] == 0) continue;
    const auto input = kind.input(state, group, pick(groups[group]));
    way += "\n  " + kind.words(input);
    auto taken = kind.take(state, input);
    if (taken.next) state = std::move(*taken.next);
    const std::string wrong = taken.wrong.empty() ? kind.judge(state) : taken.wrong;
    if (!wrong.empty()) return wrong + ", after" + way;
  }
  return {};
}

}  // namespace welkin
