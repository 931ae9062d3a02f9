// What the Alipay tests have in common: an account of the vectors, and Alipay's side of a
// signature.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

#include "protocol/channels/alipay/wire.hpp"
#include "tests/support/vectors.hpp"

namespace welkin::alipay_test {

constexpr UnixUs now_us = 1'767'225'600 * us_per_s;  // the vectors' clock: eight in Beijing

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
  auto made = alipay::make_account(config, now_us);
  if (const auto* problem = std::get_if<Problem>(&made))
    throw std::runtime_error(problem->field + ": " + problem->detail);
  return std::get<alipay::Account>(std::move(made));
}

inline crypto::PrivateKey alipay_key() {
  return std::get<crypto::PrivateKey>(
      crypto::PrivateKey::from_pem(vector_key("alipay_platform_key")));
}

inline std::string signed_by_alipay(const std::string& text) {
  return crypto::base64(alipay_key().rsa_sha256_sign(text));
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
  ChannelCall call;
  call.payment = payment_id_of("m_1", "order-1");
  call.operation = operation;
  call.query = query;
  call.merchant_id = "m_1";
  call.channel_order_no = channel_order_no(call.payment, 1);
  call.amount_minor = 101;
  call.order_amount_minor = 101;
  call.currency = *Currency::parse("CNY");
  call.subject = "测试商品 A&B=1";
  call.return_url = "https://shop.example.com/back";
  call.expires_at_us = now_us + 30 * 60 * us_per_s;
  call.order_created_at_us = now_us;
  if (operation == ChannelOperation::refund) {
    const RefundId refund = refund_id_of(call.payment, "r-1");
    call.refund_id = refund.text();
    call.channel_refund_no = channel_refund_no(refund);
    call.amount_minor = 50;
    call.channel_reference = "2026010122001400000000000001";
  }
  return call;
}

}  // namespace welkin::alipay_test
