// How calls, answers and notifications of UnionPay are written and read; see the header.
#include "protocol/channels/union_pay/wire.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "protocol/channels/beijing_time.hpp"
#include "protocol/channels/certificate_chain.hpp"
#include "protocol/channels/inflate.hpp"
#include "protocol/channels/report_bounds.hpp"
#include "protocol/channels/union_pay/meanings.hpp"
#include "protocol/utf8.hpp"

namespace welkin::union_pay {
namespace {

constexpr std::string_view cny_number = "156";
constexpr std::int64_t max_txn_amount_minor = 999'999'999'999;  // twelve digits
constexpr std::size_t max_bill_zip_bytes = 256 * 1024 * 1024;

Currency cny() { return *Currency::parse("CNY"); }

bool is_refund(const ChannelCall& call) { return call.operation == ChannelOperation::refund; }
bool asks_only(const ChannelCall& call) {
  return call.query || call.operation == ChannelOperation::close;
}
bool paid_by_browser(const ChannelCall& call) {
  return call.method == "page" || call.method == "wap";
}

// The transaction a call is about. A query repeats both to the second, so they are of what the
// journal holds and not of the clock.
const std::string& number_of(const ChannelCall& call) {
  return is_refund(call) ? call.channel_refund_no : call.channel_order_no;
}
std::string time_of(const ChannelCall& call) {
  return beijing_compact(is_refund(call) ? call.refund_created_at_us : call.order_created_at_us);
}

// ---- what is asked

FormFields envelope(const Account& account) {
  FormFields fields{{"version", "5.1.0"},
                    {"encoding", "UTF-8"},
                    {"accessType", "0"},
                    {"merId", account.merchant_id},
                    {"signMethod", std::string(account.sign_method())}};
  if (account.rsa) fields.emplace_back("certId", account.rsa->certificate_id);
  return fields;
}

void add(FormFields& fields, FormFields more) {
  for (auto& field : more) fields.push_back(std::move(field));
}

// What would end a value in braces, or a form, becomes a space.
std::string harmless(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 0x20 ||
        std::string_view("&={}[]\"'").find(c) != std::string_view::npos)
      c = ' ';
  return out;
}

FormFields front_order(const Account& account, const ChannelCall& call) {
  return {{"txnType", "01"},
          {"txnSubType", "01"},
          {"bizType", "000201"},
          {"channelType", call.method == "wap" ? "08" : "07"},
          {"currencyCode", std::string(cny_number)},
          {"frontUrl", call.return_url.empty() ? account.return_url : call.return_url},
          {"backUrl", account.notify_url},
          {"orderId", call.channel_order_no},
          {"txnTime", time_of(call)},
          {"txnAmt", std::to_string(call.amount_minor)},
          {"payTimeout", call.expires_at_us ? beijing_compact(call.expires_at_us) : ""},
          {"riskRateInfo",
           call.subject.empty() ? "" : "{commodityName=" + harmless(call.subject) + "}"}};
}

FormFields code_order(const Account& account, const ChannelCall& call) {
  return {{"txnType", "01"},
          {"txnSubType", "07"},
          {"bizType", "000000"},
          {"channelType", "08"},
          {"currencyCode", std::string(cny_number)},
          {"backUrl", account.notify_url},
          {"orderId", call.channel_order_no},
          {"txnTime", time_of(call)},
          {"txnAmt", std::to_string(call.amount_minor)},
          {"payTimeout", call.expires_at_us ? beijing_compact(call.expires_at_us) : ""}};
}

FormFields question(const ChannelCall& call) {
  return {{"txnType", "00"},     {"txnSubType", "00"},         {"bizType", "000000"},
          {"channelType", "07"}, {"orderId", number_of(call)}, {"txnTime", time_of(call)}};
}

// The order's day is that of its beginning: when the refund is asked for on the same day, the
// payment between them was on it too, and can be undone.
FormFields refund(const Account& account, const ChannelCall& call) {
  const bool undo =
      account.undo_same_day && call.amount_minor == call.order_amount_minor &&
      settlement_day_of(call.order_created_at_us) == settlement_day_of(call.refund_created_at_us);
  return {{"txnType", undo ? "31" : "04"},
          {"txnSubType", "00"},
          {"bizType", paid_by_browser(call) ? "000201" : "000000"},
          {"channelType", call.method == "page" ? "07" : "08"},
          {"backUrl", account.notify_url},
          {"orderId", call.channel_refund_no},
          {"txnTime", time_of(call)},
          {"txnAmt", std::to_string(call.amount_minor)},
          {"origQryId", call.channel_reference},
          {"reqReserved", call.channel_order_no}};
}

WireRequest post_of(std::string_view path, const FormFields& fields) {
  return {"POST",
          std::string(path),
          {{"content-type", "application/x-www-form-urlencoded;charset=UTF-8"}},
          encode_form(fields, FormSpace::plus)};
}

std::string digest_of(const FormFields& fields) {
  return sha256_hex(sorted_text_without(fields, {"signature"}));
}
std::string secret_signature(const Account& account, const FormFields& fields) {
  return sha256_hex(sorted_text_without(fields, {"signature"}) + "&" + account.secure_key_digest);
}

// ---- what is answered

std::string_view part_between_at_signs(std::string_view text, int part) {
  for (; part > 0; --part) {
    const std::size_t at = text.find('@');
    if (at == std::string_view::npos) return {};
    text.remove_prefix(at + 1);
  }
  return text.substr(0, text.find('@'));
}

// In fen, digits only.
std::optional<std::int64_t> amount_of(std::string_view text) {
  std::int64_t amount = 0;
  if (text.empty() || text.front() == '-') return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), amount);
  if (error != std::errc{} || end != text.data() + text.size() || amount > max_amount_minor)
    return std::nullopt;
  return amount;
}

