#include "tests/simulation/node.hpp"

#include <caf/all.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <utility>

#include "actors/breaker_actor.hpp"
#include "actors/channel_actor.hpp"
#include "actors/journal_actor.hpp"
#include "actors/shard_actor.hpp"
#include "actors/views_actor.hpp"

namespace welkin::simulation {
namespace {

struct SteppedConfig : caf::actor_system_config {
  SteppedConfig() { set("scheduler.policy", caf::atom("testing")); }
};

}  // namespace

struct Node::Parts {
  SteppedConfig config;
  caf::actor_system system{config};
  caf::scheduler::test_coordinator& scheduler =
      dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler());
  RuntimeMetrics metrics;
  RouteTable routes;
  RuntimeContextPtr context = std::make_shared<RuntimeContext>();
  caf::actor desk;
};

Node::Node(Stage& stage, const World& world, Edges edges)
    : stage_(stage), world_(world), edges_(edges), dice_(stage.dice.fork(4)) {}

Node::~Node() { crash(); }

bool Node::start() {
  auto epochs = edges_.store.claim_epochs(world_.shard_count);
  if (error_of(epochs)) return false;
  auto views = catch_up_views(edges_.store, world_.shard_count, stage_.now_us());
  if (error_of(views)) return false;
  std::vector<LoadedBreaker> breakers;
  for (const ChannelPort* channel : edges_.channels) {
    auto breaker = breaker_at_start(edges_.store, channel->name());
    if (error_of(breaker)) return false;
    breakers.push_back(std::move(std::get<LoadedBreaker>(breaker)));
  }
  parts_ = std::make_unique<Parts>();
  RuntimeContext& context = *parts_->context;
  context.epochs = std::move(std::get<std::vector<std::uint64_t>>(epochs));
  context.io = &edges_.io;
  context.clock = &stage_.clock;
  context.metrics = &parts_->metrics;
  context.limits = world_.limits;
  caf::actor_system& actors = parts_->system;
  context.journal = actors.spawn<JournalActor>(parts_->context);
  for (const WorldAccount& account : world_.accounts)
    parts_->routes.add(std::string(the_channel), std::string(account.name), account.priority, 1);
  context.routes = &parts_->routes;
  for (std::size_t i = 0; i < edges_.channels.size(); ++i) {
    ChannelPort& port = *edges_.channels[i];
    const std::string account(port.name());
    auto channel = actors.spawn<ChannelActor>(parts_->context, port);
    context.channels.emplace(
        account, actors.spawn<BreakerActor>(parts_->context, account, edges_.breaker,
                                            std::move(channel), std::move(breakers[i])));
  }
  for (std::uint32_t i = 0; i < world_.shard_count; ++i)
    context.shards.push_back(
        actors.spawn<ShardActor>(parts_->context, spawn_payments(parts_->context)));
  context.views =
      actors.spawn<ViewsActor>(parts_->context, std::move(std::get<ViewsAtStart>(views)));
  parts_->desk = actors.spawn([this](caf::event_based_actor* self) -> caf::behavior {
    return {
        [this](reply_atom, const ReplyPtr& reply) { hear(*reply); },
        [this](reply_atom, const IdempotencyAnswerPtr& answer) { hear(*answer); },
        [this, self](look_atom) {
          for (const auto& [account, breaker] : parts_->context->channels)
            self->request(breaker, caf::infinite, look_atom::value)
                .then([this, account = account](const BreakerAnswerPtr& answer) {
                  on_breaker_(account, std::get<BreakerView>(*answer).state);
                });
        },
        [self](stop_atom) { self->quit(); },
    };
  });
  ++starts_;
  return true;
}

void Node::crash() {
  if (!parts_) return;
  // Whoever waits sees the connection break.
  for (auto& [token, on_answer] : std::exchange(waiting_, {}))
    soon([on_answer = std::move(on_answer)] { on_answer(std::nullopt); });
  for (auto& [token, question] : std::exchange(waiting_for_keys_, {}))
    soon([on_key = std::move(question.on_key)] { on_key({}); });
  RuntimeContext& context = *parts_->context;
  for (const caf::actor& shard : context.shards) caf::anon_send(shard, stop_atom::value);
  for (const auto& [name, actor] : context.channels) caf::anon_send(actor, stop_atom::value);
  caf::anon_send(context.journal, stop_atom::value);
  caf::anon_send(context.views, stop_atom::value);
  caf::anon_send(parts_->desk, stop_atom::value);
  // A pending timeout keeps its actor alive, and the actor system waits for every actor.
  do {
    parts_->scheduler.run();
  } while (parts_->scheduler.trigger_timeouts() > 0 || parts_->scheduler.has_job());
  context.shards.clear();
  context.channels.clear();
  context.journal = nullptr;
  context.views = nullptr;
  parts_->desk = nullptr;
  parts_.reset();
  waiting_.clear();
  waiting_for_keys_.clear();
}

bool Node::has_work() const { return parts_ && parts_->scheduler.has_job(); }

