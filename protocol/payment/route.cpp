#include "protocol/payment/route.hpp"

#include <algorithm>

namespace welkin {
namespace {

// By how much a route is to be preferred: the smaller the sooner.
int rank_of(const Route& route) {
  constexpr int unavailable = 1 << 20;
  constexpr int last_resort = 1 << 19;
  return route.priority + (route.available ? 0 : unavailable) +
         (route.weight > 0 ? 0 : last_resort);
}

std::uint64_t draw(const PaymentId& payment, int attempt) {
  return stable_hash("welkin.route.1", {payment.text(), std::to_string(attempt)}).low;
}

std::string reason(const std::vector<Route>& routes, const Route& chosen, std::size_t equals,
                   const std::vector<std::string>& tried) {
  std::string why = "priority " + std::to_string(chosen.priority);
  if (equals > 1)
    why +=
        ", weight " + std::to_string(chosen.weight) + " of " + std::to_string(equals) + " accounts";
  if (!chosen.available) why += ", though its breaker is open";
  for (const Route& route : routes) {
    if (route.account == chosen.account) continue;
    if (std::find(tried.begin(), tried.end(), route.account) != tried.end())
      why += "; " + route.account + " was tried";
    else if (!route.available && chosen.available)
      why += "; " + route.account + "'s breaker is open";
  }
  return why;
}

}  // namespace

std::optional<RouteChoice> choose_route(const std::vector<Route>& routes, const PaymentId& payment,
                                        int attempt, const std::vector<std::string>& tried) {
  std::vector<const Route*> best;
  std::uint64_t weights = 0;
  for (const Route& route : routes) {
    if (std::find(tried.begin(), tried.end(), route.account) != tried.end()) continue;
    if (!best.empty() && rank_of(route) > rank_of(*best.front())) continue;
    if (!best.empty() && rank_of(route) < rank_of(*best.front())) {
      best.clear();
      weights = 0;
    }
    best.push_back(&route);
    weights += static_cast<std::uint64_t>(std::max(route.weight, 1));
  }
  if (best.empty()) return std::nullopt;
  const Route* chosen = best.front();
  if (best.size() > 1) {
    std::uint64_t rest = draw(payment, attempt) % weights;
    for (const Route* route : best) {
      chosen = route;
      const auto weight = static_cast<std::uint64_t>(std::max(route->weight, 1));
      if (rest < weight) break;
      rest -= weight;
    }
  }
  return RouteChoice{chosen->account, reason(routes, *chosen, best.size(), tried)};
}

}  // namespace welkin
