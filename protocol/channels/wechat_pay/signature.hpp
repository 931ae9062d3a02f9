// WeChat Pay's signatures: SHA-256 with RSA over a few lines of text, each ended by a line feed.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/channels/exchange.hpp"
#include "protocol/channels/wechat_pay/account.hpp"

namespace welkin::wechat_pay {

constexpr std::int64_t timestamp_tolerance_s = 300;

// What a request's signature stands over; an empty body still has its line.
std::string request_text(std::string_view method, std::string_view target, std::int64_t timestamp_s,
                         std::string_view nonce, std::string_view body);
// What the signature of an answer or a callback stands over.
std::string message_text(std::string_view timestamp, std::string_view nonce, std::string_view body);

// The signed request, with every header WeChat asks for. A retry is signed again.
WireRequest sign_request(const Account& account, std::string method, std::string target,
                         std::string body, const SigningContext& context);

// Empty when one of `keys`, chosen by the serial the message names, has signed it and it is fresh;
// else unknown_serial, bad_signature or stale_timestamp. The signature is judged before the time:
// who cannot sign learns nothing about our clock.
std::optional<Problem> check_message(const std::vector<PlatformKey>& keys,
                                     const WireHeaders& headers, std::string_view body,
                                     UnixUs now_us);
bool bears_signature(const WireHeaders& headers);
// The nonce that a message's signature stands over.
std::string signed_nonce(const WireHeaders& headers);
// Its time, as it is written.
std::string signed_time(const WireHeaders& headers);

// The platform's side, for those who stand in for it: headers for an answer or a callback.
WireHeaders sign_message(std::string_view serial, const crypto::PrivateKey& key,
                         std::string_view body, const SigningContext& context);

// What the payer's page hands to WeChat's script to pay a JSAPI order, as a JSON text.
std::string jsapi_parameters(const Account& account, std::string_view prepay_id,
                             const SigningContext& context);

}  // namespace welkin::wechat_pay
