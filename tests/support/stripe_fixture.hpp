// An account at Stripe and Stripe's own side of it, with the vectors' secrets.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "protocol/channels/stripe/wire.hpp"
#include "tests/support/channel_fixture.hpp"

namespace welkin {

inline constexpr auto stripe_secret = "whsec_TESTONLY0123456789abcdefghijklmnop";
inline constexpr auto stripe_old_secret = "whsec_TESTONLYrotated0000000000000000000";

inline stripe::AccountConfig stripe_config() {
  stripe::AccountConfig config;
  config.secret_key = "sk_test_TESTONLY";
  config.webhook_secrets = {stripe_secret};
  return config;
}
inline stripe::Account stripe_account() { return made(stripe::make_account(stripe_config())); }

inline nlohmann::json stripe_intent(const std::string& status) {
  return {{"id", "pi_1"},
          {"object", "payment_intent"},
          {"amount", 101},
          {"amount_capturable", status == "requires_capture" ? 101 : 0},
          {"amount_received", status == "succeeded" ? 101 : 0},
          {"capture_method", "automatic"},
          {"client_secret", "pi_1_secret_x"},
          {"currency", "usd"},
          {"livemode", false},
          {"metadata", {{"order_no", example_call(ChannelOperation::create).channel_order_no}}},
          {"status", status}};
}
inline nlohmann::json stripe_refund(const std::string& status) {
  const ChannelCall call = example_call(ChannelOperation::refund);
  return {
      {"id", "re_1"},
      {"object", "refund"},
      {"amount", 50},
      {"currency", "usd"},
      {"payment_intent", "pi_1"},
      {"metadata", {{"order_no", call.channel_order_no}, {"refund_no", call.channel_refund_no}}},
      {"status", status}};
}

inline std::string stripe_event(const std::string& type, const nlohmann::json& object) {
  const nlohmann::json event{{"id", "evt_1"},
                             {"object", "event"},
                             {"livemode", false},
                             {"data", {{"object", object}}},
                             {"type", type}};
  return event.dump(2);
}
inline RawCallback stripe_callback(const std::string& body) {
  return {"stripe",
          {{"stripe-signature", stripe::sign_webhook(stripe_secret, body, vectors_now_us)}},
          body};
}

}  // namespace welkin
