#include "tests/simulation/worlds.hpp"

namespace welkin::simulation {
namespace {

// A run makes few calls in much time, so few have to say enough.
BreakerConfig hasty_breaker() {
  BreakerConfig breaker;
  breaker.window_ms = 30'000;
  breaker.minimum_calls = 5;
  breaker.open_ms = 2'000;
  breaker.max_open_ms = 10'000;
  breaker.forget_trips_ms = 60'000;
  breaker.probes = 2;
  breaker.probe_patience_ms = 8'000;
  breaker.ramp_ms = 3'000;
  breaker.ramp_start_percent = 50;
  return breaker;
}

// As production runs it, with fewer shards.
World roomy() { return {"roomy", 4, {}, {{"sandbox", 1}, {"spare", 2}}, hasty_breaker()}; }

// Hardly anybody stays in memory: every message wakes its payment from the journal.
World forgetful() {
  World world{"forgetful", 2, {}, {{"sandbox", 1}}, hasty_breaker()};
  world.limits.active_entities = 1;
  world.limits.lingering_entities = 0;
  world.limits.passivate_after_us = us_per_s;
  world.limits.snapshot_every_events = 3;
  return world;
}

// Queues overflow and batches hold one append.
World narrow() {
  World world{"narrow", 1, {}, {{"sandbox", 1}, {"spare", 1}}, hasty_breaker()};
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
