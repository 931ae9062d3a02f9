// A payment's conversation with its channel, as far as it is under way: the calls whose report has
// not come, and the commands whose answer waits for one. A value: what follows on a commit is laid
// out on a copy, which holds once it is durable.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "actors/messages.hpp"

namespace welkin {

class ChannelConversation {
 public:
  // A command whose answer waits for the channel's.
  struct Waiter {
    CommandRequestPtr request;
    ChannelOperation operation;
    std::string refund_id;
    bool created = false;
  };

  void asked(const ChannelCall& call);
  bool waits_for(const ChannelCall& call) const;
  void heard(const ReportRequest& report);
  // False: nothing that this command's answer could wait for is under way.
  bool hold_answer(const CommandRequestPtr& request, const std::string& refund_id, bool created);
  // Those whose operation the channel has just spoken about, or which is over by other news.
  std::vector<Waiter> release(const Payment& payment, const ReportRequest* report);
  std::vector<Waiter> release_all();
  bool is_over() const { return in_flight_.empty() && waiters_.empty(); }

 private:
  struct InFlight {
    ChannelOperation operation;
    std::string refund_id;
    bool query;
  };

  std::vector<Waiter> waiters_;
  std::vector<InFlight> in_flight_;
};

}  // namespace welkin
