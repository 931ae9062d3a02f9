#include "tests/simulation/node.hpp"

#include <caf/all.hpp>
#include <utility>

namespace welkin::simulation {

Node::Node(Stage& stage, const World& world, Edges edges)
    : stage_(stage), world_(world), edges_(edges), dice_(stage.dice.fork(4)) {}

Node::~Node() { crash(); }

bool Node::start() {
  NodePlan plan{edges_.store, edges_.io, stage_.clock, std::string(the_channel)};
  for (const WorldAccount& account : world_.accounts)
    plan.accounts.push_back({*channel_named(account.name), account.priority});
  plan.breaker = edges_.breaker;
  plan.shard_count = world_.shard_count;
  plan.limits = world_.limits;
  auto started = SteppedNode::start(plan);
  if (error_of(started)) return false;
  actors_ = std::move(std::get<std::unique_ptr<SteppedNode>>(started));
  actors_->desk = actors_->system().spawn(
      [this](caf::event_based_actor* self) -> caf::behavior { return desk(self); });
  ++starts_;
  return true;
}

caf::behavior Node::desk(caf::event_based_actor* self) {
  return {
      [this](reply_atom, const ReplyPtr& reply) { hear(*reply); },
      [this](reply_atom, const IdempotencyAnswerPtr& answer) { hear(*answer); },
      [this, self](submit_atom, const std::string& account, std::uint64_t token,
                   const BreakerCommandPtr& command) {
        self->request(actors_->breaker(account), caf::infinite, submit_atom::value, command)
            .then([this, token](const BreakerAnswerPtr& answer) { hear(token, *answer); });
      },
      [this, self](look_atom) {
        for (const auto& [account, breaker] : actors_->context().channels)
          self->request(breaker, caf::infinite, look_atom::value)
              .then([this](const BreakerAnswerPtr& answer) {
                on_breaker_(std::get<BreakerView>(*answer));
              });
      },
      [this, self](parked_atom) {
        std::vector<caf::actor> who_know = actors_->context().shards;
        who_know.push_back(actors_->context().views);
        for (const caf::actor& actor : who_know)
          self->request(actor, caf::infinite, parked_atom::value)
              .then([this](const std::vector<ParkedEntity>& parked) {
                if (!parked.empty()) on_parked_(parked);
              });
      },
      [self](stop_atom) { self->quit(); },
  };
}

std::string Node::ended() const {
  if (!ended_.empty() || !actors_) return ended_;
  return actors_->fate().what();
}

void Node::crash() {
  if (!actors_) return;
  ended_ = ended();
  // Whoever waits sees the connection break.
  for (auto& [token, on_answer] : std::exchange(waiting_, {}))
    soon([on_answer = std::move(on_answer)] { on_answer(std::nullopt); });
  for (auto& [token, question] : std::exchange(waiting_for_keys_, {}))
    soon([on_key = std::move(question.on_key)] { on_key({}); });
  for (auto& [token, on_order] : std::exchange(waiting_for_breakers_, {}))
    soon([on_order = std::move(on_order)] { on_order(std::nullopt); });
  on_breaker_ = [](const BreakerView&) {};
  on_parked_ = [](const std::vector<ParkedEntity>&) {};
  actors_->stop([] {});
  actors_.reset();
  waiting_.clear();
  waiting_for_keys_.clear();
  waiting_for_breakers_.clear();
}

bool Node::has_work() const { return actors_ && actors_->scheduler().has_job(); }

void Node::work_once() {
  auto& jobs = actors_->scheduler().jobs;
  std::swap(jobs.front(), dice_.pick(jobs));
  actors_->scheduler().run_once();
}

void Node::time_passed(UnixUs by_us) {
  if (actors_) actors_->scheduler().advance_time(std::chrono::microseconds(by_us));
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
  return {actors_->desk, tokens_};
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
  if (!actors_) return soon([on_answer = std::move(on_answer)] { on_answer(std::nullopt); });
  auto request = std::make_shared<CommandRequest>();
  request->reply_to = reply_to(std::move(on_answer));
  request->command = std::move(command);
  const caf::actor& shard = actors_->context().shard(request->command.payment);
  caf::anon_send(shard, submit_atom::value, CommandRequestPtr(std::move(request)));
}

void Node::look(const PaymentId& id, OnAnswer on_answer) {
  if (!actors_) return soon([on_answer = std::move(on_answer)] { on_answer(std::nullopt); });
  auto request = std::make_shared<LookRequest>();
  request->payment = id;
  request->reply_to = reply_to(std::move(on_answer));
  caf::anon_send(actors_->context().shard(id), look_atom::value,
                 LookRequestPtr(std::move(request)));
}

void Node::flush_views(OnAnswer on_answer) {
  if (!actors_) return soon([on_answer = std::move(on_answer)] { on_answer(std::nullopt); });
  caf::anon_send(actors_->context().views, flush_atom::value, reply_to(std::move(on_answer)));
}

void Node::find_key(const std::string& merchant_id, const std::string& key, OnKey on_key) {
  if (!actors_) return soon([on_key = std::move(on_key)] { on_key({}); });
  waiting_for_keys_.emplace(++tokens_, KeyQuestion{merchant_id, key, std::move(on_key)});
  caf::anon_send(actors_->context().views, find_atom::value, merchant_id, key,
                 ReplyTo{actors_->desk, tokens_});
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

void Node::notify(const RawCallback& callback, std::function<void(int http_status)> answered) {
  if (!actors_) return soon([answered = std::move(answered)] { answered(0); });
  ChannelPort& channel = *channel_named(callback.channel);
  auto verified = channel.verify(callback, stage_.now_us());
  if (const auto* refused = std::get_if<CallbackRefused>(&verified))
    return soon([answered = std::move(answered),
                 status = spec_of(refused->problem.code).http_status] { answered(status); });
  if (const auto* ignored = std::get_if<IgnoredCallback>(&verified))
    return soon(
        [answered = std::move(answered), status = ignored->ack.http_status] { answered(status); });
  auto request = std::make_shared<ReportRequest>();
  const auto& good = std::get<VerifiedCallback>(verified);
  request->report = good.report;
  request->report.source = ReportSource::callback;
  request->reply_to = reply_to([this, &channel, answered = std::move(answered), good,
                                start = starts_](const Answer& answer) {
    if (!answer || start != starts_) return answered(0);
    const auto* problem = std::get_if<Problem>(&*answer);
    // Judged and recorded, or judged and refused for good: the same bytes need not come again.
    if (!problem || problem->code == ProblemCode::report_mismatch)
      channel.settle(good, problem ? Settled::refused : Settled::taken);
    answered(problem ? spec_of(problem->code).http_status : 200);
  });
  const caf::actor& shard = actors_->context().shard(request->report.payment);
  caf::anon_send(shard, report_atom::value, ReportRequestPtr(std::move(request)));
}

// ---- for operators

void Node::resume_actor(const PaymentId& id, OnAnswer on_answer) {
  if (!actors_) return soon([on_answer = std::move(on_answer)] { on_answer(std::nullopt); });
  caf::anon_send(actors_->context().shard(id), resume_atom::value, id,
                 reply_to(std::move(on_answer)));
}

void Node::order_breaker(const std::string& account, BreakerCommand command, OnOrder on_order) {
  if (!actors_) return soon([on_order = std::move(on_order)] { on_order(std::nullopt); });
  waiting_for_breakers_.emplace(++tokens_, std::move(on_order));
  caf::anon_send(actors_->desk, submit_atom::value, account, tokens_,
                 std::make_shared<const BreakerCommand>(std::move(command)));
}

void Node::hear(std::uint64_t token, const BreakerAnswer& answer) {
  const auto waiting = waiting_for_breakers_.find(token);
  if (waiting == waiting_for_breakers_.end()) return;
  soon([on_order = std::move(waiting->second), answer] { on_order(answer); });
  waiting_for_breakers_.erase(waiting);
}

void Node::look_at_breakers(OnBreaker on_breaker) {
  on_breaker_ = std::move(on_breaker);
  if (actors_) caf::anon_send(actors_->desk, look_atom::value);
}

void Node::look_at_parked(OnParked on_parked) {
  on_parked_ = std::move(on_parked);
  if (actors_) caf::anon_send(actors_->desk, parked_atom::value);
}

}  // namespace welkin::simulation
