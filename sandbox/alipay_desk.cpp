// How Alipay checks, answers and notifies; see the header.
#include "sandbox/alipay_desk.hpp"

#include <utility>

#include "protocol/channels/alipay/wire.hpp"
#include "protocol/channels/beijing_time.hpp"
#include "protocol/channels/channel_json.hpp"
#include "protocol/channels/gbk.hpp"
#include "sandbox/channel_numbers.hpp"
#include "sandbox/pages.hpp"

namespace welkin::sandbox {
namespace {

using Json = nlohmann::ordered_json;
using sandbox_wire::CallbackEvent;
using sandbox_wire::OrderStatus;
using sandbox_wire::RefundStatus;

constexpr std::size_t number_digits = 12;
constexpr std::string_view form_type = "application/x-www-form-urlencoded; charset=utf-8";

Currency cny() { return *Currency::parse("CNY"); }
std::string yuan(std::int64_t amount_minor) { return format_major(amount_minor, cny()); }

Json failure(std::string_view code, std::string_view msg, std::string_view sub_code,
             std::string_view sub_msg) {
  return {{"code", code}, {"msg", msg}, {"sub_code", sub_code}, {"sub_msg", sub_msg}};
}
Json invalid(std::string_view sub_code, std::string_view sub_msg) {
  return failure("40002", "Invalid Arguments", sub_code, sub_msg);
}

std::string node_name_of(const std::string& method) {
  std::string node = method;
  for (char& c : node)
    if (c == '.') c = '_';
  return node + "_response";
}

std::string trade_no_of(const OrderFacts& facts) {
  return beijing_day(facts.created_at_us) + "22001400" +
         digits_of(number_of(facts.order.transaction_id), number_digits);
}

// The merchant's number, which a second payment has in common with the first.
const std::string& out_trade_no_of(const OrderFacts& facts) {
  return facts.terms.paid_again_as.empty() ? facts.order.out_order_no : facts.terms.paid_again_as;
}

bool is_order_no(std::string_view text) {
  return !text.empty() && text.size() <= 64 &&
         text.find_first_not_of(
             "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_") ==
             std::string_view::npos;
}

// One that was wholly refunded is closed, in the same word as one that was never paid.
std::string_view status_of(const OrderFacts& facts) {
  switch (facts.order.status) {
    case OrderStatus::paid:
      return facts.order.refunded_minor == facts.order.amount_minor ? "TRADE_CLOSED"
                                                                    : "TRADE_SUCCESS";
    case OrderStatus::closed:
      return "TRADE_CLOSED";
    case OrderStatus::open:
    case OrderStatus::authorized:
    case OrderStatus::declined:
      break;
  }
  return "WAIT_BUYER_PAY";
}

BookResult refused(std::string code) {
  BookResult result;
  result.refusal = Refusal{400, std::move(code), {}};
  return result;
}

// The trade begins when the payer scans the code or comes by browser: before, Alipay knows none.
BookResult begun(BookResult found) {
  if (found.order && !found.facts.terms.begun) return refused("ORDER_NOT_FOUND");
  return found;
}

Json refusal_node(const std::string& code) {
  struct Words {
    std::string_view book;
    std::string_view sub_code;
    std::string_view sub_msg;
  };
  constexpr Words all[] = {
      {"ORDER_NOT_FOUND", "ACQ.TRADE_NOT_EXIST", "交易不存在"},
      {"REFUND_NOT_FOUND", "ACQ.TRADE_NOT_EXIST", "交易不存在"},
      {"ORDER_EXISTS_WITH_OTHER_DATA", "ACQ.CONTEXT_INCONSISTENT", "交易信息被篡改"},
      {"ORDER_PAID", "ACQ.TRADE_HAS_SUCCESS", "交易已被支付"},
      {"ORDER_CLOSED", "ACQ.TRADE_HAS_CLOSE", "交易已经关闭"},
      {"ORDER_NOT_PAID", "ACQ.TRADE_STATUS_ERROR", "交易状态不合法"},
      {"REFUND_EXISTS_WITH_OTHER_DATA", "ACQ.DISCORDANT_REPEAT_REQUEST", "不一致的请求"},
      {"AMOUNT_EXCEEDS_REFUNDABLE", "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL", "退款金额超限"},
      {"REFUND_FAILED", "ACQ.TRADE_NOT_ALLOW_REFUND", "当前交易不允许退款"},
      {"SANDBOX_FULL", "ACQ.SYSTEM_ERROR", "系统错误"},
  };
  for (const Words& words : all)
    if (words.book == code)
      return failure("40004", "Business Failed", words.sub_code, words.sub_msg);
  return failure("40004", "Business Failed", "ACQ.INVALID_PARAMETER", "参数无效");
}

Json trade_node(const OrderFacts& facts) {
  return {{"code", "10000"},
          {"msg", "Success"},
          {"out_trade_no", out_trade_no_of(facts)},
          {"trade_no", trade_no_of(facts)}};
}

Json query_node(const OrderFacts& facts) {
  Json node = trade_node(facts);
  const bool paid = facts.order.status == OrderStatus::paid;
  node["trade_status"] = status_of(facts);
  node["total_amount"] = yuan(facts.order.amount_minor);
  node["receipt_amount"] = yuan(paid ? facts.order.amount_minor : 0);
  node["buyer_pay_amount"] = yuan(paid ? facts.order.amount_minor : 0);
  node["buyer_logon_id"] = "tes***@sandbox.test";
  node["buyer_user_id"] = "2088000000000002";
  if (paid) node["send_pay_date"] = beijing_dashed(facts.paid_at_us);
  return node;
}

Json refund_node(const BookResult& result) {
  if (result.refund->status == RefundStatus::failed) return refusal_node("REFUND_FAILED");
  Json node = trade_node(result.facts);
  node["fund_change"] = result.created ? "Y" : "N";
  node["refund_fee"] = yuan(result.facts.order.refunded_minor);
  node["gmt_refund_pay"] = beijing_dashed(result.refund_facts.settled_at_us);
  node["buyer_user_id"] = "2088000000000002";
  return node;
}

Json refund_query_node(const BookResult& result) {
  Json node = trade_node(result.facts);
  if (!result.refund || result.refund->status != RefundStatus::succeeded)
    return {{"code", "10000"}, {"msg", "Success"}, {"out_trade_no", node["out_trade_no"]}};
  node["out_request_no"] = result.refund->out_refund_no;
  node["total_amount"] = yuan(result.refund->order_amount_minor);
  node["refund_amount"] = yuan(result.refund->amount_minor);
  node["refund_status"] = "REFUND_SUCCESS";
  node["gmt_refund_pay"] = beijing_dashed(result.refund_facts.settled_at_us);
  return node;
}

}  // namespace

struct AlipayDesk::Call {
  FormFields fields;
  std::string method;
  Json content;
  bool by_certificate = false;

