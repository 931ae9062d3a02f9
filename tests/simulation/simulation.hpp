// One run: a world, a workload and faults, brought together by a seed. Everything that happens
// follows from the scenario, so that the same scenario ends with the same event.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/simulation/faulty_store.hpp"
#include "tests/simulation/invariants.hpp"
#include "tests/simulation/planted_bugs.hpp"
#include "tests/simulation/stage.hpp"
#include "tests/simulation/workloads.hpp"
#include "tests/simulation/worlds.hpp"

namespace welkin::simulation {

// The systematic way: one store operation fails, or the node dies at one step.
struct Surgery {
  std::uint64_t store_operation = 0;  // 0: none
  StoreFailure failure = StoreFailure::none;
  UnixUs lasting_us = 0;
  std::uint64_t crash_at_step = 0;  // 0: none
};

struct Scenario {
  std::uint64_t seed = 1;
  // Empty or 0: drawn from the seed.
  std::string world;
  std::string workload;
  std::string faults;
  std::size_t orders = 0;
  Surgery surgery;
  PlantedBug bug = PlantedBug::none;
  bool with_chronicle = false;
};

struct RunResult {
  std::optional<Violation> violation;
  std::string digest;  // over every row, in order
  std::uint64_t events = 0;
  std::uint64_t payments = 0;
  std::uint64_t faults_injected = 0;
  std::array<std::uint64_t, fault_kind_count> injected_by_kind{};
  std::uint64_t starts = 0;  // of the node
  std::map<std::string, std::uint64_t> events_by_type;
  std::uint64_t landed_late = 0;
  std::uint64_t steps = 0;
  std::uint64_t store_operations = 0;
  bool surgery_done = false;
  std::string drawn;       // "world roomy, workload mixed, faults everything, 24 orders, …"
  std::string timeline;    // of the payment that a violation is about
  std::string last_event;  // "position 812: payment_paid of pay_…"
  std::vector<Chronicle::Line> chronicle;
};

RunResult run(const Scenario& scenario);

// What a person needs who gets a failing seed: the run again, told in full.
std::string report_failure(const Scenario& scenario);
// `./dev sim --seed 7 …`
std::string replay_command(const Scenario& scenario);

}  // namespace welkin::simulation
