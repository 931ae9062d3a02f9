#include "actors/runtime.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <caf/all.hpp>
#include <map>
#include <set>
#include <utility>

#include "actors/answerer.hpp"
#include "actors/breaker_actor.hpp"
#include "actors/journal_actor.hpp"
#include "actors/journal_clock.hpp"
#include "actors/journal_remarks.hpp"
#include "actors/list_cursor.hpp"
#include "actors/listed_payments.hpp"
#include "actors/node_scheduler.hpp"
#include "actors/pending_answers.hpp"
#include "actors/restore_asker.hpp"
#include "actors/shard_actor.hpp"
#include "actors/store_threads.hpp"
#include "actors/views_actor.hpp"
#include "persistence/journal_check.hpp"
#include "protocol/payment/event_codec.hpp"
#include "protocol/payment/first_answer.hpp"

namespace welkin {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr auto flush_timeout = std::chrono::seconds(2);
constexpr auto drain_patience = std::chrono::seconds(5);
constexpr auto wait_slice = std::chrono::milliseconds(500);
constexpr auto expiry_interval = std::chrono::milliseconds(250);
// What blocks has threads and a bounded queue of its own by who waits for it, so that no reader
// keeps a command waiting, and nobody an operator.
constexpr int key_threads = 2;
constexpr std::size_t max_queued_keys = 2'000;
constexpr int query_threads = 2;
constexpr std::size_t max_queued_queries = 500;
constexpr int operator_threads = 1;
constexpr std::size_t max_queued_operators = 50;
// A page costs a hundred times what a create does: where processors are short, who reads waits.
constexpr int query_niceness = 10;

const WallClock& wall_of(const RuntimeConfig& config) {
  static const SystemClock system;
  return config.wall ? *config.wall : system;
}

class SystemConfig : public caf::actor_system_config {
 public:
  explicit SystemConfig(const RuntimeConfig& config) {
    set("scheduler.max-threads", static_cast<std::size_t>(config.scheduler_threads));
    if (config.scheduler_policy == "own")
      NodeScheduler::choose(*this);
    else
      set("scheduler.policy",
          config.scheduler_policy == "stealing" ? caf::atom("stealing") : caf::atom("sharing"));
    set("scheduler.max-throughput", config.max_throughput);
  }
};

constexpr auto look_timeout = std::chrono::seconds(2);

Problem problem_of(const StoreError& error) {
  const auto code = error.kind == StoreErrorKind::corrupt ? ProblemCode::internal
                                                          : ProblemCode::store_unavailable;
  spdlog::error("store: {}", error.detail);
  return {code, "The journal cannot be read now.", ""};
}

// What a stream's own actor would answer, were it asked.
Problem problem_of_corrupt(const std::string& what) {
  spdlog::error("journal: {}", what);
  return {ProblemCode::entity_parked, "Parked: " + corrupt_reason + what, ""};
}

Problem problem_of_stream(const StoreError& error) {
  return error.kind == StoreErrorKind::corrupt ? problem_of_corrupt(error.detail)
                                               : problem_of(error);
}

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

struct Runtime::Standing {
  std::unique_ptr<NodeFate> fate = std::make_unique<NodeFate>();
  std::unique_ptr<NodeLease> lease;
  UnixUs last_event_us = 0;
};

struct Runtime::Parts {
  Parts(const RuntimeConfig& config, JournalStore& store, Standing before)
      : standing(std::move(before)),
        clock(wall_of(config), standing.last_event_us, metrics),
        answers(std::chrono::milliseconds(config.command_timeout_ms)),
        system_config(config),
        system(system_config),
        io(store, metrics, standing.fate.get()),
        keys("welkin.keys", key_threads, standing.fate.get()),
        queries("welkin.queries", query_threads, standing.fate.get(), query_niceness),
        operators("welkin.operator", operator_threads, standing.fate.get()) {}

  Standing standing;
  RuntimeMetrics metrics;
  JournalClock clock;
  RouteTable routes;
  std::map<std::string, std::vector<const ChannelPort*>, std::less<>> ports;  // by channel
  PendingAnswers answers;  // before the actors, which refer to it
  SystemConfig system_config;
  caf::actor_system system;
  StoreThreads io;
  TaskThreads keys;       // idempotency keys and replays: of commands
  TaskThreads queries;    // lists and events
  TaskThreads operators;  // what only operators ask for
  ListedPayments listed;
  caf::actor timekeeper;
  caf::actor asker;  // after a restore
  RuntimeContextPtr context = std::make_shared<RuntimeContext>();

