#include "protocol/channels/wechat_pay/signature.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "protocol/channels/unix_seconds.hpp"

namespace welkin::wechat_pay {
namespace {

constexpr std::string_view scheme = "WECHATPAY2-SHA256-RSA2048";
constexpr std::string_view timestamp_header = "wechatpay-timestamp";
constexpr std::string_view nonce_header = "wechatpay-nonce";
constexpr std::string_view serial_header = "wechatpay-serial";
constexpr std::string_view signature_header = "wechatpay-signature";
constexpr std::string_view type_header = "wechatpay-signature-type";

std::string lines(std::initializer_list<std::string_view> parts) {
  std::string text;
  for (const std::string_view part : parts) text.append(part).push_back('\n');
  return text;
}

std::string signature_of(const crypto::PrivateKey& key, std::string_view text) {
  return crypto::base64(key.rsa_sha256_sign(text));
}

}  // namespace

std::string request_text(std::string_view method, std::string_view target, std::int64_t timestamp_s,
                         std::string_view nonce, std::string_view body) {
  return lines({method, target, std::to_string(timestamp_s), nonce, body});
}

std::string message_text(std::string_view timestamp, std::string_view nonce,
                         std::string_view body) {
  return lines({timestamp, nonce, body});
}

WireRequest sign_request(const Account& account, std::string method, std::string target,
                         std::string body, const SigningContext& context) {
  const std::int64_t now_s = context.now_us / us_per_s;
  const std::string signature =
      signature_of(account.private_key, request_text(method, target, now_s, context.nonce, body));
  std::string authorization(scheme);
  const auto item = [&authorization](std::string_view name, std::string_view value) {
    authorization.append(authorization.back() == '"' ? "," : " ");
    authorization.append(name).append("=\"").append(value).append("\"");
  };
  item("mchid", account.merchant_id);
  item("serial_no", account.certificate_serial);
  item("timestamp", std::to_string(now_s));
  item("nonce_str", context.nonce);
  item("signature", signature);
  WireRequest request{std::move(method), std::move(target), {}, std::move(body)};
  request.headers = {{"authorization", std::move(authorization)},
                     {"accept", "application/json"},
                     {"user-agent", "Welkin"}};
  if (!request.body.empty()) request.headers.emplace_back("content-type", "application/json");
  if (!account.public_key_id.empty())
    request.headers.emplace_back(serial_header, account.public_key_id);
  return request;
}

bool bears_signature(const WireHeaders& headers) {
  return !only_header(headers, signature_header).empty();
}

std::string signed_nonce(const WireHeaders& headers) {
  return std::string(only_header(headers, nonce_header));
}

std::string signed_time(const WireHeaders& headers) {
  return std::string(only_header(headers, timestamp_header));
}

std::optional<Problem> check_message(const std::vector<PlatformKey>& keys,
                                     const WireHeaders& headers, std::string_view body,
                                     UnixUs now_us) {
  const Problem bad{ProblemCode::bad_signature, "The signature does not fit the message.", {}};
  const std::string_view timestamp = only_header(headers, timestamp_header);
  const std::string_view nonce = only_header(headers, nonce_header);
  const std::string_view serial = only_header(headers, serial_header);
  const std::string_view type = only_header(headers, type_header);
  const auto timestamp_s = parse_unix_seconds(timestamp);
  // WeChat probes with signatures that begin "WECHATPAY/SIGNTEST/": they must fail like any other.
  const auto signature = crypto::parse_base64(only_header(headers, signature_header));
  if (!timestamp_s || nonce.empty() || serial.empty() || !signature || signature->empty() ||
      (!type.empty() && type != scheme))
    return bad;
  const PlatformKey* key = find_platform_key(keys, serial, now_us);
  if (!key)
    return Problem{ProblemCode::unknown_serial, "No valid key is known for its serial number.", {}};
  if (!key->key.rsa_sha256_verify(message_text(timestamp, nonce, body), *signature)) return bad;
  const UnixUs age_us = now_us - *timestamp_s * us_per_s;
  constexpr UnixUs tolerance_us = timestamp_tolerance_s * us_per_s;
  if (age_us > tolerance_us || age_us < -tolerance_us)
    return Problem{
        ProblemCode::stale_timestamp, "The timestamp is more than 300 seconds from now.", {}};
  return std::nullopt;
}

WireHeaders sign_message(std::string_view serial, const crypto::PrivateKey& key,
                         std::string_view body, const SigningContext& context) {
  const std::string timestamp = std::to_string(context.now_us / us_per_s);
  return {{std::string(timestamp_header), timestamp},
          {std::string(nonce_header), context.nonce},
          {std::string(serial_header), std::string(serial)},
          {std::string(signature_header),
           signature_of(key, message_text(timestamp, context.nonce, body))},
          {std::string(type_header), std::string(scheme)}};
}

std::string jsapi_parameters(const Account& account, std::string_view prepay_id,
                             const SigningContext& context) {
  const std::string timestamp = std::to_string(context.now_us / us_per_s);
  const std::string package = "prepay_id=" + std::string(prepay_id);
  const nlohmann::ordered_json parameters{
      {"appId", account.app_id},
      {"timeStamp", timestamp},
      {"nonceStr", context.nonce},
      {"package", package},
      {"signType", "RSA"},
      {"paySign", signature_of(account.private_key,
                               lines({account.app_id, timestamp, context.nonce, package}))}};
  return parameters.dump();
}

}  // namespace welkin::wechat_pay
