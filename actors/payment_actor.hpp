// One payment as an actor. It asks the rules in protocol/payment, makes their events durable, and
// only then acts and answers. Its mailbox is the lock: everything about one payment is judged here,
// in order, against one state.
//
// Phases: `recovering` reads the journal, `live` judges, `persisting` waits for the one append it
// has under way, `failed` answers that it cannot until the shard has buried it. What comes while it
// recovers or persists waits in a bounded stash. Within `live` the behaviour is the payment
// state's.
#pragma once

#include <caf/event_based_actor.hpp>
#include <deque>
#include <optional>
#include <variant>
#include <vector>

#include "actors/messages.hpp"
#include "actors/runtime_context.hpp"

namespace welkin {

class PaymentActor : public caf::event_based_actor {
 public:
  // `assume_new`: nothing is read first; if the store then knows the stream, the append conflicts
  // and the payment recovers. Saves every new payment a look-up.
  PaymentActor(caf::actor_config& config, RuntimeContextPtr context, PaymentId id, caf::actor shard,
               bool assume_new);
  caf::behavior make_behavior() override;
  const char* name() const override { return "payment"; }
  void on_exit() override;

 private:
  enum class Phase : std::uint8_t { recovering, live, persisting, failed };
  struct Wake {};
  using Work = std::variant<CommandRequestPtr, ReportRequestPtr, LookRequestPtr, Wake>;

  // A command whose answer waits for the channel's.
  struct Waiter {
    CommandRequestPtr request;
    ChannelOperation operation;
    std::string refund_id;
    bool created = false;
  };
  // A call to the channel whose report has not come back.
  struct InFlight {
    ChannelOperation operation;
    std::string refund_id;
    bool query;
  };

  // What a message means in each state, read from the edge table.
  caf::behavior behavior_in(PaymentState state);
  template <class Function>
  void guarded(Function function);

  // ---- taking work
  void take(Work work);
  void judge(Work work);
  void handle(const CommandRequestPtr& request);
  void handle(const ReportRequestPtr& request);
  void keep_refusal(const ReportRequestPtr& request);
  void handle(const LookRequestPtr& request);
  void handle(const Wake&);
  void work_off_stash();
  void refuse(const Work& work, ProblemCode code, const char* detail);

  // ---- making events durable
  void persist(std::vector<PaymentEvent> events, Work cause, std::string causation_id,
               bool new_work);
  void committed(const CommitAck& ack);
  void act_on_committed();
  void not_committed(CommitStatus status);

  // ---- recovery
  void recover();
  void loaded(const LoadResult& result);

  // ---- channel and answers
  void call(ChannelCall call);
  bool has_in_flight(const ChannelCall& call) const;
  void forget_in_flight(const ReportRequest& request);
  bool wait_for_channel(const CommandRequestPtr& request, bool created);
  bool is_old_news(const ChannelReport& report) const;
  void release_waiters(const ReportRequest* report);
  void answer(const CommandRequestPtr& request, bool created);
  CommandOutcome outcome() const;

  bool is_idle() const;
  bool is_crowded() const;
  void offer_to_leave();
  void fail(const std::string& what);
  UnixUs now_us() const { return context_->clock->now_us(); }
  DecisionContext decision_context() const { return {id_, now_us()}; }
  // Only what may begin an attempt has to know the channel's accounts.
  std::vector<Route> routes_for(const std::string& channel) const;

  RuntimeContextPtr context_;
  const PaymentId id_;
  const caf::actor shard_;
  std::uint64_t heard_ = 0;  // messages of the shard's
  Phase phase_;
  PaymentPtr payment_;  // as it is durable; never what is still on its way
  std::uint64_t seq_ = 0;
  Hash hash_{};
  std::string correlation_id_;

  AppendRequestPtr append_;  // under way
  Work append_cause_;
  std::optional<Work> judging_;  // answered even when judging it throws
  int conflicts_ = 0;
  std::deque<Work> stash_;
  std::vector<Waiter> waiters_;
  std::vector<InFlight> in_flight_;
};

}  // namespace welkin
