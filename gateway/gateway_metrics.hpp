// What the gateway counts about itself. Labels are routes, status classes and problem codes, never
// anything of a payment.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/edge/edge_server.hpp"

namespace welkin {

class GatewayMetrics {
 public:
  // One label a route; the last one is for requests that matched none.
  explicit GatewayMetrics(std::vector<std::string> route_labels);

  void count_request(std::size_t route, int status, std::int64_t duration_us);
  void count_refusal(ProblemCode code);
  std::atomic<std::int64_t>& commands_in_flight() { return commands_in_flight_; }

  std::string text(const EdgeCounters& edge) const;

 private:
  static constexpr std::array<std::int64_t, 14> bucket_limits_us{
      500,     1'000,   2'500,   5'000,     10'000,    25'000,    50'000,
      100'000, 250'000, 500'000, 1'000'000, 2'500'000, 5'000'000, 10'000'000};
  using StatusClasses = std::array<std::atomic<std::uint64_t>, 6>;

  void append_requests(std::string& out) const;
  void append_latency(std::string& out) const;
  void append_refusals(std::string& out, const EdgeCounters& edge) const;

  std::vector<std::string> labels_;
  std::vector<StatusClasses> requests_;
  std::array<std::atomic<std::uint64_t>, bucket_limits_us.size() + 1> buckets_{};
  std::atomic<std::uint64_t> duration_sum_us_{0};
  std::array<std::atomic<std::uint64_t>, 64> refused_{};
  std::atomic<std::int64_t> commands_in_flight_{0};
};

}  // namespace welkin
