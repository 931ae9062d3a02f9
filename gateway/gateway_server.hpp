// The HTTP gateway as a whole: an edge in front, the route table behind it, a PaymentService below.
#pragma once

#include <memory>
#include <string>

#include "actors/payment_service.hpp"
#include "gateway/gateway_config.hpp"

namespace welkin {

class GatewayServer {
 public:
  // The service must outlive the gateway.
  GatewayServer(GatewayConfig config, PaymentService& service);
  ~GatewayServer();
  GatewayServer(const GatewayServer&) = delete;
  GatewayServer& operator=(const GatewayServer&) = delete;

  struct Started {
    int port = 0;
    std::string error;  // not empty: nothing listens
  };
  Started start();

  // Stops accepting, finishes what is in flight. False when the drain time-out passed first.
  bool stop();

 private:
  class Dispatch;
  std::unique_ptr<Dispatch> dispatch_;
};

}  // namespace welkin
