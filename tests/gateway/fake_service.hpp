// A PaymentService in memory that a test can steer: it keeps the rules simple (the real ones have
// their own tests) and does at once what the gateway has to show an answer for.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "actors/payment_service.hpp"
#include "protocol/channel/sandbox_format.hpp"

namespace welkin::test {

class FakeService : public PaymentService {
 public:
  static constexpr UnixUs start_us = 1'900'000'000LL * us_per_s;

  void execute(PaymentCommand command, Then<CommandAnswer> then) override;
  CommandAnswer execute_now(PaymentCommand command);

  void find(const PaymentId& id, Then<FoundPayment> then) override { then(find_now(id)); }
  FoundPayment find_now(const PaymentId& id);

  void list(PaymentListQuery query, Then<FoundPage> then) override {
    if (before_list) before_list();
    then(list_now(query));
  }
  FoundPage list_now(const PaymentListQuery& query);

  void events(const PaymentId& id, Then<FoundEvents> then) override;

  void find_idempotency(std::string_view merchant_id, std::string_view key,
                        Then<FoundKey> then) override;
  FoundKey find_key_now(std::string_view merchant_id, std::string_view key);

  void replay(const IdempotencyHit& hit, Then<CommandAnswer> then) override;
  CommandAnswer replay_now(const IdempotencyHit& hit);

  void notify(const RawCallback& callback, Then<TakenCallback> then) override;
  TakenCallback notify_now(const RawCallback& callback);

  void parked(Then<FoundParked> then) override;
  void breakers(Then<FoundBreakers> then) override;
  void operate_breaker(const std::string& account, BreakerCommand command,
                       Then<BreakerAnswer> then) override;
  std::string_view default_method(std::string_view channel) const override;
  bool knows_account(std::string_view account) const override;
  std::optional<CallbackAck> refuse_callback(std::string_view account, const Problem& why) override;
  Readiness readiness() const override { return {ready.load(), ready ? "" : "store_unavailable"}; }
  std::string metrics_text() const override {
    if (before_metrics) before_metrics();
    return "# TYPE fake gauge\nfake 1\n";
  }

  // As an earlier program, which took a default that was spelled out for another meaning.
  bool knows_defaults = true;
  // The channels that new orders may name. Their defaults are known even without them.
  std::set<std::string> channels{"sandbox", "wechat_pay"};
  // How each account's channel is spoken to; set before the first request.
  std::map<std::string, WireFormatPtr> accounts = sandbox_alone();
  BreakerView breaker{"sandbox", BreakerState::closed, 0, "", "", 0, {7, 1, 2}, 0, 3};
  BreakerCommand last_order;

  // Set: is given each command's answering instead of its being done at once. Called on workers.
  std::function<void(std::function<void()>)> answer_later;

  // While the gate is shut, commands wait inside execute().
  void shut_gate();
  void open_gate();
  void wait_for_waiting(int count);

  // Changes a stored payment behind the gateway's back.
  void change(const PaymentId& id, const std::function<void(Payment&)>& how);

  std::function<void(const PaymentCommand&)> before_execute;
  std::function<void()> before_list;
  std::function<void()> before_metrics;
  std::optional<Problem> refuse_with;
  std::atomic<bool> ready{true};
  int executed = 0;
  PaymentCommand last_command;
  PaymentListQuery last_list;
  RawCallback last_callback;

 private:
  static std::map<std::string, WireFormatPtr> sandbox_alone();

  struct KeptAnswer {
    IdempotencyHit hit;
    CommandOutcome outcome;
  };

  void pass_gate();

  CommandAnswer run(const PaymentCommand& command, const CreatePayment& c);
  CommandAnswer run(const PaymentCommand& command, const ClosePayment&);
  CommandAnswer run(const PaymentCommand& command, const VoidPayment&);
  CommandAnswer run(const PaymentCommand& command, const CapturePayment& c);
  CommandAnswer run(const PaymentCommand& command, const ResumePayment&);
  CommandAnswer run(const PaymentCommand& command, const RefundPayment& r);

  template <class Change>
  CommandAnswer finish(const PaymentCommand& command, Change change_payment);

  std::mutex mutex_;
  std::map<std::string, PaymentView> payments_;
  std::map<std::pair<std::string, std::string>, KeptAnswer> keys_;

  std::mutex gate_mutex_;
  std::condition_variable gate_changed_;
  bool gate_open_ = true;
  int waiting_ = 0;
};

}  // namespace welkin::test
