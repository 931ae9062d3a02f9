// What the UnionPay tests have in common: accounts of the vectors, and UnionPay's side of a
// signature.
#pragma once

#include <string>

#include "protocol/channels/union_pay/wire.hpp"
#include "tests/support/channel_fixture.hpp"

namespace welkin::union_pay_test {

constexpr UnixUs now_us = vectors_now_us;  // eight in Beijing

inline union_pay::AccountConfig rsa_config() {
  union_pay::AccountConfig config;
  config.merchant_id = "777290058110048";
  config.notify_url = "https://pay.example.com/notify/unionpay";
  config.test_environment = true;
  config.private_key = vector_key("unionpay_merchant_key");
  config.certificate = vector_key("unionpay_merchant_cert");
  config.middle_certificates = vector_key("unionpay_middle_cert");
  config.root_certificates = vector_key("unionpay_root_cert");
  return config;
}

inline union_pay::AccountConfig secret_config() {
  union_pay::AccountConfig config;
  config.merchant_id = "777290058110048";
  config.notify_url = "https://pay.example.com/notify/unionpay";
  config.secure_key = "88888888";
  return config;
}

inline union_pay::Account account_of(const union_pay::AccountConfig& config) {
  return made(union_pay::make_account(config, now_us));
}

// A certificate as UnionPay puts it into a message: with CRLF, which is signed.
inline std::string in_message(const std::string& pem) {
  std::string out;
  for (const char c : pem.substr(0, pem.find_last_not_of("\r\n") + 1)) {
    if (c == '\r') continue;
    if (c == '\n') out.push_back('\r');
    out.push_back(c);
  }
  return out;
}

// Fields that UnionPay's test gateway signs, with the certificate it signs with.
inline FormFields signed_by_union_pay(FormFields fields) {
  static const crypto::PrivateKey key = vector_private_key("unionpay_platform_key");
  fields.emplace_back("signMethod", "01");
  fields.emplace_back("signPubKeyCert", in_message(vector_key("unionpay_platform_cert")));
  fields.emplace_back("signature",
                      crypto::base64(key.rsa_sha256_sign(sha256_hex(sorted_text(fields)))));
  return fields;
}

inline WireAnswer answer_of(const FormFields& fields) {
  std::string body;
  for (const auto& [name, value] : signed_by_union_pay(fields))
    body += (body.empty() ? "" : "&") + name + "=" + value;
  return {200, {}, body};
}

inline RawCallback notification_of(const FormFields& fields) {
  return {"union_pay", {}, encode_form(signed_by_union_pay(fields), FormSpace::plus)};
}

inline ChannelCall call_for(ChannelOperation operation, bool query = false) {
  ChannelCall call = query ? example_query(operation) : example_call(operation);
  if (operation == ChannelOperation::refund) {
    call.channel_reference = "202601010800001234567";
    call.refund_created_at_us = now_us + 3600 * us_per_s;
  }
  return call;
}

}  // namespace welkin::union_pay_test
