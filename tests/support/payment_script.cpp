#include "tests/support/payment_script.hpp"

#include <stdexcept>
#include <utility>

namespace welkin {

Currency currency_of(std::string_view code) {
  const auto currency = Currency::parse(code);
  if (!currency) throw std::invalid_argument("no such currency");
  return *currency;
}

PaymentScript::PaymentScript(CaptureMethod capture)
    : id(payment_id_of("m_1", "order-1")), capture_(capture) {}

CreatePayment PaymentScript::create_body() const {
  CreatePayment body;
  body.merchant_order_no = "order-1";
  body.amount_minor = script_amount_minor;
  body.currency = currency_of("CNY");
  body.channel = "sandbox";
  body.subject = "tea";
  body.capture_method = capture_;
  body.expires_in_s = script_expires_in_s;
  return body;
}

PaymentCommand PaymentScript::command(PaymentCommandBody body) const {
  PaymentCommand command;
  command.payment = id;
  command.merchant_id = "m_1";
  command.request.fingerprint = "f1";
  command.cause = "request:1";
  command.body = std::move(body);
  return command;
}

ChannelReport PaymentScript::report(ChannelVerdict verdict, std::string reference) const {
  ChannelReport said;
  said.payment = id;
  said.verdict = verdict;
  said.channel_order_no = payment.last_attempt().channel_order_no;
  said.merchant_id = payment.merchant_id;
  said.amount_minor = payment.amount_minor;
  said.currency = payment.currency;
  said.channel_reference = std::move(reference);
  return said;
}

ChannelReport PaymentScript::refund_report(ChannelVerdict verdict,
                                           const std::string& refund_id) const {
  ChannelReport said = report(verdict, "chr_1");
  said.operation = ChannelOperation::refund;
  said.refund_id = refund_id;
  if (const Refund* refund = payment.find_refund(refund_id)) {
    said.amount_minor = refund->amount_minor;
    said.channel_order_no = refund->channel_order_no;
  }
  return said;
}

Decision PaymentScript::ask(const PaymentCommandBody& body) const {
  return decide(payment, command(body), context());
}
Decision PaymentScript::hear(const ChannelReport& said) const {
  return decide(payment, said, context());
}

std::vector<PaymentEvent> PaymentScript::apply_all(std::vector<PaymentEvent> events) {
  if (events.empty()) throw std::logic_error("nothing to apply");
  std::string problem;
  for (const PaymentEvent& event : events)
    if (!apply(payment, event, now_us, &problem)) throw std::logic_error(problem);
  return events;
}

std::vector<PaymentEvent> PaymentScript::take(const PaymentCommandBody& body) {
  Decision decision = ask(body);
  if (auto* events = std::get_if<std::vector<PaymentEvent>>(&decision))
    return apply_all(std::move(*events));
  throw std::logic_error("the script's command was answered " + in_short(decision));
}

std::vector<PaymentEvent> PaymentScript::take(const ChannelReport& said) {
  Decision decision = hear(said);
  if (auto* events = std::get_if<std::vector<PaymentEvent>>(&decision))
    return apply_all(std::move(*events));
  throw std::logic_error("the script's report was answered " + in_short(decision));
}

std::vector<PaymentEvent> PaymentScript::expire() {
  now_us = payment.expires_at_us;
  if (payment.pending && decide_due(payment, context()).empty()) {
    ChannelReport open = report(ChannelVerdict::accepted);  // it is asked first
    open.source = ReportSource::query;
    take(open);
  }
  return apply_all(decide_due(payment, context()));
}

PaymentScript& PaymentScript::start() {
  take(create_body());
  ChannelReport accepted = report(ChannelVerdict::accepted);
  accepted.next_action = {"qr_code", "https://pay.example/qr/1"};
  take(accepted);
  return *this;
}

PaymentScript& PaymentScript::authorize() {
  start();
  take(report(ChannelVerdict::authorized));
  return *this;
}

PaymentScript& PaymentScript::pay() {
  if (capture_ == CaptureMethod::manual) {
    authorize();
    take(CapturePayment{});
  } else {
    start();
  }
  take(report(ChannelVerdict::paid));
  return *this;
}

PaymentScript& PaymentScript::fail() {
  start();
  ChannelReport refused = report(ChannelVerdict::refused);
  refused.code = "insufficient_funds";
  refused.message = "not enough money";
  take(refused);
  return *this;
}

PaymentScript& PaymentScript::close() {
  start();
  take(ClosePayment{});
  take(report(ChannelVerdict::closed));
  return *this;
}

std::string PaymentScript::refund(std::int64_t amount_minor,
                                  const std::string& merchant_refund_no) {
  take(RefundPayment{merchant_refund_no, amount_minor, "broken cup"});
  return payment.refunds.back().refund_id;
}

PaymentScript& PaymentScript::refunded(std::int64_t amount_minor,
                                       const std::string& merchant_refund_no) {
  take(refund_report(ChannelVerdict::refunded, refund(amount_minor, merchant_refund_no)));
  return *this;
}

std::string in_short(const std::vector<PaymentEvent>& events) {
  constexpr std::string_view prefix = "payment_";
  std::string words;
  for (const PaymentEvent& event : events) {
    if (!words.empty()) words += '+';
    words += name_of(kind_of(event)).substr(prefix.size());
  }
  return words;
}

std::string parked_because(const Payment& payment) {
  std::string words;
  for (const ParkedPart& part : payment.parked_parts())
    words += (words.empty() ? "" : "; ") + part.parked.reason;
  return words;
}

std::string in_short(const Decision& decision) {
  if (const auto* problem = std::get_if<Problem>(&decision))
    return "!" + std::string(spec_of(problem->code).name);
  if (const auto* events = std::get_if<std::vector<PaymentEvent>>(&decision))
    return in_short(*events);
  return "already";
}

}  // namespace welkin
