// A merchant account at WeChat Pay and WeChat's own side of it, with the vectors' keys.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "protocol/channels/wechat_pay/signature.hpp"
#include "protocol/channels/wechat_pay/wire.hpp"
#include "tests/support/channel_fixture.hpp"

namespace welkin {

inline constexpr auto wechat_public_key_id = "PUB_KEY_ID_0119000001092026010100000000000001";
inline constexpr auto wechat_platform_serial = "7132D72A03E93CDDF8C03BBD1F37EEDF00000001";

inline wechat_pay::AccountConfig wechat_config() {
  wechat_pay::AccountConfig config;
  config.app_id = "wx0000000000000001";
  config.merchant_id = "1900000109";
  config.api_v3_key = "0123456789abcdef0123456789ABCDEF";
  config.notify_url = "https://pay.example.com/notify/wechat";
  config.private_key = vector_key("wechat_merchant_key");
  config.merchant_certificate = vector_key("wechat_merchant_cert");
  config.platform_certificates = {vector_key("wechat_platform_cert")};
  config.public_keys = {{wechat_public_key_id, vector_key("wechat_platform_pub")}};
  return config;
}

inline wechat_pay::Account wechat_account() {
  return made(wechat_pay::make_account(wechat_config(), vectors_now_us));
}

inline crypto::PrivateKey wechat_platform_key() {
  static const crypto::PrivateKey key = vector_private_key("wechat_platform_key");
  return key;
}

inline WireAnswer signed_answer(int status, std::string body, UnixUs at_us = vectors_now_us) {
  WireAnswer answer{status, {}, std::move(body)};
  answer.headers =
      wechat_pay::sign_message(wechat_platform_serial, wechat_platform_key(), answer.body,
                               {at_us, "5K8264ILTKCH16CQ2502SI8ZNMTM67VS"});
  return answer;
}

inline nlohmann::json wechat_transaction(const std::string& state) {
  return {{"appid", "wx0000000000000001"},
          {"mchid", "1900000109"},
          {"out_trade_no", example_call(ChannelOperation::create).channel_order_no},
          {"transaction_id", "4200000000202601010000000001"},
          {"trade_state", state},
          {"trade_state_desc", "as the channel says"},
          {"amount", {{"total", 101}, {"payer_total", 91}, {"currency", "CNY"}}}};
}
inline nlohmann::json wechat_refund(const char* status_field, const std::string& status) {
  const ChannelCall call = example_call(ChannelOperation::refund);
  return {{"mchid", "1900000109"},
          {"out_trade_no", call.channel_order_no},
          {"out_refund_no", call.channel_refund_no},
          {"refund_id", "50000000002026010100000000001"},
          {status_field, status},
          {"amount", {{"total", 101}, {"refund", 50}}}};
}

inline RawCallback wechat_callback(const std::string& event, const nlohmann::json& plaintext) {
  RawCallback callback{"wechat_pay", {}, {}};
  callback.body = wechat_pay::seal_callback(
      wechat_account(), "n-1", event, event == "TRANSACTION.SUCCESS" ? "transaction" : "refund",
      plaintext.dump(), "fdasflkja484", vectors_now_us);
  callback.headers = signed_answer(200, callback.body).headers;
  return callback;
}

}  // namespace welkin
