// Alipay's open platform, gateway version 2, signatures RSA2: calls become signed requests, answers
// and notifications are verified over their raw text and become reports. Pure: the time is an
// argument, and what cannot be understood is a report with verdict unknown that says why.
//
// Ways to pay, by ChannelCall::method: "precreate" (a QR code; the first, so also an empty method),
// "page" (a browser at a desk) and "wap" (a browser in a hand). The last two call nobody: the
// payer's browser is sent to Alipay with the signed order in the URL.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "protocol/channel/channel.hpp"
#include "protocol/channels/alipay/account.hpp"
#include "protocol/channels/charset.hpp"
#include "protocol/channels/exchange.hpp"
#include "protocol/channels/form.hpp"

namespace welkin::alipay {

inline constexpr std::string_view gateway_path = "/gateway.do";

std::optional<Problem> objection_to(const ChannelCall& call);
EncodedCall encode_call(const Account& account, const ChannelCall& call,
                        const SigningContext& context);
ChannelReport parse_answer(const Account& account, const ChannelCall& call,
                           const WireAnswer& answer, UnixUs now_us);

// A notification carries no time limit of its own: Alipay sends it again for a day under the same
// notify_id, which becomes the report's id.
CallbackVerdict parse_callback(const Account& account, const RawCallback& callback);
CallbackAck taken();      // exactly "success"
CallbackAck not_taken();  // anything else is sent again

// ---- the daily bill: where its zip file lies. alipay/bill.hpp reads what is in it.

// `day` as "2026-01-01".
WireRequest encode_bill_request(const Account& account, std::string_view day,
                                const SigningContext& context);
struct BillUrl {
  std::string url;  // good for half a minute, and not signed by us
};
// There is no bill for the day, or it cannot be told where: the code is Alipay's or ours.
struct NoBill {
  std::string code;
  std::string message;
};
std::variant<BillUrl, NoBill> parse_bill_answer(const Account& account, const WireAnswer& answer);

// ---- pieces, for those who check signatures themselves

// Adds "sign" behind the fields.
void sign_fields(const Account& account, FormFields& fields);

// An answer whose signature holds: the bytes of its node, which were signed, and what they are
// written in.
struct VerifiedAnswer {
  std::string_view node;
  Charset charset = Charset::utf8;
};
// Why an answer is not believed.
struct UnverifiedAnswer {
  std::string code;
  std::string message;
};
std::variant<VerifiedAnswer, UnverifiedAnswer> verify_answer(const Account& account,
                                                             std::string_view body,
                                                             std::string_view node_name,
                                                             std::string_view content_type = {});
// Whether Alipay has signed the fields of a notification.
bool is_genuine(const Account& account, const FormFields& notification);

}  // namespace welkin::alipay