ChannelReport with_money(ChannelReport report, std::int64_t amount_minor) {
  report.merchant_by_account = true;
  report.amount_minor = amount_minor;
  report.currency = cny();
  return report;
}

// The payer may scan or post the form, and try again after a failure, until the order's time is
// over; before that, no failed try and no absent order is the end of it.
ChannelVerdict settle_open(const ChannelCall& call, ChannelVerdict verdict, UnixUs now_us) {
  if (is_refund(call)) return verdict;
  const bool expired = call.expires_at_us != 0 && now_us >= call.expires_at_us;
  if (verdict == ChannelVerdict::not_found && call.order_accepted && !expired)
    return ChannelVerdict::accepted;
  if (verdict != ChannelVerdict::refused) return verdict;
  if (!expired) return ChannelVerdict::accepted;
  // To somebody who asked for the order's end, a payment that failed is that end.
  return call.operation == ChannelOperation::close ? ChannelVerdict::closed : verdict;
}

ChannelReport report_of_transaction(const ChannelCall& call, const FormFields& fields,
                                    ChannelReport report, UnixUs now_us) {
  report.code = field_of(fields, "origRespCode");
  report.message = field_of(fields, "origRespMsg");
  const ChannelVerdict said =
      meaning_of(is_refund(call) ? Question::refunded : Question::order, report.code);
  report.verdict = settle_open(call, said, now_us);
  report.channel_reference = field_of(fields, "queryId");
  if (said != ChannelVerdict::paid && said != ChannelVerdict::refunded) return report;
  const auto amount = amount_of(field_of(fields, "txnAmt"));
  if (!amount || report.channel_reference.empty())
    return report_unknown(call, "no_amount", "The amount or UnionPay's own number is missing.");
  if (field_of(fields, "currencyCode") != cny_number)
    return report_unknown(call, "other_currency", "The answer is in another currency.");
  report.code.clear();
  report.message.clear();
  return with_money(std::move(report), *amount);
}

ChannelReport report_of(const ChannelCall& call, const FormFields& fields, UnixUs now_us) {
  const std::string_view resp_code = field_of(fields, "respCode");
  ChannelReport report =
      with_money(report_about(call), is_refund(call) ? call.amount_minor : call.order_amount_minor);
  report.code = resp_code;
  report.message = field_of(fields, "respMsg");
  if (asks_only(call)) {
    if (resp_code == "00") return report_of_transaction(call, fields, std::move(report), now_us);
    report.verdict = settle_open(call, meaning_of(Question::query, resp_code), now_us);
    return report;
  }
  report.verdict = meaning_of(is_refund(call) ? Question::refund : Question::create, resp_code);
  if (report.verdict == ChannelVerdict::accepted) {
    report.next_action = {"qr_code", std::string(field_of(fields, "qrCode"))};
    if (report.next_action.value.empty())
      return report_unknown(call, "no_qr_code", "The answer holds no code to scan.");
  }
  return report;
}

