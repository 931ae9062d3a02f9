// The circuit breaker of one channel account, between the payments and the channel's actor. It lets
// calls through, gives them back as not taken when it is open, and follows how they went.
//
// It is written as a payment is: what the rules ask for is made durable, with one append under way
// at a time, and holds only then. What it counts is in memory alone.
#pragma once

#include <caf/event_based_actor.hpp>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "actors/messages.hpp"
#include "actors/runtime_context.hpp"
#include "protocol/breaker/call_meter.hpp"

namespace welkin {

// The account's breaker as its stream has it. Blocking; called before the actors run.
StoreResult<LoadedBreaker> breaker_at_start(const JournalStore& store, std::string_view account);

class BreakerActor : public caf::event_based_actor {
 public:
  // `start` is what its stream holds (`load_breaker`); `channel` is the account's channel actor,
  // which ends with its breaker.
  BreakerActor(caf::actor_config& config, RuntimeContextPtr context, std::string account,
               const BreakerConfig& breaker_config, caf::actor channel, LoadedBreaker start);
  caf::behavior make_behavior() override;
  const char* name() const override { return "breaker"; }

 private:
  // An operator's command and who waits for what comes of it.
  struct Order {
    BreakerCommandPtr command;
    caf::response_promise answer;
  };

  // ---- calls
  void call(const ChannelCallPtr& call);
  void refuse(const ChannelCall& call);

  // ---- changes
  caf::response_promise take(const BreakerCommandPtr& command);
  void judge();
  void judge_orders();
  void persist(BreakerEvent event, std::string causation_id);
  void committed(const CommitAck& ack);
  void not_committed(CommitStatus status);
  void loaded(const LoadResult& result);
  void give_up(ProblemCode code, const char* detail);
  void come_to(const LoadedBreaker& now);
  void answer_order(BreakerAnswer answer);

  void show();
  void wake_when_due();
  BreakerView view();
  UnixUs now_us() const { return context_->clock->now_us(); }

  RuntimeContextPtr context_;
  const std::string account_;
  const StreamId id_;
  const BreakerConfig config_;
  caf::actor channel_;
  BreakerMetrics& metrics_;

  Breaker breaker_;  // as it is durable
  std::uint64_t seq_ = 0;
  Hash hash_{};
  CallMeter meter_;
  std::int64_t refused_ = 0;  // since the node started

  enum class Phase : std::uint8_t { live, persisting, reading };
  Phase phase_ = Phase::live;
  BreakerEvent event_;          // of the append under way
  Breaker next_;                // once it is durable
  bool is_ordered_ = false;     // by the first of `orders_`
  UnixUs try_again_at_us_ = 0;  // after an append that failed, not before this
  int conflicts_ = 0;
  std::deque<Order> orders_;
  bool has_alarm_ = false;
};

}  // namespace welkin
