// `./dev sim`: runs seeds on all cores, and tells of the first that breaks an invariant all that a
// person needs to find out why.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <ctime>
#include <iostream>
#include <string>

#include "tests/simulation/many_seeds.hpp"

namespace {

using namespace welkin::simulation;

struct Options {
  Scenario scenario;
  std::uint64_t seeds = 200;
  std::string bug = "none";
  unsigned threads = 0;
  bool one_seed = false;
};

int run_one(const Scenario& scenario) {
  const RunResult result = run(scenario);
  std::printf("seed %llu: %s\n%llu payments, %llu events, %llu faults injected, %llu starts\n",
              static_cast<unsigned long long>(scenario.seed), result.drawn.c_str(),
              static_cast<unsigned long long>(result.payments),
              static_cast<unsigned long long>(result.events),
              static_cast<unsigned long long>(result.faults_injected),
              static_cast<unsigned long long>(result.starts));
  std::printf("last event: %s\ndigest of the journal: %s\n", result.last_event.c_str(),
              result.digest.c_str());
  if (!result.violation) return 0;
  std::printf("\n%s", report_failure(scenario).c_str());
  return 1;
}

int run_many(const Options& options) {
  std::printf("seeds %llu to %llu\n", static_cast<unsigned long long>(options.scenario.seed),
              static_cast<unsigned long long>(options.scenario.seed + options.seeds - 1));
  std::fflush(stdout);
  const Tally tally = run_seeds(options.scenario, options.seeds, options.threads);
  std::printf(
      "%llu seeds, %llu payments, %llu events, %llu faults injected, %llu starts of a node, "
      "%llu breaker trips, %.0f "
      "payments/s a core\n",
      static_cast<unsigned long long>(tally.seeds), static_cast<unsigned long long>(tally.payments),
      static_cast<unsigned long long>(tally.events),
      static_cast<unsigned long long>(tally.faults_injected),
      static_cast<unsigned long long>(tally.starts),
      static_cast<unsigned long long>(
          tally.events_of(welkin::name_of(welkin::BreakerEventKind::opened))),
      tally.payments_per_core_s());
  if (!tally.failed) return 0;
  std::printf("\n%s", report_failure(*tally.failed).c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  options.scenario.seed = static_cast<std::uint64_t>(std::time(nullptr));
  CLI::App app("Runs the runtime in a hostile simulated world, replayable from a seed",
               "./dev sim");
  auto* seed = app.add_option("--seed", options.scenario.seed, "Replay this one seed");
  auto* from = app.add_option("--from", options.scenario.seed, "First of many seeds (the time)");
  app.add_option("--seeds", options.seeds, "How many")->capture_default_str();
  app.add_option("--world", options.scenario.world, "roomy, forgetful or narrow");
  app.add_option("--workload", options.scenario.workload,
                 "mixed, shop, returns, authorizations or hasty");
  app.add_option("--faults", options.scenario.faults,
                 "everything, store, crashes, channel or none");
  app.add_option("--orders", options.scenario.orders, "Orders a run");
  app.add_option("--threads", options.threads, "How many runs at a time (the cores)");
  app.add_option("--bug", options.bug,
                 "Plant a deliberate bug: see tests/simulation/planted_bugs.hpp");
  seed->excludes(from);
  CLI11_PARSE(app, argc, argv);
  const auto bug = parse_planted_bug(options.bug);
  if (!bug) {
    std::cerr << "there is no bug " << options.bug << "\n";
    return 2;
  }
  options.scenario.bug = *bug;
  try {
    return *seed ? run_one(options.scenario) : run_many(options);
  } catch (const std::exception& error) {
    std::cerr << "./dev sim: " << error.what() << "\n";
    return 2;
  }
}
