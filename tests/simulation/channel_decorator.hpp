// A channel port that passes everything on; what stands between the runtime and a channel overrides
// what it is about.
#pragma once

#include <utility>

#include "actors/channel_port.hpp"

namespace welkin::simulation {

class ChannelDecorator : public ChannelPort {
 public:
  explicit ChannelDecorator(ChannelPort& inner) : inner_(inner) {}
  std::string_view name() const override { return inner_.name(); }
  void call(const ChannelCall& call, Done done) override { inner_.call(call, std::move(done)); }
  CheckedCallback verify(const RawCallback& callback, UnixUs now_us) override {
    return inner_.verify(callback, now_us);
  }
  void settle(const VerifiedCallback& callback, Settled how) override {
    inner_.settle(callback, how);
  }
  CallbackAck refusal(const Problem& why) const override { return inner_.refusal(why); }

 protected:
  ChannelPort& inner_;
};

}  // namespace welkin::simulation
