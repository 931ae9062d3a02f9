// Full payment lives on PostgreSQL, beside the same payment as two SQL transactions with row locks,
// driven by pgbench at 64 clients: on the same server in the same run, once spread over 1,000 stock
// rows and once with every buyer at one of them.
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "bench/bench_support.hpp"
#include "bench/payments_under_load.hpp"
#include "bench/postgres_server.hpp"

namespace welkin::bench {
namespace {

struct Options {
  std::uint64_t payments = 300'000;
  int pgbench_s = 8;  // a turn
};
constexpr int turn_count = 2;
constexpr std::uint64_t in_flight = 1'000;  // as in the payments benchmark
constexpr std::uint64_t clients = 64;
constexpr int stock_rows = 1'000;

double run_pgbench(PostgresServer& server, const std::string& run, int items, int duration_s) {
  server.execute("row_lock", "VACUUM ANALYZE");
  server.execute("row_lock", "CHECKPOINT");
  const std::string log = output_of(
      {server.binary("pgbench"), "--no-vacuum", "--protocol=prepared",
       "--client=" + std::to_string(clients), "--jobs=2", "--time=" + std::to_string(duration_s),
       "--define=run=" + run, "--define=n=0", "--define=items=" + std::to_string(items),
       std::string("--file=") + WELKIN_BENCH_SOURCES + "/row_lock_payment.pgbench",
       "--host=" + server.folder(), "--username=postgres", "row_lock"},
      server.folder() + "/pgbench-" + run + ".log");
  const std::size_t at = log.find("\ntps = ");
  const bool all_well = log.find("number of failed transactions: 0 ") != std::string::npos;
  if (at != std::string::npos && all_well) return std::strtod(log.c_str() + at + 7, nullptr);
  std::fprintf(stderr, "pgbench: %s\n", log.c_str());
  std::exit(1);
}

void make_tables(PostgresServer& server) {
  server.create_database("row_lock");
  std::ifstream in{std::string(WELKIN_BENCH_SOURCES) + "/row_lock_payments.sql"};
  const std::string sql{std::istreambuf_iterator<char>(in), {}};
  server.execute("row_lock", sql);
}

int run(const Options& options) {
  PostgresServer server;
  const auto store = open_or_exit(server.create_database("journal"));
  PaymentsUnderLoad node({}, *store);
  make_tables(server);
  run_pgbench(server, "warm", stock_rows, 2);
  // By turns, so that a minute in which the machine is slow slows both sides.
  std::vector<PaymentsUnderLoad::ClosedLoop> turns;
  double spent_s = 0, spread = 0, hot = 0;
  for (int turn = 0; turn < turn_count; ++turn) {
    const std::string number = std::to_string(turn);
    server.execute("journal", "CHECKPOINT");
    const auto payments = options.payments / turn_count;
    turns.push_back(node.run_closed_loop(payments, in_flight));
    spent_s += static_cast<double>(payments) / turns.back().per_s;
    spread += run_pgbench(server, "spread" + number, stock_rows, options.pgbench_s) / turn_count;
    hot += run_pgbench(server, "hot" + number, 1, options.pgbench_s) / turn_count;
  }
  const double welkin = static_cast<double>(options.payments) / spent_s;
  const auto few = node.run_closed_loop(options.payments / 10, clients);
  Figures figures;
  figures.add("payments_per_s", welkin, "payments/s, 1,000 in flight");
  figures.add("first_per_s", turns.front().first_per_s,
              "payments/s, first fifth of the first turn");
  figures.add("last_per_s", turns.back().last_per_s, "payments/s, last fifth of the last turn");
  figures.add("pgbench_tps", spread, "payments/s, 64 clients, 1,000 stock rows");
  figures.add("pgbench_hot_tps", hot, "payments/s, 64 clients, one stock row");
  figures.add("ratio", welkin / spread, "of pgbench spread");
  figures.add("ratio_hot", welkin / hot, "of pgbench on one row");
  figures.add("payments_per_s_64", few.per_s, "payments/s, 64 in flight");
  figures.print_table(
      "Full payment lives on PostgreSQL, synchronous_commit=on, one server for all");
  figures.print_json();
  return 0;
}

}  // namespace
}  // namespace welkin::bench

int main(int argc, char** argv) {
  welkin::bench::Options options;
  if (argc > 1) options.payments = std::strtoull(argv[1], nullptr, 10);
  if (argc > 2) options.pgbench_s = std::atoi(argv[2]);
  if (options.payments < 50'000 || options.pgbench_s < 1) {
    std::fprintf(stderr, "usage: bench_postgres [payments >= 50000] [seconds of pgbench]\n");
    return 2;
  }
  return welkin::bench::run(options);
}
