// A shard: the map from payment to actor, and their supervisor. It starts a payment's actor when
// the first message for it comes, lets idle ones leave memory, restarts one that failed with
// back-off, and parks one that keeps failing until an operator resumes it. Its payments never reach
// each other.
#pragma once

#include <caf/event_based_actor.hpp>
#include <functional>
#include <unordered_map>
#include <vector>

#include "actors/messages.hpp"
#include "actors/runtime_context.hpp"

namespace welkin {

class ShardActor : public caf::event_based_actor {
 public:
  using Spawn = std::function<caf::actor(caf::event_based_actor* shard, const PaymentId& id,
                                         bool assume_new)>;

  // `spawn` makes the entity's actor: production gives payment actors, tests failing ones.
  ShardActor(caf::actor_config& config, RuntimeContextPtr context, Spawn spawn);
  caf::behavior make_behavior() override;
  const char* name() const override { return "shard"; }
  void on_exit() override;

 private:
  struct Entity {
    caf::actor actor;        // null while it has failed or is parked
    std::uint64_t sent = 0;  // messages to this actor
    UnixUs used_at_us = 0;
    int failures = 0;
    UnixUs failed_at_us = 0;
    UnixUs restart_at_us = 0;
    UnixUs parked_at_us = 0;
    std::string failure;
  };

  // `assume_new`: this message may create the payment.
  template <class... Message>
  void forward(const PaymentId& id, const ReplyTo& reply_to, bool assume_new,
               const Message&... message);
  void park_entity(const PaymentId& id, const std::string& why);
  void entity_failed(const PaymentId& id, const std::string& what);
  void resume_entity(const PaymentId& id, const ReplyTo& reply_to);
  void let_leave(const PaymentId& id, caf::actor_id actor, std::uint64_t heard);
  void let_idle_leave();
  std::vector<ParkedEntity> parked() const;
  void refuse(const ReplyTo& reply_to, ProblemCode code, std::string detail);

  RuntimeContextPtr context_;
  Spawn spawn_;
  std::unordered_map<StreamId, Entity> entities_;
};

ShardActor::Spawn spawn_payments(RuntimeContextPtr context);

}  // namespace welkin
