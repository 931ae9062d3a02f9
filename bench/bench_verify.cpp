// `welkin journal verify`, the program itself, over a journal of paid and open payments: events a
// second from its start to its end, the median of three runs.
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "bench/bench_support.hpp"
#include "bench/journal_builder.hpp"

namespace welkin::bench {
namespace {

constexpr int runs = 3;

struct Verified {
  double seconds = 0;
  std::string answer;
};

Verified verify(const std::string& url) {
  const std::string command = welkin_program() + " journal verify --json --db " + url;
  const auto start = Clock::now();
  FILE* output = popen(command.c_str(), "r");
  std::array<char, 4'096> line{};
  Verified verified;
  while (output && std::fgets(line.data(), line.size(), output)) verified.answer += line.data();
  const int status = output ? pclose(output) : -1;
  verified.seconds = seconds_since(start);
  if (status == 0) return verified;
  std::fprintf(stderr, "%s ended with %d: %s\n", command.c_str(), WEXITSTATUS(status),
               verified.answer.c_str());
  std::exit(1);
}

int run(std::uint64_t payments) {
  const ScratchFolder folder;
  const std::string url = "sqlite:" + folder.path() + "/journal";
  JournalPlan plan;
  plan.payments = payments;
  plan.open_payments = payments / 10;
  plan.end_us = 1'800'000'000 * us_per_s;
  const BuiltJournal built = build_journal(*open_or_exit(url), plan);
  std::vector<float> seconds;
  for (int i = 0; i < runs; ++i) {
    const Verified verified = verify(url);
    // A run that checked less than everything is no run.
    if (verified.answer.find("\"events\":" + std::to_string(built.events)) == std::string::npos) {
      std::fprintf(stderr, "not all %llu events were checked: %s\n",
                   static_cast<unsigned long long>(built.events), verified.answer.c_str());
      return 1;
    }
    seconds.push_back(static_cast<float>(verified.seconds));
  }
  const double events = static_cast<double>(built.events);
  Figures figures;
  figures.add("events_per_s", events / percentile(seconds, 0.5), "events/s, process start to end");
  figures.add("slowest_events_per_s", events / percentile(seconds, 1), "events/s");
  figures.add("events", events, "in the journal");
  figures.add("payments", static_cast<double>(payments), "");
  figures.print_table("welkin journal verify: every hash, payload and transition, SQLite");
  figures.print_json();
  return 0;
}

}  // namespace
}  // namespace welkin::bench

int main(int argc, char** argv) {
  const std::uint64_t payments = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 500'000;
  if (payments < 1'000) {
    std::fprintf(stderr, "usage: bench_verify [payments >= 1000]\n");
    return 2;
  }
  return welkin::bench::run(payments);
}
