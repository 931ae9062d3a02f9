// What WeChat Pay answers, verified and judged.
#include <algorithm>
#include <utility>

#include "protocol/channels/channel_json.hpp"
#include "protocol/channels/form.hpp"
#include "protocol/channels/report_bounds.hpp"
#include "protocol/channels/wechat_pay/meanings.hpp"
#include "protocol/channels/wechat_pay/reading.hpp"
#include "protocol/channels/wechat_pay/signature.hpp"
#include "protocol/channels/wechat_pay/wire.hpp"
#include "protocol/utf8.hpp"

namespace welkin::wechat_pay {
namespace {

using json = nlohmann::ordered_json;

constexpr std::size_t certificates_max = 32;

void say(ChannelReport& report, std::string code, std::string message) {
  report.verdict = ChannelVerdict::unknown;
  report.code = std::move(code);
  report.message = std::move(message);
}

Question question_of(const ChannelCall& call) {
  if (call.operation == ChannelOperation::refund)
    return call.query ? Question::refund_query : Question::refund;
  if (call.query) return Question::query;
  return call.operation == ChannelOperation::close ? Question::close : Question::create;
}

// An order that is asked for again with other parameters is refused, and yet it is there.
bool speaks_of_an_earlier_one(std::string_view message) {
  return message.find("重入") != std::string_view::npos;
}

// Neither paid nor refunded: what was asked for is what it is about.
void echo_of(ChannelReport& report, const ChannelCall& call) {
  report.amount_minor = call.amount_minor;
  report.currency = call.currency;
  report.merchant_by_account = true;
}

ChannelReport refusal(const ChannelCall& call, const WireAnswer& answer, bool is_signed) {
  ChannelReport report = report_about(call);
  echo_of(report, call);
  const auto body = parse_channel_json(answer.body);
  const std::string code = body ? text_of(*body, "code") : std::string();
  report.code = code.empty() ? "http_" + std::to_string(answer.status) : code;
  report.message = body ? text_of(*body, "message") : std::string();
  if (!is_signed) {
    report.message = "unsigned: " + report.message;
    return report;
  }
  if (speaks_of_an_earlier_one(report.message)) return report;
  report.verdict = meaning_of(question_of(call), answer.status, without_underscores(code));
  return report;
}

ChannelReport created(const Account& account, const ChannelCall& call, const json& body,
                      const SigningContext& context) {
  ChannelReport report = report_about(call);
  echo_of(report, call);
  if (call.method == "jsapi") {
    const std::string prepay_id = text_of(body, "prepay_id");
    if (!prepay_id.empty())
      report.next_action = {"client_parameters", jsapi_parameters(account, prepay_id, context)};
  } else if (call.method == "h5") {
    const std::string url = text_of(body, "h5_url");
    if (!url.empty())
      report.next_action = {
          "redirect",
          call.return_url.empty() ? url : url + "&redirect_url=" + percent_encode(call.return_url)};
  } else {
    const std::string code = text_of(body, "code_url");
    if (!code.empty()) report.next_action = {"qr_code", code};
  }
  if (report.next_action.type.empty())
    return report_unknown(call, "wrong_shape", "The answer does not say how to pay.");
  report.verdict = ChannelVerdict::accepted;
  return report;
}

// An order is open whose answer was lost, and with it what the payer needs to pay: nobody has that.
// Asked for once more under its number and with the same parameters, WeChat gives it again.
bool is_out_of_reach(const ChannelCall& call, std::string_view state, UnixUs now_us) {
  const bool expired = call.expires_at_us != 0 && now_us >= call.expires_at_us;
  return call.operation == ChannelOperation::create && state == "NOTPAY" && !call.order_accepted &&
         !expired;
}

ChannelReport order_report(const Account& account, const ChannelCall& call, const json& body,
                           UnixUs now_us) {
  if (text_of(body, "out_trade_no") != call.channel_order_no)
    return report_unknown(call, "other_order", "The answer is about another order.");
  ChannelReport report = report_about(call);
  read_transaction(report, account, body);
  if (report.verdict == ChannelVerdict::accepted &&
      is_out_of_reach(call, text_of(body, "trade_state"), now_us)) {
    say(report, "NOTPAY", "The order is open, and what the payer needs for it was lost.");
    report.verdict = ChannelVerdict::not_found;
  }
  // An order nobody has paid may not name its amount.
  if (report.verdict == ChannelVerdict::accepted && report.amount_minor == 0) echo_of(report, call);
  // To somebody who asked for the order's end, a payment that failed for good is that end.
  if (report.verdict == ChannelVerdict::refused && call.operation != ChannelOperation::create)
    report.verdict = ChannelVerdict::closed;
  return report;
}

ChannelReport refund_report(const ChannelCall& call, const json& body) {
  if (text_of(body, "out_refund_no") != call.channel_refund_no)
    return report_unknown(call, "other_refund", "The answer is about another refund.");
  if (text_of(body, "out_trade_no") != call.channel_order_no)
    return report_unknown(call, "other_order", "The answer is about another order.");
  ChannelReport report = report_about(call);
  read_refund(report, body, "status", call.order_amount_minor);
  return report;
}

struct Believed {
  bool is_signed = false;
};
// What is wrong with the signature, or whether there was one to believe. Only an answer that is no
// success may come without one.
std::variant<Believed, Problem> believe(const Account& account, const WireAnswer& answer,
                                        UnixUs now_us) {
  const bool success = answer.status >= 200 && answer.status < 300;
  if (!success && !bears_signature(answer.headers)) return Believed{false};
  if (auto problem = check_message(account.platform_keys, answer.headers, answer.body, now_us))
    return std::move(*problem);
  return Believed{true};
}

ChannelReport read_answer(const Account& account, const ChannelCall& call, const WireAnswer& answer,
                          const SigningContext& context) {
  auto believed = believe(account, answer, context.now_us);
  if (const auto* problem = std::get_if<Problem>(&believed))
    return report_unknown(call, std::string(spec_of(problem->code).name), problem->detail);
  const Question question = question_of(call);
  if (question == Question::close && answer.status == 204) {
    ChannelReport report = report_about(call);
    echo_of(report, call);
    report.verdict = ChannelVerdict::closed;
    return report;
  }
  if (answer.status != 200) return refusal(call, answer, std::get<Believed>(believed).is_signed);
  const auto body = parse_channel_json(answer.body);
  if (!body) return report_unknown(call, "unreadable_answer", "The answer is no JSON object.");
  switch (question) {
    case Question::create:
      return created(account, call, *body, context);
    case Question::query:
      return order_report(account, call, *body, context.now_us);
    case Question::refund:
    case Question::refund_query:
      return refund_report(call, *body);
    case Question::close:
      break;
  }
  return report_unknown(call, "wrong_shape", "A close is answered with 204.");
}

}  // namespace

void read_transaction(ChannelReport& report, const Account& account, const json& transaction) {
  report.merchant_by_account = true;
  if (text_of(transaction, "mchid") != account.merchant_id ||
      text_of(transaction, "appid") != account.app_id)
    return say(report, "wrong_account", "The order is another account's.");
  const std::string state = text_of(transaction, "trade_state");
  report.verdict = meaning_of(Question::query, 200, state);
  report.channel_reference = text_of(transaction, "transaction_id");
  if (report.verdict != ChannelVerdict::accepted && report.verdict != ChannelVerdict::paid) {
    report.code = state;
    report.message = text_of(transaction, "trade_state_desc");
  }
  const json& amount = member_of(transaction, "amount");
  const auto total = integer_of(amount, "total");
  const auto currency = Currency::parse(text_of(amount, "currency"));
  if (total && currency) {
    // What the order asks; the payer may have paid less of it with a coupon.
    report.amount_minor = *total;
    report.currency = *currency;
  } else if (report.verdict == ChannelVerdict::paid) {
    return say(report, "wrong_shape", "The order does not name its amount.");
  }
  if (report.verdict == ChannelVerdict::paid && report.channel_reference.empty())
    say(report, "wrong_shape", "The payment has no transaction_id.");
}

void read_refund(ChannelReport& report, const json& refund, const char* status_field,
                 std::int64_t order_amount_minor) {
  report.merchant_by_account = true;
  const std::string status = text_of(refund, status_field);
  report.channel_reference = text_of(refund, "refund_id");
  const json& amount = member_of(refund, "amount");
  const auto refunded = integer_of(amount, "refund");
  const auto total = integer_of(amount, "total");
  // Callbacks name no currency; there is but one.
  const std::string code = text_of(amount, "currency");
  const auto currency = Currency::parse(code.empty() ? "CNY" : code);
  if (!refunded || !total || !currency)
    return say(report, "wrong_shape", "The refund does not name its amounts.");
  if (order_amount_minor != 0 && *total != order_amount_minor)
    return say(report, "wrong_amount", "The refund is of an order of another amount.");
  report.amount_minor = *refunded;
  report.currency = *currency;
  report.verdict = meaning_of(Question::refund_query, 200, status);
  if (report.verdict == ChannelVerdict::refunded) return;
  report.code = status;
  if (status == "ABNORMAL")
    report.message = "The payer's account cannot take the refund; see to it at WeChat Pay.";
}

ChannelReport parse_answer(const Account& account, const ChannelCall& call,
                           const WireAnswer& answer, const SigningContext& context) {
  return within_bounds(read_answer(account, call, answer, context));
}

std::variant<std::vector<PlatformKey>, Problem> parse_certificates(const Account& account,
                                                                   const WireAnswer& answer,
                                                                   UnixUs now_us) {
  const auto wrong = [](std::string detail) {
    return Problem{ProblemCode::invalid_value, std::move(detail), {}};
  };
  if (answer.status != 200)
    return wrong("The certificates are answered with status " + std::to_string(answer.status) +
                 ".");
  const auto body = parse_channel_json(answer.body);
  if (!body || !member_of(*body, "data").is_array() ||
      member_of(*body, "data").size() > certificates_max)
    return wrong("The answer holds no list of certificates.");
  std::vector<PlatformKey> keys;
  for (const json& entry : member_of(*body, "data")) {
    const json& sealed = member_of(entry, "encrypt_certificate");
    const auto bytes = crypto::parse_base64(text_of(sealed, "ciphertext"));
    const auto pem = bytes
                         ? crypto::aes_256_gcm_decrypt(account.api_v3_key, text_of(sealed, "nonce"),
                                                       text_of(sealed, "associated_data"), *bytes)
                         : std::nullopt;
    if (!pem || text_of(sealed, "algorithm") != "AEAD_AES_256_GCM")
      return Problem{ProblemCode::broken_ciphertext, "A certificate cannot be opened.", {}};
    auto loaded = crypto::Certificate::from_pem(*pem);
    const auto* certificate = std::get_if<crypto::Certificate>(&loaded);
    if (!certificate || !is_same_serial(certificate->serial_hex(), text_of(entry, "serial_no")))
      return wrong("A certificate is not the one its serial number names.");
    // The next one may come before its time, and an old one may stay for a while after.
    if (certificate->judge_dates(now_us) != crypto::KeyFault::expired)
      keys.push_back(platform_key_of(*certificate));
  }
  const Account with_news = with_platform_keys(account, keys);
  if (auto problem = check_message(with_news.platform_keys, answer.headers, answer.body, now_us))
    return std::move(*problem);
  return keys;
}

std::variant<BillLocation, NoBill> parse_bill_location(const Account& account,
                                                       const WireAnswer& answer, UnixUs now_us) {
  auto believed = believe(account, answer, now_us);
  if (const auto* problem = std::get_if<Problem>(&believed))
    return NoBill{std::string(spec_of(problem->code).name), problem->detail};
  const auto body = parse_channel_json(answer.body);
  if (answer.status != 200)
    return NoBill{body ? readable_text(text_of(*body, "code"), max_channel_code_bytes) : "",
                  "status " + std::to_string(answer.status)};
  BillLocation location;
  if (body && text_of(*body, "hash_type") == "SHA1") {
    location.download_url = text_of(*body, "download_url");
    location.sha1_hex = text_of(*body, "hash_value");
  }
  if (location.download_url.empty() ||
      !is_plain_text(location.download_url, max_next_action_bytes) ||
      location.sha1_hex.size() != 40 || !crypto::parse_hex(location.sha1_hex))
    return NoBill{"wrong_shape", "The answer does not say where the bill is."};
  return location;
}

bool is_bill_of(const BillLocation& location, std::string_view file) {
  return crypto::parse_hex(location.sha1_hex) == crypto::parse_hex(crypto::sha1_hex(file));
}

}  // namespace welkin::wechat_pay
