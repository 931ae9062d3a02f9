// How soon a killed node serves again, and what it holds in memory when nothing is asked of it: a
// journal of many payments, part of them open with their timers, `welkin serve` and `welkin
// sandbox` as processes of their own, kill -9 of the node under load, and the same start again.
#include <httplib.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "bench/bench_support.hpp"
#include "bench/child_process.hpp"
#include "bench/journal_builder.hpp"
#include "bench/workload.hpp"

namespace welkin::bench {
namespace {

constexpr auto poll_interval = std::chrono::milliseconds(5);
constexpr std::chrono::seconds patience{120};
constexpr int passivate_after_ms = 2'000;
// How long the allocator keeps pages that are free before it gives them back.
constexpr std::chrono::seconds allocator_decay{12};
constexpr const char* api_key = "bench-only-key";

struct Options {
  std::uint64_t payments = 1'000'000;
  std::uint64_t open_payments = 100'000;
  std::uint64_t touched = 100'000;
  int load_s = 5;
};

void exit_with(const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  std::exit(1);
}

UnixUs now_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// The port after "http://127.0.0.1:" in a server's log, once it stands there.
int wait_for_port(ChildProcess& server) {
  const std::string before = "http://127.0.0.1:";
  for (const auto deadline = Clock::now() + patience; Clock::now() < deadline;) {
    const std::string log = server.log();
    const std::size_t at = log.rfind(before);
    if (at != std::string::npos && log.find('\n', at) != std::string::npos)
      return std::atoi(log.c_str() + at + before.size());
    if (!server.runs()) break;
    std::this_thread::sleep_for(poll_interval);
  }
  exit_with("a server did not start: " + server.log());
  return 0;
}

std::uint64_t resident_kib(pid_t pid) {
  std::ifstream status{"/proc/" + std::to_string(pid) + "/status"};
  for (std::string line; std::getline(status, line);)
    if (line.rfind("VmRSS:", 0) == 0) return std::strtoull(line.c_str() + 6, nullptr, 10);
  return 0;
}

double mib_of_folder(const std::string& path) {
  std::uintmax_t bytes = 0;
  for (const auto& entry : std::filesystem::directory_iterator{path}) bytes += entry.file_size();
  return static_cast<double>(bytes) / (1'024 * 1'024);
}

// A node's process, and how long it took to serve.
class Node {
 public:
  Node(const std::string& folder, int number)
      : started_(Clock::now()),
        process_({welkin_program(), "serve", "--config", folder + "/welkin.toml"},
                 folder + "/serve-" + std::to_string(number) + ".log"),
        port_(wait_for_port(process_)) {
    httplib::Client client("127.0.0.1", port_);
    client.set_bearer_token_auth(api_key);
    wait("ready", [&] {
      const auto answer = client.Get("/readyz");
      return answer && answer->status == 200;
    });
    wait("able to take a payment", [&] {
      const auto answer =
          client.Post("/v1/payments",
                      R"({"merchant_order_no":"after-start-)" + std::to_string(number) +
                          R"(","amount":1000,"currency":"CNY","channel":"sandbox",)"
                          R"("subject":"Green tea, 250 g"})",
                      "application/json");
      return answer && answer->status == 201;
    });
    ready_s_ = seconds_since(started_);
  }

