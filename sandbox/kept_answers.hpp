// The answers of requests under their Idempotency-Keys, which repeats of them get again.
#pragma once

#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "sandbox/desk.hpp"

namespace welkin::sandbox {

// Bounded: beyond its capacity the oldest key is forgotten.
// Threads: every function may be called from any thread.
class KeptAnswers {
 public:
  explicit KeptAnswers(std::size_t capacity = 200'000) : capacity_(capacity) {}

  // Nothing for the first request under the key, which is now begun; else what a repeat gets, or
  // why another request gets nothing. `fingerprint` is of the whole request.
  std::optional<DeskAnswer> find_or_begin(const std::string& key, const std::string& fingerprint);
  void keep(const std::string& key, const DeskAnswer& answer);
  // Nothing was begun after all: the next request under the key is a first one.
  void forget(const std::string& key);

 private:
  struct Kept {
    std::string fingerprint;
    bool running = true;
    DeskAnswer answer;
  };

  const std::size_t capacity_;
  std::mutex mutex_;
  std::unordered_map<std::string, Kept> kept_;
  std::deque<std::string> by_age_;  // may name keys that were forgotten
};

}  // namespace welkin::sandbox
