// A payment's conversation with its channel, as far as it is under way: the calls whose report has
// not come, and the commands whose answer waits for one. A value: what follows on a commit is laid
// out on a copy, which holds once it is durable.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "actors/messages.hpp"
#include "protocol/payment/first_answer.hpp"

namespace welkin {

class ChannelConversation {
 public:
  // A command whose answer waits for the channel's.
  struct Waiter {
    CommandRequestPtr request;
    std::optional<Awaited> awaited;  // nothing: the command only writes
    bool created = false;
  };

  void asked(const ChannelCall& call);
  bool waits_for(const ChannelCall& call) const;
  void heard(const ReportRequest& report);
  // False: `payment` knows the answer, or nothing that it could wait for is under way. When a
  // command is answered is the rule in protocol/payment/first_answer.hpp; here is only known
  // whether anybody will say something at all.
  bool hold_answer(const Waiter& waiter, const Payment& payment);
  // Those that `events`, just folded into `payment`, bring the answer to, and those whose call is
  // answered though there was nothing to record.
  std::vector<Waiter> release(const Payment& payment, const std::vector<PaymentEvent>& events);
  std::vector<Waiter> release_all();
  bool is_over() const { return in_flight_.empty() && waiters_.empty(); }

 private:
  struct InFlight {
    ChannelOperation operation;
    std::string refund_id;
    bool query;
  };

  // The operation's own call is on its way, and its report will come.
  bool is_asked(const Awaited& awaited) const;

  std::vector<Waiter> waiters_;
  std::vector<InFlight> in_flight_;
};

}  // namespace welkin
