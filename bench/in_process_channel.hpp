// A channel in the benchmark's own process: accepts every order at once and reports it paid with a
// callback of its own right after, through the shard as a real callback would come.
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "actors/channel_port.hpp"

namespace welkin::bench {

class InProcessChannel : public ChannelPort {
 public:
  // Where the paid callback goes; nothing is sent while it is empty.
  using Callback = std::function<void(ChannelReport)>;
  void deliver_callbacks_to(Callback callback) { callback_ = std::move(callback); }

  std::string_view name() const override { return "sandbox"; }
  void call(const ChannelCall& call, Done done) override;
  CheckedCallback verify(const RawCallback& callback, UnixUs now_us) override;
  void settle(const VerifiedCallback&, Settled) override {}
  CallbackAck refusal(const Problem&) const override { return {400, "text/plain", "fail"}; }

 private:
  Callback callback_;
};

}  // namespace welkin::bench
