// How calls, answers and notifications of Alipay are written and read; see the header.
#include "protocol/channels/alipay/wire.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "protocol/channels/alipay/answer_text.hpp"
#include "protocol/channels/alipay/meanings.hpp"
#include "protocol/channels/beijing_time.hpp"
#include "protocol/channels/channel_json.hpp"
#include "protocol/channels/report_bounds.hpp"
#include "protocol/channels/strict_json.hpp"
#include "protocol/utf8.hpp"

namespace welkin::alipay {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view bill_method = "alipay.data.dataservice.bill.downloadurl.query";
constexpr std::size_t max_subject_characters = 256;

Currency cny() { return *Currency::parse("CNY"); }

// ---- what is asked

Question question_of(const ChannelCall& call) {
  if (call.operation == ChannelOperation::refund)
    return call.query ? Question::refund_query : Question::refund;
  if (call.query) return Question::query;
  return call.operation == ChannelOperation::close ? Question::close : Question::create;
}

std::string_view method_of(const ChannelCall& call) {
  switch (question_of(call)) {
    case Question::query:
      return "alipay.trade.query";
    case Question::close:
      return "alipay.trade.close";
    case Question::refund:
      return "alipay.trade.refund";
    case Question::refund_query:
      return "alipay.trade.fastpay.refund.query";
    case Question::create:
      break;
  }
  if (call.method == "page") return "alipay.trade.page.pay";
  if (call.method == "wap") return "alipay.trade.wap.pay";
  return "alipay.trade.precreate";
}

std::string_view product_code_of(std::string_view method) {
  if (method == "alipay.trade.page.pay") return "FAST_INSTANT_TRADE_PAY";
  if (method == "alipay.trade.wap.pay") return "QUICK_WAP_WAY";
  return "FACE_TO_FACE_PAYMENT";
}

std::string node_name_of(std::string_view method) {
  std::string name(method);
  for (char& c : name)
    if (c == '.') c = '_';
  return name + "_response";
}

// The first characters of a UTF-8 text, never half of one.
std::string first_characters(const std::string& text, std::size_t count) {
  std::size_t seen = 0;
  for (std::size_t i = 0; i < text.size(); ++i)
    if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80 && seen++ == count)
      return text.substr(0, i);
  return text;
}

Json order_content(const ChannelCall& call, std::string_view method) {
  Json content{
      {"out_trade_no", call.channel_order_no},
      {"total_amount", format_major(call.amount_minor, call.currency)},
      {"subject", call.subject.empty() ? call.channel_order_no
                                       : first_characters(call.subject, max_subject_characters)}};
  if (call.expires_at_us != 0) content["time_expire"] = beijing_dashed(call.expires_at_us);
  content["product_code"] = product_code_of(method);
  if (call.method == "wap" && !call.return_url.empty()) content["quit_url"] = call.return_url;
  return content;
}

// A second payment of one order has our number in common with the first, and a number of its own at
// Alipay: by ours, the first one would be given back.
std::pair<std::string, std::string> charge_of(const ChannelCall& call) {
  if (call.surplus && !call.channel_reference.empty()) return {"trade_no", call.channel_reference};
  return {"out_trade_no", call.channel_order_no};
}

Json content_of(const ChannelCall& call, std::string_view method) {
  const std::string& order = call.channel_order_no;
  const auto [charge_name, charge] = charge_of(call);
  switch (question_of(call)) {
    case Question::create:
      return order_content(call, method);
    case Question::query:
    case Question::close:
      return {{"out_trade_no", order}};
    case Question::refund:
      return {{charge_name, charge},
              {"refund_amount", format_major(call.amount_minor, call.currency)},
              {"out_request_no", call.channel_refund_no}};
    case Question::refund_query:
      break;
  }
  return {{charge_name, charge},
          {"out_request_no", call.channel_refund_no},
          {"query_options", {"gmt_refund_pay"}}};
}

// In the order in which Alipay's own SDK writes them.
FormFields envelope(const Account& account, std::string_view method, UnixUs now_us) {
  return {{"method", std::string(method)},
          {"app_id", account.app_id},
          {"charset", "utf-8"},
          {"version", "1.0"},
          {"sign_type", "RSA2"},
          {"timestamp", beijing_dashed(now_us)}};
}

void finish_envelope(const Account& account, FormFields& fields, const Json& content) {
  if (account.certificate_mode()) {
    fields.emplace_back("app_cert_sn", account.app_certificate_number);
    fields.emplace_back("alipay_root_cert_sn", account.root_certificate_number);
  }
  fields.emplace_back("biz_content", content.dump(-1, ' ', false, Json::error_handler_t::replace));
  sign_fields(account, fields);
}

