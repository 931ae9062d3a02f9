// What WeChat Pay tells by itself: verified, opened and judged.
#include <optional>
#include <utility>

#include "protocol/channels/beijing_time.hpp"
#include "protocol/channels/channel_json.hpp"
#include "protocol/channels/report_bounds.hpp"
#include "protocol/channels/wechat_pay/reading.hpp"
#include "protocol/channels/wechat_pay/signature.hpp"
#include "protocol/channels/wechat_pay/wire.hpp"

namespace welkin::wechat_pay {
namespace {

using json = nlohmann::ordered_json;

constexpr std::string_view cipher = "AEAD_AES_256_GCM";

CallbackRefused refused(ProblemCode code, std::string detail, std::string order_no = {}) {
  return {{code, std::move(detail), {}}, std::move(order_no)};
}

// A payer may have paid less than the order asks; that the order's own amount is asked for is
// checked against the payment, as for every report.
CallbackVerdict payment_news(const Account& account, const json& transaction, std::string id) {
  ChannelReport report;
  report.source = ReportSource::callback;
  report.operation = ChannelOperation::create;
  report.id = std::move(id);
  report.channel_order_no = text_of(transaction, "out_trade_no");
  const std::string number = report.channel_order_no;
  if (text_of(transaction, "mchid") != account.merchant_id ||
      text_of(transaction, "appid") != account.app_id)
    return refused(ProblemCode::wrong_account, "The order is another account's.", number);
  const auto order = parse_channel_order_no(number);
  if (!order)
    return CallbackRefused{
        {ProblemCode::invalid_value, "This is no order number of ours.", "/out_trade_no"}, number};
  report.payment = order->payment;
  read_transaction(report, account, transaction);
  // Only successes are announced so.
  if (report.verdict != ChannelVerdict::paid)
    return refused(ProblemCode::malformed_callback, "The event and the state contradict.", number);
  return report;
}

CallbackVerdict refund_news(const Account& account, const json& refund, std::string_view event,
                            std::string id) {
  ChannelReport report;
  report.source = ReportSource::callback;
  report.operation = ChannelOperation::refund;
  report.id = std::move(id);
  report.channel_order_no = text_of(refund, "out_trade_no");
  const std::string number = report.channel_order_no;
  if (text_of(refund, "mchid") != account.merchant_id)
    return refused(ProblemCode::wrong_account, "The refund is another account's.", number);
  const auto order = parse_channel_order_no(number);
  const auto refund_id = parse_channel_refund_no(text_of(refund, "out_refund_no"));
  if (!order)
    return CallbackRefused{
        {ProblemCode::invalid_value, "This is no order number of ours.", "/out_trade_no"}, number};
  report.payment = order->payment;
  // Of an order of ours, under a number that is not: made at WeChat's own desk.
  report.outside_refund = !refund_id;
  if (refund_id)
    report.refund_id = refund_id->text();
  else
    report.charge_reference = text_of(refund, "transaction_id");
  if ("REFUND." + text_of(refund, "refund_status") != event)
    return refused(ProblemCode::malformed_callback, "The event and the state contradict.", number);
  read_refund(report, refund, "refund_status", 0);
  if (report.verdict == ChannelVerdict::unknown)
    return refused(ProblemCode::malformed_callback, report.message, number);
  if (report.outside_refund && report.channel_reference.empty())
    return refused(ProblemCode::malformed_callback, "The refund has no refund_id.", number);
  return report;
}

// Of a message that is not believed: which order its resource names, if it can be opened.
std::string order_named_in(const Account& account, std::string_view body) {
  const auto opened = open_callback(account, body);
  const auto* plaintext = std::get_if<std::string>(&opened);
  const auto resource = plaintext ? parse_channel_json(*plaintext) : std::nullopt;
  return resource ? text_of(*resource, "out_trade_no") : std::string();
}

CallbackVerdict read_callback(const Account& account, const RawCallback& callback, UnixUs now_us) {
  if (auto problem = check_message(account.platform_keys, callback.headers, callback.body, now_us))
    return CallbackRefused{std::move(*problem), order_named_in(account, callback.body)};
  const auto outer = parse_channel_json(callback.body);
  if (!outer) return refused(ProblemCode::malformed_callback, "The body is no JSON object.");
  std::string id = text_of(*outer, "id");
  const std::string event = text_of(*outer, "event_type");
  if (id.empty() || id.size() > 64)
    return refused(ProblemCode::malformed_callback, "The notification has no id.");
  const bool of_payment = event == "TRANSACTION.SUCCESS";
  const bool of_refund =
      event == "REFUND.SUCCESS" || event == "REFUND.ABNORMAL" || event == "REFUND.CLOSED";
  if (!of_payment && !of_refund)
    return CallbackIgnored{std::move(id), IgnoredFor::other_kind, "event " + event};
  auto opened = open_callback(account, callback.body);
  if (auto* problem = std::get_if<Problem>(&opened))
    return CallbackRefused{std::move(*problem), {}};
  const auto plaintext = parse_channel_json(std::get<std::string>(opened));
  if (!plaintext)
    return refused(ProblemCode::malformed_callback, "The resource is no JSON object.");
  return of_payment ? payment_news(account, *plaintext, std::move(id))
                    : refund_news(account, *plaintext, event, std::move(id));
}

}  // namespace

std::variant<std::string, Problem> open_callback(const Account& account, std::string_view body) {
  const auto outer = parse_channel_json(body);
  const json& resource = outer ? member_of(*outer, "resource") : json();
  if (!resource.is_object() || text_of(resource, "algorithm") != cipher)
    return Problem{ProblemCode::malformed_callback, "There is no sealed resource.", "/resource"};
  const auto sealed = crypto::parse_base64(text_of(resource, "ciphertext"));
  auto plaintext = sealed
                       ? crypto::aes_256_gcm_decrypt(account.api_v3_key, text_of(resource, "nonce"),
                                                     text_of(resource, "associated_data"), *sealed)
                       : std::nullopt;
  if (!plaintext)
    return Problem{ProblemCode::broken_ciphertext, "The resource cannot be opened.",
                   "/resource/ciphertext"};
  return std::move(*plaintext);
}

CallbackVerdict parse_callback(const Account& account, const RawCallback& callback, UnixUs now_us) {
  return within_bounds(read_callback(account, callback, now_us));
}

// WeChat looks at the status alone: a failure told with status 200 would count as taken.
CallbackAck taken() { return {200, "application/json", R"({"code":"SUCCESS"})"}; }
CallbackAck not_taken() { return {500, "application/json", R"({"code":"FAIL","message":"FAIL"})"}; }

std::string seal_callback(const Account& account, std::string_view id, std::string_view event_type,
                          std::string_view original_type, std::string_view plaintext,
                          std::string_view nonce, UnixUs now_us) {
  std::string created = beijing_dashed(now_us) + "+08:00";
  created[10] = 'T';
  const auto sealed =
      crypto::aes_256_gcm_encrypt(account.api_v3_key, nonce, original_type, plaintext);
  const nlohmann::ordered_json body{{"id", id},
                                    {"create_time", created},
                                    {"resource_type", "encrypt-resource"},
                                    {"event_type", event_type},
                                    {"summary", ""},
                                    {"resource",
                                     {{"original_type", original_type},
                                      {"algorithm", cipher},
                                      {"ciphertext", crypto::base64(sealed.value_or(""))},
                                      {"associated_data", original_type},
                                      {"nonce", nonce}}}};
  return body.dump();
}

}  // namespace welkin::wechat_pay
