// Which accounts serve which channel, and whether each one's breaker lets calls through. Built at
// start; breaker actors write their account's availability, payment actors read it before they
// choose. It is a hint that saves a refused call: the breaker itself decides.
#pragma once

#include <atomic>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/payment/route.hpp"

namespace welkin {

class RouteTable {
 public:
  // Before any actor runs.
  void add(std::string channel, std::string account, int priority, int weight);

  // From any thread. What is not known is passed over.
  void set_available(std::string_view account, bool available);
  // The channel's accounts; empty when there are none.
  std::vector<Route> routes(std::string_view channel) const;

 private:
  struct Entry {
    std::string channel;
    std::string account;
    int priority = 1;
    int weight = 1;
    std::atomic<bool> available{true};
  };
  std::deque<Entry> entries_;  // never moved: the flags are shared
};

}  // namespace welkin