// ---- what is notified

CallbackRefused refused(ProblemCode code, std::string detail, std::string_view order) {
  return {{code, std::move(detail), {}}, std::string(order)};
}

// UnionPay notifies of successes only, so any other code says nothing that can be relied on.
ChannelVerdict verdict_of_notification(bool of_refund, std::string_view code) {
  const auto success = of_refund ? ChannelVerdict::refunded : ChannelVerdict::paid;
  const auto said = meaning_of(of_refund ? Question::refunded : Question::order, code);
  return said == success ? said : ChannelVerdict::unknown;
}

Charset charset_of_answer(const WireAnswer& answer) {
  return charset_of(answer.body, only_header(answer.headers, "content-type"))
      .value_or(Charset::utf8);
}

// What was signed are the bytes, so it is only then that its words become text. Nothing else in an
// answer is one.
FormFields with_readable_words(FormFields fields, Charset charset) {
  for (auto& [name, value] : fields) {
    if (name != "respMsg" && name != "origRespMsg") continue;
    if (auto text = utf8_of(value, charset)) value = *std::move(text);
  }
  return fields;
}

ChannelReport read_answer(const Account& account, const ChannelCall& call, const WireAnswer& answer,
                          UnixUs now_us) {
  if (answer.status != 200)
    return report_unknown(call, "http_status", "HTTP status " + std::to_string(answer.status));
  const Charset charset = charset_of_answer(answer);
  const auto fields = parse_answer_fields(answer.body, charset);
  if (!fields) return report_unknown(call, "unreadable_answer", "The answer is no list of fields.");
  if (auto fault = signature_fault(account, *fields, now_us))
    return report_unknown(call, std::string(spec_of(fault->code).name), std::move(fault->detail));
  if (field_of(*fields, "merId") != account.merchant_id ||
      field_of(*fields, "orderId") != number_of(call) ||
      field_of(*fields, "txnTime") != time_of(call))
    return report_unknown(call, "other_order", "The answer is about another transaction.");
  return report_of(call, with_readable_words(*fields, charset), now_us);
}

CallbackVerdict read_callback(const Account& account, const RawCallback& callback, UnixUs now_us) {
  const auto fields = parse_form(callback.body);
  if (!fields) return refused(ProblemCode::malformed_callback, "The body is not a form.", {});
  const auto value = [&fields](std::string_view name) { return field_of(*fields, name); };
  const std::string_view type = value("txnType");
  const bool of_refund = type == "04" || type == "31";
  const std::string_view order_no = value(of_refund ? "reqReserved" : "orderId");
  if (const auto fault = signature_fault(account, *fields, now_us))
    return refused(fault->code, fault->detail, order_no);
  if (value("merId") != account.merchant_id)
    return refused(ProblemCode::wrong_account, "It is for another merchant number.", order_no);

  ChannelReport report;
  report.source = ReportSource::callback;
  for (const char* name : {"orderId", "txnTime", "txnType", "queryId"})
    report.id.append(report.id.empty() ? "" : "/").append(value(name));
  if (type != "01" && !of_refund)
    return CallbackIgnored{report.id, IgnoredFor::other_kind,
                           "It is a notification of another kind."};
  const auto order = parse_channel_order_no(order_no);
  const auto refund_no = parse_channel_refund_no(value("orderId"));
  // We give the address with each order and refund, so that money under a number that is none is no
  // stranger's: it is to be seen, and to come again.
  if (!order)
    return CallbackRefused{{ProblemCode::invalid_value, "This is no number of ours.", "/orderId"},
                           std::string(order_no)};
  report.payment = order->payment;
  report.channel_order_no = order_no;
  report.operation = of_refund ? ChannelOperation::refund : ChannelOperation::create;
  // Of an order of ours, under a number that is not: made at UnionPay's own desk.
  report.outside_refund = of_refund && !refund_no;
  if (report.outside_refund)
    report.charge_reference = value("origQryId");
  else if (of_refund)
    report.refund_id = refund_no->text();
  report.channel_reference = value("queryId");
  const auto amount = amount_of(value("txnAmt"));
  if (!amount || report.channel_reference.empty() || value("currencyCode") != cny_number)
    return refused(ProblemCode::malformed_callback,
                   "The amount, the currency or UnionPay's own number is missing.", order_no);
  report.verdict = verdict_of_notification(of_refund, value("respCode"));
  if (report.verdict == ChannelVerdict::unknown) {
    report.code = value("respCode");
    report.message = value("respMsg");
  }
  return with_money(std::move(report), *amount);
}

}  // namespace

