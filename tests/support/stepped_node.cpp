#include "tests/support/stepped_node.hpp"

#include <utility>

#include "actors/answerer.hpp"
#include "actors/breaker_actor.hpp"
#include "actors/channel_actor.hpp"
#include "actors/journal_actor.hpp"
#include "actors/views_actor.hpp"

namespace welkin {

StoreResult<std::unique_ptr<SteppedNode>> SteppedNode::start(const NodePlan& plan) {
  auto epochs = plan.store.claim_epochs(plan.shard_count);
  if (const auto* failed = error_of(epochs)) return *failed;
  auto views =
      catch_up_views(plan.store, std::get<std::vector<std::uint64_t>>(epochs), plan.clock.now_us());
  if (const auto* failed = error_of(views)) return *failed;
  std::vector<LoadedBreaker> breakers;
  for (const NodePlan::Account& account : plan.accounts) {
    auto breaker = breaker_at_start(plan.store, account.port.name());
    if (const auto* failed = error_of(breaker)) return *failed;
    breakers.push_back(std::get<LoadedBreaker>(std::move(breaker)));
  }
  std::unique_ptr<SteppedNode> node(new SteppedNode());
  const RuntimeContextPtr& context = node->context_;
  context->epochs = std::get<std::vector<std::uint64_t>>(std::move(epochs));
  context->io = &plan.io;
  context->clock = &plan.clock;
  context->metrics = &node->metrics_;
  context->fate = &node->fate_;
  context->limits = plan.limits;
  context->routes = &node->routes_;
  caf::actor_system& actors = node->system_;
  context->appends = std::make_shared<AppendQueue>(plan.limits.max_batch_appends);
  context->answerers = {actors.spawn(answerer, context->fate)};
  context->journal = actors.spawn<JournalActor>(context);
  for (std::size_t i = 0; i < plan.accounts.size(); ++i) {
    const auto& [port, priority] = plan.accounts[i];
    const std::string account(port.name());
    node->routes_.add(plan.channel, account, priority, /*weight=*/1);
    auto channel = actors.spawn<ChannelActor>(context, port);
    context->channels.emplace(
        account, actors.spawn<BreakerActor>(context, account, plan.breaker, std::move(channel),
                                            std::move(breakers[i])));
  }
  for (std::uint32_t i = 0; i < plan.shard_count; ++i)
    context->shards.push_back(
        actors.spawn<ShardActor>(context, plan.spawn ? plan.spawn : spawn_payments(context)));
  context->views = actors.spawn<ViewsActor>(context, std::get<ViewsAtStart>(std::move(views)));
  return StoreResult<std::unique_ptr<SteppedNode>>(std::move(node));
}

void SteppedNode::stop(const std::function<void()>& forget) {
  if (!context_->journal) return;
  forget();
  for (const caf::actor& shard : context_->shards) caf::anon_send(shard, stop_atom::value);
  for (const auto& [name, actor] : context_->channels) caf::anon_send(actor, stop_atom::value);
  for (const caf::actor* actor : {&context_->journal, &context_->views, &desk})
    if (*actor) caf::anon_send(*actor, stop_atom::value);
  for (const caf::actor& actor : context_->answerers) caf::anon_send(actor, stop_atom::value);
  // A pending timeout keeps its actor alive, and the actor system waits for every actor.
  do {
    scheduler_.run();
    forget();
  } while (scheduler_.trigger_timeouts() > 0 || scheduler_.has_job());
  context_->shards.clear();
  context_->channels.clear();
  context_->answerers.clear();
  context_->appends = nullptr;
  context_->journal = nullptr;
  context_->views = nullptr;
  desk = nullptr;
}

}  // namespace welkin
