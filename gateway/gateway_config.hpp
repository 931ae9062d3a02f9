// What a gateway needs to know before it starts.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "gateway/edge/edge_server.hpp"
#include "gateway/edge/http_message.hpp"

namespace welkin {

struct MerchantConfig {
  std::string merchant_id;
  std::vector<std::string> api_keys_sha256;  // hex; the keys themselves are kept nowhere
};

// A route outside the product, which benchmarks and tests put beside the real ones; it answers at
// once.
struct ExtraRoute {
  std::string method;
  std::string path;
  std::function<void(const HttpRequest&, HttpAnswer&)> handler;
};

struct GatewayConfig {
  EdgeConfig edge;
  std::vector<MerchantConfig> merchants;
  std::string operator_key_sha256;  // hex; empty: nobody is an operator
  // Commands and callbacks being worked on at one time; more are refused with 503.
  std::size_t max_commands_in_flight = 1024;
  std::vector<ExtraRoute> extra_routes;
};

}  // namespace welkin
