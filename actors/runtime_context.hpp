// What every actor of a node may use: where to send, what time it is, and the limits. Built once at
// start and shared as const; the simulation builds the same with its own clock and edges.
#pragma once

#include <caf/actor.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "actors/append_queue.hpp"
#include "actors/metrics.hpp"
#include "actors/node_fate.hpp"
#include "actors/route_table.hpp"
#include "actors/store_io.hpp"
#include "actors/wall_clock.hpp"
#include "protocol/ids.hpp"

namespace welkin {

struct RuntimeLimits {
  std::size_t stash_per_entity = 256;
  std::size_t max_queued_appends = 20'000;  // new work beyond this is refused
  std::size_t max_batch_appends = 1'000;
  // Payments, or idempotency records, that the views hold and no checkpoint has written: as many
  // wait while checkpoints fail, and new work beyond this is refused.
  std::size_t max_unwritten_views = 200'000;
  std::size_t active_entities = 100'000;  // a node's; beyond it idle ones leave after a second
  // While more than this are in memory, a payment leaves as soon as it is settled: under load the
  // actors at work then stay in the processor's caches, which is worth a third of the throughput.
  std::size_t lingering_entities = 4'000;
  UnixUs passivate_after_us = 120 * us_per_s;
  std::uint64_t snapshot_every_events = 50;
  int restarts_before_parking = 5;              // consecutive, without a successful commit between
  UnixUs restart_backoff_us = 100 * us_per_ms;  // doubled at each restart
};

struct RuntimeContext {
  std::vector<caf::actor> shards;
  std::vector<std::uint64_t> epochs;  // by shard
  std::shared_ptr<AppendQueue> appends;
  caf::actor journal;
  caf::actor views;
  std::vector<caf::actor> answerers;  // give the answers that commits make due
  std::map<std::string, caf::actor, std::less<>> channels;  // by account: its breaker
  RouteTable* routes = nullptr;
  StoreIo* io = nullptr;
  const WallClock* clock = nullptr;  // of events and timers
  const WallClock* wall = nullptr;   // others' time, as it is in what they sign; null: `clock`
  RuntimeMetrics* metrics = nullptr;
  NodeFate* fate = nullptr;  // null: nobody asks
  RuntimeLimits limits;

  void end_node(std::string_view reason, const std::string& what) const {
    if (fate) fate->end(reason, what);
  }

  UnixUs wall_now_us() const { return (wall ? wall : clock)->now_us(); }
  std::uint32_t shard_index(const StreamId& stream) const {
    return shard_of(stream, static_cast<std::uint32_t>(shards.size()));
  }
  const caf::actor& shard(const StreamId& stream) const { return shards[shard_index(stream)]; }
};
// Filled in while the node starts and not changed once the first shard runs.
using RuntimeContextPtr = std::shared_ptr<RuntimeContext>;

}  // namespace welkin
