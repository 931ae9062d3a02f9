// UnionPay's online gateway, ACP 5.1.0: calls become signed forms, answers and notifications are
// verified and become reports. Pure: the time is an argument, and what cannot be understood is a
// report with verdict unknown that says why.
//
// Ways to pay, by ChannelCall::method: "qr" (a code to scan; the first, so also an empty method),
// "page" (a browser at a desk) and "wap" (a browser in a hand). The last two call nobody: the
// payer's browser posts the signed form.
//
// There is no close: an order ends with its payTimeout, so a close asks how the order stands, and
// holds only once that time is over. A transaction is known by its number and its time, which are
// the order's own or the refund's own and never those of the call.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "protocol/channel/channel.hpp"
#include "protocol/channels/charset.hpp"
#include "protocol/channels/exchange.hpp"
#include "protocol/channels/form.hpp"
#include "protocol/channels/union_pay/account.hpp"

namespace welkin::union_pay {

inline constexpr std::string_view front_path = "/gateway/api/frontTransReq.do";
inline constexpr std::string_view back_path = "/gateway/api/backTransReq.do";
inline constexpr std::string_view query_path = "/gateway/api/queryTrans.do";

std::optional<Problem> objection_to(const Account& account, const ChannelCall& call);
EncodedCall encode_call(const Account& account, const ChannelCall& call,
                        const SigningContext& context);
ChannelReport parse_answer(const Account& account, const ChannelCall& call,
                           const WireAnswer& answer, UnixUs now_us);

// UnionPay notifies of successes only, up to five times within minutes, and of refunds by the
// refund's number: the order's comes back in reqReserved, where the refund's request has put it.
CallbackVerdict parse_callback(const Account& account, const RawCallback& callback, UnixUs now_us);
CallbackAck taken();
CallbackAck not_taken();

// ---- the daily file, from a host of its own (filedownload.95516.com)

// `settle_date` as "0101".
WireRequest encode_bill_request(const Account& account, std::string_view settle_date,
                                const SigningContext& context);
struct BillZip {
  std::string bytes;
};
// There is no file for the day (98), or it cannot be had: the code is UnionPay's or ours.
struct NoBill {
  std::string code;
  std::string message;
};
std::variant<BillZip, NoBill> parse_bill_answer(const Account& account, const WireAnswer& answer,
                                                UnixUs now_us);

// ---- pieces, for those who check signatures themselves

// Drops what is empty and adds "signature" behind the fields.
void sign_fields(const Account& account, FormFields& fields);

// Nothing when UnionPay has signed the fields, else why they are not believed.
std::optional<Problem> signature_fault(const Account& account, const FormFields& fields,
                                       UnixUs now_us);

// "k=v&k=v" as an answer writes it: not encoded, and a value in braces or brackets may hold "&" and
// "=". Nothing when a name stands twice, or when braces do not match. In GBK the second byte of a
// character may be a brace's.
std::optional<FormFields> parse_answer_fields(std::string_view body,
                                              Charset charset = Charset::utf8);

// Days of settlement run from 23:00 to 23:00.
std::int64_t settlement_day_of(UnixUs at_us);

}  // namespace welkin::union_pay
