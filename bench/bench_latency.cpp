// One client, one request at a time, over one kept connection: what a create costs when nothing
// else is going on. It waits for two commits (the intent, the channel's acceptance).
#include <httplib.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "bench/bench_support.hpp"
#include "bench/gateway_under_load.hpp"

namespace welkin::bench {
namespace {

int run(int requests) {
  const GatewayUnderLoad node;
  httplib::Client client("127.0.0.1", node.port());
  client.set_keep_alive(true);
  client.set_tcp_nodelay(true);
  client.set_bearer_token_auth(bench_api_key);
  std::vector<float> latency_ms;
  constexpr int warm_up = 200;
  for (int i = 0; i < requests + warm_up; ++i) {
    const std::string body =
        R"({"merchant_order_no":"latency-)" + std::to_string(i) +
        R"(","amount":1000,"currency":"CNY","channel":"sandbox","subject":"Green tea"})";
    const auto start = Clock::now();
    const auto answer = client.Post("/v1/payments", body, "application/json");
    const double spent_s = seconds_since(start);
    if (!answer || answer->status != 201) {
      std::fprintf(stderr, "create %d failed: %d\n", i, answer ? answer->status : 0);
      return 1;
    }
    if (i >= warm_up) latency_ms.push_back(static_cast<float>(spent_s * 1e3));
  }
  Figures figures;
  figures.add("p50_ms", percentile(latency_ms, 0.50), "ms");
  figures.add("p99_ms", percentile(latency_ms, 0.99), "ms");
  figures.print_table("POST /v1/payments, one client, one at a time, fsync before every answer");
  figures.print_json();
  return 0;
}

}  // namespace
}  // namespace welkin::bench

int main(int argc, char** argv) {
  const int requests = argc > 1 ? std::atoi(argv[1]) : 5'000;
  if (requests < 100) {
    std::fprintf(stderr, "usage: bench_latency [requests >= 100]\n");
    return 2;
  }
  return welkin::bench::run(requests);
}