  std::mutex desks_mutex;
  std::vector<std::unique_ptr<caf::scoped_actor>> desks;
  std::atomic<std::uint64_t> next_token{1};
  // Set by a drain: who still waits then is told that the outcome is unknown, so that the node can
  // end.
  std::atomic<SteadyClock::time_point> no_wait_after{SteadyClock::time_point::max()};
};

// The actors that wait for replies belong to the runtime and are lent to the threads that read.
class Runtime::Desk {
 public:
  explicit Desk(Parts& parts) : parts_(parts), token_(parts.next_token.fetch_add(1)) {
    const std::lock_guard<std::mutex> lock(parts_.desks_mutex);
    if (!parts_.desks.empty()) {
      self_ = std::move(parts_.desks.back());
      parts_.desks.pop_back();
    } else {
      self_ = std::make_unique<caf::scoped_actor>(parts_.system);
    }
  }
  ~Desk() {
    const std::lock_guard<std::mutex> lock(parts_.desks_mutex);
    parts_.desks.push_back(std::move(self_));
  }
  Desk(const Desk&) = delete;
  Desk& operator=(const Desk&) = delete;

  ReplyTo reply_to() const { return {caf::actor_cast<caf::actor>(*self_), token_}; }

  // The reply under this desk's token, or null when the deadline passes. Late ones of earlier calls
  // are dropped.
  template <class Pointer>
  Pointer wait(std::chrono::milliseconds timeout) {
    const auto deadline = SteadyClock::now() + timeout;
    Pointer result;
    while (!result) {
      const auto now = SteadyClock::now();
      if (now >= deadline || now >= parts_.no_wait_after.load()) break;
      // In slices, so that a drain which begins meanwhile is noticed.
      const auto slice = std::min<SteadyClock::duration>(deadline - now, wait_slice);
      (*self_)->receive(
          [&](reply_atom, const ReplyPtr& reply) {
            if constexpr (std::is_same_v<Pointer, ReplyPtr>)
              if (reply->token == token_) result = reply;
          },
          [&](reply_atom, const IdempotencyAnswerPtr& reply) {
            if constexpr (std::is_same_v<Pointer, IdempotencyAnswerPtr>)
              if (reply->token == token_) result = reply;
          },
          caf::after(std::chrono::duration_cast<std::chrono::microseconds>(slice)) >> [] {});
    }
    return result;
  }

  caf::scoped_actor& self() { return *self_; }

