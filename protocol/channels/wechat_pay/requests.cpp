// What is asked of WeChat Pay, as the requests it wants.
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "protocol/channels/beijing_time.hpp"
#include "protocol/channels/wechat_pay/signature.hpp"
#include "protocol/channels/wechat_pay/wire.hpp"
#include "protocol/utf8.hpp"

namespace welkin::wechat_pay {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view orders = "/v3/pay/transactions/";
constexpr std::string_view refunds = "/v3/refund/domestic/refunds";
constexpr std::size_t description_bytes_max = 127;

Problem not_possible(std::string field, std::string detail) {
  return {ProblemCode::invalid_value, std::move(detail), std::move(field)};
}

// A text that is not UTF-8 cannot come out of the gateway; if one does, the call still goes out.
std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string rfc3339_beijing(UnixUs at_us) {
  std::string text = beijing_dashed(at_us);
  text[10] = 'T';
  return text + "+08:00";
}

}  // namespace

std::optional<Problem> objection_to(const ChannelCall& call) {
  if (call.currency.code() != "CNY") return not_possible("/currency", "WeChat Pay takes CNY.");
  if (call.query) return std::nullopt;
  if (call.operation == ChannelOperation::capture || call.operation == ChannelOperation::void_)
    return not_possible("/capture", "WeChat Pay holds no amounts.");
  if (call.operation != ChannelOperation::create) return std::nullopt;
  if (call.manual_capture) return not_possible("/capture", "WeChat Pay holds no amounts.");
  if (call.method == "jsapi" && call.payer_id.empty())
    return not_possible("/payer/id", "A JSAPI order names its payer's openid.");
  if (call.method == "h5" && call.payer_ip.empty())
    return not_possible("/payer/ip", "An H5 order names its payer's address.");
  if (!call.method.empty() && call.method != "native" && call.method != "h5" &&
      call.method != "jsapi")
    return not_possible("/method", "WeChat Pay knows native, h5 and jsapi.");
  return std::nullopt;
}

namespace {

std::string create_body(const Account& account, const ChannelCall& call) {
  Json body{{"appid", account.app_id},
            {"mchid", account.merchant_id},
            {"description", cut_text(call.subject.empty() ? call.channel_order_no : call.subject,
                                     description_bytes_max)},
            {"out_trade_no", call.channel_order_no}};
  if (call.expires_at_us > 0) body["time_expire"] = rfc3339_beijing(call.expires_at_us);
  body["notify_url"] = account.notify_url;
  body["amount"] = {{"total", call.amount_minor}, {"currency", "CNY"}};
  if (call.method == "jsapi") body["payer"] = {{"openid", call.payer_id}};
  if (call.method == "h5")
    body["scene_info"] = {{"payer_client_ip", call.payer_ip}, {"h5_info", {{"type", "Wap"}}}};
  return dump(body);
}

std::string refund_body(const Account& account, const ChannelCall& call) {
  Json body;
  // A surplus is another charge than the order's own.
  if (call.surplus && !call.channel_reference.empty())
    body["transaction_id"] = call.channel_reference;
  else
    body["out_trade_no"] = call.channel_order_no;
  body["out_refund_no"] = call.channel_refund_no;
  body["notify_url"] = account.notify_url;
  body["amount"] = {
      {"refund", call.amount_minor}, {"total", call.order_amount_minor}, {"currency", "CNY"}};
  return dump(body);
}

}  // namespace

EncodedCall encode_call(const Account& account, const ChannelCall& call,
                        const SigningContext& context) {
  if (auto problem = objection_to(call)) return std::move(*problem);
  const std::string order_path = std::string(orders) + "out-trade-no/" + call.channel_order_no;
  const bool of_refund = call.operation == ChannelOperation::refund;
  if (call.query)
    return sign_request(account, "GET",
                        of_refund ? std::string(refunds) + "/" + call.channel_refund_no
                                  : order_path + "?mchid=" + account.merchant_id,
                        {}, context);
  if (of_refund)
    return sign_request(account, "POST", std::string(refunds), refund_body(account, call), context);
  if (call.operation == ChannelOperation::close)
    return sign_request(account, "POST", order_path + "/close",
                        dump({{"mchid", account.merchant_id}}), context);
  return sign_request(account, "POST",
                      std::string(orders) + (call.method.empty() ? "native" : call.method),
                      create_body(account, call), context);
}

WireRequest encode_certificates_request(const Account& account, const SigningContext& context) {
  return sign_request(account, "GET", "/v3/certificates", {}, context);
}

WireRequest encode_trade_bill_request(const Account& account, std::string_view day,
                                      const SigningContext& context) {
  return sign_request(account, "GET",
                      "/v3/bill/tradebill?bill_date=" + std::string(day) + "&bill_type=ALL", {},
                      context);
}

WireRequest encode_fund_flow_request(const Account& account, std::string_view day,
                                     const SigningContext& context) {
  return sign_request(account, "GET",
                      "/v3/bill/fundflowbill?bill_date=" + std::string(day) + "&account_type=BASIC",
                      {}, context);
}

WireRequest encode_bill_download(const Account& account, const BillLocation& location,
                                 const SigningContext& context) {
  const std::string& url = location.download_url;
  const std::size_t host = url.find("://");
  const std::size_t path = host == std::string::npos ? 0 : url.find('/', host + 3);
  return sign_request(account, "GET", path == std::string::npos ? "/" : url.substr(path), {},
                      context);
}

}  // namespace welkin::wechat_pay
