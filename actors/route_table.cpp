#include "actors/route_table.hpp"

#include <utility>

namespace welkin {

void RouteTable::add(std::string channel, std::string account, int priority, int weight) {
  Entry& entry = entries_.emplace_back();
  entry.channel = std::move(channel);
  entry.account = std::move(account);
  entry.priority = priority;
  entry.weight = weight;
}

void RouteTable::set_available(std::string_view account, bool available) {
  for (Entry& entry : entries_)
    if (entry.account == account) entry.available.store(available, std::memory_order_relaxed);
}

std::vector<Route> RouteTable::routes(std::string_view channel) const {
  std::vector<Route> result;
  for (const Entry& entry : entries_)
    if (entry.channel == channel)
      result.push_back({entry.account, entry.priority, entry.weight,
                        entry.available.load(std::memory_order_relaxed)});
  return result;
}

}  // namespace welkin