  double ready_s() const { return ready_s_; }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  double resident_mib() const { return static_cast<double>(resident_kib(process_.pid())) / 1'024; }

  double metric(const std::string& name) const {
    httplib::Client client("127.0.0.1", port_);
    const auto answer = client.Get("/metrics");
    const std::size_t at = answer ? answer->body.find("\n" + name + " ") : std::string::npos;
    return at == std::string::npos
               ? -1
               : std::strtod(answer->body.c_str() + at + name.size() + 2, nullptr);
  }

  void wait(const char* what, const std::function<bool()>& is_so) {
    for (const auto deadline = Clock::now() + patience; Clock::now() < deadline;) {
      if (is_so()) return;
      if (!process_.runs()) break;
      std::this_thread::sleep_for(poll_interval);
    }
    exit_with(std::string("the node is not ") + what + ": " + process_.log());
  }

  void kill() {
    process_.signal(SIGKILL);
    process_.wait();
  }

 private:
  Clock::time_point started_;
  ChildProcess process_;
  int port_;
  double ready_s_ = 0;
};

void write_config(const std::string& folder, int sandbox_port) {
  std::ofstream{folder + "/welkin.toml"}
      << "allow_plain_test_keys = true\n[store]\nurl = \"sqlite:" << folder << "/journal\"\n"
      << "[http]\nport = 0\n[runtime]\npassivate_after_ms = " << passivate_after_ms << "\n"
      << "[log]\nlevel = \"info\"\n[[merchant]]\nid = \"m_bench\"\napi_key = \"" << api_key
      << "\"\n"
      << "[channel.sandbox]\nbase_url = \"http://127.0.0.1:" << sandbox_port << "\"\n"
      << "secret = \"bench-only-secret\"\n";
}

// wrk at 64 connections.
std::unique_ptr<ChildProcess> start_load(const Node& node, const std::string& folder,
                                         const std::string& script, const std::string& argument,
                                         int duration_s) {
  return std::make_unique<ChildProcess>(
      std::vector<std::string>{"/usr/bin/wrk", "-t1", "-c64",
                               "-d" + std::to_string(duration_s) + "s", "--timeout", "10s", "-s",
                               std::string(WELKIN_BENCH_SOURCES) + "/" + script,
                               node.url() + "/v1/payments", "--", argument},
      folder + "/wrk-" + script + ".log");
}

BuiltJournal build(const std::string& url, const Options& options) {
  JournalPlan plan;
  plan.payments = options.payments;
  plan.open_payments = options.open_payments;
  plan.events_behind_views = 50'000;
  plan.end_us = now_us();
  return build_journal(*open_or_exit(url), plan);
}

std::string write_ids(const std::string& folder, const Options& options) {
  std::string path = folder + "/ids";
  std::ofstream out{path};
  const std::uint64_t step = options.payments / options.touched;
  for (std::uint64_t i = 0; i < options.touched; ++i)
    out << create_command(i * step).payment.text() << '\n';
  return path;
}

// Looks at every chosen payment, so that all of them come into memory; how many were.
double touch(Node& node, const std::string& folder, const Options& options) {
  const auto wrk = start_load(node, folder, "look_at_payments.lua", write_ids(folder, options), 30);
  wrk->wait();
  double looks = 0, p50_ms = 0, p99_ms = 0, errors = 0;
  const std::string log = wrk->log();
  const std::size_t at = log.find("RESULT ");
  if (at == std::string::npos ||
      std::sscanf(log.c_str() + at, "RESULT %lf %lf %lf %lf", &looks, &p50_ms, &p99_ms, &errors) !=
          4 ||
      errors > 0)
    exit_with("looking at payments: " + log);
  return std::min(looks, static_cast<double>(options.touched));
}

int run(const Options& options) {
  const ScratchFolder scratch;
  const std::string& folder = scratch.path();
  const std::string url = "sqlite:" + folder + "/journal";
  const BuiltJournal built = build(url, options);
  ChildProcess sandbox({welkin_program(), "sandbox", "--port", "0", "--secret", "bench-only-secret",
                        "--no-auto-pay"},
                       folder + "/sandbox.log");
  write_config(folder, wait_for_port(sandbox));

  double ready_from_tail_s = 0;
  {
    Node node(folder, 1);
    ready_from_tail_s = node.ready_s();
    const auto wrk = start_load(node, folder, "create_payments.lua", "load", options.load_s + 5);
    std::this_thread::sleep_for(std::chrono::seconds(options.load_s));
    node.kill();
  }
  const double journal_mib = mib_of_folder(folder + "/journal");
  Node node(folder, 2);
  const double rss_at_start_mib = node.resident_mib();
  const double touched = touch(node, folder, options);
  const double rss_touched_mib = node.resident_mib();
  const double timers = node.metric("welkin_timers_pending");
  // Some are always in memory, because timers wake them.
  node.wait("empty", [&] {
    return node.metric("welkin_entities_active") < static_cast<double>(options.touched) / 50;
  });
  std::this_thread::sleep_for(allocator_decay);
  const double rss_mib = node.resident_mib();

  Figures figures;
  figures.add("ready_s", std::max(node.ready_s(), ready_from_tail_s), "s, the slower of the two");
  figures.add("ready_after_load_s", node.ready_s(), "s after kill -9 under load");
  figures.add("ready_from_tail_s", ready_from_tail_s, "s with the tail below");
  figures.add("tail_events", static_cast<double>(built.events - built.view_position),
              "behind the views at that start");
  figures.add("rss_mib", rss_mib, "MiB resident after passivation");
  figures.add("rss_at_start_mib", rss_at_start_mib, "MiB");
  figures.add("rss_touched_mib", rss_touched_mib, "MiB once the payments were looked at");
  figures.add("touched", touched, "payments looked at");
  figures.add("timers", timers, "pending");
  figures.add("journal_mib", journal_mib, "MiB on disk, views included");
  figures.add("events", static_cast<double>(built.events), "in the journal as built");
  figures.print_table("kill -9 and start of a node with " + std::to_string(options.payments) +
                      " payments, " + std::to_string(options.open_payments) + " of them open");
  figures.print_json();
  return 0;
}

}  // namespace
}  // namespace welkin::bench

int main(int argc, char** argv) {
  welkin::bench::Options options;
  if (argc > 1) options.payments = std::strtoull(argv[1], nullptr, 10);
  if (options.payments < 100'000) {
    std::fprintf(stderr, "usage: bench_recovery [payments >= 100000]\n");
    return 2;
  }
  options.open_payments = options.touched = options.payments / 10;
  return welkin::bench::run(options);
}
