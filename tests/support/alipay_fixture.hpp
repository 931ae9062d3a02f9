// What the Alipay tests have in common: an account of the vectors, and Alipay's side of a
// signature.
#pragma once

#include <string>

#include "protocol/channels/alipay/wire.hpp"
#include "tests/support/channel_fixture.hpp"

namespace welkin::alipay_test {

constexpr UnixUs now_us = vectors_now_us;  // eight in Beijing

inline alipay::AccountConfig public_key_config() {
  alipay::AccountConfig config;
  config.app_id = "2021000000000001";
  config.seller_id = "2088000000000999";
  config.notify_url = "https://pay.example.com/notify/alipay";
  config.app_private_key = vector_key("alipay_app_key");
  config.alipay_public_key = vector_key("alipay_platform_pub");
  return config;
}

inline alipay::AccountConfig certificate_config() {
  alipay::AccountConfig config = public_key_config();
  config.alipay_public_key.clear();
  config.app_certificate = vector_key("alipay_app_cert");
  config.alipay_certificates = vector_key("alipay_platform_cert");
  config.alipay_root_certificates = vector_key("alipay_root_cert");
  return config;
}

inline alipay::Account account_of(const alipay::AccountConfig& config) {
  return made(alipay::make_account(config, now_us));
}

inline std::string signed_by_alipay(const std::string& text) {
  static const crypto::PrivateKey key = vector_private_key("alipay_platform_key");
  return crypto::base64(key.rsa_sha256_sign(text));
}

// An answer as Alipay's gateway writes it, around the text of its node.
inline WireAnswer answer_of(const std::string& node_name, const std::string& node) {
  return {
      200, {}, "{\"" + node_name + "\":" + node + ",\"sign\":\"" + signed_by_alipay(node) + "\"}"};
}

// A notification with these fields, signed.
inline RawCallback notification_of(FormFields fields) {
  fields.emplace_back("sign", signed_by_alipay(sorted_text_with_empty(fields, {})));
  fields.emplace_back("sign_type", "RSA2");
  return {"alipay", {}, encode_form(fields, FormSpace::plus)};
}

inline ChannelCall call_for(ChannelOperation operation, bool query = false) {
  ChannelCall call = query ? example_query(operation) : example_call(operation);
  if (operation == ChannelOperation::refund)
    call.channel_reference = "2026010122001400000000000001";
  return call;
}

}  // namespace welkin::alipay_test
