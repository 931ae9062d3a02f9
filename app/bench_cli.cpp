// `welkin bench`: the benchmarks are programs that are built beside this one; this finds them.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "app/commands.hpp"
#include "app/exit_codes.hpp"

namespace welkin {
namespace {

struct Benchmark {
  std::string_view name;
  std::string_view measures;
};
// Those that drive this program from outside are scripts in the source tree: `./dev bench` alone
// knows them.
constexpr Benchmark benchmarks[] = {
    {"channels", "2,000 calls under way to a channel that takes 300 ms, and what signing costs"},
    {"http", "wrk against the gateway, beside a route that does nothing"},
    {"latency", "one client, one request at a time"},
    {"payments", "full payment lives in process, beside the same rows written by a bare thread"},
    {"postgres", "the same on PostgreSQL, beside row-lock SQL driven by pgbench"},
    {"recovery", "kill -9 and start with a million payments, and the memory it takes"},
    {"sim", "simulated payments, faults included"},
    {"verify", "every hash and transition of a journal, events a second"},
};

constexpr std::string_view how_to_build =
    "./dev bench NAME, in the source tree, builds and runs it";

std::filesystem::path program_of(std::string_view name) {
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  return self.parent_path() / ("bench_" + std::string(name));
}

bool is_there(std::string_view name) { return ::access(program_of(name).c_str(), X_OK) == 0; }

int list_benchmarks() {
  bool any = false;
  for (const Benchmark& benchmark : benchmarks) {
    if (!is_there(benchmark.name)) continue;
    any = true;
    std::cout << benchmark.name << std::string(10 - benchmark.name.size(), ' ')
              << benchmark.measures << '\n';
  }
  if (any) return exit_fine;
  std::cerr << "welkin bench: no benchmark stands beside this program; " << how_to_build << '\n';
  return exit_found_wrong;
}

// Returns only when the benchmark is not there or cannot be started.
int run_benchmark(const std::vector<std::string>& words) {
  const std::string& name = words.front();
  const bool known = std::any_of(std::begin(benchmarks), std::end(benchmarks),
                                 [&](const Benchmark& one) { return one.name == name; });
  if (!known) {
    std::cerr << "welkin bench: there is no benchmark " << name << " here; there are:";
    for (const Benchmark& benchmark : benchmarks) std::cerr << ' ' << benchmark.name;
    std::cerr << "; those that are scripts run by ./dev bench alone\n";
    return exit_usage;
  }
  const std::string program = program_of(name);
  std::vector<char*> arguments{const_cast<char*>(program.c_str())};
  for (std::size_t i = 1; i < words.size(); ++i)
    arguments.push_back(const_cast<char*>(words[i].c_str()));
  arguments.push_back(nullptr);
  ::execv(program.c_str(), arguments.data());
  std::cerr << "welkin bench: " << program << ": " << std::strerror(errno) << "; " << how_to_build
            << '\n';
  return exit_found_wrong;
}

}  // namespace

void add_bench(CLI::App& app, int& exit_code) {
  CLI::App* command =
      app.add_subcommand("bench",
                         "Run a benchmark that was built beside this program\n\n"
                         "  welkin bench                        lists those that are there\n"
                         "  welkin bench NAME [ARGUMENT...]     runs one with its own arguments\n");
  // From the first word on everything is the benchmark's, its options too.
  command->prefix_command();
  command->footer(std::string(how_to_build) + ", and has the ones that are scripts.");
  command->callback([command, &exit_code] {
    const std::vector<std::string> words = command->remaining();
    exit_code = words.empty() ? list_benchmarks() : run_benchmark(words);
  });
}

}  // namespace welkin
