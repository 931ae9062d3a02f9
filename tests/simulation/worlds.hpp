// What is running: one node of the real runtime, in one of several shapes that make other things
// scarce. A world of several nodes joins here.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "actors/runtime_context.hpp"
#include "protocol/breaker/config.hpp"

namespace welkin::simulation {

// One of the accounts that serve the channel all payments name.
struct WorldAccount {
  std::string_view name;
  int priority = 1;
};
constexpr std::string_view the_channel = "sandbox";

struct World {
  std::string_view name;
  std::uint32_t shard_count = 4;
  RuntimeLimits limits;
  std::vector<WorldAccount> accounts;
  BreakerConfig breaker;
};

const std::vector<World>& worlds();
const World* find_world(std::string_view name);

}  // namespace welkin::simulation
