#include "tests/conformance/wire_peer.hpp"
#include "tests/support/alipay_fixture.hpp"

namespace welkin {
namespace {

ChannelPeer peer_with(std::string name, const alipay::Account& account) {
  return {
      std::move(name),
      [account](const ChannelCall& call, const SigningContext& context) {
        return alipay::encode_call(account, call, context);
      },
      [account](const ChannelCall& call, const WireAnswer& answer, const SigningContext& context) {
        return alipay::parse_answer(account, call, answer, context.now_us);
      },
      [account](const RawCallback& callback, UnixUs) {
        return alipay::parse_callback(account, callback);
      }};
}

}  // namespace

ChannelPeer alipay_peer() {
  return peer_with("alipay", alipay_test::account_of(alipay_test::public_key_config()));
}
ChannelPeer alipay_certificates_peer() {
  return peer_with("alipay_certificates",
                   alipay_test::account_of(alipay_test::certificate_config()));
}

}  // namespace welkin
