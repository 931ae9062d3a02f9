// A whole node under CAF's deterministic scheduler: every actor is the real one, every edge the
// test's. Nothing happens unless the test lets it: `settle` runs what can run now, `pass` lets time
// go by, `crash` loses what is in memory and `start` begins again over the same store.
#pragma once

#include <caf/all.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/shard_actor.hpp"
#include "actors/views_actor.hpp"
#include "tests/support/fake_edges.hpp"

namespace welkin {

class StepSystem {
 public:
  StepSystem();
  ~StepSystem();

  // ---- set before `start`
  RuntimeLimits limits;
  std::uint32_t shard_count = 4;
  ShardActor::Spawn spawn;  // empty: payments
  BreakerConfig breaker;    // of each account; by default it takes more calls than a test
                            // makes to trip it
  // The sandbox channel's, the first to be preferred; empty: one, of the channel's own name.
  std::vector<std::string> accounts;

  void start();
  void crash();
  bool running() const { return node_ != nullptr; }

  // ---- time and work
  void settle();
  void settle_one();  // one actor's turn, or one piece of store work when no actor has one
  void pass(UnixUs by_us);

  // ---- asking; each returns the token its answer comes under
  std::uint64_t submit(PaymentCommand command);
  std::uint64_t look(const PaymentId& id);
  std::uint64_t callback(ChannelReport report);
  std::uint64_t resume_actor(const PaymentId& id);
  std::uint64_t flush();
  std::uint64_t find(const std::string& merchant_id, const std::string& key);

  // "" while nothing has come; "PAYING" and the like; or "!" and the problem's code.
  std::string answer(std::uint64_t token) const;
  CommandOutcome outcome(std::uint64_t token) const;  // throws when it is not one
  const IdempotencyAnswer* found(std::uint64_t token) const;

  // ---- what there is
  PaymentCommand create(const std::string& order_no = "order-1") const;
  PaymentCommand command(const PaymentId& id, PaymentCommandBody body) const;
  // A callback that fits the payment behind `id`, of a charge with this reference.
  ChannelReport callback_report(const PaymentId& id, ChannelVerdict verdict,
                                const std::string& reference = "ch_1") const;
  // Creates, lets the channel accept, and lets it call back that it is paid.
  PaymentId paid(const std::string& order_no = "order-1");

  std::vector<EventRow> rows(const PaymentId& id) const;
  // The journal's events of a payment: "created+started+paid".
  std::string story(const PaymentId& id) const;
  std::size_t entities() const;  // payment actors in memory
  std::vector<ParkedEntity> parked_actors();
  std::vector<ParkedEntity> parked_settling();
  // The breaker of the channel's account: what it is, and what an operator's command comes to.
  // Empty while no answer has come.
  BreakerView breaker_view();
  std::uint64_t order(BreakerAction action, const std::string& reason = "a reason");
  std::optional<BreakerAnswer> order_answer(std::uint64_t token) const;
  RuntimeContext& context();
  RuntimeMetrics& metrics();
  caf::actor_system& system();
  // An actor for answers: what it hears about appends is in `acks`.
  const caf::actor& desk() const;

  SetClock clock;
  std::unique_ptr<JournalStore> memory;
  FlakyStore store;
  StepStoreIo io;
  ScriptedChannel channel;
  std::vector<CommitAck> acks;

 private:
  struct Node;
  caf::scheduler::test_coordinator& scheduler();
  ReplyTo reply_to();
  std::vector<ParkedEntity> ask_parked(const std::vector<caf::actor>& actors);

  std::unique_ptr<Node> node_;
  std::uint64_t tokens_ = 0;
  std::map<std::uint64_t, ReplyPtr> replies_;
  std::map<std::uint64_t, IdempotencyAnswerPtr> found_;
  std::map<std::uint64_t, BreakerAnswer> orders_;
};

}  // namespace welkin
