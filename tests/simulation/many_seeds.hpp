// Seeds side by side, a thread a core: runs share nothing.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "tests/simulation/simulation.hpp"

namespace welkin::simulation {

struct Tally {
  std::uint64_t seeds = 0;
  std::uint64_t payments = 0;
  std::uint64_t events = 0;
  std::uint64_t faults_injected = 0;
  std::array<std::uint64_t, fault_kind_count> injected_by_kind{};
  std::uint64_t starts = 0;
  std::map<std::string, std::uint64_t> events_by_type;
  std::uint64_t landed_late = 0;
  double seconds = 0;
  unsigned threads = 1;
  std::optional<Scenario> failed;  // the lowest seed of those that broke something

  std::uint64_t events_of(std::string_view type) const {
    const auto found = events_by_type.find(std::string(type));
    return found == events_by_type.end() ? 0 : found->second;
  }
  double payments_per_core_s() const {
    return static_cast<double>(payments) / (seconds * static_cast<double>(threads));
  }
};

// Runs `count` seeds from the scenario's on, and stops early when one fails. `threads` 0: the
// cores.
Tally run_seeds(const Scenario& scenario, std::uint64_t count, unsigned threads);

}  // namespace welkin::simulation
