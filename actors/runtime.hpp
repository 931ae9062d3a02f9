// One node: the actor system, the journal's threads and everything between, behind PaymentService.
// The owner keeps the store and the channel ports alive until after `stop`.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <variant>
#include <vector>

#include "actors/callback_desk.hpp"
#include "actors/channel_actor.hpp"
#include "actors/channel_port.hpp"
#include "actors/node_lease.hpp"
#include "actors/payment_service.hpp"
#include "actors/runtime_context.hpp"
#include "persistence/journal_store.hpp"

namespace welkin {

struct RuntimeConfig {
  std::uint32_t shard_count = 256;  // fixed by the store's first start
  int scheduler_threads = 2;
  std::string scheduler_policy = "own";  // or CAF's "sharing" or "stealing"
  std::size_t max_throughput = 100;      // messages an actor takes before it lets others run
  int command_timeout_ms = 10'000;
  RuntimeLimits limits;
  LeaseTerms lease;
  const WallClock* wall = nullptr;  // outlives the runtime; null: the system's
  // Starts on a journal that ends before it once did, and notes that in the journal.
  bool accept_truncated_journal = false;
};

// One of our accounts at a channel, under its port's name.
struct ChannelAccount {
  // The first account of the channel that is named as the account is.
  ChannelAccount(ChannelPort* its_port) : port(its_port), serves(its_port->name()) {}

  ChannelPort* port;
  std::string serves;  // the channel that payments name
  int priority = 1;    // lowest first
  int weight = 1;      // its share among those of the same priority
  ChannelActorOptions calls;
  BreakerConfig breaker;
};

class Runtime : public PaymentService {
 public:
  // Takes the journal's lease, claims every shard's epoch, brings the views up to date and reads
  // the state of every breaker before it returns.
  static StoreResult<std::unique_ptr<Runtime>> start(const RuntimeConfig& config,
                                                     JournalStore& store,
                                                     std::vector<ChannelAccount> accounts);
  ~Runtime() override;

  void execute(PaymentCommand command, Then<CommandAnswer> then) override;
  void find(const PaymentId& id, Then<FoundPayment> then) override;
  void list(PaymentListQuery query, Then<FoundPage> then) override;
  void events(const PaymentId& id, Then<FoundEvents> then) override;
  void find_idempotency(std::string_view merchant_id, std::string_view key,
                        Then<FoundKey> then) override;
  void replay(const IdempotencyHit& hit, Then<CommandAnswer> then) override;
  void notify(const RawCallback& callback, Then<TakenCallback> then) override;
  std::optional<CallbackAck> refuse_callback(std::string_view account, const Problem& why) override;
  void parked(Then<FoundParked> then) override;
  void breakers(Then<FoundBreakers> then) override;
  void operate_breaker(const std::string& account, BreakerCommand command,
                       Then<BreakerAnswer> then) override;
  std::string_view default_method(std::string_view channel) const override;
  bool knows_account(std::string_view account) const override;
  Readiness readiness() const override;
  std::string metrics_text() const override;

  // Called once when the node must not go on, from any thread: it wants to be stopped.
  void when_ended(std::function<void()> owner);
  // Why it must not go on, as readiness names it; empty while it may.
  std::string end_reason() const;

  // From now on not ready; what is under way goes on.
  // After five seconds those that still wait for an answer get outcome_unknown.
  void drain();
  // Writes the views down and ends every actor and thread. The gateway is stopped before.
  void stop();

  // For in-process load: commands and reports sent without a thread that waits.
  const RuntimeContext& context() const;
  caf::actor_system& system();

 private:
  struct Parts;
  class Desk;  // an actor of a thread that waits, borrowed for one call

  struct Standing;  // what is known of the node before its actors run

  Runtime(const RuntimeConfig& config, JournalStore& store, Standing standing);
  FoundPage list_now(const PaymentListQuery& query);
  FoundEvents events_now(const PaymentId& id) const;
  FoundKey find_key_now(const std::string& merchant_id, const std::string& key);
  CommandAnswer replay_now(const IdempotencyHit& hit) const;
  std::vector<ParkedEntity> parked_now();
  FoundBreakers breakers_now();
  BreakerAnswer operate_breaker_now(const std::string& account, const BreakerCommand& command);
  std::optional<Problem> not_serving() const;
  std::optional<Problem> objection_to(const PaymentCommand& command) const;
  void submit(PaymentCommand command, Then<CommandAnswer> then);
  void execute_if_taken(PaymentCommand command, Problem objection, Then<CommandAnswer> then);
  void open_account(ChannelAccount account, LoadedBreaker breaker);
  std::optional<Problem> flush_views();

  RuntimeConfig config_;
  JournalStore& store_;
  std::unique_ptr<Parts> parts_;
  std::unique_ptr<CallbackDesk> callbacks_;
  std::atomic<bool> draining_{false};
};

}  // namespace welkin
