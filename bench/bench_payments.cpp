// Full payment lives on the embedded journal, first as fast as they go, then at a steady rate;
// beside them the same rows written by one bare thread.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "bench/bench_support.hpp"
#include "bench/payments_under_load.hpp"
#include "bench/raw_limit.hpp"
#include "bench/turns_of_a_life.hpp"

namespace welkin::bench {
namespace {

struct Options {
  std::uint64_t payments = 1'000'000;
  std::uint64_t in_flight = 1'000;
  std::uint64_t steady_per_s = 12'000;
  std::uint64_t steady_s = 20;
};

int run(const Options& options) {
  Figures figures;
  PaymentsUnderLoad::ClosedLoop closed{};
  PaymentsUnderLoad::OpenLoop open{};
  double events_per_payment = 0;
  {
    const ScratchFolder folder;
    const auto store = open_or_exit("sqlite:" + folder.path() + "/journal");
    RuntimeConfig config;
    if (const char* policy = std::getenv("WELKIN_BENCH_POLICY")) config.scheduler_policy = policy;
    PaymentsUnderLoad node(config, *store);
    closed = node.run_closed_loop(options.payments, options.in_flight);
    const auto stats = store->stats();
    if (const auto* good = std::get_if<StoreStats>(&stats))
      events_per_payment =
          static_cast<double>(good->events) / static_cast<double>(options.payments);
    open = node.run_open_loop(options.steady_per_s, options.steady_s);
  }
  const double raw = raw_payments_per_s(options.payments, 300);
  figures.add("payments_per_s", closed.per_s, "payments/s");
  figures.add("first_per_s", closed.first_per_s, "payments/s, first fifth");
  figures.add("last_per_s", closed.last_per_s, "payments/s, last fifth");
  figures.add("raw_limit_payments_per_s", raw, "payments/s, rows by one bare thread");
  figures.add("ratio", closed.per_s / raw, "of the raw limit");
  figures.add("events_per_payment", events_per_payment, "");
  const TurnsOfALife turns = turns_of_a_life(1'000);
  figures.add("messages_per_payment", turns.messages, "of all actors, each a turn of its own");
  figures.add("activations_per_payment", turns.own, "of the payment's own actor");
  figures.add("open_loop_p50_ms", open.p50_ms, "ms, due to paid");
  figures.add("open_loop_p99_ms", open.p99_ms, "ms, due to paid");
  figures.add("open_loop_per_s", open.per_s, "payments/s");
  figures.print_table("Full payment lives, fsync before every answer, " +
                      std::to_string(options.in_flight) + " in flight");
  figures.print_json();
  return 0;
}

}  // namespace
}  // namespace welkin::bench

int main(int argc, char** argv) {
  welkin::bench::Options options;
  if (argc > 1) options.payments = std::strtoull(argv[1], nullptr, 10);
  if (argc > 2) options.steady_s = std::strtoull(argv[2], nullptr, 10);
  if (options.payments < 10 * options.in_flight || options.steady_s < 1) {
    std::fprintf(stderr, "usage: bench_payments [payments >= 10000] [steady seconds >= 1]\n");
    return 2;
  }
  return welkin::bench::run(options);
}
