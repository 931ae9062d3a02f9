#include "gateway/gateway_metrics.hpp"

#include <algorithm>
#include <cstdio>

#include "protocol/problem.hpp"

namespace welkin {
namespace {

void append_seconds(std::string& out, std::int64_t us) {
  char text[32];
  const int size =
      std::snprintf(text, sizeof text, "%lld.%06lld", static_cast<long long>(us / 1'000'000),
                    static_cast<long long>(us % 1'000'000));
  out.append(text, static_cast<std::size_t>(size));
}

template <class Number>
void append_sample(std::string& out, std::string_view name, std::string_view labels, Number value) {
  out.append(name);
  if (!labels.empty()) out.append("{").append(labels).append("}");
  out.append(" ").append(std::to_string(value)).append("\n");
}

void append_head(std::string& out, std::string_view name, std::string_view type,
                 std::string_view help) {
  out.append("# HELP ").append(name).append(" ").append(help).append("\n# TYPE ");
  out.append(name).append(" ").append(type).append("\n");
}

}  // namespace

GatewayMetrics::GatewayMetrics(std::vector<std::string> route_labels)
    : labels_(std::move(route_labels)), requests_(labels_.size()) {}

void GatewayMetrics::count_request(std::size_t route, int status, std::int64_t duration_us) {
  const auto status_class = static_cast<std::size_t>(std::clamp(status / 100, 0, 5));
  requests_[route][status_class].fetch_add(1, std::memory_order_relaxed);
  const auto bucket = static_cast<std::size_t>(
      std::lower_bound(bucket_limits_us.begin(), bucket_limits_us.end(), duration_us) -
      bucket_limits_us.begin());
  buckets_[bucket].fetch_add(1, std::memory_order_relaxed);
  duration_sum_us_.fetch_add(static_cast<std::uint64_t>(std::max<std::int64_t>(0, duration_us)),
                             std::memory_order_relaxed);
}

void GatewayMetrics::count_refusal(ProblemCode code) {
  refused_[static_cast<std::size_t>(code)].fetch_add(1, std::memory_order_relaxed);
}

void GatewayMetrics::append_requests(std::string& out) const {
  append_head(out, "welkin_http_requests_total", "counter", "Answers by route and status class.");
  for (std::size_t route = 0; route < labels_.size(); ++route)
    for (std::size_t status_class = 1; status_class < 6; ++status_class)
      if (const auto count = requests_[route][status_class].load(std::memory_order_relaxed))
        append_sample(
            out, "welkin_http_requests_total",
            "route=\"" + labels_[route] + "\",status=\"" + std::to_string(status_class) + "xx\"",
            count);
}

void GatewayMetrics::append_latency(std::string& out) const {
  append_head(out, "welkin_http_request_seconds", "histogram",
              "From the whole request in memory to its answer.");
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    total += buckets_[i].load(std::memory_order_relaxed);
    std::string limit;
    if (i < bucket_limits_us.size()) {
      append_seconds(limit, bucket_limits_us[i]);
    } else {
      limit = "+Inf";
    }
    append_sample(out, "welkin_http_request_seconds_bucket", "le=\"" + limit + "\"", total);
  }
  out.append("welkin_http_request_seconds_sum ");
  append_seconds(out, static_cast<std::int64_t>(duration_sum_us_.load(std::memory_order_relaxed)));
  out.append("\n");
  append_sample(out, "welkin_http_request_seconds_count", {}, total);
}

void GatewayMetrics::append_refusals(std::string& out, const EdgeCounters& edge) const {
  append_head(out, "welkin_http_refused_total", "counter", "Problem documents by code.");
  for (std::size_t i = 0; i <= static_cast<std::size_t>(ProblemCode::internal); ++i) {
    const std::uint64_t count = refused_[i].load(std::memory_order_relaxed) +
                                edge.refused[i].load(std::memory_order_relaxed);
    const auto code = static_cast<ProblemCode>(i);
    if (count > 0)
      append_sample(out, "welkin_http_refused_total",
                    "code=\"" + std::string(spec_of(code).name) + "\"", count);
  }
}

std::string GatewayMetrics::text(const EdgeCounters& edge) const {
  std::string out;
  append_requests(out);
  append_latency(out);
  append_refusals(out, edge);
  append_head(out, "welkin_http_connections_accepted_total", "counter", "Connections accepted.");
  append_sample(out, "welkin_http_connections_accepted_total", {}, edge.accepted.load());
  append_head(out, "welkin_http_connections", "gauge", "Connections open.");
  append_sample(out, "welkin_http_connections", {}, edge.open.load());
  append_head(out, "welkin_http_requests_in_flight", "gauge", "Requests a worker is running.");
  append_sample(out, "welkin_http_requests_in_flight", {}, edge.in_flight.load());
  append_head(out, "welkin_http_commands_in_flight", "gauge", "Commands and callbacks being run.");
  append_sample(out, "welkin_http_commands_in_flight", {}, commands_in_flight_.load());
  return out;
}

}  // namespace welkin
