#include "bench/bench_support.hpp"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

namespace welkin::bench {

double percentile(std::vector<float>& values, double fraction) {
  if (values.empty()) return 0;
  const auto rank = static_cast<std::size_t>(fraction * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(rank),
                   values.end());
  return values[rank];
}

void Figures::add(const std::string& key, double value, const std::string& unit) {
  rows_.push_back({key, value, unit});
}

void Figures::print_table(const std::string& title) const {
  std::printf("\n%s\n", title.c_str());
  for (const Row& row : rows_)
    std::printf("  %-28s %14.3f %s\n", row.key.c_str(), row.value, row.unit.c_str());
}

void Figures::print_json() const {
  std::printf("{");
  const char* separator = "";
  for (const Row& row : rows_) {
    std::printf("%s\"%s\": %.6g", separator, row.key.c_str(), row.value);
    separator = ", ";
  }
  std::printf("}\n");
  std::fflush(stdout);
}

ScratchFolder::ScratchFolder() {
  const char* base = std::getenv("WELKIN_BENCH_DIR");
  // /tmp may be memory, where an fsync costs nothing: /var/tmp is a disk by convention.
  std::string pattern = std::string(base ? base : "/var/tmp") + "/welkin-bench-XXXXXX";
  if (!mkdtemp(pattern.data())) {
    std::perror("cannot make a scratch folder");
    std::exit(1);
  }
  path_ = pattern;
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string welkin_program() {
  return std::filesystem::read_symlink("/proc/self/exe").replace_filename("welkin");
}

std::unique_ptr<JournalStore> open_or_exit(const std::string& url) {
  auto opened = open_store({url});
  if (const StoreError* error = error_of(opened)) {
    std::fprintf(stderr, "cannot open %s: %s\n", url.c_str(), error->detail.c_str());
    std::exit(1);
  }
  return std::move(std::get<std::unique_ptr<JournalStore>>(opened));
}

}  // namespace welkin::bench
