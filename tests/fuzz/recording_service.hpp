// The runtime as a fuzz target sees it: it knows every payment as the same one, does nothing, and
// remembers what it was asked.
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "actors/payment_service.hpp"
#include "gateway/route.hpp"
#include "tests/fuzz/claims.hpp"

namespace welkin::fuzz {

class RecordingService : public PaymentService {
 public:
  static constexpr std::string_view merchant_id = "m_1";

  std::optional<PaymentCommand> command;
  std::optional<PaymentListQuery> list_query;

  RecordingService() {
    payment_.merchant_id = merchant_id;
    payment_.state = PaymentState::paid;
  }

  void execute(PaymentCommand asked, Then<CommandAnswer> then) override {
    command = std::move(asked);
    Payment after = payment_;
    if (const auto* refund = std::get_if<RefundPayment>(&command->body)) {
      after.refunds.push_back({});
      after.refunds.back().refund_id = "rfd_1";
      after.refunds.back().merchant_refund_no = refund->merchant_refund_no;
    }
    then(CommandOutcome{
        {command->payment, 1, std::make_shared<const Payment>(std::move(after))}, true, "rfd_1"});
  }
  void find(const PaymentId& id, Then<FoundPayment> then) override {
    then(PaymentView{id, 1, std::make_shared<const Payment>(payment_)});
  }
  void list(PaymentListQuery query, Then<FoundPage> then) override {
    list_query = std::move(query);
    then(PaymentListPage{});
  }
  void events(const PaymentId&, Then<FoundEvents> then) override { then(std::vector<EventView>{}); }
  void find_idempotency(std::string_view, std::string_view, Then<FoundKey> then) override {
    then(std::optional<IdempotencyHit>{});
  }
  void replay(const IdempotencyHit&, Then<CommandAnswer> then) override { then(Problem{}); }
  void notify(const RawCallback&, Then<TakenCallback> then) override { then(CallbackAck{}); }
  void parked(Then<FoundParked> then) override { then(std::vector<ParkedEntity>{}); }
  void breakers(Then<FoundBreakers> then) override { then(std::vector<BreakerView>{}); }
  void operate_breaker(const std::string&, BreakerCommand, Then<BreakerAnswer> then) override {
    then(Problem{});
  }
  std::string_view default_method(std::string_view) const override { return {}; }
  bool knows_account(std::string_view account) const override { return account == "sandbox"; }
  std::optional<CallbackAck> refuse_callback(std::string_view, const Problem&) override {
    return std::nullopt;
  }
  Readiness readiness() const override { return {true, {}}; }
  std::string metrics_text() const override { return {}; }

 private:
  Payment payment_;
};

// A handler's request from its call to its answer or refusal. The service answers at once, so all
// of it happens within finish().
class RecordedExchange : public Exchange, public std::enable_shared_from_this<RecordedExchange> {
 public:
  struct End {
    std::optional<Problem> problem;
    HttpAnswer answer;
  };

  static End finish(RouteHandler handler, const RouteCall& call) {
    const auto exchange = std::make_shared<RecordedExchange>();
    exchange->go_on([&](HttpAnswer& answer) { return handler(call, answer); });
    claim(exchange->ended_, "a handler comes to an end");
    return {exchange->problem_, exchange->answer_};
  }

 private:
  void proceed(Step step) override {
    if (auto* later = std::get_if<Later>(&step)) return later->start(shared_from_this());
    ended_ = true;
    if (auto* problem = std::get_if<Problem>(&step)) problem_ = std::move(*problem);
  }

  bool ended_ = false;
  std::optional<Problem> problem_;
};

}  // namespace welkin::fuzz
