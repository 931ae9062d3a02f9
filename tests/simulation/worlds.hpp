// What is running: one node of the real runtime, in one of several shapes that make other things
// scarce. A world of several nodes joins here.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "actors/runtime_context.hpp"

namespace welkin::simulation {

struct World {
  std::string_view name;
  std::uint32_t shard_count = 4;
  RuntimeLimits limits;
};

const std::vector<World>& worlds();
const World* find_world(std::string_view name);

}  // namespace welkin::simulation