  std::string value(std::string_view name) const { return std::string(field_of(fields, name)); }
  bool by_browser() const {
    return method == "alipay.trade.page.pay" || method == "alipay.trade.wap.pay";
  }
};

AlipayDesk::AlipayDesk(Bank& bank, AlipaySide side) : bank_(bank), side_(std::move(side)) {}

DeskAnswer AlipayDesk::answer(const DeskRequest& request) {
  auto fields = parse_form(request.query());
  const auto in_body =
      request.method == "POST" ? parse_form(request.body) : std::optional(FormFields{});
  const bool readable = fields && in_body && request.path() == alipay::gateway_path;
  if (readable)
    for (const auto& field : *in_body) fields->push_back(field);
  // A name that stands in both could be read in two ways; parsing the whole again finds it.
  const auto whole = readable ? parse_form(encode_form(*fields, FormSpace::percent_20))
                              : std::optional<FormFields>();
  if (!whole)
    return {200,
            "text/html;charset=utf-8",
            Json{{"error_response", invalid("isv.invalid-parameter", "参数无效")}}.dump(),
            {}};
  Call call{*whole, std::string(field_of(*whole, "method")), {}, false};
  call.by_certificate = !call.value("app_cert_sn").empty();
  if (const auto fault = envelope_fault(call.fields)) {
    if (call.by_browser())
      return {200,
              "text/html;charset=utf-8",
              notice_page("调试错误", fault->at("sub_code").get<std::string>()),
              {}};
    // To somebody who is not known, or cannot sign, nothing is signed either.
    const std::string node = call.method.empty() ? "error_response" : node_name_of(call.method);
    return {200, "text/html;charset=utf-8", Json{{node, *fault}}.dump(), {}};
  }
  if (auto content = parse_channel_json(call.value("biz_content")))
    call.content = *std::move(content);
  if (call.by_browser()) return by_browser(call);
  struct Method {
    std::string_view name;
    Served (AlipayDesk::*serve)(const Call&);
    Json (*node)(const BookResult&);
  };
  const Method methods[] = {
      {"alipay.trade.precreate", &AlipayDesk::create,
       [](const BookResult& result) {
         return Json{{"code", "10000"},
                     {"msg", "Success"},
                     {"out_trade_no", result.facts.order.out_order_no},
                     {"qr_code", "https://qr.alipay.test/" + result.facts.order.out_order_no}};
       }},
      {"alipay.trade.query", &AlipayDesk::query,
       [](const BookResult& result) { return query_node(result.facts); }},
      {"alipay.trade.close", &AlipayDesk::close,
       [](const BookResult& result) { return trade_node(result.facts); }},
      {"alipay.trade.refund", &AlipayDesk::refund, refund_node},
      {"alipay.trade.fastpay.refund.query", &AlipayDesk::query_refund, refund_query_node},
  };
  for (const Method& method : methods) {
    if (method.name != call.method) continue;
    const Served served = (this->*method.serve)(call);
    if (served.mishap == Mishap::unreadable) return {200, "text/html", std::string(garbage), {}};
    if (served.mishap != Mishap::none) return {503, "text/plain", "service unavailable", {}};
    return signed_node(call.method,
                       served.result.refusal ? refusal_node(served.result.refusal->code)
                                             : method.node(served.result),
                       call.by_certificate, served.in_gbk);
  }
  return signed_node(call.method, invalid("isv.invalid-method", "不存在的方法名"),
                     call.by_certificate, false);
}

std::optional<nlohmann::ordered_json> AlipayDesk::envelope_fault(const FormFields& fields) const {
  const auto value = [&fields](std::string_view name) { return field_of(fields, name); };
  if (value("app_id") != side_.account.app_id)
    return invalid("isv.invalid-app-id", "无效的AppID参数");
  if (value("sign_type") != "RSA2") return invalid("isv.invalid-signature-type", "无效的签名类型");
  if (!is_genuine(fields))
    return invalid("isv.invalid-signature", "验签出错，建议检查签名字符串或私钥是否正确");
  if (value("version") != "1.0" || value("charset") != "utf-8")
    return invalid("isv.invalid-parameter", "参数无效");
  if (!parse_beijing_dashed(value("timestamp")))
    return invalid("isv.invalid-timestamp", "非法的时间戳参数");
  const std::string_view certificate = value("app_cert_sn");
  if (!certificate.empty() &&
      (certificate != side_.account.app_certificate_number ||
       value("alipay_root_cert_sn") != side_.account.root_certificate_number))
    return invalid("isv.missing-app-cert-sn", "证书序列号无效");
  return std::nullopt;
}

bool AlipayDesk::is_genuine(const FormFields& fields) const {
  const auto signature = crypto::parse_base64(field_of(fields, "sign"));
  return signature && side_.account.app_key.public_key().rsa_sha256_verify(
                          sorted_text_without(fields, {"sign"}), *signature);
}

DeskAnswer AlipayDesk::signed_node(const std::string& method, const Json& node, bool by_certificate,
                                   bool in_gbk) const {
  const auto gbk = in_gbk ? gbk_of(node.dump()) : std::nullopt;
  const std::string text = gbk ? *gbk : node.dump();
  std::string body = "{\"" + node_name_of(method) + "\":" + text;
  if (by_certificate) body += ",\"alipay_cert_sn\":\"" + side_.certificate_number + "\"";
  body += ",\"sign\":\"" + crypto::base64(side_.key.rsa_sha256_sign(text)) + "\"}";
  return {200, gbk ? "text/html;charset=GBK" : "text/html;charset=utf-8", std::move(body), {}};
}

DeskAnswer AlipayDesk::by_browser(const Call& call) {
  const Served served = create(call);
  if (served.mishap == Mishap::unreadable) return {200, "text/html", std::string(garbage), {}};
  if (served.mishap != Mishap::none) return {503, "text/plain", "service unavailable", {}};
  if (served.result.refusal)
    return {200,
            "text/html;charset=utf-8",
            notice_page("支付失败", refusal_node(served.result.refusal->code).at("sub_msg").dump()),
            {}};
  return {200, "text/html;charset=utf-8", order_page(served.result.facts), {}};
}

Served AlipayDesk::create(const Call& call) {
  sandbox_wire::CreateOrder order;
  order.out_order_no = text_of(call.content, "out_trade_no");
  order.merchant_id = side_.account.seller_id;
  const auto amount = parse_major(text_of(call.content, "total_amount"), cny());
  order.amount_minor = amount.value_or(0);
  order.currency = cny();
  order.subject = text_of(call.content, "subject");
  order.return_url = call.value("return_url");
  order.notify_url = call.value("notify_url");
  const std::string expires = text_of(call.content, "time_expire");
  order.expires_at_us = parse_beijing_dashed(expires).value_or(0);
  const bool complete = is_order_no(order.out_order_no) && order.amount_minor >= 1 &&
                        order.amount_minor <= 10'000'000'000 && !order.subject.empty() &&
                        (expires.empty() || order.expires_at_us != 0);
  if (!complete) return {Mishap::none, refused("INVALID_PARAMETER")};
  OrderTerms terms;
  terms.desk = name();
  terms.method =
      call.by_browser() ? (call.method == "alipay.trade.wap.pay" ? "wap" : "page") : "precreate";
  terms.begun = call.by_browser();
  terms.decline_ends_it = false;
  return bank_.serve({name(), order.out_order_no, "create", false, parse_subject(order.subject)},
                     [&](OrderBook& book, UnixUs now_us) {
                       BookResult result = book.create(order, {}, now_us, terms);
                       if (!result.order) return result;
                       if (result.order->status == OrderStatus::paid) return refused("ORDER_PAID");
                       if (result.order->status == OrderStatus::closed)
                         return refused("ORDER_CLOSED");
                       return result;
                     });
}

Served AlipayDesk::query(const Call& call) {
  const std::string order_no = order_no_of(call.content);
  return bank_.serve({name(), order_no, "query", true, {}}, [&](OrderBook& book, UnixUs now_us) {
    return begun(book.find(order_no, now_us));
  });
}

Served AlipayDesk::close(const Call& call) {
  const std::string order_no = order_no_of(call.content);
  return bank_.serve({name(), order_no, "close", false, {}}, [&](OrderBook& book, UnixUs now_us) {
    BookResult found = begun(book.find(order_no, now_us));
    if (!found.order) return found;
    if (found.order->status == OrderStatus::closed) return refused("ORDER_CLOSED");
    if (found.order->status == OrderStatus::paid)
      return refused("ORDER_NOT_PAID");  // in Alipay's words: the wrong state
    return book.close(order_no, now_us);
  });
}

Served AlipayDesk::refund(const Call& call) {
  sandbox_wire::CreateRefund refund;
  refund.out_order_no = order_no_of(call.content);
  refund.out_refund_no = text_of(call.content, "out_request_no");
  if (refund.out_refund_no.empty()) refund.out_refund_no = refund.out_order_no;
  refund.merchant_id = side_.account.seller_id;
  refund.amount_minor = parse_major(text_of(call.content, "refund_amount"), cny()).value_or(0);
  refund.currency = cny();
  if (refund.amount_minor < 1) return {Mishap::none, refused("INVALID_PARAMETER")};
  // Alipay's answer is the refund's outcome: there is no waiting.
  return bank_.serve({name(), refund.out_order_no, "refund", false, {}, true},
                     [&](OrderBook& book, UnixUs now_us) {
                       BookResult found = begun(book.find(refund.out_order_no, now_us));
                       return found.order ? book.refund(refund, now_us) : found;
                     });
}

Served AlipayDesk::query_refund(const Call& call) {
  const std::string order_no = order_no_of(call.content);
  std::string refund_no = text_of(call.content, "out_request_no");
  return bank_.serve({name(), order_no, "query_refund", true, {}},
                     [&](OrderBook& book, UnixUs now_us) {
                       BookResult order = begun(book.find(order_no, now_us));
                       BookResult found = book.find_refund(refund_no);
                       const bool of_it = found.refund && found.refund->out_order_no == order_no;
                       return of_it ? found : order;
                     });
}

std::string AlipayDesk::order_no_of(const Json& content) {
  std::string order_no = text_of(content, "out_trade_no");
  const std::string trade_no = text_of(content, "trade_no");
  if (trade_no.empty()) return order_no;
  return bank_.read([&](OrderBook& book) {
    const std::string found_no = book.order_of_transaction(number_in(trade_no, number_digits));
    const BookResult found = book.find(found_no, wall_clock_us());
    return found.order && trade_no_of(found.facts) == trade_no ? found_no : std::string();
  });
}

// Closed and declined trades are not told of, as the product's settings have it by default. A
// refund is told of as news of its trade, with the sum of all refunds so far.
std::optional<Seal> AlipayDesk::tell(const BookResult& news, UnixUs now_us) const {
  const bool of_refund = news.event == CallbackEvent::refund_succeeded;
  if (!of_refund && news.event != CallbackEvent::order_paid) return std::nullopt;
  const OrderFacts& facts = news.facts;
  FormFields fields{{"notify_time", beijing_dashed(now_us)},
                    {"notify_type", "trade_status_sync"},
                    {"notify_id", make_nonce()},
                    {"app_id", side_.account.app_id},
                    {"auth_app_id", side_.account.app_id},
                    {"charset", "utf-8"},
                    {"version", "1.0"},
                    {"trade_no", trade_no_of(facts)},
                    {"out_trade_no", out_trade_no_of(facts)},
                    {"buyer_id", "2088000000000002"},
                    {"seller_id", side_.account.seller_id},
                    {"trade_status", std::string(status_of(facts))},
                    {"total_amount", yuan(facts.order.amount_minor)},
                    {"receipt_amount", yuan(facts.order.amount_minor)},
                    {"subject", facts.subject},
                    {"gmt_create", beijing_dashed(facts.created_at_us)},
                    {"gmt_payment", beijing_dashed(facts.paid_at_us)}};
  if (of_refund) {
    fields.emplace_back("out_biz_no", news.refund->out_refund_no);
    fields.emplace_back("refund_fee", yuan(facts.order.refunded_minor));
    fields.emplace_back("gmt_refund", beijing_dashed(news.refund_facts.settled_at_us) + ".000");
  }
  // Forged, it bears the only other key an attacker could know to be trusted: the application's.
  return [this, fields](const SigningContext&, bool forged) {
    FormFields sent = fields;
    const crypto::PrivateKey& key = forged ? side_.account.app_key : side_.key;
    sent.emplace_back("sign_type", "RSA2");
    sent.emplace_back("sign", crypto::base64(key.rsa_sha256_sign(sorted_text_without(fields, {}))));
    return SignedMessage{{}, std::string(form_type), encode_form(sent, FormSpace::plus)};
  };
}

bool AlipayDesk::is_taken(int http_status, std::string_view body) const {
  return http_status == 200 && body == "success";
}

}  // namespace welkin::sandbox
