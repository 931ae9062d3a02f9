// A whole node in the benchmark's process: scratch SQLite journal, in-process channel that pays
// every order by callback, runtime and gateway on a free loopback port, with a do-nothing route
// beside.
#pragma once

#include <memory>
#include <string>

namespace welkin::bench {

constexpr const char* bench_api_key = "bench-only-key";

class GatewayUnderLoad {
 public:
  GatewayUnderLoad();
  ~GatewayUnderLoad();
  GatewayUnderLoad(const GatewayUnderLoad&) = delete;
  GatewayUnderLoad& operator=(const GatewayUnderLoad&) = delete;

  int port() const;
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port()); }

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace welkin::bench