void sign_fields(const Account& account, FormFields& fields) {
  fields.erase(std::remove_if(fields.begin(), fields.end(),
                              [](const auto& field) { return field.second.empty(); }),
               fields.end());
  fields.emplace_back(
      "signature", account.rsa ? crypto::base64(account.rsa->key.rsa_sha256_sign(digest_of(fields)))
                               : secret_signature(account, fields));
}

std::optional<Problem> objection_to(const Account& account, const ChannelCall& call) {
  const auto problem = [](std::string detail, std::string field) {
    return Problem{ProblemCode::invalid_value, std::move(detail), std::move(field)};
  };
  if (call.operation == ChannelOperation::capture || call.operation == ChannelOperation::void_)
    return problem("UnionPay holds no amounts here: what is paid is captured.", "/capture");
  if (call.currency != cny()) return problem("UnionPay takes CNY only.", "/currency");
  if (asks_only(call)) return std::nullopt;
  if (call.manual_capture && !is_refund(call))
    return problem("UnionPay holds no amounts here: what is paid is captured.", "/capture");
  if (call.amount_minor < 1 || call.amount_minor > max_txn_amount_minor)
    return problem("UnionPay takes amounts of up to twelve digits.", "/amount");
  if (is_refund(call)) {
    if (call.channel_reference.empty())
      return problem("UnionPay's own number of the payment is not known.", "/channel_reference");
    return std::nullopt;
  }
  if (!call.method.empty() && call.method != "qr" && !paid_by_browser(call))
    return problem("UnionPay's ways to pay are qr, page and wap.", "/method");
  if (paid_by_browser(call) && call.return_url.empty() && account.return_url.empty())
    return problem("UnionPay must be told where the payer goes back to.", "/return_url");
  return std::nullopt;
}

EncodedCall encode_call(const Account& account, const ChannelCall& call, const SigningContext&) {
  if (auto problem = objection_to(account, call)) return std::move(*problem);
  const bool by_browser = !asks_only(call) && !is_refund(call) && paid_by_browser(call);
  FormFields fields = envelope(account);
  if (asks_only(call))
    add(fields, question(call));
  else if (is_refund(call))
    add(fields, refund(account, call));
  else
    add(fields, by_browser ? front_order(account, call) : code_order(account, call));
  sign_fields(account, fields);
  if (!by_browser) return post_of(asks_only(call) ? query_path : back_path, fields);
  ChannelReport report = with_money(report_about(call), call.order_amount_minor);
  report.verdict = ChannelVerdict::accepted;
  report.next_action = {"form",
                        self_submitting_form(account.base_url + std::string(front_path), fields)};
  return report;
}

std::optional<FormFields> parse_answer_fields(std::string_view body, Charset charset) {
  FormFields fields;
  std::vector<char> open;
  std::size_t from = 0;
  for (std::size_t i = 0; i <= body.size(); ++i) {
    if (i + 1 < body.size() && leads_pair(body[i], charset)) {
      ++i;
      continue;
    }
    const char c = i < body.size() ? body[i] : '&';
    if (c == '{' || c == '[') open.push_back(c == '{' ? '}' : ']');
    if (c == '}' || c == ']') {
      if (open.empty() || open.back() != c) return std::nullopt;
      open.pop_back();
    }
    if (i == body.size() && !open.empty()) return std::nullopt;
    if (c != '&' || !open.empty()) continue;
    const std::string_view pair = body.substr(from, i - from);
    from = i + 1;
    if (pair.empty()) continue;
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos || equals == 0 || fields.size() >= max_form_fields)
      return std::nullopt;
    const std::string_view name = pair.substr(0, equals);
    for (const auto& field : fields)
      if (field.first == name) return std::nullopt;
    fields.emplace_back(name, pair.substr(equals + 1));
  }
  return fields;
}