// All but the content stands in the URL, as Alipay's own SDK sends it: the gateway must know the
// charset before it reads the body.
WireRequest post_of(const FormFields& fields) {
  FormFields in_url;
  FormFields in_body;
  for (const auto& field : fields)
    (field.first == "biz_content" ? in_body : in_url).push_back(field);
  return {"POST",
          std::string(gateway_path) + "?" + encode_form(in_url, FormSpace::percent_20),
          {{"content-type", "application/x-www-form-urlencoded;charset=utf-8"}},
          encode_form(in_body, FormSpace::percent_20)};
}

// ---- what is answered

ChannelReport with_money(ChannelReport report, std::int64_t amount_minor) {
  report.merchant_by_account = true;
  report.amount_minor = amount_minor;
  report.currency = cny();
  return report;
}

// The business part of a verified answer, read field by field as text; absent is empty.
class Node {
 public:
  explicit Node(Json json) : json_(std::move(json)) {}
  std::string text(const char* name) const { return text_of(json_, name); }
  std::optional<std::int64_t> yuan(const char* name) const {
    return parse_major(text(name), cny());
  }

 private:
  Json json_;
};

// What was signed are the bytes, so it is only now that they become text.
std::optional<Json> json_of(std::string_view bytes, Charset charset) {
  const auto text = utf8_of(bytes, charset);
  return text ? parse_channel_json(*text) : std::nullopt;
}

Node node_or_empty(std::string_view bytes, Charset charset) {
  return Node(json_of(bytes, charset).value_or(Json::object()));
}

std::string_view content_type_of(const WireAnswer& answer) {
  return only_header(answer.headers, "content-type");
}

std::string word_of(const Node& node, Question question) {
  std::string code = node.text("code");
  if (code != "10000") {
    const std::string sub_code = node.text("sub_code");
    return code == "40004" && !sub_code.empty() ? sub_code : code;
  }
  switch (question) {
    case Question::query:
      return node.text("trade_status");
    case Question::refund:
      return node.text("fund_change");
    case Question::refund_query: {
      std::string status = node.text("refund_status");
      return status.empty() ? std::string(no_refund_status) : status;
    }
    case Question::create:
    case Question::close:
      break;
  }
  return code;
}

// The trade begins when the payer scans the code. Once the payer can have it, a trade that does not
// exist is one that waits, and it can begin until the order expires: only then is it no more.
ChannelVerdict settle_not_found(const ChannelCall& call, UnixUs now_us) {
  const bool expired = call.expires_at_us != 0 && now_us >= call.expires_at_us;
  return call.order_accepted && !expired ? ChannelVerdict::accepted : ChannelVerdict::not_found;
}

ChannelReport report_of(const ChannelCall& call, const Node& node, UnixUs now_us) {
  const Question question = question_of(call);
  const std::string word = word_of(node, question);
  const auto broken = [&call](std::string code, std::string message) {
    return report_unknown(call, std::move(code), std::move(message));
  };
  const std::string order = node.text("out_trade_no");
  const bool done = node.text("code") == "10000";
  if (order != call.channel_order_no && (done || !order.empty()))
    return broken("other_order", "The answer is about another order.");
  const std::string trade = node.text("trade_no");
  if (call.surplus && !trade.empty() && !call.channel_reference.empty() &&
      trade != call.channel_reference)
    return broken("other_charge", "The answer is about another payment of the order.");

  ChannelReport report = with_money(report_about(call), call.order_amount_minor);
  report.verdict = meaning_of(question, word);
  report.channel_reference = node.text("trade_no");
  if (report.verdict == ChannelVerdict::not_found && question != Question::refund_query)
    report.verdict = settle_not_found(call, now_us);
  if (!done || report.verdict == ChannelVerdict::unknown) {
    report.code = word;
    report.message = done ? "Alipay answers with a word that is not known here."
                          : node.text(node.text("sub_msg").empty() ? "msg" : "sub_msg");
    return report;
  }
  switch (question) {
    case Question::create:
      report.next_action = {"qr_code", node.text("qr_code")};
      if (report.next_action.value.empty())
        return broken("no_qr_code", "The answer holds no QR code.");
      return report;
    case Question::query: {
      const auto total = node.yuan("total_amount");
      if (total) report.amount_minor = *total;
      if (report.verdict == ChannelVerdict::paid && (!total || report.channel_reference.empty()))
        return broken("no_amount", "The answer says paid and not what, or not under which number.");
      return report;
    }
    case Question::close:
      return report;
    case Question::refund: {
      // The total of all refunds so far: this one's own amount is what was asked.
      const auto refunded_so_far = node.yuan("refund_fee");
      if (report.verdict == ChannelVerdict::refunded &&
          (!refunded_so_far || *refunded_so_far < call.amount_minor))
        return broken("refund_fee", "Alipay says less is refunded in all than this refund.");
      return with_money(std::move(report), call.amount_minor);
    }
    case Question::refund_query:
      break;
  }
  if (report.verdict != ChannelVerdict::refunded) return report;
  if (node.text("out_request_no") != call.channel_refund_no)
    return broken("other_refund", "The answer is about another refund.");
  const auto amount = node.yuan("refund_amount");
  if (!amount) return broken("no_amount", "The answer says refunded and not how much.");
  return with_money(std::move(report), *amount);
}

