#include "actors/runtime.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "actors/answerer.hpp"
#include "actors/breaker_actor.hpp"
#include "actors/journal_actor.hpp"
#include "actors/journal_remarks.hpp"
#include "actors/restore_asker.hpp"
#include "actors/runtime_parts.hpp"
#include "actors/shard_actor.hpp"
#include "actors/views_actor.hpp"
#include "persistence/journal_check.hpp"

namespace welkin {

const WallClock& wall_of(const RuntimeConfig& config) {
  static const SystemClock system;
  return config.wall ? *config.wall : system;
}

namespace {

constexpr auto drain_patience = std::chrono::seconds(5);
constexpr auto expiry_interval = std::chrono::milliseconds(250);

StoreResult<std::optional<QuestionsAfterRestore>> questions_at_start(const JournalStore& store) {
  auto journal = read_journal_history(store);
  if (const StoreError* error = error_of(journal)) return *error;
  auto& loaded = std::get<LoadedHistory>(journal);
  if (!loaded.history.to_ask) return std::optional<QuestionsAfterRestore>();
  auto payments = payments_to_ask_about(store, *loaded.history.to_ask);
  if (const StoreError* error = error_of(payments)) return *error;
  return std::optional<QuestionsAfterRestore>(
      {std::move(loaded), std::move(std::get<std::vector<StreamId>>(payments))});
}

// Tells those whose time is up, and has the clock follow the wall, for as long as the node lives.
caf::behavior timekeeper_of(caf::event_based_actor* self, PendingAnswers* answers,
                            JournalClock* clock, NodeFate* fate) {
  supervise(*self, fate);
  self->delayed_send(self, expiry_interval, tick_atom::value);
  return {
      [=](tick_atom) {
        answers->expire(SteadyClock::now());
        clock->look();
        self->delayed_send(self, expiry_interval, tick_atom::value);
      },
      [=](stop_atom) { self->quit(); },
  };
}

}  // namespace

Runtime::Runtime(const RuntimeConfig& config, JournalStore& store, Standing standing)
    : config_(config),
      store_(store),
      parts_(std::make_unique<Parts>(config, store, std::move(standing))),
      callbacks_(std::make_unique<CallbackDesk>(parts_->context, parts_->answers)) {}

Runtime::~Runtime() { stop(); }

StoreResult<std::unique_ptr<Runtime>> Runtime::start(const RuntimeConfig& config,
                                                     JournalStore& store,
                                                     std::vector<ChannelAccount> accounts) {
  Standing standing;
  auto lease = NodeLease::take(store, config.lease, *standing.fate);
  if (const StoreError* error = error_of(lease)) return *error;
  standing.lease = std::move(std::get<std::unique_ptr<NodeLease>>(lease));
  // Before anything is claimed: whoever is refused fences nobody out.
  auto checked = check_before_start(store, config.accept_truncated_journal);
  if (const StoreError* error = error_of(checked)) return *error;
  auto epochs = store.claim_epochs(config.shard_count);
  if (const StoreError* error = error_of(epochs)) return *error;
  auto last_event = last_event_time(store);
  if (const StoreError* error = error_of(last_event)) return *error;
  standing.last_event_us = std::get<UnixUs>(last_event);
  const UnixUs now_us = std::max(wall_of(config).now_us(), standing.last_event_us);
  if (const auto& remark = std::get<std::optional<JournalEvent>>(checked)) {
    auto noted =
        append_remark(store, std::get<std::vector<std::uint64_t>>(epochs), *remark, now_us);
    if (const StoreError* error = error_of(noted)) return *error;
  }
  std::vector<LoadedBreaker> breakers;
  for (const ChannelAccount& account : accounts) {
    auto breaker = breaker_at_start(store, account.port->name());
    if (const StoreError* error = error_of(breaker)) return *error;
    breakers.push_back(std::move(std::get<LoadedBreaker>(breaker)));
  }
  auto views = catch_up_views(store, std::get<std::vector<std::uint64_t>>(epochs), now_us);
  if (const StoreError* error = error_of(views)) return *error;
  auto questions = questions_at_start(store);
  if (const StoreError* error = error_of(questions)) return *error;

  std::unique_ptr<Runtime> runtime(new Runtime(config, store, std::move(standing)));
  Parts& parts = *runtime->parts_;
  RuntimeContext& context = *parts.context;
  context.epochs = std::move(std::get<std::vector<std::uint64_t>>(epochs));
  context.io = &parts.io;
  context.clock = &parts.clock;
  context.wall = &wall_of(config);
  context.fate = parts.standing.fate.get();
  context.metrics = &parts.metrics;
  context.limits = config.limits;
  context.appends = std::make_shared<AppendQueue>(config.limits.max_batch_appends);
  for (int i = 0; i < answerers_per_node; ++i)
    context.answerers.push_back(parts.system.spawn(answerer, context.fate));
  context.journal = parts.system.spawn<JournalActor>(parts.context);
  context.routes = &parts.routes;
  for (std::size_t i = 0; i < accounts.size(); ++i)
    runtime->open_account(std::move(accounts[i]), std::move(breakers[i]));
  const ShardActor::Spawn spawn = spawn_payments(parts.context);
  for (std::uint32_t shard = 0; shard < config.shard_count; ++shard)
    context.shards.push_back(parts.system.spawn<ShardActor>(parts.context, spawn));
  // Last, because it wakes payments as soon as it runs.
  context.views =
      parts.system.spawn<ViewsActor>(parts.context, std::move(std::get<ViewsAtStart>(views)));
  if (auto& asked = std::get<std::optional<QuestionsAfterRestore>>(questions))
    parts.asker = parts.system.spawn<RestoreAsker>(parts.context, std::move(*asked));
  parts.timekeeper = parts.system.spawn(timekeeper_of, &parts.answers, &parts.clock, context.fate);
  return runtime;
}

void Runtime::when_ended(std::function<void()> owner) {
  parts_->standing.fate->when_ended(std::move(owner));
}
std::string Runtime::end_reason() const { return parts_->standing.fate->reason(); }

void Runtime::drain() {
  draining_ = true;
  const auto limit = SteadyClock::now() + drain_patience;
  parts_->no_wait_after = limit;
  parts_->answers.wait_no_longer_than(limit);
}

void Runtime::stop() {
  if (!parts_) return;
  draining_ = true;
  parts_->keys.stop();
  parts_->queries.stop();
  parts_->operators.stop();
  parts_->no_wait_after = SteadyClock::time_point::max();  // for the flush below
  RuntimeContext& context = *parts_->context;
  if (const auto problem = flush_views())
    spdlog::warn("stop: the views were not written; the next start reads the journal's tail: {}",
                 problem->detail);
  for (const caf::actor& shard : context.shards) caf::anon_send(shard, stop_atom::value);
  for (const auto& [name, channel] : context.channels) caf::anon_send(channel, stop_atom::value);
  caf::anon_send(context.journal, stop_atom::value);
  caf::anon_send(context.views, stop_atom::value);
  for (const caf::actor& giver : context.answerers) caf::anon_send(giver, stop_atom::value);
  if (parts_->asker) caf::anon_send(parts_->asker, stop_atom::value);
  parts_->asker = nullptr;
  caf::anon_send(parts_->timekeeper, stop_atom::value);
  parts_->timekeeper = nullptr;
  parts_->io.stop();
  parts_->desks.clear();
  parts_->system.await_all_actors_done();
  parts_->answers.expire(SteadyClock::time_point::max());
  // Handles in the context and the context in the actors would keep each other alive.
  context.shards.clear();
  context.channels.clear();
  context.routes = nullptr;
  context.answerers.clear();
  context.appends = nullptr;
  context.journal = nullptr;
  context.views = nullptr;
  parts_->standing.lease->give_up();
  parts_.reset();
}

const RuntimeContext& Runtime::context() const { return *parts_->context; }
caf::actor_system& Runtime::system() { return parts_->system; }

void Runtime::open_account(ChannelAccount account, LoadedBreaker breaker) {
  const std::string name(account.port->name());
  RuntimeContext& context = *parts_->context;
  parts_->ports[account.serves].push_back(account.port);
  parts_->routes.add(account.serves, name, account.priority, account.weight);
  auto channel =
      parts_->system.spawn<ChannelActor>(parts_->context, *account.port, std::move(account.calls));
  context.channels.emplace(
      name, parts_->system.spawn<BreakerActor>(parts_->context, name, account.breaker,
                                               std::move(channel), std::move(breaker)));
  callbacks_->add(*account.port);
}

bool Runtime::knows_account(std::string_view account) const { return callbacks_->knows(account); }

Readiness Runtime::readiness() const {
  if (parts_->standing.fate->has_ended()) return {false, end_reason()};
  if (draining_) return {false, "draining"};
  if (!parts_->standing.lease->is_held()) return {false, "lease_lapsed"};
  if (parts_->metrics.store_up.Value() < 1) return {false, "store_unavailable"};
  if (parts_->metrics.views_are_full) return {false, "views_behind"};
  return {true, ""};
}

std::string Runtime::metrics_text() const { return parts_->metrics.text(); }

}  // namespace welkin
