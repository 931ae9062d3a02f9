#include "tests/conformance/wire_peer.hpp"
#include "tests/support/union_pay_fixture.hpp"

namespace welkin {

ChannelPeer union_pay_peer() {
  const auto account = union_pay_test::account_of(union_pay_test::rsa_config());
  return {
      "union_pay",
      [account](const ChannelCall& call, const SigningContext& context) {
        return union_pay::encode_call(account, call, context);
      },
      [account](const ChannelCall& call, const WireAnswer& answer, const SigningContext& context) {
        return union_pay::parse_answer(account, call, answer, context.now_us);
      },
      [account](const RawCallback& callback, UnixUs now_us) {
        return union_pay::parse_callback(account, callback, now_us);
      }};
}

}  // namespace welkin
