// The simulation finds what it is there to find: each deliberate bug is caught within a bounded
// number of seeds, and by the promise that it breaks.
#include <catch2/catch.hpp>
#include <map>

#include "tests/simulation/simulation.hpp"

using namespace welkin::simulation;

namespace {

constexpr std::uint64_t most_seeds = 60;

struct Caught {
  std::uint64_t first_seed = 0;
  std::uint64_t expected_seed = 0;
  std::map<std::string, int> by_invariant;
};

// Runs seeds until the expected promise is broken.
Caught hunt(PlantedBug bug, const std::string& expected) {
  Caught caught;
  for (std::uint64_t seed = 1; seed <= most_seeds && caught.expected_seed == 0; ++seed) {
    Scenario scenario;
    scenario.seed = seed;
    scenario.bug = bug;
    const RunResult result = run(scenario);
    if (!result.violation) continue;
    if (caught.first_seed == 0) caught.first_seed = seed;
    ++caught.by_invariant[result.violation->invariant];
    if (result.violation->invariant == expected) caught.expected_seed = seed;
  }
  return caught;
}

}  // namespace

TEST_CASE("each deliberate bug is caught within a bounded number of seeds, by what it breaks") {
  const std::map<PlantedBug, std::string> breaks = {
      {PlantedBug::reply_before_commit, "acknowledged_is_durable"},
      {PlantedBug::timeout_is_failure, "unknown_is_not_failed"},
      {PlantedBug::amount_not_checked, "lies_are_refused"},
      {PlantedBug::timers_forgotten, "every_payment_ends"},
      {PlantedBug::callbacks_not_deduplicated, "books_agree"},
      {PlantedBug::fallback_after_timeout, "no_fallback_after_doubt"},
      {PlantedBug::refusals_trip_breaker, "trips_have_cause"},
      {PlantedBug::half_open_lets_all_through, "few_probes"},
      {PlantedBug::breakers_forgotten, "breakers_survive"},
      {PlantedBug::breaker_changes_unwritten, "orders_are_durable"},
      {PlantedBug::calls_behind_breaker, "forced_open_refuses"},
      {PlantedBug::payer_forgotten, "calls_say_what_was_ordered"},
      {PlantedBug::second_charge_unseen, "one_effective_charge"},
      {PlantedBug::reversals_ignored, "books_agree"},
      {PlantedBug::desk_refunds_ignored, "books_agree"},
  };
  REQUIRE(breaks.size() == planted_bugs().size());
  for (const auto& [bug, expected] : breaks) {
    CAPTURE(name_of(bug), expected);
    const Caught caught = hunt(bug, expected);
    CAPTURE(caught.by_invariant);
    CHECK(caught.first_seed > 0);
    CHECK(caught.expected_seed > 0);
    WARN(name_of(bug) << " is caught by seed " << caught.first_seed << ", by " << expected
                      << " at seed " << caught.expected_seed);
  }
}
