// Where channels' callbacks come in: each is checked by its account's port, sent to its payment,
// and acknowledged once what it says is durable. What is not believed is answered with the
// channel's own failure answer and counted by its reason.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "actors/channel_port.hpp"
#include "actors/payment_service.hpp"
#include "actors/pending_answers.hpp"
#include "actors/runtime_context.hpp"

namespace welkin {

class CallbackDesk {
 public:
  CallbackDesk(RuntimeContextPtr context, PendingAnswers& answers);
  ~CallbackDesk();

  void add(ChannelPort& port);  // before the first callback
  bool knows(std::string_view account) const;

  // From any thread; `callback.channel` is the account.
  void take(const RawCallback& callback, Then<PaymentService::TakenCallback> then);
  // One that could not be read whole: how the channel is told. Nothing for an unknown account.
  std::optional<CallbackAck> refuse(std::string_view account, const Problem& why);

 private:
  struct Account;
  using AccountPtr = std::shared_ptr<Account>;

  // With the payment it names, if there is one.
  void keep(Account& account, const CallbackRefused& refused, UnixUs now_us) const;
  // Of another system at the same account, or of a payment that this node's journal has lost: the
  // log says so, since the channel will not.
  static CallbackAck pass_by(Account& account, const VerifiedCallback& callback, UnixUs now_us);
  static CallbackAck refuse(Account& account, const CallbackRefused& refused, UnixUs now_us);

  const RuntimeContextPtr context_;
  PendingAnswers& answers_;
  std::map<std::string, AccountPtr, std::less<>> accounts_;
};

}  // namespace welkin
