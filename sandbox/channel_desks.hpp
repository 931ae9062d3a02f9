// The desks of the four real channels, with the test keys of both sides.
#pragma once

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "sandbox/bank.hpp"
#include "sandbox/test_keys.hpp"

namespace welkin::sandbox {

struct ChannelDesksConfig {
  std::string pay_url_base;     // what a payer's browser is sent to, before the order's number
  std::string stripe_endpoint;  // where webhooks go: Stripe has no address in its orders
};
using Desks = std::vector<std::unique_ptr<Desk>>;

// Fails when a key is not what its file's name says.
std::variant<Desks, Problem> open_channel_desks(Bank& bank, const TestKeys& keys,
                                                const ChannelDesksConfig& config);

}  // namespace welkin::sandbox
