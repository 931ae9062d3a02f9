// One channel account's actor: takes calls that its breaker lets through, keeps their number within
// a bound, repeats those that can do no harm, and sends each report back through the shard, so that
// it finds the payment whether it is still in memory or not. The breaker hears how the call went.
#pragma once

#include <caf/event_based_actor.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "actors/channel_port.hpp"
#include "actors/messages.hpp"
#include "actors/runtime_context.hpp"
#include "protocol/channel/retry.hpp"

namespace welkin {

struct ChannelActorOptions {
  std::size_t max_in_flight = 1'000;  // calls under way, those that wait for another try included
  RetryPolicy retry;
  // What the waits between tries are drawn from; called by the actor alone. Empty: always zero.
  std::function<std::uint64_t()> draw;
};

struct CallUnderWay;
using CallUnderWayPtr = std::shared_ptr<CallUnderWay>;

class ChannelActor : public caf::event_based_actor {
 public:
  ChannelActor(caf::actor_config& config, RuntimeContextPtr context, ChannelPort& port,
               ChannelActorOptions options = {});
  caf::behavior make_behavior() override;
  const char* name() const override { return "channel"; }

 private:
  struct Desk;

  void take(const ChannelCallPtr& call, caf::actor breaker, CallPermit permit);
  void attempt(const CallUnderWayPtr& under_way);
  void judge_try(const CallUnderWayPtr& under_way);

  ChannelPort& port_;
  ChannelActorOptions options_;
  std::shared_ptr<Desk> desk_;
};

}  // namespace welkin

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(welkin::CallUnderWayPtr)
