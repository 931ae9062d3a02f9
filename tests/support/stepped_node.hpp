// The runtime's actors of one node under CAF's test coordinator: every one is the real one, and
// none has its turn unless it is given one. What stands around them, the store, the channels and
// the clock, is somebody else's, as is what dies with them.
#pragma once

#include <caf/all.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "actors/channel_port.hpp"
#include "actors/metrics.hpp"
#include "actors/runtime_context.hpp"
#include "actors/shard_actor.hpp"
#include "actors/store_io.hpp"
#include "protocol/breaker/config.hpp"

namespace welkin {

struct NodePlan {
  struct Account {
    ChannelPort& port;
    int priority = 1;
  };
  JournalStore& store;
  StoreIo& io;
  const WallClock& clock;
  std::string channel;  // that payments name, and these accounts serve
  std::vector<Account> accounts = {};
  BreakerConfig breaker = {};  // of each
  std::uint32_t shard_count = 4;
  RuntimeLimits limits = {};
  ShardActor::Spawn spawn = {};  // empty: payments
};

class SteppedNode {
 public:
  // Starts from what is durable, as the real one does; an error is the store's.
  static StoreResult<std::unique_ptr<SteppedNode>> start(const NodePlan& plan);
  ~SteppedNode() {
    stop([] {});
  }
  SteppedNode(const SteppedNode&) = delete;
  SteppedNode& operator=(const SteppedNode&) = delete;

  // Buries the actors. `forget` drops what they have asked of the edges, which holds them alive.
  void stop(const std::function<void()>& forget);

  caf::actor_system& system() { return system_; }
  caf::scheduler::test_coordinator& scheduler() { return scheduler_; }
  RuntimeContext& context() { return *context_; }
  RuntimeMetrics& metrics() { return metrics_; }
  const NodeFate& fate() const { return fate_; }
  const caf::actor& breaker(const std::string& account) const {
    return context_->channels.at(account);
  }

  // Hears the answers; it must quit at `stop_atom`.
  caf::actor desk;

 private:
  struct Config : caf::actor_system_config {
    Config() { set("scheduler.policy", caf::atom("testing")); }
  };
  SteppedNode() = default;

  NodeFate fate_;  // before the actors, which may end it
  Config config_;
  caf::actor_system system_{config_};
  caf::scheduler::test_coordinator& scheduler_ =
      dynamic_cast<caf::scheduler::test_coordinator&>(system_.scheduler());
  RuntimeMetrics metrics_;
  RouteTable routes_;
  RuntimeContextPtr context_ = std::make_shared<RuntimeContext>();
};

}  // namespace welkin
