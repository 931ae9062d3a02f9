// WeChat Pay APIv3: calls become signed requests, answers and callbacks are verified over their raw
// bytes and become reports. Pure: the time and the nonce are arguments, and what cannot be
// understood is a report with verdict unknown that says why.
//
// Ways to pay, by ChannelCall::method: "native" (a QR code; the first, so also an empty method),
// "h5" (a browser in a hand; needs payer_ip) and "jsapi" (inside WeChat; needs payer_id, the
// openid). WeChat takes CNY, and holds no amounts.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "protocol/channel/channel.hpp"
#include "protocol/channels/exchange.hpp"
#include "protocol/channels/wechat_pay/account.hpp"

namespace welkin::wechat_pay {

std::optional<Problem> objection_to(const ChannelCall& call);
EncodedCall encode_call(const Account& account, const ChannelCall& call,
                        const SigningContext& context);
// A refusal is believed only when it is signed: an answer of a gateway on the way is a hint, and
// moves no money's state. `context` signs what the payer's page needs for a JSAPI order.
ChannelReport parse_answer(const Account& account, const ChannelCall& call,
                           const WireAnswer& answer, const SigningContext& context);

// WeChat sends a notification again for a day under the same id, which becomes the report's id.
CallbackVerdict parse_callback(const Account& account, const RawCallback& callback, UnixUs now_us);
CallbackAck taken();
CallbackAck not_taken();  // sent again

// ---- the platform's certificates

WireRequest encode_certificates_request(const Account& account, const SigningContext& context);
// The answer may be signed with a key that only it brings; that key is believed because nobody
// without the APIv3 key could have sealed it.
std::variant<std::vector<PlatformKey>, Problem> parse_certificates(const Account& account,
                                                                   const WireAnswer& answer,
                                                                   UnixUs now_us);

// ---- daily bills: where their files lie. wechat_pay/bill.hpp reads what is in them.

// `day` as "2026-01-01".
WireRequest encode_trade_bill_request(const Account& account, std::string_view day,
                                      const SigningContext& context);
WireRequest encode_fund_flow_request(const Account& account, std::string_view day,
                                     const SigningContext& context);
struct BillLocation {
  std::string download_url;  // good for five minutes
  std::string sha1_hex;      // of the file, uncompressed: the file's own answer bears no signature
};
// The bill is not there, or it cannot be told where: "NO_STATEMENT_EXIST" is a day without trades.
struct NoBill {
  std::string code;
  std::string message;
};
std::variant<BillLocation, NoBill> parse_bill_location(const Account& account,
                                                       const WireAnswer& answer, UnixUs now_us);
// Path and query of the URL are signed and sent as they stand in it.
WireRequest encode_bill_download(const Account& account, const BillLocation& location,
                                 const SigningContext& context);
// Whether a file, unpacked, is the one that WeChat has signed the digest of: only then is it read.
bool is_bill_of(const BillLocation& location, std::string_view file);

// ---- pieces, for those who stand in for WeChat

// What a callback's resource holds, sealed.
std::string seal_callback(const Account& account, std::string_view id, std::string_view event_type,
                          std::string_view original_type, std::string_view plaintext,
                          std::string_view nonce, UnixUs now_us);
// The plaintext in a callback's body, or why not: malformed_callback or broken_ciphertext.
std::variant<std::string, Problem> open_callback(const Account& account, std::string_view body);

}  // namespace welkin::wechat_pay
