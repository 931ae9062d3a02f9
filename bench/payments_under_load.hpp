// Full payment lives in one process: create → intent → channel accepted → paid, every step durable
// (fsync) before the next, on any store. One of these is one node's actors with an in-process
// channel that pays every order.
#pragma once

#include <cstdint>
#include <memory>

#include "actors/runtime.hpp"

namespace welkin::bench {

class PaymentsUnderLoad {
 public:
  // Ends the process when the node cannot start. The store lives longer.
  PaymentsUnderLoad(const RuntimeConfig& config, JournalStore& store);
  ~PaymentsUnderLoad();
  PaymentsUnderLoad(const PaymentsUnderLoad&) = delete;
  PaymentsUnderLoad& operator=(const PaymentsUnderLoad&) = delete;

  struct ClosedLoop {
    double per_s, first_per_s, last_per_s;  // the first and the last fifth, at most 200,000 each
  };
  // As fast as they go: each paid one starts the next.
  ClosedLoop run_closed_loop(std::uint64_t payments, std::uint64_t in_flight);

  struct OpenLoop {
    double p50_ms, p99_ms, per_s;
  };
  // At a steady rate, where a latency runs from the moment a payment was due to start until it is
  // paid, so that waiting counts.
  OpenLoop run_open_loop(std::uint64_t per_s, std::uint64_t seconds);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace welkin::bench
