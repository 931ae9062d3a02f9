#include "tests/conformance/wire_peer.hpp"
#include "tests/support/wechat_fixture.hpp"

namespace welkin {

ChannelPeer wechat_pay_peer() {
  return {"wechat_pay",
          [account = wechat_account()](const ChannelCall& call, const SigningContext& context) {
            return wechat_pay::encode_call(account, call, context);
          },
          [account = wechat_account()](const ChannelCall& call, const WireAnswer& answer,
                                       const SigningContext& context) {
            return wechat_pay::parse_answer(account, call, answer, context);
          },
          [account = wechat_account()](const RawCallback& callback, UnixUs now_us) {
            return wechat_pay::parse_callback(account, callback, now_us);
          }};
}

}  // namespace welkin
