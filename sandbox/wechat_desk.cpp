// How WeChat Pay checks, answers and notifies; see the header.
#include "sandbox/wechat_desk.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

#include "protocol/channels/beijing_time.hpp"
#include "protocol/channels/channel_json.hpp"
#include "protocol/channels/form.hpp"
#include "protocol/channels/wechat_pay/signature.hpp"
#include "protocol/channels/wechat_pay/wire.hpp"
#include "sandbox/channel_numbers.hpp"

namespace welkin::sandbox {
namespace {

using Json = nlohmann::ordered_json;
using sandbox_wire::CallbackEvent;
using sandbox_wire::OrderStatus;
using sandbox_wire::RefundStatus;

constexpr std::string_view scheme = "WECHATPAY2-SHA256-RSA2048 ";
constexpr std::string_view orders = "/v3/pay/transactions/";
constexpr std::string_view refunds = "/v3/refund/domestic/refunds";
constexpr std::size_t description_characters_max = 127;
constexpr std::size_t number_digits = 10;

DeskAnswer refusal(int status, std::string_view code, std::string_view message) {
  return {status, "application/json", Json{{"code", code}, {"message", message}}.dump(), {}};
}
DeskAnswer wrong_parameter(std::string_view what) {
  return refusal(400, "PARAM_ERROR", "参数错误: " + std::string(what));
}
DeskAnswer ok(const Json& body) { return {200, "application/json", body.dump(), {}}; }

// name="value", …; empty when it is not that.
std::map<std::string, std::string> items_of(std::string_view text) {
  std::map<std::string, std::string> items;
  while (!text.empty()) {
    const std::size_t equals = text.find("=\"");
    const std::size_t end = equals == std::string_view::npos ? equals : text.find('"', equals + 2);
    if (end == std::string_view::npos) return {};
    std::string name(text.substr(0, equals));
    name.erase(0, name.find_first_not_of(", "));
    if (!items.emplace(name, text.substr(equals + 2, end - equals - 2)).second) return {};
    text.remove_prefix(end + 1);
  }
  return items;
}

std::string upper(std::string text) {
  for (char& c : text)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return text;
}

bool is_number(std::string_view text, std::size_t min, std::size_t max) {
  return text.size() >= min && text.size() <= max &&
         text.find_first_not_of(
             "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-|*@") ==
             std::string_view::npos;
}

std::size_t characters_in(std::string_view utf8) {
  return static_cast<std::size_t>(std::count_if(utf8.begin(), utf8.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

bool is_notify_url(std::string_view url) {
  const bool http = url.substr(0, 7) == "http://" || url.substr(0, 8) == "https://";
  return http && url.find_first_of("?#") == std::string_view::npos;
}

std::string rfc3339(UnixUs at_us) {
  std::string text = beijing_dashed(at_us);
  text[10] = 'T';
  return text + "+08:00";
}

// "2026-01-01T08:00:00+08:00", with any whole offset, or Z.
std::optional<UnixUs> parse_rfc3339(std::string text) {
  if (text.size() < 20 || text[10] != 'T') return std::nullopt;
  text[10] = ' ';
  const auto at_us = parse_beijing_dashed(text.substr(0, 19));
  const std::string offset = text.substr(19);
  int minutes = 0;
  if (offset != "Z") {
    if (offset.size() != 6 || (offset[0] != '+' && offset[0] != '-') || offset[3] != ':')
      return std::nullopt;
    int hour = 0;
    int minute = 0;
    std::from_chars(offset.data() + 1, offset.data() + 3, hour);
    std::from_chars(offset.data() + 4, offset.data() + 6, minute);
    minutes = (hour * 60 + minute) * (offset[0] == '-' ? -1 : 1);
  }
  constexpr int beijing_minutes = 8 * 60;
  if (!at_us) return std::nullopt;
  return *at_us + (beijing_minutes - minutes) * std::int64_t{60} * us_per_s;
}

std::string transaction_id_of(const OrderFacts& facts) {
  return "4200000000" + beijing_day(facts.created_at_us) +
         digits_of(number_of(facts.order.transaction_id), number_digits);
}
std::string refund_id_of(const BookResult& of) {
  return "50000000000" + beijing_day(of.refund_facts.created_at_us) +
         digits_of(number_of(of.refund->transaction_id), number_digits);
}

std::string_view state_of(const OrderFacts& facts) {
  switch (facts.order.status) {
    case OrderStatus::paid:
      return facts.refunds_minor > 0 ? "REFUND" : "SUCCESS";
    case OrderStatus::closed:
      return "CLOSED";
    case OrderStatus::open:
    case OrderStatus::authorized:
    case OrderStatus::declined:
      break;
  }
  return "NOTPAY";
}

std::string_view trade_type_of(std::string_view method) {
  return method == "h5" ? "MWEB" : method == "jsapi" ? "JSAPI" : "NATIVE";
}

std::string_view status_name(RefundStatus status) {
  return status == RefundStatus::succeeded ? "SUCCESS"
         : status == RefundStatus::failed  ? "CLOSED"
         : status == RefundStatus::stuck   ? "ABNORMAL"
                                           : "PROCESSING";
}

Json refund_json(const BookResult& of, const char* status_field) {
  const auto& refund = *of.refund;
  Json json{{"refund_id", refund_id_of(of)},
            {"out_refund_no", refund.out_refund_no},
            {"transaction_id", transaction_id_of(of.facts)},
            {"out_trade_no", refund.out_order_no},
            {"channel", "ORIGINAL"},
            {"user_received_account", "支付用户零钱"},
            {"create_time", rfc3339(of.refund_facts.created_at_us)},
            {status_field, status_name(refund.status)},
            {"funds_account", "AVAILABLE"}};
  if (refund.status == RefundStatus::succeeded)
    json["success_time"] = rfc3339(of.refund_facts.settled_at_us);
  json["amount"] = {{"total", refund.order_amount_minor},
                    {"refund", refund.amount_minor},
                    {"payer_total", refund.order_amount_minor},
                    {"payer_refund", refund.amount_minor},
                    {"settlement_refund", refund.amount_minor},
                    {"settlement_total", refund.order_amount_minor},
                    {"discount_refund", 0},
                    {"currency", refund.currency.code()}};
  return json;
}

// The words for what the book refuses.
DeskAnswer refusal_of(const Refusal& refusal_) {
  struct Words {
    std::string_view book;
    int status;
    std::string_view code;
    std::string_view message;
  };
  constexpr Words all[] = {
      {"ORDER_NOT_FOUND", 404, "ORDER_NOT_EXIST", "订单不存在"},
      {"REFUND_NOT_FOUND", 404, "RESOURCE_NOT_EXISTS", "退款单不存在"},
      {"ORDER_PAID", 400, "ORDERPAID", "该订单已支付"},
      {"ORDER_CLOSED", 400, "ORDER_CLOSED", "该订单已关闭"},
      {"ORDER_EXISTS_WITH_OTHER_DATA", 400, "INVALID_REQUEST",
       "请求重入时，参数与首次请求时不一致"},
      {"REFUND_EXISTS_WITH_OTHER_DATA", 400, "INVALID_REQUEST",
       "订单金额或退款金额与之前请求不一致，请核实后再试（请求重入）"},
      {"ORDER_NOT_PAID", 400, "INVALID_REQUEST", "订单未支付，不能退款"},
      {"AMOUNT_EXCEEDS_REFUNDABLE", 400, "INVALID_REQUEST", "退款金额大于可退金额"},
  };
  for (const Words& words : all)
    if (words.book == refusal_.code) return refusal(words.status, words.code, words.message);
  return refusal(400, "INVALID_REQUEST", refusal_.message);
}

// What went wrong on the way to an answer, in WeChat's words; nothing when all is well.
std::optional<DeskAnswer> mishap_of(const Served& served) {
  switch (served.mishap) {
    case Mishap::not_done:
    case Mishap::not_told:
      return refusal(503, "SYSTEM_ERROR", "系统错误");
    case Mishap::unreadable:
      return DeskAnswer{200, "application/json", std::string(garbage), {}};
    case Mishap::none:
      break;
  }
  if (served.result.refusal) return refusal_of(*served.result.refusal);
  return std::nullopt;
}

// What is missing or wrong in a request for an order.
std::optional<DeskAnswer> order_fault(const wechat_pay::Account& account, const Json& body,
                                      const std::string& method) {
  if (text_of(body, "mchid") != account.merchant_id)
    return refusal(400, "MCH_NOT_EXISTS", "商户号不存在");
  if (text_of(body, "appid") != account.app_id)
    return refusal(400, "APPID_MCHID_NOT_MATCH", "appid和mchid不匹配");
  if (!is_number(text_of(body, "out_trade_no"), 6, 32)) return wrong_parameter("out_trade_no");
  const std::string description = text_of(body, "description");
  if (description.empty() || characters_in(description) > description_characters_max)
    return wrong_parameter("description");
  if (!is_notify_url(text_of(body, "notify_url"))) return wrong_parameter("notify_url");
  const Json& amount = member_of(body, "amount");
  const std::int64_t total = integer_of(amount, "total").value_or(0);
  if (total < 1 || total > max_amount_minor) return wrong_parameter("amount.total");
  const std::string currency = text_of(amount, "currency");
  if (!currency.empty() && currency != "CNY") return wrong_parameter("amount.currency");
  const std::string expires = text_of(body, "time_expire");
  if (!expires.empty() && !parse_rfc3339(expires)) return wrong_parameter("time_expire");
  if (method == "jsapi" && text_of(member_of(body, "payer"), "openid").empty())
    return wrong_parameter("payer.openid");
  const Json& scene = member_of(body, "scene_info");
  if (method == "h5" && (text_of(scene, "payer_client_ip").empty() ||
                         text_of(member_of(scene, "h5_info"), "type").empty()))
    return wrong_parameter("scene_info");
  return std::nullopt;
}

}  // namespace

WechatDesk::WechatDesk(Bank& bank, WechatSide side) : bank_(bank), side_(std::move(side)) {}

DeskAnswer WechatDesk::answer(const DeskRequest& request) {
  // To somebody who cannot sign, nothing is signed either.
  if (auto refused = refuse_unsigned(request)) return *std::move(refused);
  DeskAnswer answer = route(request);
  if (answer.body == garbage || answer.status >= 500) return answer;
  for (auto& header :
       wechat_pay::sign_message(side_.platform_certificate.serial_hex(), side_.platform_key,
                                answer.body, {wall_clock_us(), make_nonce()}))
    answer.headers.push_back(std::move(header));
  return answer;
}

std::optional<DeskAnswer> WechatDesk::refuse_unsigned(const DeskRequest& request) const {
  const auto sign_error = [](std::string_view message) {
    return refusal(401, "SIGN_ERROR", message);
  };
  const std::string_view accept = only_header(request.headers, "accept");
  if (accept.empty() || only_header(request.headers, "user-agent").empty())
    return refusal(400, "INVALID_REQUEST", "Http头缺少Accept或User-Agent");
  const std::string_view authorization = only_header(request.headers, "authorization");
  if (authorization.substr(0, scheme.size()) != scheme)
    return sign_error("Http头缺少Authorization或签名方式不支持");
  auto items = items_of(authorization.substr(scheme.size()));
  if (items["mchid"] != side_.account.merchant_id) return sign_error("商户号不存在");
  if (upper(items["serial_no"]) != upper(side_.account.certificate_serial))
    return sign_error("商户证书序列号有误");
  const std::string& timestamp = items["timestamp"];
  std::int64_t at_s = 0;
  const auto parsed = std::from_chars(timestamp.data(), timestamp.data() + timestamp.size(), at_s);
  const std::int64_t now_s = wall_clock_us() / us_per_s;
  if (parsed.ec != std::errc{} || parsed.ptr != timestamp.data() + timestamp.size() ||
      at_s < now_s - wechat_pay::timestamp_tolerance_s ||
      at_s > now_s + wechat_pay::timestamp_tolerance_s)
    return sign_error("Http头Authorization中的timestamp与发起请求的时间不得超过5分钟");
  const auto signature = crypto::parse_base64(items["signature"]);
  const std::string& nonce = items["nonce_str"];
  if (!signature || nonce.empty()) return sign_error("签名错误，请检查后再试");
  const auto key = side_.account.private_key.public_key();
  for (const std::string& target : {request.target, request.full_target})
    if (key.rsa_sha256_verify(
            wechat_pay::request_text(request.method, target, at_s, nonce, request.body),
            *signature))
      return std::nullopt;
  return sign_error("签名错误，请检查后再试");
}

DeskAnswer WechatDesk::route(const DeskRequest& request) {
  const std::string_view path = request.path();
  const bool posts = request.method == "POST";
  const auto begins = [path](std::string_view with) { return path.substr(0, with.size()) == with; };
  if (!posts && path == "/v3/certificates") return certificates();
  if (posts && path == refunds) return refund(request);
  if (!posts && begins(refunds) && path.size() > refunds.size() + 1)
    return query_refund(std::string(path.substr(refunds.size() + 1)));
  if (!begins(orders)) return refusal(404, "RESOURCE_NOT_EXISTS", "接口不存在");
  std::string_view rest = path.substr(orders.size());
  if (posts && (rest == "native" || rest == "h5" || rest == "jsapi"))
    return create(request, std::string(rest));
  constexpr std::string_view by_number = "out-trade-no/";
  constexpr std::string_view by_transaction = "id/";
  if (rest.substr(0, by_transaction.size()) == by_transaction && !posts)
    return query(request, order_of_transaction(std::string(rest.substr(by_transaction.size()))));
  if (rest.substr(0, by_number.size()) != by_number)
    return refusal(404, "RESOURCE_NOT_EXISTS", "接口不存在");
  rest.remove_prefix(by_number.size());
  const std::size_t slash = rest.find('/');
  const std::string order_no(rest.substr(0, slash));
  if (!posts && slash == std::string_view::npos) return query(request, order_no);
  if (posts && slash != std::string_view::npos && rest.substr(slash) == "/close")
    return close(request, order_no);
  return refusal(404, "RESOURCE_NOT_EXISTS", "接口不存在");
}

DeskAnswer WechatDesk::create(const DeskRequest& request, const std::string& method) {
  const auto body = parse_channel_json(request.body);
  if (!body) return wrong_parameter("body");
  if (auto fault = order_fault(side_.account, *body, method)) return *std::move(fault);
  sandbox_wire::CreateOrder order;
  order.out_order_no = text_of(*body, "out_trade_no");
  order.merchant_id = side_.account.merchant_id;
  order.amount_minor = *integer_of(member_of(*body, "amount"), "total");
  order.currency = *Currency::parse("CNY");
  order.subject = text_of(*body, "description");
  order.notify_url = text_of(*body, "notify_url");
  order.expires_at_us = parse_rfc3339(text_of(*body, "time_expire")).value_or(0);
  OrderTerms terms;
  terms.desk = name();
  terms.method = method;
  terms.payer_id = text_of(member_of(*body, "payer"), "openid");
  terms.decline_ends_it = false;
  const Served served =
      bank_.serve({name(), order.out_order_no, "create", false, parse_subject(order.subject)},
                  [&](OrderBook& book, UnixUs now_us) {
                    return book.create(order, pay_url_base_, now_us, terms);
                  });
  if (auto mishap = mishap_of(served)) return *std::move(mishap);
  const OrderFacts& facts = served.result.facts;
  if (facts.order.status == OrderStatus::paid) return refusal_of({0, "ORDER_PAID", {}});
  if (facts.order.status == OrderStatus::closed) return refusal_of({0, "ORDER_CLOSED", {}});
  return created(facts);
}

DeskAnswer WechatDesk::created(const OrderFacts& facts) const {
  const std::string& number = facts.order.out_order_no;
  if (facts.terms.method == "jsapi") return ok({{"prepay_id", "wx" + number}});
  if (facts.terms.method == "h5")
    return ok({{"h5_url", pay_url_base_ + number + "?prepay_id=wx" + number}});
  return ok({{"code_url", "weixin://wxpay/bizpayurl?pr=" + number}});
}

DeskAnswer WechatDesk::query(const DeskRequest& request, const std::string& order_no) {
  const auto fields = parse_form(request.query());
  if (!fields || field_of(*fields, "mchid") != side_.account.merchant_id)
    return wrong_parameter("mchid");
  const Served served =
      bank_.serve({name(), order_no, "query", true, {}},
                  [&](OrderBook& book, UnixUs now_us) { return book.find(order_no, now_us); });
  if (auto mishap = mishap_of(served)) return *std::move(mishap);
  return ok(transaction_json(served.result.facts));
}

DeskAnswer WechatDesk::close(const DeskRequest& request, const std::string& order_no) {
  const auto body = parse_channel_json(request.body);
  if (!body || text_of(*body, "mchid") != side_.account.merchant_id)
    return wrong_parameter("mchid");
  const Served served =
      bank_.serve({name(), order_no, "close", false, {}}, [&](OrderBook& book, UnixUs now_us) {
        BookResult found = book.find(order_no, now_us);
        if (!found.order || found.order->status != OrderStatus::closed)
          return book.close(order_no, now_us);
        found.refusal = Refusal{409, "ORDER_CLOSED", {}};
        return found;
      });
  if (auto mishap = mishap_of(served)) return *std::move(mishap);
  return {204, {}, {}, {}};
}

DeskAnswer WechatDesk::refund(const DeskRequest& request) {
  const auto body = parse_channel_json(request.body);
  if (!body) return wrong_parameter("body");
  const Json& amount = member_of(*body, "amount");
  sandbox_wire::CreateRefund refund;
  refund.out_refund_no = text_of(*body, "out_refund_no");
  refund.merchant_id = side_.account.merchant_id;
  refund.amount_minor = integer_of(amount, "refund").value_or(0);
  refund.currency = *Currency::parse("CNY");
  refund.out_order_no = text_of(*body, "out_trade_no");
  const std::string transaction_id = text_of(*body, "transaction_id");
  if (refund.out_order_no.empty() == transaction_id.empty())
    return wrong_parameter("out_trade_no与transaction_id二选一");
  if (!transaction_id.empty()) refund.out_order_no = order_of_transaction(transaction_id);
  if (!is_number(refund.out_refund_no, 1, 64)) return wrong_parameter("out_refund_no");
  if (refund.amount_minor < 1) return wrong_parameter("amount.refund");
  if (text_of(amount, "currency") != "CNY") return wrong_parameter("amount.currency");
  RefundTerms terms;
  terms.notify_url = text_of(*body, "notify_url");
  if (!terms.notify_url.empty() && !is_notify_url(terms.notify_url))
    return wrong_parameter("notify_url");
  const auto total = integer_of(amount, "total");
  const Served served = bank_.serve(
      {name(), refund.out_order_no, "refund", false, {}}, [&](OrderBook& book, UnixUs now_us) {
        const BookResult order = book.find(refund.out_order_no, now_us);
        if (!order.order) {
          BookResult none;
          none.refusal = Refusal{404, "REFUND_NOT_FOUND", {}};
          return none;
        }
        if (total == order.order->amount_minor) return book.refund(refund, now_us, terms);
        BookResult other;
        other.refusal = Refusal{400, "WRONG_TOTAL", "订单总金额与实际不一致"};
        return other;
      });
  if (auto mishap = mishap_of(served)) return *std::move(mishap);
  return ok(refund_json(served.result, "status"));
}

DeskAnswer WechatDesk::query_refund(const std::string& refund_no) {
  const std::string order_no = bank_.read([&](const OrderBook& book) {
    const auto found = book.find_refund(refund_no);
    return found.refund ? found.refund->out_order_no : std::string();
  });
  const Served served =
      bank_.serve({name(), order_no, "query_refund", true, {}},
                  [&](OrderBook& book, UnixUs) { return book.find_refund(refund_no); });
  if (auto mishap = mishap_of(served)) return *std::move(mishap);
  return ok(refund_json(served.result, "status"));
}

DeskAnswer WechatDesk::certificates() const {
  const crypto::Certificate& own = side_.platform_certificate;
  const std::string nonce = make_nonce().substr(0, 12);
  const auto sealed = crypto::aes_256_gcm_encrypt(side_.account.api_v3_key, nonce, "certificate",
                                                  side_.platform_certificate_pem);
  Json entry{{"serial_no", own.serial_hex()},
             {"effective_time", rfc3339(own.valid_from_us())},
             {"expire_time", rfc3339(own.valid_to_us())}};
  entry["encrypt_certificate"] = {{"algorithm", "AEAD_AES_256_GCM"},
                                  {"nonce", nonce},
                                  {"associated_data", "certificate"},
                                  {"ciphertext", crypto::base64(sealed.value_or(""))}};
  Json body;
  body["data"] = Json::array({std::move(entry)});
  return ok(body);
}

std::string WechatDesk::order_of_transaction(const std::string& transaction_id) {
  return bank_.read([&](OrderBook& book) {
    const std::string order_no =
        book.order_of_transaction(number_in(transaction_id, number_digits));
    const BookResult found = book.find(order_no, wall_clock_us());
    const bool is_it = found.order && transaction_id_of(found.facts) == transaction_id;
    return is_it ? order_no : std::string();
  });
}

nlohmann::ordered_json WechatDesk::transaction_json(const OrderFacts& facts) const {
  constexpr std::pair<std::string_view, std::string_view> descriptions[] = {
      {"NOTPAY", "订单未支付"},
      {"SUCCESS", "支付成功"},
      {"REFUND", "订单发生过退款"},
      {"CLOSED", "订单已关闭"}};
  const std::string_view state = state_of(facts);
  Json json{{"appid", side_.account.app_id},
            {"mchid", side_.account.merchant_id},
            {"out_trade_no", facts.order.out_order_no},
            {"trade_state", state}};
  for (const auto& [name, description] : descriptions)
    if (name == state) json["trade_state_desc"] = description;
  json["amount"] = {{"total", facts.order.amount_minor}, {"currency", "CNY"}};
  json["attach"] = "";
  if (facts.order.status != OrderStatus::paid) return json;
  json["transaction_id"] = transaction_id_of(facts);
  json["trade_type"] = trade_type_of(facts.terms.method);
  json["bank_type"] = "OTHERS";
  json["success_time"] = rfc3339(facts.paid_at_us);
  json["payer"] = {{"openid", facts.terms.payer_id.empty() ? "oTESTpayer" : facts.terms.payer_id}};
  json["amount"]["payer_total"] = facts.order.amount_minor;
  json["amount"]["payer_currency"] = "CNY";
  return json;
}

// Of payments WeChat tells only that they succeeded; a decline or a close it keeps to itself.
std::optional<Seal> WechatDesk::tell(const BookResult& news, UnixUs now_us) const {
  const bool of_refund = news.refund.has_value();
  if (!of_refund && news.event != CallbackEvent::order_paid) return std::nullopt;
  std::string event = "TRANSACTION.SUCCESS";
  Json plaintext;
  if (of_refund) {
    event = "REFUND." + std::string(status_name(news.refund->status));
    plaintext = refund_json(news, "refund_status");
    plaintext["mchid"] = side_.account.merchant_id;
    plaintext["amount"].erase("currency");
  } else {
    plaintext = transaction_json(news.facts);
    plaintext["trade_state"] = "SUCCESS";
  }
  const std::string body = wechat_pay::seal_callback(
      side_.account, make_nonce(), event, of_refund ? "refund" : "transaction", plaintext.dump(),
      make_nonce().substr(0, 12), now_us);
  // Forged, it bears the only other key an attacker could know to be trusted: the merchant's own.
  return [this, body](const SigningContext& context, bool forged) {
    return SignedMessage{
        wechat_pay::sign_message(side_.platform_certificate.serial_hex(),
                                 forged ? side_.account.private_key : side_.platform_key, body,
                                 context),
        "application/json", body};
  };
}

bool WechatDesk::is_taken(int http_status, std::string_view) const {
  return http_status == 200 || http_status == 204;
}

}  // namespace welkin::sandbox
