// One payment as an actor: the machine of every entity, and what is special to payments, the
// conversation with their channels. It asks the rules in protocol/payment; what a command or a
// report means in a state is read from their edge table.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "actors/channel_conversation.hpp"
#include "actors/entity_actor.hpp"

namespace welkin {

// Something is due.
struct Wake {};
using PaymentWork = std::variant<CommandRequestPtr, ReportRequestPtr, LookRequestPtr, Wake>;

class PaymentActor final : public EntityActor<PaymentKind, PaymentWork> {
 public:
  PaymentActor(caf::actor_config& config, RuntimeContextPtr context, const PaymentId& id,
               caf::actor shard, bool assume_new);
  caf::behavior make_behavior() override;
  const char* name() const override { return "payment"; }
  void on_exit() override;

 private:
  using Work = PaymentWork;

  // Who waits for the channel to say how the order stands.
  struct Asker {
    ChannelOperation operation;
    ReplyTo reply_to;
  };

  // ---- judging
  void judge(const Work& work) override;
  void handle(const CommandRequestPtr& request);
  void handle(const ReportRequestPtr& request);
  void handle(const LookRequestPtr& request);
  void handle(const Wake&);
  void ask(const LookRequest& request);
  void answer_askers(const ReportRequest& request, bool recorded);
  void keep_refusal(const ReportRequestPtr& request);
  void refuse(const Work& work, ProblemCode code, const std::string& detail) override;

  // ---- what follows on a commit
  Aftermath aftermath_of(const PaymentPtr& next, const std::vector<PaymentEvent>& events,
                         const Work& cause) override;
  void follow(const CommandRequestPtr& request, const PaymentPtr& next,
              const std::vector<PaymentEvent>& events, Aftermath& aftermath);
  void follow(const ReportRequestPtr& request, const PaymentPtr& next,
              const std::vector<PaymentEvent>& events, Aftermath& aftermath);
  void committed(const PaymentEvents& events, const Work& cause) override;
  void not_committed() override;
  void report_failure(const std::string& what) override;
  void report_corruption(const std::string& what) override;
  void fenced(const Work& cause) override;

  // ---- channel and answers
  Aftermath::Parcel parcel_of(ChannelCall call) const;
  void call(ChannelCall call);
  ChannelConversation::Waiter asker_of(const CommandRequestPtr& request, bool created) const;
  CommandOutcome outcome_of(const PaymentPtr& payment, std::uint64_t seq,
                            const ChannelConversation::Waiter* waiter = nullptr) const;
  CommandOutcome outcome() const { return outcome_of(state_ptr(), seq()); }

  // ---- leaving
  bool is_idle() const;
  bool is_crowded() const;
  Aftermath::Parcel offer_to_leave();

  DecisionContext decision_context() const { return {id_, now_us()}; }
  // Only what may begin an attempt has to know the channel's accounts.
  std::vector<Route> routes_for(const std::string& channel) const;

  const caf::actor shard_;
  std::uint64_t heard_ = 0;  // messages of the shard's
  ChannelConversation conversation_;
  ChannelConversation next_conversation_;  // once the append under way is durable
  std::vector<Asker> askers_;
};

}  // namespace welkin
