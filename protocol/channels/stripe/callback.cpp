// What Stripe tells by itself: verified and judged.
#include <algorithm>
#include <utility>

#include "protocol/channels/channel_json.hpp"
#include "protocol/channels/crypto.hpp"
#include "protocol/channels/report_bounds.hpp"
#include "protocol/channels/stripe/reading.hpp"
#include "protocol/channels/stripe/wire.hpp"
#include "protocol/channels/unix_seconds.hpp"

namespace welkin::stripe {
namespace {

using json = nlohmann::ordered_json;

constexpr std::size_t signatures_max = 32;
constexpr std::string_view thin_event = "v2.core.event";

CallbackRefused refused(ProblemCode code, std::string detail, std::string order_no = {}) {
  return {{code, std::move(detail), {}}, std::move(order_no)};
}

struct SignatureItems {
  std::string_view timestamp;
  std::vector<std::string_view> v1;
};
// Schemes other than v1 are not looked at.
std::optional<SignatureItems> read_signature(std::string_view header) {
  SignatureItems items;
  while (!header.empty()) {
    const std::string_view item = header.substr(0, header.find(','));
    header.remove_prefix(std::min(header.size(), item.size() + 1));
    const std::size_t equals = item.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    const std::string_view name = item.substr(0, equals);
    const std::string_view value = item.substr(equals + 1);
    if (name == "t") {
      if (!items.timestamp.empty()) return std::nullopt;
      items.timestamp = value;
    } else if (name == "v1") {
      if (items.v1.size() == signatures_max) return std::nullopt;
      items.v1.push_back(value);
    }
  }
  if (items.timestamp.empty() || items.v1.empty()) return std::nullopt;
  return items;
}

std::string v1_of(std::string_view secret, std::string_view timestamp, std::string_view body) {
  std::string text(timestamp);
  text.append(".").append(body);
  return crypto::hex(crypto::hmac_sha256(secret, text));
}

bool begins(std::string_view text, std::string_view with) {
  return text.substr(0, with.size()) == with;
}

CallbackVerdict intent_news(const json& intent, std::string id) {
  const std::string number = order_no_of(intent);
  // The account may take money by other ways than ours, and their numbers may stand where ours do.
  const auto order = parse_channel_order_no(number);
  if (!order)
    return CallbackIgnored{std::move(id), IgnoredFor::foreign_order,
                           "an intent without an order of ours"};
  ChannelReport report;
  report.source = ReportSource::callback;
  report.id = std::move(id);
  report.channel_order_no = number;
  report.payment = order->payment;
  read_intent(report, intent);
  const bool manual = text_of(intent, "capture_method") == "manual";
  if (report.verdict == ChannelVerdict::paid && manual)
    report.operation = ChannelOperation::capture;
  if (report.verdict == ChannelVerdict::closed)
    report.operation = manual ? ChannelOperation::void_ : ChannelOperation::close;
  if (report.code == "wrong_shape")
    return refused(ProblemCode::malformed_callback, report.message, number);
  return report;
}

CallbackVerdict refund_news(const json& refund, std::string id) {
  const std::string number = order_no_of(refund);
  const std::string refund_no = refund_no_of(refund);
  const auto order = parse_channel_order_no(number);
  const auto refund_id = parse_channel_refund_no(refund_no);
  if (!order || !refund_id)
    return CallbackIgnored{std::move(id), IgnoredFor::foreign_refund, "a refund that is not ours"};
  ChannelReport report;
  report.source = ReportSource::callback;
  report.operation = ChannelOperation::refund;
  report.id = std::move(id);
  report.channel_order_no = number;
  report.payment = order->payment;
  report.refund_id = refund_id->text();
  read_refund(report, refund);
  if (report.code == "wrong_shape")
    return refused(ProblemCode::malformed_callback, report.message, number);
  return report;
}

// A refund says neither its order nor, without metadata of ours, that we asked for it; its charge
// names the order, as the intent did, and the event names the key of the request that it is of. So
// one from Stripe's own desk is known by its charge, and one of ours by the refund.
CallbackVerdict charge_refunded_news(const json& charge, std::string_view key, std::string id) {
  const std::string number = order_no_of(charge);
  const auto order = parse_channel_order_no(number);
  if (!order)
    return CallbackIgnored{std::move(id), IgnoredFor::foreign_order,
                           "a refund of an order that is not ours"};
  if (parse_channel_refund_no(key))
    return CallbackIgnored{std::move(id), IgnoredFor::no_news,
                           "a refund of ours, told of by itself"};
  ChannelReport report;
  report.source = ReportSource::callback;
  report.operation = ChannelOperation::refund;
  report.id = std::move(id);
  report.channel_order_no = number;
  report.payment = order->payment;
  report.outside_refund = true;
  report.amount_is_total = true;
  read_charge_refunds(report, charge);
  if (report.code == "wrong_shape")
    return refused(ProblemCode::malformed_callback, report.message, number);
  report.channel_reference = text_of(charge, "id") + "/" +
                             std::to_string(integer_of(charge, "amount_refunded").value_or(0));
  return report;
}

const json& object_of(const json& event) { return member_of(member_of(event, "data"), "object"); }

// Of an event that is not believed: which order it names.
std::string order_named_in(std::string_view body) {
  const auto event = parse_channel_json(body);
  return event ? order_no_of(object_of(*event)) : std::string();
}

CallbackVerdict read_callback(const Account& account, const RawCallback& callback, UnixUs now_us) {
  if (auto problem =
          check_webhook(account.webhook_secrets, only_header(callback.headers, "stripe-signature"),
                        callback.body, now_us))
    return CallbackRefused{std::move(*problem), order_named_in(callback.body)};
  const auto event = parse_channel_json(callback.body);
  std::string id = event ? text_of(*event, "id") : std::string();
  const std::string shape = event ? text_of(*event, "object") : std::string();
  if (id.empty() || (shape != "event" && shape != thin_event))
    return refused(ProblemCode::malformed_callback, "The body is no event.");
  const std::string type = text_of(*event, "type");
  const auto ignored = [&](IgnoredFor reason) {
    return CallbackIgnored{std::move(id), reason, "event " + type};
  };
  // The endpoint hears of all the account, of the accounts connected to it, and in both worlds.
  // Whoever does not take what is not for him loses the endpoint: Stripe turns it off.
  if (shape == thin_event) return ignored(IgnoredFor::thin_event);
  if (!text_of(*event, "account").empty()) return ignored(IgnoredFor::other_account);
  if (flag_of(*event, "livemode") != account.live) return ignored(IgnoredFor::other_mode);
  const json& object = object_of(*event);
  const std::string kind = text_of(object, "object");
  if (begins(type, "payment_intent."))
    return kind == "payment_intent"
               ? intent_news(object, std::move(id))
               : refused(ProblemCode::malformed_callback, "The event brings no intent.");
  if (begins(type, "refund.") || type == "charge.refund.updated")
    return kind == "refund"
               ? refund_news(object, std::move(id))
               : refused(ProblemCode::malformed_callback, "The event brings no refund.");
  if (type == "charge.refunded" && kind == "charge")
    return charge_refunded_news(object, text_of(member_of(*event, "request"), "idempotency_key"),
                                std::move(id));
  return ignored(IgnoredFor::other_kind);
}

}  // namespace

std::string sign_webhook(std::string_view secret, std::string_view body, UnixUs now_us) {
  const std::string timestamp = std::to_string(now_us / us_per_s);
  return "t=" + timestamp + ",v1=" + v1_of(secret, timestamp, body);
}

std::string signed_time(std::string_view signature_header) {
  const auto items = read_signature(signature_header);
  return items ? std::string(items->timestamp) : std::string();
}

std::optional<Problem> check_webhook(const std::vector<std::string>& secrets,
                                     std::string_view signature_header, std::string_view body,
                                     UnixUs now_us) {
  const Problem bad{ProblemCode::bad_signature, "The signature does not fit the message.", {}};
  const auto items = read_signature(signature_header);
  const auto timestamp_s = items ? parse_unix_seconds(items->timestamp) : std::nullopt;
  if (!timestamp_s) return bad;
  bool genuine = false;
  for (const std::string& secret : secrets) {
    const std::string ours = v1_of(secret, items->timestamp, body);
    for (const std::string_view theirs : items->v1)
      genuine |= ours.size() == 64 && crypto::equal_in_constant_time(ours, theirs);
  }
  if (!genuine) return bad;
  // In whole seconds, as Stripe counts: 300 are fresh and 301 are not.
  const std::int64_t age_s = now_us / us_per_s - *timestamp_s;
  if (age_s > timestamp_tolerance_s || age_s < -timestamp_tolerance_s)
    return Problem{
        ProblemCode::stale_timestamp, "The timestamp is more than 300 seconds from now.", {}};
  return std::nullopt;
}

CallbackVerdict parse_callback(const Account& account, const RawCallback& callback, UnixUs now_us) {
  return within_bounds(read_callback(account, callback, now_us));
}

CallbackAck taken() { return {200, "application/json", R"({"received":true})"}; }
CallbackAck not_taken() { return {500, "application/json", R"({"received":false})"}; }

}  // namespace welkin::stripe
