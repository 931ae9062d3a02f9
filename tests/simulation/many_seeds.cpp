#include "tests/simulation/many_seeds.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace welkin::simulation {
namespace {

void add(Tally& tally, const Scenario& scenario, const RunResult& result) {
  ++tally.seeds;
  tally.payments += result.payments;
  tally.events += result.events;
  tally.faults_injected += result.faults_injected;
  for (std::size_t i = 0; i < fault_kind_count; ++i)
    tally.injected_by_kind[i] += result.injected_by_kind[i];
  tally.starts += result.starts;
  for (const auto& [type, count] : result.events_by_type) tally.events_by_type[type] += count;
  tally.landed_late += result.landed_late;
  if (result.violation && (!tally.failed || scenario.seed < tally.failed->seed))
    tally.failed = scenario;
}

}  // namespace

Tally run_seeds(const Scenario& scenario, std::uint64_t count, unsigned threads) {
  if (threads == 0) threads = std::max(1U, std::thread::hardware_concurrency());
  Tally tally;
  tally.threads = threads;
  std::mutex mutex;  // guards tally and thrown
  std::exception_ptr thrown;
  std::atomic<std::uint64_t> next{0};
  std::atomic<bool> stop{false};
  const auto start = std::chrono::steady_clock::now();
  const auto work = [&] {
    for (;;) {
      const std::uint64_t index = next.fetch_add(1);
      if (index >= count || stop) return;
      Scenario one = scenario;
      one.seed += index;
      try {
        const RunResult result = run(one);
        const std::lock_guard<std::mutex> lock(mutex);
        add(tally, one, result);
        if (result.violation) stop = true;
      } catch (...) {
        const std::lock_guard<std::mutex> lock(mutex);
        thrown = std::current_exception();
        stop = true;
      }
    }
  };
  std::vector<std::thread> workers;
  for (unsigned i = 0; i < threads; ++i) workers.emplace_back(work);
  for (std::thread& worker : workers) worker.join();
  if (thrown) std::rethrow_exception(thrown);
  tally.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return tally;
}

}  // namespace welkin::simulation