std::optional<crypto::PublicKey> key_of(const Account& account, std::string_view number) {
  for (const VerificationKey& known : account.alipay_keys)
    if (known.certificate_number == number) return known.key;
  return std::nullopt;
}

// ---- what is notified

CallbackRefused refused(ProblemCode code, std::string detail, std::string_view order) {
  return {{code, std::move(detail), {}}, std::string(order)};
}

bool tells_of_refund(const FormFields& fields) {
  const auto refunded = parse_major(field_of(fields, "refund_fee"), cny());
  return !field_of(fields, "gmt_refund").empty() || (refunded && *refunded > 0) ||
         parse_channel_refund_no(field_of(fields, "out_biz_no"));
}

// It names what the trade has given back in all; this refund is what brought it there.
CallbackVerdict report_of_outside_refund(const FormFields& fields, ChannelReport report) {
  const std::string_view number = field_of(fields, "out_biz_no");
  const std::string_view total_text = field_of(fields, "refund_fee");
  const auto total = parse_major(total_text, cny());
  if (!total || *total < 1 || report.channel_reference.empty())
    return refused(ProblemCode::malformed_callback,
                   "It does not say how much was refunded in all, or of which trade.",
                   report.channel_order_no);
  report.operation = ChannelOperation::refund;
  report.verdict = ChannelVerdict::refunded;
  report.outside_refund = true;
  report.amount_is_total = true;
  report.charge_reference = std::exchange(report.channel_reference, std::string(number));
  if (number.empty()) report.channel_reference = "refund_fee/" + std::string(total_text);
  return with_money(std::move(report), *total);
}

CallbackVerdict report_of_notification(const FormFields& fields, ChannelReport report) {
  const std::string id = report.id;
  report.channel_reference = field_of(fields, "trade_no");
  if (tells_of_refund(fields)) {
    const auto refund = parse_channel_refund_no(field_of(fields, "out_biz_no"));
    if (!refund) return report_of_outside_refund(fields, std::move(report));
    report.operation = ChannelOperation::refund;
    report.refund_id = refund->text();
    // It names the total of all refunds and not this one's amount: a query does.
    report.verdict = ChannelVerdict::refund_pending;
    return report;
  }
  const std::string_view status = field_of(fields, "trade_status");
  report.verdict = meaning_of(Question::query, status);
  if (report.verdict == ChannelVerdict::accepted)
    return CallbackIgnored{id, IgnoredFor::no_news,
                           "The payer has the order before him, and nothing has happened."};
  const auto total = parse_major(field_of(fields, "total_amount"), cny());
  if (!total || report.channel_reference.empty())
    return refused(ProblemCode::malformed_callback, "The amount or the trade's number is missing.",
                   report.channel_order_no);
  if (report.verdict == ChannelVerdict::closed) report.operation = ChannelOperation::close;
  if (report.verdict == ChannelVerdict::unknown) {
    report.code = status;
    report.message = "Alipay notifies of a word that is not known here.";
  }
  return with_money(std::move(report), *total);
}

NoBill no_bill(std::string_view code, std::string_view message) {
  return {readable_text(code, max_channel_code_bytes),
          readable_text(message, max_channel_message_bytes)};
}

