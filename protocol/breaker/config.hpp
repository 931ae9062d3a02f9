// How a circuit breaker judges, and for how long it refuses.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/name_table.hpp"

namespace welkin {

enum class WindowKind : std::uint8_t { time, calls };
std::string_view name_of(WindowKind kind);  // "time"
std::optional<WindowKind> parse_window_kind(std::string_view name);

struct BreakerConfig {
  // What is judged: the calls of the last `window_ms`, or the last `window_calls`.
  WindowKind window = WindowKind::time;
  std::int64_t window_ms = 20'000;
  int window_calls = 100;
  int minimum_calls = 20;  // fewer say nothing

  // Either share opens it.
  int failure_percent = 50;
  int slow_percent = 80;
  std::int64_t slow_call_ms = 3'000;  // a call that takes longer is slow

  // How long it stays open: the first time, and multiplied at each further trip in a row.
  std::int64_t open_ms = 10'000;
  int open_growth_percent = 200;
  std::int64_t max_open_ms = 300'000;
  std::int64_t forget_trips_ms = 600'000;  // closed for as long, and the next trip is a first one

  // Half-open: this many calls go through and decide. One that does not come back for
  // `probe_patience_ms` is given up, and another may go.
  int probes = 5;
  std::int64_t probe_patience_ms = 60'000;

  // Recovering: the share that goes through grows from `ramp_start_percent` to all over `ramp_ms`.
  std::int64_t ramp_ms = 10'000;
  int ramp_start_percent = 10;
};

struct BreakerConfigFault {
  std::string_view field;
  std::string rule;
};
// What a breaker cannot work with.
std::vector<BreakerConfigFault> check(const BreakerConfig& config);

}  // namespace welkin
