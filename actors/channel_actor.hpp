// One channel's actor: takes calls from payments, and sends each report back through the shard, so
// that it finds the payment whether it is still in memory or not.
#pragma once

#include <caf/event_based_actor.hpp>

#include "actors/channel_port.hpp"
#include "actors/runtime_context.hpp"

namespace welkin {

class ChannelActor : public caf::event_based_actor {
 public:
  ChannelActor(caf::actor_config& config, RuntimeContextPtr context, ChannelPort& port);
  caf::behavior make_behavior() override;
  const char* name() const override { return "channel"; }

 private:
  RuntimeContextPtr context_;
  ChannelPort& port_;
};

}  // namespace welkin
