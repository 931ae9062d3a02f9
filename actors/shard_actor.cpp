#include "actors/shard_actor.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "actors/payment_actor.hpp"

namespace welkin {
namespace {

constexpr auto tick_interval = std::chrono::seconds(1);
constexpr UnixUs crowded_idle_us = us_per_s;
// Failures further apart than this are not one series.
constexpr UnixUs failure_memory_us = 60 * us_per_s;

}  // namespace

ShardActor::ShardActor(caf::actor_config& config, RuntimeContextPtr context, Spawn spawn)
    : caf::event_based_actor(config), context_(std::move(context)), spawn_(std::move(spawn)) {}

caf::behavior ShardActor::make_behavior() {
  supervise(*this, context_->fate);
  delayed_send(this, tick_interval, tick_atom::value);
  return {
      [this](submit_atom, const CommandRequestPtr& request) {
        const bool creates = std::holds_alternative<CreatePayment>(request->command.body);
        forward(request->command.payment, request->reply_to, creates, submit_atom::value, request);
      },
      [this](report_atom, const ReportRequestPtr& request) {
        forward(request->report.payment, request->reply_to, false, report_atom::value, request);
      },
      [this](look_atom, const LookRequestPtr& request) {
        forward(request->payment, request->reply_to, false, look_atom::value, request);
      },
      [this](wake_atom, const StreamId& id) { forward(id, {}, false, wake_atom::value); },
      [this](settled_atom, const StreamId& id, caf::actor_id actor, std::uint64_t heard) {
        let_leave(id, actor, heard);
      },
      [this](failed_atom, const StreamId& id, const std::string& what) { entity_failed(id, what); },
      [this](parked_atom, const StreamId& id, const std::string& why) { park_entity(id, why); },
      [this](resume_atom, const StreamId& id, const ReplyTo& reply_to) {
        resume_entity(id, reply_to);
      },
      [this](parked_atom) { return parked(); },
      [this](tick_atom) {
        let_idle_leave();
        delayed_send(this, tick_interval, tick_atom::value);
      },
      [this](stop_atom) { quit(); },
  };
}

// However it ends: its payments hold the shard, and they would keep each other alive for ever.
void ShardActor::on_exit() {
  for (auto& [id, entity] : entities_)
    if (entity.actor) anon_send(entity.actor, bury_atom::value);
  entities_.clear();
}

template <class... Message>
void ShardActor::forward(const PaymentId& id, const ReplyTo& reply_to, bool assume_new,
                         const Message&... message) {
  const UnixUs now_us = context_->clock->now_us();
  const auto [found, is_new] = entities_.try_emplace(id);
  Entity& entity = found->second;
  entity.used_at_us = now_us;
  if (entity.parked_at_us != 0)
    return refuse(reply_to, ProblemCode::entity_parked, "Parked: " + entity.failure);
  if (!entity.actor) {
    if (now_us < entity.restart_at_us)
      return refuse(reply_to, ProblemCode::store_unavailable, "This payment is being restarted.");
    entity.actor = spawn_(this, id, assume_new && is_new);
    entity.sent = 0;
  }
  ++entity.sent;
  anon_send(entity.actor, message...);
}

void ShardActor::entity_failed(const PaymentId& id, const std::string& what) {
  const auto found = entities_.find(id);
  if (found == entities_.end() || !found->second.actor) return;
  Entity& entity = found->second;
  // Nothing is sent to it after this, so burial is the last message it sees and none goes
  // unanswered.
  anon_send(entity.actor, bury_atom::value);
  entity.actor = nullptr;
  context_->metrics->entity_restarts.Increment();
  const UnixUs now_us = context_->clock->now_us();
  if (what.empty()) {  // the store could not be read: not the payment's fault, and not counted
    entity.restart_at_us = now_us;
    return;
  }
  if (now_us - entity.failed_at_us > failure_memory_us) entity.failures = 0;
  entity.failed_at_us = now_us;
  entity.failure = what;
  ++entity.failures;
  spdlog::error("{} failed ({} in a row): {}", id.text(), entity.failures, what);
  if (entity.failures >= context_->limits.restarts_before_parking) {
    entity.parked_at_us = now_us;
    context_->metrics->entities_parked.Increment();
    return;
  }
  entity.restart_at_us = now_us + (context_->limits.restart_backoff_us << (entity.failures - 1));
}

// At once, because it has said that trying again is in vain.
void ShardActor::park_entity(const PaymentId& id, const std::string& why) {
  const auto found = entities_.find(id);
  if (found == entities_.end() || !found->second.actor) return;
  Entity& entity = found->second;
  anon_send(entity.actor, bury_atom::value);
  entity.actor = nullptr;
  spdlog::error("{} is parked: {}", id.text(), why);
  entity.failure = why;
  entity.parked_at_us = context_->clock->now_us();
  context_->metrics->entities_parked.Increment();
}

void ShardActor::resume_entity(const PaymentId& id, const ReplyTo& reply_to) {
  const auto found = entities_.find(id);
  if (found == entities_.end() || found->second.parked_at_us == 0)
    return refuse(reply_to, ProblemCode::not_parked, "This payment's actor is not parked.");
  context_->metrics->entities_parked.Decrement();
  found->second = Entity{};
  auto look = std::make_shared<LookRequest>();
  look->payment = id;
  look->reply_to = reply_to;
  forward(id, reply_to, false, look_atom::value, LookRequestPtr(std::move(look)));
}

// An offer counts when it is this actor's and it has heard everything: its mailbox is empty then,
// and nobody else sends to it. Else it has work again, or is another one by now.
void ShardActor::let_leave(const PaymentId& id, caf::actor_id actor, std::uint64_t heard) {
  const auto found = entities_.find(id);
  if (found == entities_.end() || !found->second.actor) return;
  if (found->second.actor->id() == actor && found->second.sent == heard) entities_.erase(found);
}

void ShardActor::let_idle_leave() {
  const UnixUs now_us = context_->clock->now_us();
  const bool crowded = context_->metrics->active.load(std::memory_order_relaxed) >
                       static_cast<std::int64_t>(context_->limits.active_entities);
  const UnixUs idle_us = crowded ? crowded_idle_us : context_->limits.passivate_after_us;
  for (auto entry = entities_.begin(); entry != entities_.end();) {
    Entity& entity = entry->second;
    const bool idle = now_us - entity.used_at_us >= idle_us;
    if (idle && entity.actor) {
      ++entity.sent;
      anon_send(entity.actor, passivate_atom::value);
    }
    // A failed one that nobody asked for since is forgotten with its count of failures.
    if (idle && !entity.actor && entity.parked_at_us == 0)
      entry = entities_.erase(entry);
    else
      ++entry;
  }
}

std::vector<ParkedEntity> ShardActor::parked() const {
  std::vector<ParkedEntity> result;
  for (const auto& [id, entity] : entities_)
    if (entity.parked_at_us != 0) result.push_back({id, entity.failure, entity.parked_at_us});
  return result;
}

void ShardActor::refuse(const ReplyTo& reply_to, ProblemCode code, std::string detail) {
  answer_to(reply_to, Problem{code, std::move(detail), ""});
}

ShardActor::Spawn spawn_payments(RuntimeContextPtr context) {
  return [context = std::move(context)](caf::event_based_actor* shard, const PaymentId& id,
                                        bool assume_new) {
    return shard->spawn<PaymentActor, caf::lazy_init>(
        context, id, caf::actor_cast<caf::actor>(shard), assume_new);
  };
}

}  // namespace welkin