void Node::work_once() {
  auto& jobs = parts_->scheduler.jobs;
  std::swap(jobs.front(), dice_.pick(jobs));
  parts_->scheduler.run_once();
}

void Node::time_passed(UnixUs by_us) {
  if (parts_) parts_->scheduler.advance_time(std::chrono::microseconds(by_us));
}

// ---- asking

// The way back over the network.
template <class Function>
void Node::soon(Function function) {
  ++stage_.activity;
  stage_.after(dice_.between(100, 2 * us_per_ms), std::move(function));
}

ReplyTo Node::reply_to(OnAnswer on_answer) {
  waiting_.emplace(++tokens_, std::move(on_answer));
  return {parts_->desk, tokens_};
}

void Node::hear(const Reply& reply) {
  const auto waiting = waiting_.find(reply.token);
  if (waiting == waiting_.end()) return;  // of a node that is dead
  soon([on_answer = std::move(waiting->second), answer = Answer(reply.answer)] {
    on_answer(answer);
  });
  waiting_.erase(waiting);
}

void Node::submit(PaymentCommand command, OnAnswer on_answer) {
  if (!parts_) return soon([on_answer = std::move(on_answer)] { on_answer(std::nullopt); });
  auto request = std::make_shared<CommandRequest>();
  request->reply_to = reply_to(std::move(on_answer));
  request->command = std::move(command);
  const caf::actor& shard = parts_->context->shard(request->command.payment);
  caf::anon_send(shard, submit_atom::value, CommandRequestPtr(std::move(request)));
}

void Node::look(const PaymentId& id, OnAnswer on_answer) {
  if (!parts_) return soon([on_answer = std::move(on_answer)] { on_answer(std::nullopt); });
  auto request = std::make_shared<LookRequest>();
  request->payment = id;
  request->reply_to = reply_to(std::move(on_answer));
  caf::anon_send(parts_->context->shard(id), look_atom::value, LookRequestPtr(std::move(request)));
}

void Node::flush_views(OnAnswer on_answer) {
  if (!parts_) return soon([on_answer = std::move(on_answer)] { on_answer(std::nullopt); });
  caf::anon_send(parts_->context->views, flush_atom::value, reply_to(std::move(on_answer)));
}

void Node::find_key(const std::string& merchant_id, const std::string& key, OnKey on_key) {
  if (!parts_) return soon([on_key = std::move(on_key)] { on_key({}); });
  waiting_for_keys_.emplace(++tokens_, KeyQuestion{merchant_id, key, std::move(on_key)});
  caf::anon_send(parts_->context->views, find_atom::value, merchant_id, key,
                 ReplyTo{parts_->desk, tokens_});
}

void Node::hear(const IdempotencyAnswer& answer) {
  const auto waiting = waiting_for_keys_.find(answer.token);
  if (waiting == waiting_for_keys_.end()) return;
  KeyAnswer found{true, answer.record};
  const KeyQuestion question = std::move(waiting->second);
  waiting_for_keys_.erase(waiting);
  if (answer.ask_store) {
    auto read = edges_.store.find_idempotency(question.merchant_id, question.key);
    if (error_of(read))
      found.reached = false;
    else
      found.record = std::get<std::optional<IdempotencyRecord>>(std::move(read));
  }
  soon([on_key = question.on_key, found = std::move(found)] { on_key(found); });
}

ChannelPort* Node::channel_named(std::string_view account) const {
  for (ChannelPort* channel : edges_.channels)
    if (channel->name() == account) return channel;
  return nullptr;
}

void Node::look_at_breakers(OnBreaker on_breaker) {
  on_breaker_ = std::move(on_breaker);
  caf::anon_send(parts_->desk, look_atom::value);
}

void Node::notify(const RawCallback& callback, std::function<void(int http_status)> answered) {
  if (!parts_) return soon([answered = std::move(answered)] { answered(0); });
  ChannelPort& channel = *channel_named(callback.channel);
  auto verified = channel.verify(callback, stage_.now_us());
  if (const auto* refused = std::get_if<CallbackRefused>(&verified))
    return soon([answered = std::move(answered),
                 status = spec_of(refused->problem.code).http_status] { answered(status); });
  auto request = std::make_shared<ReportRequest>();
  const auto& good = std::get<VerifiedCallback>(verified);
  request->report = good.report;
  request->report.source = ReportSource::callback;
  request->reply_to = reply_to([this, &channel, answered = std::move(answered), good,
                                start = starts_](const Answer& answer) {
    if (!answer || start != starts_) return answered(0);
    const auto* problem = std::get_if<Problem>(&*answer);
    // Judged and recorded, or judged and refused for good: the same bytes need not come again.
    if (!problem || problem->code == ProblemCode::report_mismatch) channel.settle(good);
    answered(problem ? spec_of(problem->code).http_status : 200);
  });
  const caf::actor& shard = parts_->context->shard(request->report.payment);
  caf::anon_send(shard, report_atom::value, ReportRequestPtr(std::move(request)));
}

}  // namespace welkin::simulation
