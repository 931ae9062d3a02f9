// The systematic way: in one scenario the 1st, 2nd, … n-th store operation fails, in every way and
// form, until a run passes untouched; and the node dies at every single step. Each time the run has
// to recover and every promise to hold.
#include <catch2/catch.hpp>

#include "tests/simulation/simulation.hpp"

using namespace welkin::simulation;
using welkin::us_per_s;

namespace {

Scenario small_scenario() {
  Scenario scenario;
  scenario.seed = 10;
  scenario.world = "roomy";
  scenario.workload = "mixed";
  scenario.faults = "none";
  scenario.orders = 3;
  return scenario;
}

// Runs with one cut after the other until one is not reached. Gives how many there were.
template <class Cut>
std::uint64_t cut_until_untouched(Cut cut) {
  constexpr std::uint64_t most = 20'000;
  for (std::uint64_t n = 1; n <= most; ++n) {
    Scenario scenario = small_scenario();
    scenario.surgery = cut(n);
    const RunResult result = run(scenario);
    if (result.violation)
      FAIL("at operation or step " << n << ", " << name_of(scenario.surgery.failure) << ": "
                                   << result.violation->invariant << ": " << result.violation->what
                                   << "\n"
                                   << result.timeline);
    if (result.surgery_done) continue;
    // Each step of a refund and of a breaker in an operator's hands was cut at.
    for (const char* type : {"payment_refund_succeeded", "breaker_forced_open", "breaker_released"})
      CHECK(result.events_by_type.count(type) > 0);
    return n - 1;
  }
  FAIL("there is no end of it");
  return 0;
}

}  // namespace

TEST_CASE("whichever store operation fails, and however, the node recovers") {
  const auto failure = GENERATE(StoreFailure::fails, StoreFailure::in_doubt_written,
                                StoreFailure::in_doubt_unwritten, StoreFailure::in_doubt_late,
                                StoreFailure::crash_before, StoreFailure::crash_after);
  const auto lasting_us = GENERATE(0, 10 * us_per_s);
  CAPTURE(name_of(failure), lasting_us);
  const std::uint64_t operations = cut_until_untouched([&](std::uint64_t n) {
    Surgery surgery;
    surgery.store_operation = n;
    surgery.failure = failure;
    surgery.lasting_us = lasting_us;
    return surgery;
  });
  CHECK(operations > 20);
}

TEST_CASE("at whichever step the node dies, it recovers from what is durable") {
  const std::uint64_t steps = cut_until_untouched([](std::uint64_t n) {
    Surgery surgery;
    surgery.crash_at_step = n;
    return surgery;
  });
  CHECK(steps > 500);
}
