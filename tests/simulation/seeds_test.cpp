// The fixed seeds that every change has to pass, and the proof that they are worth passing: every
// fault struck in them, every event happened, and nodes died and started.
#include <catch2/catch.hpp>

#include "tests/simulation/many_seeds.hpp"

using namespace welkin::simulation;

TEST_CASE("whatever breaks, every promise holds and service resumes") {
  constexpr std::uint64_t seeds = 600;
  Scenario scenario;
  scenario.seed = 1;
  const Tally tally = run_seeds(scenario, seeds, 2);
  if (tally.failed) FAIL(report_failure(*tally.failed));
  CHECK(tally.seeds == seeds);
  for (const FaultSpec& fault : all_faults()) {
    CAPTURE(fault.name);
    CHECK(tally.injected_by_kind[static_cast<std::size_t>(fault.kind)] > 0);
  }
  // Every kind of event there is went through the journal and was replayed.
  for (std::size_t kind = 0; kind < welkin::payment_event_kind_count; ++kind) {
    const auto name = name_of(static_cast<welkin::PaymentEventKind>(kind));
    CAPTURE(name);
    CHECK(tally.events_of(name) > 0);
  }
  for (std::size_t kind = 0; kind < welkin::breaker_event_kind_count; ++kind) {
    const auto name = name_of(static_cast<welkin::BreakerEventKind>(kind));
    CAPTURE(name);
    CHECK(tally.events_of(name) > 0);
  }
  CHECK(tally.starts > 2 * seeds);
  CHECK(tally.landed_late > 0);
  CHECK(tally.payments > 10 * seeds);
}

TEST_CASE("a world without faults is one in which nothing goes wrong") {
  Scenario scenario;
  scenario.seed = 1;
  scenario.faults = "none";
  const Tally tally = run_seeds(scenario, 20, 2);
  if (tally.failed) FAIL(report_failure(*tally.failed));
  CHECK(tally.faults_injected == 0);
  CHECK(tally.starts == 2 * tally.seeds);  // once, and once more at the end
}
