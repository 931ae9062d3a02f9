// How much simulated life a core gives: seeds with everything breaking, on every core at once.
#include <cstdio>
#include <cstdlib>

#include "bench/bench_support.hpp"
#include "tests/simulation/many_seeds.hpp"

int main(int argc, char** argv) {
  using namespace welkin;
  const int seeds = argc > 1 ? std::atoi(argv[1]) : 2'000;
  if (seeds < 10) {
    std::fprintf(stderr, "usage: bench_sim [seeds >= 10]\n");
    return 2;
  }
  simulation::Scenario scenario;
  scenario.faults = "everything";
  const simulation::Tally tally =
      simulation::run_seeds(scenario, static_cast<std::uint64_t>(seeds), 0);
  if (tally.failed) {
    std::fprintf(stderr, "%s", simulation::report_failure(*tally.failed).c_str());
    return 1;
  }
  bench::Figures figures;
  figures.add("payments_per_core_s", tally.payments_per_core_s(), "payments/s on one core");
  figures.add("seeds_per_s", static_cast<double>(tally.seeds) / tally.seconds,
              "seeds/s, all cores");
  figures.add("faults_injected", static_cast<double>(tally.faults_injected), "");
  figures.add("payments", static_cast<double>(tally.payments), "");
  figures.add("events", static_cast<double>(tally.events), "");
  figures.add("node_starts", static_cast<double>(tally.starts), "");
  figures.add("cores", tally.threads, "");
  figures.print_table("Simulated payments, every kind of fault included");
  figures.print_json();
  return 0;
}
