// The circuit breaker of one channel account, between the payments and the channel's actor: the
// machine of every entity, and what stands beside it in memory alone, the count of calls. It lets
// calls through, gives them back as not taken when it is open, and follows how they went.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "actors/entity_actor.hpp"
#include "protocol/breaker/call_meter.hpp"

namespace welkin {

// The account's breaker as its stream has it. Blocking; called before the actors run.
StoreResult<LoadedBreaker> breaker_at_start(const JournalStore& store, std::string_view account);

// An operator's command and who waits for what comes of it.
struct BreakerOrder {
  BreakerCommandPtr command;
  caf::response_promise answer;
};
// What is counted, and the time, are to be judged.
struct LookAgain {};
using BreakerWork = std::variant<BreakerOrder, LookAgain>;

class BreakerActor final : public EntityActor<BreakerKind, BreakerWork> {
 public:
  // `start` is what its stream holds; `channel` is the account's channel actor, which ends with its
  // breaker.
  BreakerActor(caf::actor_config& config, RuntimeContextPtr context, std::string account,
               const BreakerConfig& breaker_config, caf::actor channel, LoadedBreaker start);
  caf::behavior make_behavior() override;
  const char* name() const override { return "breaker"; }
  void on_exit() override;

 private:
  using Work = BreakerWork;

  // ---- calls
  void call(const ChannelCallPtr& call);
  void give_back(const ChannelCall& call);

  // ---- changes
  void judge(const Work& work) override;
  void handle(const BreakerOrder& order);
  void handle(const LookAgain&);
  void persist_one(BreakerEvent event, const std::string& causation_id, Work cause);
  void refuse(const Work& work, ProblemCode code, const std::string& detail) override;
  Aftermath aftermath_of(const StatePtr&, const std::vector<BreakerEvent>&, const Work&) override {
    return {};
  }
  void committed(const BreakerEvents& events, const Work& cause) override;
  void not_committed() override { try_again_later(); }
  void recovered() override { show(); }
  void came_to_rest() override;
  void report_failure(const std::string& what) override;
  void report_corruption(const std::string& what) override;
  void fenced(const Work& cause) override;

  void tick();
  void try_again_later();
  void show();
  void wake_when_due();
  BreakerView view();

  const std::string account_;
  const BreakerConfig config_;
  caf::actor channel_;
  BreakerMetrics& metrics_;
  CallMeter meter_;
  std::int64_t refused_ = 0;    // since the node started
  UnixUs try_again_at_us_ = 0;  // after an append that failed, not before this
  bool has_alarm_ = false;
};

}  // namespace welkin
