#include "protocol/breaker/config.hpp"

namespace welkin {
namespace {

constexpr std::string_view window_names[] = {"time", "calls"};
constexpr std::int64_t day_ms = 86'400'000;
constexpr int max_counted = 1'000'000;

struct Bound {
  std::string_view field;
  std::int64_t value;
  std::int64_t least;
  std::int64_t most;
};

}  // namespace

std::string_view name_of(WindowKind kind) { return window_names[static_cast<int>(kind)]; }
std::optional<WindowKind> parse_window_kind(std::string_view name) {
  return find_name<WindowKind>(window_names, name);
}

std::vector<BreakerConfigFault> check(const BreakerConfig& config) {
  const Bound bounds[] = {
      {"window_ms", config.window_ms, 100, 3'600'000},
      {"window_calls", config.window_calls, 1, max_counted},
      {"minimum_calls", config.minimum_calls, 1, max_counted},
      {"failure_percent", config.failure_percent, 1, 100},
      {"slow_percent", config.slow_percent, 1, 100},
      {"slow_call_ms", config.slow_call_ms, 1, day_ms},
      {"open_ms", config.open_ms, 1, day_ms},
      {"open_growth_percent", config.open_growth_percent, 100, 1'000},
      {"max_open_ms", config.max_open_ms, config.open_ms, day_ms},
      {"forget_trips_ms", config.forget_trips_ms, 1, 30 * day_ms},
      {"probes", config.probes, 1, 1'000},
      {"probe_patience_ms", config.probe_patience_ms, 1'000, day_ms},
      {"ramp_ms", config.ramp_ms, 0, day_ms},
      {"ramp_start_percent", config.ramp_start_percent, 1, 100},
  };
  std::vector<BreakerConfigFault> faults;
  for (const Bound& bound : bounds)
    if (bound.value < bound.least || bound.value > bound.most)
      faults.push_back({bound.field, "must be from " + std::to_string(bound.least) + " to " +
                                         std::to_string(bound.most)});
  if (config.window == WindowKind::calls && config.minimum_calls > config.window_calls)
    faults.push_back({"minimum_calls", "must not be more than window_calls"});
  return faults;
}

}  // namespace welkin