ChannelReport read_answer(const Account& account, const ChannelCall& call, const WireAnswer& answer,
                          UnixUs now_us) {
  if (answer.status != 200)
    return report_unknown(call, "http_status", "HTTP status " + std::to_string(answer.status));
  const auto verified =
      verify_answer(account, answer.body, node_name_of(method_of(call)), content_type_of(answer));
  if (const auto* why = std::get_if<UnverifiedAnswer>(&verified))
    return report_unknown(call, why->code, why->message);
  const auto& [node, charset] = std::get<VerifiedAnswer>(verified);
  auto json = json_of(node, charset);
  if (!json)
    return report_unknown(call, "unreadable_answer", "The signed text is not a JSON object.");
  return report_of(call, Node(*std::move(json)), now_us);
}

bool knows_certificate(const Account& account, std::string_view number) {
  return std::any_of(
      account.alipay_keys.begin(), account.alipay_keys.end(),
      [number](const VerificationKey& known) { return known.certificate_number == number; });
}

CallbackVerdict read_callback(const Account& account, const RawCallback& callback) {
  const auto fields = parse_form(callback.body);
  if (!fields) return refused(ProblemCode::malformed_callback, "The body is not a form.", {});
  const std::string_view order_no = field_of(*fields, "out_trade_no");
  const std::string_view serial = field_of(*fields, "alipay_cert_sn");
  if (account.certificate_mode() && !serial.empty() && !knows_certificate(account, serial))
    return refused(ProblemCode::unknown_serial, "No certificate is known by that number.",
                   order_no);
  if (!is_genuine(account, *fields))
    return refused(ProblemCode::bad_signature, "The signature does not fit the message.", order_no);
  if (field_of(*fields, "app_id") != account.app_id ||
      field_of(*fields, "seller_id") != account.seller_id)
    return refused(ProblemCode::wrong_account, "It is for another application or seller.",
                   order_no);
  const std::string id(field_of(*fields, "notify_id"));
  if (id.empty())
    return refused(ProblemCode::malformed_callback, "There is no notify_id.", order_no);
  if (field_of(*fields, "notify_type") != "trade_status_sync")
    return CallbackIgnored{id, IgnoredFor::other_kind, "It is a notification of another kind."};
  const auto order = parse_channel_order_no(order_no);
  // We give the address with each order, so that money under a number that is none is no
  // stranger's: it is to be seen, and to come again.
  if (!order)
    return CallbackRefused{
        {ProblemCode::invalid_value, "This is no order number of ours.", "/out_trade_no"},
        std::string(order_no)};
  ChannelReport report;
  report.payment = order->payment;
  report.source = ReportSource::callback;
  report.id = id;
  report.channel_order_no = order_no;
  return report_of_notification(*fields, std::move(report));
}

}  // namespace

void sign_fields(const Account& account, FormFields& fields) {
  fields.emplace_back("sign", crypto::base64(account.app_key.rsa_sha256_sign(sorted_text(fields))));
}

