#include "tests/simulation/worlds.hpp"

namespace welkin::simulation {
namespace {

// As production runs it, with fewer shards.
World roomy() { return {"roomy", 4, {}, {{"sandbox", 1}, {"spare", 2}}}; }

// Hardly anybody stays in memory: every message wakes its payment from the journal.
World forgetful() {
  World world{"forgetful", 2, {}, {{"sandbox", 1}}};
  world.limits.active_entities = 1;
  world.limits.lingering_entities = 0;
  world.limits.passivate_after_us = us_per_s;
  world.limits.snapshot_every_events = 3;
  return world;
}

// Queues overflow and batches hold one append.
World narrow() {
  World world{"narrow", 1, {}, {{"sandbox", 1}, {"spare", 1}}};
  world.limits.stash_per_entity = 2;
  world.limits.max_queued_appends = 3;
  world.limits.max_batch_appends = 1;
  return world;
}

}  // namespace

const std::vector<World>& worlds() {
  static const std::vector<World> all = {roomy(), forgetful(), narrow()};
  return all;
}

const World* find_world(std::string_view name) {
  for (const World& world : worlds())
    if (world.name == name) return &world;
  return nullptr;
}

}  // namespace welkin::simulation