std::optional<Problem> signature_fault(const Account& account, const FormFields& fields,
                                       UnixUs now_us) {
  const Problem bad{ProblemCode::bad_signature, "The signature does not fit the message.", {}};
  // Ours alone: a message may not choose how it is judged.
  if (field_of(fields, "signMethod") != account.sign_method()) return bad;
  const std::string_view signature = field_of(fields, "signature");
  if (!account.rsa) {
    if (!crypto::equal_in_constant_time(secret_signature(account, fields), signature)) return bad;
    return std::nullopt;
  }
  const auto unknown = [](std::string why) {
    return Problem{ProblemCode::unknown_serial, std::move(why), {}};
  };
  const auto loaded = crypto::Certificate::from_pem(field_of(fields, "signPubKeyCert"));
  const auto* certificate = std::get_if<crypto::Certificate>(&loaded);
  if (!certificate) return unknown("There is no certificate in the message.");
  if (const auto why =
          crypto::chain_fault(*certificate, account.rsa->middles, account.rsa->roots, now_us))
    return unknown("The certificate is not believed: " + *why + ".");
  if (part_between_at_signs(certificate->common_name(), 2) != account.signer)
    return unknown("The certificate is not UnionPay's own.");
  const auto bytes = crypto::parse_base64(signature);
  if (!bytes || !certificate->public_key().rsa_sha256_verify(digest_of(fields), *bytes)) return bad;
  return std::nullopt;
}

ChannelReport parse_answer(const Account& account, const ChannelCall& call,
                           const WireAnswer& answer, UnixUs now_us) {
  return within_bounds(read_answer(account, call, answer, now_us));
}

CallbackVerdict parse_callback(const Account& account, const RawCallback& callback, UnixUs now_us) {
  return within_bounds(read_callback(account, callback, now_us));
}

CallbackAck taken() { return {200, "text/plain", "ok"}; }
CallbackAck not_taken() { return {400, "text/plain", "fail"}; }

WireRequest encode_bill_request(const Account& account, std::string_view settle_date,
                                const SigningContext& context) {
  FormFields fields = envelope(account);
  add(fields, {{"txnType", "76"},
               {"txnSubType", "01"},
               {"bizType", "000000"},
               {"fileType", "00"},
               {"settleDate", std::string(settle_date)},
               {"txnTime", beijing_compact(context.now_us)}});
  sign_fields(account, fields);
  return post_of("/", fields);
}

std::variant<BillZip, NoBill> parse_bill_answer(const Account& account, const WireAnswer& answer,
                                                UnixUs now_us) {
  if (answer.status != 200) return NoBill{"http_status", std::to_string(answer.status)};
  const Charset charset = charset_of_answer(answer);
  const auto fields = parse_answer_fields(answer.body, charset);
  if (!fields) return NoBill{"unreadable_answer", "The answer is no list of fields."};
  if (const auto fault = signature_fault(account, *fields, now_us))
    return NoBill{std::string(spec_of(fault->code).name), fault->detail};
  if (field_of(*fields, "merId") != account.merchant_id)
    return NoBill{"other_merchant", "The answer is for another merchant number."};
  if (field_of(*fields, "respCode") != "00")
    return NoBill{readable_text(field_of(*fields, "respCode"), max_channel_code_bytes),
                  readable_text(field_of(with_readable_words(*fields, charset), "respMsg"),
                                max_channel_message_bytes)};
  const auto packed = crypto::parse_base64(field_of(*fields, "fileContent"));
  auto bytes = packed ? inflate_zlib(*packed, max_bill_zip_bytes) : std::nullopt;
  if (!bytes) return NoBill{"unreadable_file", "The file's content cannot be unpacked."};
  return BillZip{std::move(*bytes)};
}

std::int64_t settlement_day_of(UnixUs at_us) {
  const CivilTime time = beijing_of(at_us + 3600 * us_per_s);
  return days_of(time.year, time.month, time.day);
}

}  // namespace welkin::union_pay
