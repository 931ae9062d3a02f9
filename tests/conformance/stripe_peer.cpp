#include "tests/conformance/wire_peer.hpp"
#include "tests/support/stripe_fixture.hpp"

namespace welkin {

ChannelPeer stripe_peer() {
  stripe::AccountConfig config = stripe_config();
  config.webhook_secrets.emplace_back(stripe_old_secret);
  const auto account = std::get<stripe::Account>(stripe::make_account(config));
  return {"stripe",
          [account](const ChannelCall& call, const SigningContext& context) {
            return stripe::encode_call(account, call, context);
          },
          [account](const ChannelCall& call, const WireAnswer& answer, const SigningContext&) {
            return stripe::parse_answer(account, call, answer);
          },
          [account](const RawCallback& callback, UnixUs now_us) {
            return stripe::parse_callback(account, callback, now_us);
          }};
}

}  // namespace welkin
