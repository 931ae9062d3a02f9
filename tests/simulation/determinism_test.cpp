// A seed is a run: the same one ends with the same event, and what is told about it changes
// nothing.
#include <catch2/catch.hpp>
#include <set>

#include "tests/simulation/simulation.hpp"

using namespace welkin::simulation;

TEST_CASE("two runs of one seed write the same journal, byte for byte") {
  std::set<std::string> digests;
  constexpr std::uint64_t seeds = 20;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    CAPTURE(seed);
    Scenario scenario;
    scenario.seed = seed;
    const RunResult first = run(scenario);
    scenario.with_chronicle = true;
    const RunResult second = run(scenario);
    CHECK(first.digest == second.digest);
    CHECK(first.last_event == second.last_event);
    CHECK(first.steps == second.steps);
    CHECK(first.faults_injected == second.faults_injected);
    CHECK(first.chronicle.empty());
    CHECK_FALSE(second.chronicle.empty());
    digests.insert(first.digest);
  }
  CHECK(digests.size() == seeds);
}

TEST_CASE("a failing seed prints the seed, the invariant, the timeline and how to replay it") {
  Scenario scenario;
  scenario.bug = PlantedBug::timeout_is_failure;
  scenario.workload = "shop";
  scenario.faults = "channel";
  RunResult result;
  while (!(result = run(scenario)).violation && scenario.seed < 50) ++scenario.seed;
  REQUIRE(result.violation);
  const std::string report = report_failure(scenario);
  CHECK_THAT(report, Catch::Contains("seed " + std::to_string(scenario.seed)));
  CHECK_THAT(report, Catch::Contains("broken: " + result.violation->invariant));
  CHECK_THAT(report, Catch::Contains("state after") && Catch::Contains("payment_created"));
  CHECK_THAT(report, Catch::Contains("replay: ./dev sim --seed " + std::to_string(scenario.seed) +
                                     " --workload shop --faults channel --bug timeout_is_failure"));
}
