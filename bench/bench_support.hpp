// What the benchmarks share: figures, percentiles, a journal of their own to throw away.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "persistence/journal_store.hpp"

namespace welkin::bench {

using Clock = std::chrono::steady_clock;

inline double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Sorts `values` and gives the one below which `fraction` of them lie.
double percentile(std::vector<float>& values, double fraction);

// Key and figure, in the order they are to be printed.
class Figures {
 public:
  void add(const std::string& key, double value, const std::string& unit);
  void print_table(const std::string& title) const;
  void print_json() const;

 private:
  struct Row {
    std::string key;
    double value;
    std::string unit;
  };
  std::vector<Row> rows_;
};

// An empty folder below the system's temporary one or $WELKIN_BENCH_DIR, removed at the end.
class ScratchFolder {
 public:
  ScratchFolder();
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// The `welkin` that was built beside this benchmark.
std::string welkin_program();

// Opens or ends the process with the reason.
std::unique_ptr<JournalStore> open_or_exit(const std::string& url);

}  // namespace welkin::bench
