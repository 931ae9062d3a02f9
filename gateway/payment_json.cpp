#include "gateway/payment_json.hpp"

#include "gateway/rfc3339.hpp"

namespace welkin {
namespace {

// `key` is written as it stands, with its comma, quotes and colon.
void append_text(std::string& out, std::string_view key, std::string_view value) {
  out.append(key);
  append_json_string(out, value);
}

void append_text_or_null(std::string& out, std::string_view key, std::string_view value) {
  if (!value.empty()) return append_text(out, key, value);
  out.append(key).append("null");
}

void append_number(std::string& out, std::string_view key, std::int64_t value) {
  out.append(key);
  append_json_int(out, value);
}

void append_time(std::string& out, std::string_view key, UnixUs at_us) {
  out.append(key).push_back('"');
  append_rfc3339(out, at_us);
  out.push_back('"');
}

void append_time_or_null(std::string& out, std::string_view key, UnixUs at_us) {
  if (at_us != 0) return append_time(out, key, at_us);
  out.append(key).append("null");
}

// The channel's words for what has failed or waits for somebody; null when nothing does.
void append_reason(std::string& out, std::string_view key, std::string_view code,
                   std::string_view message) {
  out.append(key);
  if (code.empty() && message.empty()) {
    out.append("null");
    return;
  }
  append_text(out, R"({"code":)", code);
  append_text(out, R"(,"message":)", message);
  out.push_back('}');
}

void append_failure(std::string& out, std::string_view code, std::string_view message) {
  append_reason(out, R"(,"failure":)", code, message);
}

void append_next_action(std::string& out, const Payment& payment) {
  // Once the payer has paid, or never will, there is nothing left to do.
  if (payment.next_action.type.empty() || payment.state != PaymentState::paying) {
    out.append(R"(,"next_action":null)");
    return;
  }
  append_text(out, R"(,"next_action":{"type":)", payment.next_action.type);
  append_text(out, R"(,"value":)", payment.next_action.value);
  out.push_back('}');
}

void append_metadata(std::string& out, const std::map<std::string, std::string>& metadata) {
  out.append(R"(,"metadata":{)");
  bool first = true;
  for (const auto& [key, value] : metadata) {
    if (!first) out.push_back(',');
    first = false;
    append_json_string(out, key);
    out.push_back(':');
    append_json_string(out, value);
  }
  out.push_back('}');
}

}  // namespace

void append_payment(std::string& out, const PaymentView& view) {
  const Payment& payment = *view.payment;
  out.reserve(out.size() + 768);
  append_text(out, R"({"id":)", view.id.text());
  append_text(out, R"(,"merchant_order_no":)", payment.merchant_order_no);
  append_text(out, R"(,"status":)", name_of(payment.state));
  append_number(out, R"(,"amount":)", payment.amount_minor);
  append_number(out, R"(,"authorized_amount":)", payment.authorized_minor);
  append_number(out, R"(,"captured_amount":)", payment.captured_minor);
  append_number(out, R"(,"refunded_amount":)", payment.refunded_minor);
  append_number(out, R"(,"refunds_pending_amount":)", payment.refund_pending_minor);
  append_text(out, R"(,"currency":)", payment.currency.code());
  append_text(out, R"(,"channel":)", payment.channel);
  append_text_or_null(out, R"(,"method":)", payment.method);
  append_text(out, R"(,"subject":)", payment.subject);
  append_text(out, R"(,"capture":)", name_of(payment.capture_method));
  append_next_action(out, payment);
  append_failure(out, payment.failure_code, payment.failure_message);
  append_text_or_null(out, R"(,"close_reason":)",
                      payment.close_reason ? name_of(*payment.close_reason) : std::string_view());
  append_metadata(out, payment.metadata);
  append_text_or_null(out, R"(,"return_url":)", payment.return_url);
  append_time(out, R"(,"created_at":)", payment.created_at_us);
  append_time(out, R"(,"updated_at":)", payment.updated_at_us);
  append_time(out, R"(,"expires_at":)", payment.expires_at_us);
  out.push_back('}');
}

void append_refund(std::string& out, const PaymentView& view, const Refund& refund) {
  append_text(out, R"({"id":)", refund.refund_id);
  append_text(out, R"(,"payment_id":)", view.id.text());
  append_text_or_null(out, R"(,"merchant_refund_no":)", refund.merchant_refund_no);
  append_text(out, R"(,"status":)", name_of(refund.state));
  append_number(out, R"(,"amount":)", refund.amount_minor);
  append_text(out, R"(,"currency":)", view.payment->currency.code());
  append_text(out, R"(,"reason":)", refund.reason);
  out.append(refund.surplus ? R"(,"surplus":true)" : R"(,"surplus":false)");
  append_text(out, R"(,"origin":)", refund.outside ? "channel" : "welkin");
  append_reason(out, R"(,"attention":)", refund.attention_code, refund.attention_message);
  append_failure(out, refund.failure_code, refund.failure_message);
  append_time(out, R"(,"created_at":)", refund.created_at_us);
  append_time(out, R"(,"updated_at":)", refund.updated_at_us);
  out.push_back('}');
}

void append_event(std::string& out, const EventView& event) {
  append_number(out, R"({"seq":)", static_cast<std::int64_t>(event.seq));
  append_text(out, R"(,"type":)", event.type);
  append_number(out, R"(,"version":)", event.version);
  append_time(out, R"(,"at":)", event.at_us);
  append_text(out, R"(,"causation_id":)", event.causation_id);
  append_text(out, R"(,"correlation_id":)", event.correlation_id);
  out.append(R"(,"payload":)").append(event.payload).append("}");  // JSON text already
}

void append_parked(std::string& out, const ParkedEntity& entity) {
  append_text(out, R"({"payment_id":)", entity.payment.text());
  append_text_or_null(out, R"(,"part":)",
                      entity.operation ? name_of(*entity.operation) : std::string_view());
  append_text_or_null(out, R"(,"refund_id":)", entity.refund_id);
  append_text(out, R"(,"reason":)", entity.reason);
  append_time(out, R"(,"since":)", entity.since_us);
  out.push_back('}');
}

void append_breaker(std::string& out, const BreakerView& breaker) {
  append_text(out, R"({"account":)", breaker.account);
  append_text(out, R"(,"state":)", name_of(breaker.state));
  append_time_or_null(out, R"(,"since":)", breaker.since_us);
  append_text_or_null(out, R"(,"reason":)", breaker.reason);
  append_text_or_null(out, R"(,"by":)", breaker.by);
  append_number(out, R"(,"trips":)", breaker.trips);
  append_number(out, R"(,"window":{"calls":)", breaker.figures.calls);
  append_number(out, R"(,"failures":)", breaker.figures.failures);
  append_number(out, R"(,"slow":)", breaker.figures.slow);
  append_time_or_null(out, R"(},"next_probe_at":)", breaker.next_probe_at_us);
  append_number(out, R"(,"refused_calls":)", breaker.refused);
  out.push_back('}');
}

}  // namespace welkin
