// Which of several channel accounts a payment's next attempt goes to. Pure: the same payment,
// attempt and accounts give the same choice, so that a decision can be made again from the journal.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/ids.hpp"

namespace welkin {

// One account that can serve a payment's channel, as it stands now.
struct Route {
  std::string account;
  int priority = 1;       // the lowest number first
  int weight = 1;         // share among those of one priority; 0: only when no other is left
  bool available = true;  // its circuit breaker lets calls through
};

struct RouteChoice {
  std::string account;
  std::string why;  // for a person: "priority 1; wechat_a: its breaker is open"
};

// Nothing when every account is in `tried`. Accounts that are available go before those that are
// not; within these lower priority numbers first; within one priority drawn by weight with a
// stable hash of the payment and the attempt.
std::optional<RouteChoice> choose_route(const std::vector<Route>& routes, const PaymentId& payment,
                                        int attempt, const std::vector<std::string>& tried);

}  // namespace welkin
