// One account's port with a witness: what was asked of it and how that ended, noted outside the
// runtime, so that what its breaker records can be held against what happened.
#pragma once

#include <string>
#include <vector>

#include "tests/simulation/channel_decorator.hpp"
#include "tests/simulation/stage.hpp"

namespace welkin::simulation {

struct WatchedCall {
  std::string what;  // the same for each try of one call
  UnixUs asked_at_us = 0;
  UnixUs answered_at_us = 0;  // 0: the node died first
  bool failed = false;
};

class WatchedChannel : public ChannelDecorator {
 public:
  WatchedChannel(Stage& stage, ChannelPort& inner) : ChannelDecorator(inner), stage_(stage) {}
  void call(const ChannelCall& call, Done done) override;

  // Calls that ended as failures between the two, both included.
  int failures(UnixUs from_us, UnixUs to_us) const;
  // Different calls that were first asked between the two, and how many of them took as long as
  // `patience_us` with all their tries, or were never answered.
  struct Asked {
    int calls = 0;
    int outlasting = 0;
  };
  Asked asked_first(UnixUs from_us, UnixUs to_us, UnixUs patience_us) const;
  // What orders were asked for, each time.
  const std::vector<ChannelCall>& creates() const { return creates_; }

 private:
  Stage& stage_;
  std::vector<WatchedCall> calls_;
  std::vector<ChannelCall> creates_;
};

}  // namespace welkin::simulation
