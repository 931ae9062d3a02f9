// A stand-in for payment channels, as a server of its own: takes signed requests in its own
// protocol and in those of the real channels, calls back with signed callbacks, and misbehaves when
// told to. docs/sandbox.md describes its endpoints.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "protocol/problem.hpp"
#include "sandbox/misbehaviour.hpp"
#include "sandbox/test_keys.hpp"

namespace welkin::sandbox {

struct SandboxConfig {
  std::string host = "127.0.0.1";
  int port = 8601;         // 0: any free one
  std::string secret;      // of its own protocol
  std::string notify_url;  // for orders that name none
  // With keys it serves the four real channels too.
  std::optional<TestKeys> keys;
  std::string stripe_endpoint;  // where Stripe's webhooks go
  std::uint64_t seed = 1;       // what the rates draw from
  AutoPay auto_pay;
  Misbehaviour misbehaviour;
  std::size_t max_orders = 200'000;
  std::size_t worker_threads = 64;
  std::size_t nonce_capacity = 1'000'000;  // requests in ten minutes; more are refused for a while
  // Back-off of callbacks that were not taken: this long, then twice as long each time.
  std::int64_t callback_backoff_ms = 1'000;
};

// Threads: start() and stop() from one thread. The destructor stops.
class SandboxServer {
 public:
  explicit SandboxServer(SandboxConfig config);
  ~SandboxServer();
  SandboxServer(const SandboxServer&) = delete;
  SandboxServer& operator=(const SandboxServer&) = delete;

  // The port it listens on, or why it does not. May be called once.
  std::variant<int, Problem> start();
  // Returns within about three seconds whatever the clients do.
  void stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace welkin::sandbox