std::optional<Problem> objection_to(const ChannelCall& call) {
  const auto problem = [](std::string detail, std::string field) {
    return Problem{ProblemCode::invalid_value, std::move(detail), std::move(field)};
  };
  if (call.operation == ChannelOperation::capture || call.operation == ChannelOperation::void_)
    return problem("Alipay holds no amounts here: what is paid is captured.", "/capture");
  if (call.currency != cny()) return problem("Alipay takes CNY only.", "/currency");
  if (call.operation != ChannelOperation::create || call.query) return std::nullopt;
  if (call.manual_capture)
    return problem("Alipay holds no amounts here: what is paid is captured.", "/capture");
  if (call.amount_minor < 1 || call.amount_minor > 10'000'000'000)
    return problem("Alipay takes 0.01 to 100000000.00 CNY.", "/amount");
  if (!call.method.empty() && call.method != "precreate" && call.method != "page" &&
      call.method != "wap")
    return problem("Alipay's ways to pay are precreate, page and wap.", "/method");
  return std::nullopt;
}

EncodedCall encode_call(const Account& account, const ChannelCall& call,
                        const SigningContext& context) {
  if (auto problem = objection_to(call)) return std::move(*problem);
  const std::string_view method = method_of(call);
  const bool creates = question_of(call) == Question::create;
  const bool by_browser = creates && (call.method == "page" || call.method == "wap");
  FormFields fields = envelope(account, method, context.now_us);
  if (creates) fields.emplace_back("notify_url", account.notify_url);
  if (by_browser && !call.return_url.empty()) fields.emplace_back("return_url", call.return_url);
  finish_envelope(account, fields, content_of(call, method));
  if (!by_browser) return post_of(fields);
  ChannelReport report = with_money(report_about(call), call.order_amount_minor);
  report.verdict = ChannelVerdict::accepted;
  report.next_action = {"redirect", account.base_url + std::string(gateway_path) + "?" +
                                        encode_form(fields, FormSpace::percent_20)};
  return report;
}

std::variant<VerifiedAnswer, UnverifiedAnswer> verify_answer(const Account& account,
                                                             std::string_view body,
                                                             std::string_view node_name,
                                                             std::string_view content_type) {
  const auto unverified = [](std::string code, std::string message) {
    return UnverifiedAnswer{std::move(code), std::move(message)};
  };
  const auto charset = charset_of(body, content_type);
  if (!charset)
    return unverified("unreadable_answer", "The answer is neither in UTF-8 nor in GBK.");
  const auto members = split_members(body, *charset);
  if (!members) return unverified("unreadable_answer", "The answer is not one JSON object.");
  std::string_view node;
  std::string_view error;
  std::string sign;
  std::string number;
  for (const auto& [name, raw] : *members) {
    if (name == node_name) node = raw;
    if (name == "error_response") error = raw;
    if (name == "sign") sign = text_of_json_string(raw);
    if (name == "alipay_cert_sn") number = text_of_json_string(raw);
  }
  const std::string_view said = node.empty() ? error : node;
  if (said.empty()) return unverified("unreadable_answer", "The answer is to another question.");
  if (node.empty() || sign.empty()) {
    const Node hint = node_or_empty(said, *charset);
    std::string code = hint.text("sub_code").empty() ? hint.text("code") : hint.text("sub_code");
    return unverified(code.empty() ? "unsigned_answer" : std::move(code),
                      "The answer is not signed: " + hint.text("msg") + " " + hint.text("sub_msg"));
  }
  const auto key = account.certificate_mode() ? key_of(account, number)
                                              : std::optional(account.alipay_keys.front().key);
  if (!key) return unverified("unknown_serial", "No certificate is known by that number.");
  const auto signature = crypto::parse_base64(sign);
  if (!signature || !key->rsa_sha256_verify(node, *signature))
    return unverified("bad_signature", "The signature does not fit the answer.");
  return VerifiedAnswer{node, *charset};
}

ChannelReport parse_answer(const Account& account, const ChannelCall& call,
                           const WireAnswer& answer, UnixUs now_us) {
  return within_bounds(read_answer(account, call, answer, now_us));
}

bool is_genuine(const Account& account, const FormFields& notification) {
  const auto signature = crypto::parse_base64(field_of(notification, "sign"));
  if (!signature || field_of(notification, "sign_type") != "RSA2") return false;
  const std::string_view number = field_of(notification, "alipay_cert_sn");
  // As Alipay's own SDK judges: empty fields are signed too, and some kinds of message are signed
  // with their sign_type.
  for (const std::string& text : {sorted_text_with_empty(notification, {"sign", "sign_type"}),
                                  sorted_text_with_empty(notification, {"sign"})})
    for (const VerificationKey& known : account.alipay_keys)
      if ((number.empty() || !account.certificate_mode() || number == known.certificate_number) &&
          known.key.rsa_sha256_verify(text, *signature))
        return true;
  return false;
}

CallbackVerdict parse_callback(const Account& account, const RawCallback& callback) {
  return within_bounds(read_callback(account, callback));
}

CallbackAck taken() { return {200, "text/plain", "success"}; }
CallbackAck not_taken() { return {400, "text/plain", "fail"}; }

WireRequest encode_bill_request(const Account& account, std::string_view day,
                                const SigningContext& context) {
  FormFields fields = envelope(account, bill_method, context.now_us);
  finish_envelope(account, fields, {{"bill_type", "trade"}, {"bill_date", day}});
  return post_of(fields);
}

std::variant<BillUrl, NoBill> parse_bill_answer(const Account& account, const WireAnswer& answer) {
  if (answer.status != 200) return NoBill{"http_status", std::to_string(answer.status)};
  const auto verified =
      verify_answer(account, answer.body, node_name_of(bill_method), content_type_of(answer));
  if (const auto* why = std::get_if<UnverifiedAnswer>(&verified))
    return no_bill(why->code, why->message);
  const auto& [bytes, charset] = std::get<VerifiedAnswer>(verified);
  const Node node = node_or_empty(bytes, charset);
  std::string url = node.text("bill_download_url");
  if (node.text("code") == "10000" && !url.empty() && is_plain_text(url, max_next_action_bytes))
    return BillUrl{std::move(url)};
  return no_bill(node.text(node.text("sub_code").empty() ? "code" : "sub_code"),
                 node.text(node.text("sub_msg").empty() ? "msg" : "sub_msg"));
}

}  // namespace welkin::alipay
