#include "gateway/openapi_examples.hpp"

#include <memory>
#include <string>
#include <vector>

#include "gateway/payment_json.hpp"
#include "gateway/problem_document.hpp"
#include "protocol/payment/event_codec.hpp"

namespace welkin::openapi_doc {
namespace {

constexpr UnixUs created_at_us = 1'893'456'000 * us_per_s;  // the first second of 2030
constexpr std::string_view request_id = "req_1kyb9mrp0qh4dg9525z82t54z3";

Json create_request() {
  return {
      {"merchant_order_no", "tea-1"}, {"amount", 1250},         {"currency", "CNY"},
      {"channel", "sandbox"},         {"subject", "Green tea"}, {"metadata", {{"cart", "c-77"}}}};
}

// The payment that `create_request` makes, as soon as its payer is asked.
Payment payment() {
  Payment out;
  out.state = PaymentState::paying;
  out.merchant_id = "m_1";
  out.merchant_order_no = "tea-1";
  out.amount_minor = 1250;
  out.currency = *Currency::parse("CNY");
  out.channel = "sandbox";
  out.subject = "Green tea";
  out.metadata = {{"cart", "c-77"}};
  out.next_action = {"qr_code", "sandbox://pay/tea-1"};
  out.created_at_us = created_at_us;
  out.updated_at_us = created_at_us + 40 * us_per_ms;
  out.expires_at_us = created_at_us + 900 * us_per_s;
  return out;
}

PaymentView view() {
  PaymentView out;
  out.id = payment_id_of("m_1", "tea-1");
  out.payment = std::make_shared<const Payment>(payment());
  return out;
}

Refund refund() {
  Refund out;
  out.refund_id = refund_id_of(view().id, "tea-1-r1").text();
  out.merchant_refund_no = "tea-1-r1";
  out.amount_minor = 250;
  out.reason = "one cup less";
  out.created_at_us = out.updated_at_us = created_at_us + 60 * us_per_s;
  return out;
}

EventView event_of(std::uint64_t seq, const PaymentEvent& event) {
  EventView out;
  out.seq = seq;
  out.type = name_of(kind_of(event));
  out.version = version_of(event);
  write_event(event, out.payload);
  out.at_us = created_at_us + 5 * us_per_s;
  out.causation_id = "callback:1kyb9mrp0q";
  out.correlation_id = "request:1kyb9mrp0qh4dg9525z82t54z3";
  return out;
}

std::vector<EventView> events() {
  PaymentPaid paid;
  paid.captured_minor = 1250;
  paid.channel_reference = "sbx_1";
  paid.source = ReportSource::callback;
  paid.postings = {{"channel/sandbox", 1250}, {"merchant/m_1/payable", -1250}};
  return {event_of(4, paid)};
}

BreakerView breaker() {
  BreakerView out;
  out.account = "sandbox";
  out.state = BreakerState::forced_open;
  out.since_us = created_at_us;
  out.reason = "maintenance until noon";
  out.by = "operator";
  return out;
}

template <class Item, class Append>
Json page(const std::vector<Item>& items, const std::string& next_cursor, Append append) {
  return Json::parse(list_json(items, next_cursor, append));
}

void append_example_refund(std::string& out, const Refund& refund) {
  append_refund(out, view(), refund);
}

template <class Item, class Append>
Json alone(const Item& item, Append append) {
  std::string out;
  append(out, item);
  return Json::parse(out);
}

}  // namespace

Json example_of(std::string_view schema) {
  if (schema == "CreatePayment") return create_request();
  if (schema == "CapturePayment") return {{"amount", 600}};
  if (schema == "CreateRefund")
    return {{"merchant_refund_no", "tea-1-r1"}, {"amount", 250}, {"reason", "one cup less"}};
  if (schema == "OperateBreaker")
    return {{"action", "force_open"}, {"reason", "maintenance until noon"}};
  if (schema == "Empty") return Json::object();
  if (schema == "Payment") return alone(view(), append_payment);
  if (schema == "PaymentList") return page(std::vector{view()}, {}, append_payment);
  if (schema == "Refund") return alone(refund(), append_example_refund);
  if (schema == "RefundList") return page(std::vector{refund()}, {}, append_example_refund);
  if (schema == "EventList") return page(events(), {}, append_event);
  if (schema == "Breaker") return alone(breaker(), append_breaker);
  if (schema == "BreakerList") return page(std::vector{breaker()}, {}, append_breaker);
  if (schema == "ParkedList")
    return page(std::vector{ParkedEntity{view().id, "it could not be settled in 220 tries",
                                         created_at_us, ChannelOperation::capture, ""}},
                {}, append_parked);
  if (schema == "Health") return {{"status", "ok"}};
  if (schema == "Readiness") return {{"ready", true}, {"reason", ""}};
  return nullptr;
}

Json problem_example(ProblemCode code) {
  HttpAnswer answer;
  answer_problem({code, {}, {}}, request_id, answer);
  return Json::parse(answer.body);
}

}  // namespace welkin::openapi_doc