 private:
  Parts& parts_;
  const std::uint64_t token_;
  std::unique_ptr<caf::scoped_actor> self_;
};

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

// ---- what payments answer

void Runtime::submit(PaymentCommand command, Then<CommandAnswer> then) {
  auto request = std::make_shared<CommandRequest>();
  request->reply_to = parts_->answers.expect(command.payment, std::move(then));
  request->command = std::move(command);
  const caf::actor& shard = parts_->context->shard(request->command.payment);
  caf::anon_send(shard, submit_atom::value, CommandRequestPtr(std::move(request)));
}

// What a node has in memory is another's to say once it may have been taken over.
std::optional<Problem> Runtime::not_serving() const {
  const Standing& standing = parts_->standing;
  if (standing.fate->has_ended())
    return standing.fate->reason() == fenced_reason
               ? Problem{ProblemCode::shard_moved, "Another node has taken this journal over.", ""}
               : Problem{ProblemCode::store_unavailable, "This node is stopping.", ""};
  if (!standing.lease->is_held())
    return Problem{ProblemCode::store_unavailable, "This node cannot renew its lease.", ""};
  return std::nullopt;
}

// What no account of the channel could be asked for.
std::optional<Problem> Runtime::objection_to(const PaymentCommand& command) const {
  const auto* order = std::get_if<CreatePayment>(&command.body);
  if (!order) return std::nullopt;
  const auto found = parts_->ports.find(order->channel);
  if (found == parts_->ports.end())
    return Problem{ProblemCode::unknown_channel, "There is no such channel here.", "/channel"};
  std::optional<Problem> first;
  for (const ChannelPort* port : found->second) {
    auto objection = port->objection(*order);
    if (!objection) return std::nullopt;
    if (!first) first = std::move(objection);
  }
  return first;
}

// Its channel may be configured in another way, or away, since the order was taken.
void Runtime::execute_if_taken(PaymentCommand command, Problem objection,
                               Then<CommandAnswer> then) {
  const PaymentId id = command.payment;
  find(id, [this, command = std::move(command), objection = std::move(objection),
            then = std::move(then)](const FoundPayment& found) {
    const auto* problem = std::get_if<Problem>(&found);
    if (!problem) return submit(command, then);
    then(problem->code == ProblemCode::not_found ? objection : *problem);
  });
}

void Runtime::execute(PaymentCommand command, Then<CommandAnswer> then) {
  if (auto problem = not_serving()) return then(std::move(*problem));
  if (auto objection = objection_to(command))
    return execute_if_taken(std::move(command), std::move(*objection), std::move(then));
  if (!std::holds_alternative<ResumePayment>(command.body))
    return submit(std::move(command), std::move(then));
  // Parked is either the actor, which kept failing, or the settling, which the payment records.
  const PaymentId id = command.payment;
  const ReplyTo reply_to = parts_->answers.expect(
      id, [this, command = std::move(command), then = std::move(then)](CommandAnswer answer) {
        const auto* problem = std::get_if<Problem>(&answer);
        if (!problem || problem->code != ProblemCode::not_parked) return then(std::move(answer));
        submit(command, then);
      });
  caf::anon_send(parts_->context->shard(id), resume_atom::value, id, reply_to);
}

void Runtime::find(const PaymentId& id, Then<FoundPayment> then) {
  if (auto problem = not_serving()) return then(std::move(*problem));
  auto request = std::make_shared<LookRequest>();
  request->payment = id;
  request->reply_to = parts_->answers.expect(id, [then = std::move(then)](CommandAnswer answer) {
    if (auto* problem = std::get_if<Problem>(&answer)) return then(std::move(*problem));
    then(std::move(std::get<CommandOutcome>(answer).view));
  });
  caf::anon_send(parts_->context->shard(id), look_atom::value, LookRequestPtr(std::move(request)));
}

// ---- what is read from the store, on threads that may block

namespace {

template <class Result, class Read>
void read(TaskThreads& threads, std::size_t limit, Then<Result> then, Read work) {
  const auto task = [then, work = std::move(work)] { then(work()); };
  if (!threads.run_unless_full(task, limit))
    then(Problem{ProblemCode::overloaded, "Too many requests of this kind are waiting.", ""});
}

}  // namespace

void Runtime::list(PaymentListQuery query, Then<FoundPage> then) {
  read<FoundPage>(parts_->queries, max_queued_queries, std::move(then),
                  [this, query = std::move(query)] { return list_now(query); });
}

void Runtime::events(const PaymentId& id, Then<FoundEvents> then) {
  read<FoundEvents>(parts_->queries, max_queued_queries, std::move(then),
                    [this, id] { return events_now(id); });
}

void Runtime::find_idempotency(std::string_view merchant_id, std::string_view key,
                               Then<FoundKey> then) {
  if (auto problem = not_serving()) return then(std::move(*problem));
  read<FoundKey>(parts_->keys, max_queued_keys, std::move(then),
                 [this, merchant = std::string(merchant_id), key = std::string(key)] {
                   return find_key_now(merchant, key);
                 });
}

void Runtime::replay(const IdempotencyHit& hit, Then<CommandAnswer> then) {
  read<CommandAnswer>(parts_->keys, max_queued_keys, std::move(then),
                      [this, hit] { return replay_now(hit); });
}

void Runtime::parked(Then<FoundParked> then) {
  read<FoundParked>(parts_->operators, max_queued_operators, std::move(then),
                    [this] { return parked_now(); });
}

void Runtime::breakers(Then<FoundBreakers> then) {
  read<FoundBreakers>(parts_->operators, max_queued_operators, std::move(then),
                      [this] { return breakers_now(); });
}

void Runtime::operate_breaker(const std::string& account, BreakerCommand command,
                              Then<BreakerAnswer> then) {
  read<BreakerAnswer>(parts_->operators, max_queued_operators, std::move(then),
                      [this, account, command = std::move(command)] {
                        return operate_breaker_now(account, command);
                      });
}

std::optional<Problem> Runtime::flush_views() {
  Desk desk(*parts_);
  caf::anon_send(parts_->context->views, flush_atom::value, desk.reply_to());
  const auto reply = desk.wait<ReplyPtr>(flush_timeout);
  if (!reply)
    return Problem{ProblemCode::store_unavailable, "The views were not written in time.", ""};
  if (const auto* problem = std::get_if<Problem>(&reply->answer)) return *problem;
  return std::nullopt;
}

Runtime::FoundPage Runtime::list_now(const PaymentListQuery& query) {
  CardQuery cards;
  cards.merchant_id = query.merchant_id;
  if (query.state) cards.state = name_of(*query.state);
  cards.created_from_us = query.created_from_us;
  cards.created_to_us = query.created_to_us;
  if (!query.cursor.empty()) {
    const auto cursor = ListCursor::parse(query.cursor);
    if (!cursor)
      return Problem{ProblemCode::invalid_value, "The cursor is not one of ours.", "?cursor"};
    cards.before_created_at_us = cursor->created_at_us;
    cards.before_stream = cursor->stream;
  }
  cards.limit = query.limit + 1;  // one more tells whether there is a next page
  if (auto problem = flush_views()) return *problem;
  auto read = store_.list_cards(cards);
  if (const StoreError* error = error_of(read)) return problem_of(*error);
  auto& found = std::get<std::vector<Card>>(read);
  PaymentListPage page;
  if (found.size() > query.limit) {
    found.resize(query.limit);
    page.next_cursor = ListCursor{found.back().created_at_us, found.back().stream}.text();
  }
  for (const Card& card : found) {
    if (auto shown = parts_->listed.find(card.stream, card.position)) {
      page.payments.push_back(std::move(*shown));
      continue;
    }
    const LoadResult result = load_payment(store_, card.stream);
    if (const auto* failure = std::get_if<LoadFailure>(&result))
      return problem_of_stream(
          {failure->corrupt ? StoreErrorKind::corrupt : StoreErrorKind::unavailable,
           failure->what});
    const auto& loaded = std::get<LoadedPayment>(result);
    page.payments.push_back({card.stream, loaded.seq, loaded.state});
    parts_->listed.keep(card.position, page.payments.back());
  }
  return page;
}

Runtime::FoundEvents Runtime::events_now(const PaymentId& id) const {
  auto read = store_.read_stream(id);
  if (const StoreError* error = error_of(read)) return problem_of_stream(*error);
  const std::string fault = fault_in_stream(std::get<std::vector<EventRow>>(read));
  if (!fault.empty()) return problem_of_corrupt(fault);
  std::vector<EventView> result;
  for (EventRow& row : std::get<std::vector<EventRow>>(read))
    result.push_back({row.seq, std::move(row.type), row.version, std::move(row.payload), row.at_us,
                      std::move(row.causation_id), std::move(row.correlation_id)});
  if (result.empty()) return Problem{ProblemCode::not_found, "There is no such payment.", ""};
  return result;
}

Runtime::FoundKey Runtime::find_key_now(const std::string& merchant_id, const std::string& key) {
  Desk desk(*parts_);
  caf::anon_send(parts_->context->views, find_atom::value, merchant_id, key, desk.reply_to());
  const auto answer =
      desk.wait<IdempotencyAnswerPtr>(std::chrono::milliseconds(config_.command_timeout_ms));
  if (!answer) return Problem{ProblemCode::overloaded, "The views did not answer in time.", ""};
  std::optional<IdempotencyRecord> record = answer->record;
  if (answer->ask_store) {
    auto read = store_.find_idempotency(merchant_id, key);
    if (const StoreError* error = error_of(read)) return problem_of(*error);
    record = std::get<std::optional<IdempotencyRecord>>(read);
  }
  // The store forgets what is too old only now and then.
  const bool remembered = record && is_remembered(record->at_us, parts_->clock.now_us());
  if (!remembered) return std::optional<IdempotencyHit>{};
  return std::optional<IdempotencyHit>{{record->fingerprint, record->stream, record->seq}};
}

CommandAnswer Runtime::replay_now(const IdempotencyHit& hit) const {
  auto read = store_.read_stream(hit.payment);
  if (const StoreError* error = error_of(read)) return problem_of_stream(*error);
  const auto& rows = std::get<std::vector<EventRow>>(read);
  const std::string fault = fault_in_stream(rows);
  if (!fault.empty()) return problem_of_corrupt(fault);
  if (hit.seq == 0 || hit.seq > rows.size())
    return Problem{ProblemCode::internal,
                   "The idempotency record names an event that is not there.", ""};
  std::vector<RecordedEvent> events;
  events.reserve(rows.size());
  for (const EventRow& row : rows) {
    auto parsed = parse_event(row.type, row.version, row.payload);
    auto* event = std::get_if<PaymentEvent>(&parsed);
    if (!event)
      return problem_of({StoreErrorKind::corrupt, hit.payment.text() + " cannot be replayed"});
    events.push_back({std::move(*event), row.causation_id, row.at_us});
  }
  const PaymentEvent& request = events[hit.seq - 1].event;
  CommandOutcome outcome;
  outcome.created = kind_of(request) == PaymentEventKind::created;
  if (const auto* refund = std::get_if<PaymentRefundRequested>(&request)) {
    outcome.created = true;
    outcome.refund_id = refund->refund_id;
  } else if (const auto* repeated = std::get_if<PaymentRequestRepeated>(&request)) {
    outcome.refund_id = repeated->refund_id;
  }
  auto answer = first_answer(events, hit.seq - 1);
  if (!answer)
    return problem_of({StoreErrorKind::corrupt, hit.payment.text() + " cannot be replayed"});
  outcome.view = {hit.payment, answer->seq,
                  std::make_shared<const Payment>(std::move(answer->payment))};
  return outcome;
}

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

void Runtime::notify(const RawCallback& callback, Then<TakenCallback> then) {
  callbacks_->take(callback, std::move(then));
}

std::optional<CallbackAck> Runtime::refuse_callback(std::string_view account, const Problem& why) {
  return callbacks_->refuse(account, why);
}

std::vector<ParkedEntity> Runtime::parked_now() {
  Desk desk(*parts_);
  std::vector<ParkedEntity> result;
  std::set<StreamId> seen;
  const auto collect = [&](const caf::actor& actor) {
    desk.self()
        ->request(actor, look_timeout, parked_atom::value)
        .receive(
            [&](const std::vector<ParkedEntity>& part) {
              // A corrupt one may be known to its shard and to the views.
              for (const ParkedEntity& entity : part)
                if (seen.insert(entity.payment).second) result.push_back(entity);
            },
            [](const caf::error&) { spdlog::warn("parked: a shard did not answer in time"); });
  };
  for (const caf::actor& shard : parts_->context->shards) collect(shard);
  collect(parts_->context->views);
  return result;
}

Runtime::FoundBreakers Runtime::breakers_now() {
  Desk desk(*parts_);
  std::vector<BreakerView> result;
  for (const auto& [account, breaker] : parts_->context->channels)
    desk.self()
        ->request(breaker, look_timeout, look_atom::value)
        .receive(
            [&](const BreakerAnswerPtr& answer) {
              result.push_back(std::get<BreakerView>(*answer));
            },
            [](const caf::error&) {});
  if (result.size() < parts_->context->channels.size())
    return Problem{ProblemCode::overloaded, "A breaker did not answer in time.", ""};
  return result;
}

BreakerAnswer Runtime::operate_breaker_now(const std::string& account,
                                           const BreakerCommand& command) {
  const auto breaker = parts_->context->channels.find(account);
  if (breaker == parts_->context->channels.end())
    return Problem{ProblemCode::not_found, "There is no such channel account.", ""};
  Desk desk(*parts_);
  BreakerAnswer result = Problem{ProblemCode::outcome_unknown, "Ask for the breakers' states.", ""};
  desk.self()
      ->request(breaker->second, std::chrono::milliseconds(config_.command_timeout_ms),
                submit_atom::value, std::make_shared<const BreakerCommand>(command))
      .receive([&](const BreakerAnswerPtr& answer) { result = *answer; }, [](const caf::error&) {});
  return result;
}

// Accounts of different kinds that serve one channel have no default in common.
std::string_view Runtime::default_method(std::string_view channel) const {
  const auto found = parts_->ports.find(channel);
  if (found == parts_->ports.end()) return default_method_of(channel);
  const std::string_view method = found->second.front()->default_method();
  for (const ChannelPort* port : found->second)
    if (port->default_method() != method) return {};
  return method;
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
