// One channel as the conformance tests drive it: the pure wire format with an account of test keys.
#pragma once

#include <functional>
#include <string>

#include "protocol/channels/exchange.hpp"

namespace welkin {

struct ChannelPeer {
  std::string name;  // as in the tests' messages: "wechat_pay"
  std::function<EncodedCall(const ChannelCall&, const SigningContext&)> encode;
  std::function<ChannelReport(const ChannelCall&, const WireAnswer&, const SigningContext&)> answer;
  std::function<CallbackVerdict(const RawCallback&, UnixUs now_us)> callback;
};

// One function a channel, each in a file of its own, named in wire_peer.cpp.
ChannelPeer alipay_peer();
// The same account with certificates instead of a public key.
ChannelPeer alipay_certificates_peer();
ChannelPeer union_pay_peer();
ChannelPeer stripe_peer();
ChannelPeer wechat_pay_peer();

}  // namespace welkin
