// wrk against the gateway: creates at 64 connections, a do-nothing POST of the same server beside
// it, and 1,000 connections held for 30 s. An answer other than 2xx counts as an error.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "bench/bench_support.hpp"
#include "bench/gateway_under_load.hpp"

namespace welkin::bench {
namespace {

struct Load {
  double per_s = 0, p50_ms = 0, p99_ms = 0, errors = 0;
};

// Runs wrk and reads the line its script prints.
Load run_wrk(const std::string& script, const std::string& url, int connections, int duration_s,
             const std::string& argument = "") {
  const std::string command = "wrk -t2 -c" + std::to_string(connections) + " -d" +
                              std::to_string(duration_s) + "s --timeout 10s -s " +
                              WELKIN_BENCH_SOURCES + "/" + script + " " + url + " -- " + argument;
  const std::unique_ptr<FILE, int (*)(FILE*)> output(popen(command.c_str(), "r"), &pclose);
  Load load;
  bool found = false;
  std::array<char, 512> line{};
  while (output && std::fgets(line.data(), line.size(), output.get()))
    found = found || std::sscanf(line.data(), "RESULT %lf %lf %lf %lf", &load.per_s, &load.p50_ms,
                                 &load.p99_ms, &load.errors) == 4;
  if (found) return load;
  std::fprintf(stderr, "wrk did not run: %s\n", command.c_str());
  std::exit(1);
}

int run(int duration_s, int held_s) {
  const GatewayUnderLoad node;
  const std::string creates = node.url() + "/v1/payments";
  run_wrk("create_payments.lua", creates, 64, 2, "warm");
  const Load hello = run_wrk("noop.lua", node.url() + "/bench/noop", 64, duration_s);
  const Load create = run_wrk("create_payments.lua", creates, 64, duration_s, "run");
  const Load held = run_wrk("create_payments.lua", creates, 1'000, held_s, "held");
  Figures figures;
  figures.add("creates_per_s", create.per_s, "POST /v1/payments a second, 64 connections");
  figures.add("hello_per_s", hello.per_s, "do-nothing POST a second, 64 connections");
  figures.add("ratio", create.per_s / hello.per_s, "");
  figures.add("p50_ms", create.p50_ms, "ms");
  figures.add("p99_ms", create.p99_ms, "ms");
  figures.add("errors", create.errors, "not 2xx or broken, at 64 connections");
  figures.add("creates_per_s_1000c", held.per_s, "at 1,000 connections");
  figures.add("p99_ms_1000c", held.p99_ms, "ms");
  figures.add("errors_1000c", held.errors, "not 2xx or broken, at 1,000 connections");
  figures.print_table("HTTP creates, fsync before every answer, wrk on the same machine");
  figures.print_json();
  return 0;
}

}  // namespace
}  // namespace welkin::bench

int main(int argc, char** argv) {
  const int duration_s = argc > 1 ? std::atoi(argv[1]) : 15;
  const int held_s = argc > 2 ? std::atoi(argv[2]) : 30;
  if (duration_s < 1 || held_s < 1) {
    std::fprintf(stderr, "usage: bench_http [seconds] [seconds with 1,000 connections]\n");
    return 2;
  }
  return welkin::bench::run(duration_s, held_s);
}
