// Random numbers that are the same on every machine and with every standard library: a seed is a
// run. Whoever needs some gets dice of its own by `fork`, so that one part that throws more often
// does not change what the others get.
#pragma once

#include <cstddef>
#include <cstdint>

namespace welkin::simulation {

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed) {}

  Dice fork(std::uint64_t label) { return Dice(next() ^ (label * 0x9e3779b97f4a7c15U)); }

  // SplitMix64: passes the usual test batteries, and its whole state is one word.
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
  }
  // 0 … bound - 1. The bias of the remainder is below one in 2^32 for the bounds used here.
  std::uint64_t below(std::uint64_t bound) { return next() % bound; }
  std::int64_t between(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(high - low + 1)));
  }
  bool percent(int chance) { return below(100) < static_cast<std::uint64_t>(chance); }
  template <class Container>
  auto& pick(Container& from) {
    return from[below(from.size())];
  }

 private:
  std::uint64_t state_;
};

}  // namespace welkin::simulation
