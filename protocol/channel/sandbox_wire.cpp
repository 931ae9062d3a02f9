// How the sandbox channel's messages are written and read; see the header for what it promises.
#include "protocol/channel/sandbox_wire.hpp"

#include <iterator>

#include "protocol/channel/sandbox_fields.hpp"
#include "protocol/name_table.hpp"

namespace welkin::sandbox_wire {
namespace {

// ---- names

constexpr std::string_view order_status_names[] = {"OPEN", "AUTHORIZED", "PAID", "CLOSED",
                                                   "DECLINED"};
constexpr std::string_view refund_status_names[] = {"PENDING", "SUCCEEDED", "FAILED", "STUCK"};
constexpr std::string_view event_names[] = {"order.paid",     "order.authorized", "order.closed",
                                            "order.declined", "refund.succeeded", "refund.failed",
                                            "refund.stuck"};
static_assert(std::size(order_status_names) == static_cast<std::size_t>(OrderStatus::declined) + 1);
static_assert(std::size(refund_status_names) == static_cast<std::size_t>(RefundStatus::stuck) + 1);
static_assert(std::size(event_names) == static_cast<std::size_t>(CallbackEvent::refund_stuck) + 1);

// ---- what the channel's words mean

ChannelVerdict verdict_of(OrderStatus status, ChannelOperation asked) {
  switch (status) {
    case OrderStatus::open:
      return ChannelVerdict::accepted;
    case OrderStatus::authorized:
      return ChannelVerdict::authorized;
    case OrderStatus::paid:
      return ChannelVerdict::paid;
    case OrderStatus::closed:
      return ChannelVerdict::closed;
    // A no to the payment. To somebody who asked for the order's end it is that end.
    case OrderStatus::declined:
      return asked == ChannelOperation::create ? ChannelVerdict::refused : ChannelVerdict::closed;
  }
  return ChannelVerdict::unknown;
}

ChannelVerdict verdict_of(RefundStatus status) {
  switch (status) {
    case RefundStatus::pending:
      return ChannelVerdict::refund_pending;
    case RefundStatus::succeeded:
      return ChannelVerdict::refunded;
    case RefundStatus::failed:
      return ChannelVerdict::refund_refused;
    case RefundStatus::stuck:
      return ChannelVerdict::refund_needs_action;
  }
  return ChannelVerdict::unknown;
}

// The refusals that are definite: after them nothing was done and nothing will be. A code that is
// not listed for its operation leaves the outcome unknown, and a query finds out. So stays, above
// all, "exists with other data": an order is there, and it can still be paid.
struct DefiniteRefusal {
  ChannelOperation operation;
  int http_status;
  std::string_view code;
};
constexpr DefiniteRefusal definite_refusals[] = {
    {ChannelOperation::create, 400, "INVALID_REQUEST"},
    {ChannelOperation::capture, 400, "INVALID_REQUEST"},
    {ChannelOperation::capture, 409, "ORDER_CLOSED"},
    {ChannelOperation::capture, 409, "ORDER_NOT_AUTHORIZED"},
    {ChannelOperation::capture, 422, "AMOUNT_EXCEEDS_AUTHORIZED"},
    {ChannelOperation::close, 409, "ORDER_PAID"},
    {ChannelOperation::close, 409, "ORDER_AUTHORIZED"},
    {ChannelOperation::void_, 409, "ORDER_PAID"},
    {ChannelOperation::void_, 409, "ORDER_NOT_AUTHORIZED"},
    {ChannelOperation::refund, 400, "INVALID_REQUEST"},
    {ChannelOperation::refund, 409, "ORDER_NOT_PAID"},
    {ChannelOperation::refund, 422, "AMOUNT_EXCEEDS_REFUNDABLE"},
};

bool is_definite(ChannelOperation operation, int http_status, std::string_view code) {
  for (const DefiniteRefusal& refusal : definite_refusals)
    if (refusal.operation == operation && refusal.http_status == http_status &&
        refusal.code == code)
      return true;
  return false;
}

// ---- objects

WireOrder read_order(Fields& fields) {
  WireOrder order;
  order.out_order_no = fields.number("out_order_no");
  order.merchant_id = fields.text("merchant_id", 1, 64);
  order.status = fields.named("status", parse_order_status);
  order.amount_minor = fields.amount("amount_minor");
  order.captured_minor = fields.amount("captured_minor", order.status == OrderStatus::paid ? 1 : 0);
  order.refunded_minor = fields.amount("refunded_minor", 0);
  order.currency = fields.currency("currency");
  order.manual_capture = fields.boolean("manual_capture");
  order.transaction_id = fields.text("transaction_id", 1, 64);
  if (fields.has("qr_code")) order.qr_code = fields.text("qr_code", 1, 2048);
  if (fields.has("pay_url")) order.pay_url = fields.url("pay_url");
  return order;
}

WireRefund read_refund(Fields& fields) {
  WireRefund refund;
  refund.out_refund_no = fields.number("out_refund_no");
  refund.out_order_no = fields.number("out_order_no");
  refund.merchant_id = fields.text("merchant_id", 1, 64);
  refund.status = fields.named("status", parse_refund_status);
  refund.amount_minor = fields.amount("amount_minor");
  refund.order_amount_minor = fields.amount("order_amount_minor");
  refund.currency = fields.currency("currency");
  refund.transaction_id = fields.text("transaction_id", 1, 64);
  return refund;
}

template <class T>
std::optional<T> read_inner(Fields& outer, const char* name, T (*read)(Fields&)) {
  if (!outer.has(name)) return std::nullopt;
  const Json* object = outer.object(name);
  if (!object) return std::nullopt;
  Fields inner(*object, std::string("/") + name);
  T value = read(inner);
  outer.adopt(inner.finish());
  return value;
}

Json order_json(const WireOrder& order) {
  Json json{{"out_order_no", order.out_order_no},     {"merchant_id", order.merchant_id},
            {"status", name_of(order.status)},        {"amount_minor", order.amount_minor},
            {"captured_minor", order.captured_minor}, {"refunded_minor", order.refunded_minor},
            {"currency", order.currency.code()},      {"manual_capture", order.manual_capture},
            {"transaction_id", order.transaction_id}};
  if (!order.qr_code.empty()) json["qr_code"] = order.qr_code;
  if (!order.pay_url.empty()) json["pay_url"] = order.pay_url;
  return json;
}

Json refund_json(const WireRefund& refund) {
  return {
      {"out_refund_no", refund.out_refund_no}, {"out_order_no", refund.out_order_no},
      {"merchant_id", refund.merchant_id},     {"status", name_of(refund.status)},
      {"amount_minor", refund.amount_minor},   {"order_amount_minor", refund.order_amount_minor},
      {"currency", refund.currency.code()},    {"transaction_id", refund.transaction_id}};
}

// A text that is not UTF-8 cannot come out of the gateway; if one does, the call still goes out.
std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Parsed<Answer> parse_answer_body(std::string_view body) {
  return read_body<Answer>(body, [](Fields& fields) {
    Answer answer;
    answer.code = fields.text("code", 1, 64);
    answer.message = fields.text("message", 0, 512);
    answer.order = read_inner(fields, "order", read_order);
    answer.refund = read_inner(fields, "refund", read_refund);
    return answer;
  });
}

// ---- reports

void describe_order(ChannelReport& report, const WireOrder& order) {
  report.channel_order_no = order.out_order_no;
  report.merchant_id = order.merchant_id;
  // What was taken, once it is taken: a capture may take less than the order's amount.
  report.amount_minor =
      order.status == OrderStatus::paid ? order.captured_minor : order.amount_minor;
  report.currency = order.currency;
  report.channel_reference = order.transaction_id;
  if (!order.qr_code.empty()) report.next_action = {"qr_code", order.qr_code};
  if (!order.pay_url.empty()) report.next_action = {"redirect", order.pay_url};
  if (order.status == OrderStatus::declined) {
    report.code = "PAYER_DECLINED";
    report.message = "The payer declined.";
  }
}

void describe_refund(ChannelReport& report, const WireRefund& refund) {
  report.channel_order_no = refund.out_order_no;
  report.merchant_id = refund.merchant_id;
  report.amount_minor = refund.amount_minor;
  report.currency = refund.currency;
  report.channel_reference = refund.transaction_id;
  if (refund.status == RefundStatus::stuck) {
    report.code = "REFUND_STUCK";
    report.message = "The payer's account cannot take the refund; see to it at the channel.";
  }
  if (refund.status == RefundStatus::failed) {
    report.code = "REFUND_FAILED";
    report.message = "The channel could not give the money back.";
  }
}

ChannelReport success_report(const ChannelCall& call, const Answer& answer) {
  ChannelReport report = report_about(call);
  if (call.operation == ChannelOperation::refund) {
    if (!answer.refund || answer.order)
      return report_unknown(call, "wrong_shape", "The answer holds no refund, or more than that.");
    // Whatever became of another refund says nothing about this one.
    if (answer.refund->out_refund_no != call.channel_refund_no)
      return report_unknown(call, "other_refund", "The answer is about another refund.");
    report.verdict = verdict_of(answer.refund->status);
    describe_refund(report, *answer.refund);
    return report;
  }
  if (!answer.order || answer.refund)
    return report_unknown(call, "wrong_shape", "The answer holds no order, or more than that.");
  report.verdict = verdict_of(answer.order->status, call.operation);
  describe_order(report, *answer.order);
  return report;
}

CallbackEvent event_of(OrderStatus status) {
  switch (status) {
    case OrderStatus::authorized:
      return CallbackEvent::order_authorized;
    case OrderStatus::closed:
      return CallbackEvent::order_closed;
    case OrderStatus::declined:
      return CallbackEvent::order_declined;
    case OrderStatus::open:  // has no callback: read as paid, it fails the comparison below
    case OrderStatus::paid:
      break;
  }
  return CallbackEvent::order_paid;
}

CallbackEvent event_of(RefundStatus status) {
  switch (status) {
    case RefundStatus::failed:
      return CallbackEvent::refund_failed;
    case RefundStatus::stuck:
      return CallbackEvent::refund_stuck;
    case RefundStatus::pending:  // has no callback, which is seen before this is asked
    case RefundStatus::succeeded:
      break;
  }
  return CallbackEvent::refund_succeeded;
}

// What a callback about an order answers: the order's last operation that changes its status.
ChannelOperation operation_of(const WireOrder& order) {
  if (order.status == OrderStatus::closed)
    return order.manual_capture ? ChannelOperation::void_ : ChannelOperation::close;
  if (order.status == OrderStatus::paid && order.manual_capture) return ChannelOperation::capture;
  return ChannelOperation::create;
}

}  // namespace

// ---- names

std::string_view name_of(OrderStatus status) {
  return order_status_names[static_cast<std::size_t>(status)];
}
std::string_view name_of(RefundStatus status) {
  return refund_status_names[static_cast<std::size_t>(status)];
}
std::string_view name_of(CallbackEvent event) {
  return event_names[static_cast<std::size_t>(event)];
}
std::optional<OrderStatus> parse_order_status(std::string_view name) {
  return find_name<OrderStatus>(order_status_names, name);
}
std::optional<RefundStatus> parse_refund_status(std::string_view name) {
  return find_name<RefundStatus>(refund_status_names, name);
}
std::optional<CallbackEvent> parse_callback_event(std::string_view name) {
  return find_name<CallbackEvent>(event_names, name);
}

// ---- the sandbox's side

Parsed<CreateOrder> parse_create_order(std::string_view body) {
  return read_body<CreateOrder>(body, [](Fields& fields) {
    CreateOrder order;
    order.out_order_no = fields.number("out_order_no");
    order.merchant_id = fields.text("merchant_id", 1, 64);
    order.amount_minor = fields.amount("amount_minor");
    order.currency = fields.currency("currency");
    order.subject = fields.text("subject", 0, 1024);
    order.manual_capture = fields.boolean("manual_capture");
    order.return_url = fields.url("return_url");
    order.notify_url = fields.url("notify_url");
    order.expires_at_us = fields.integer("expires_at_us", 0, INT64_MAX);
    return order;
  });
}

Parsed<CaptureOrder> parse_capture_order(std::string_view body) {
  return read_body<CaptureOrder>(body, [](Fields& fields) {
    return CaptureOrder{fields.number("out_order_no"), fields.amount("amount_minor")};
  });
}

Parsed<OrderReference> parse_order_reference(std::string_view body) {
  return read_body<OrderReference>(
      body, [](Fields& fields) { return OrderReference{fields.number("out_order_no")}; });
}

Parsed<CreateRefund> parse_create_refund(std::string_view body) {
  return read_body<CreateRefund>(body, [](Fields& fields) {
    CreateRefund refund;
    refund.out_refund_no = fields.number("out_refund_no");
    refund.out_order_no = fields.number("out_order_no");
    refund.merchant_id = fields.text("merchant_id", 1, 64);
    refund.amount_minor = fields.amount("amount_minor");
    refund.currency = fields.currency("currency");
    return refund;
  });
}

std::string encode_answer(const Answer& answer) {
  Json json{{"code", answer.code}, {"message", answer.message}};
  if (answer.order) json["order"] = order_json(*answer.order);
  if (answer.refund) json["refund"] = refund_json(*answer.refund);
  return dump(json);
}

std::string encode_callback(const Callback& callback) {
  Json json{{"event", name_of(callback.event)}};
  if (callback.order) json["order"] = order_json(*callback.order);
  if (callback.refund) json["refund"] = refund_json(*callback.refund);
  return dump(json);
}

// ---- the runtime's side

EncodedRequest encode_request(const ChannelCall& call, std::string_view notify_url) {
  const std::string prefix(path_prefix);
  const std::string order_path = prefix + "/orders/" + call.channel_order_no;
  if (call.query) {
    const bool of_refund = call.operation == ChannelOperation::refund;
    return {"GET", of_refund ? prefix + "/refunds/" + call.channel_refund_no : order_path, {}};
  }
  switch (call.operation) {
    case ChannelOperation::create:
      return {"POST", prefix + "/orders",
              dump({{"out_order_no", call.channel_order_no},
                    {"merchant_id", call.merchant_id},
                    {"amount_minor", call.amount_minor},
                    {"currency", call.currency.code()},
                    {"subject", call.subject},
                    {"manual_capture", call.manual_capture},
                    {"return_url", call.return_url},
                    {"notify_url", notify_url},
                    {"expires_at_us", call.expires_at_us}})};
    case ChannelOperation::capture:
      return {"POST", order_path + "/capture",
              dump({{"out_order_no", call.channel_order_no}, {"amount_minor", call.amount_minor}})};
    case ChannelOperation::close:
      return {"POST", order_path + "/close", dump({{"out_order_no", call.channel_order_no}})};
    case ChannelOperation::void_:
      return {"POST", order_path + "/void", dump({{"out_order_no", call.channel_order_no}})};
    case ChannelOperation::refund:
      break;
  }
  return {"POST", prefix + "/refunds",
          dump({{"out_refund_no", call.channel_refund_no},
                {"out_order_no", call.channel_order_no},
                {"merchant_id", call.merchant_id},
                {"amount_minor", call.amount_minor},
                {"currency", call.currency.code()}})};
}

ChannelReport parse_answer(const ChannelCall& call, int http_status, std::string_view body) {
  const std::string status = "HTTP status " + std::to_string(http_status);
  auto parsed = parse_answer_body(body);
  const bool unwell = http_status >= 500;
  if (const auto* problem = std::get_if<Problem>(&parsed)) {
    ChannelReport report =
        report_unknown(call, unwell ? "server_error" : "unreadable_answer",
                       status + ": " + problem->detail +
                           (problem->field.empty() ? "" : " (" + problem->field + ")"));
    if (unwell) report.fate = CallFate::unwell;
    return report;
  }
  const Answer& answer = std::get<Answer>(parsed);
  if (http_status == 200 && answer.code == code_success) return success_report(call, answer);
  ChannelReport report =
      report_unknown(call, answer.code, answer.message.empty() ? status : answer.message);
  report.fate = unwell ? CallFate::unwell : CallFate::answered;
  const bool of_refund = call.operation == ChannelOperation::refund;
  if (http_status == 404 &&
      (answer.code == "ORDER_NOT_FOUND" || (of_refund && answer.code == "REFUND_NOT_FOUND")))
    report.verdict = ChannelVerdict::not_found;
  else if (!call.query && is_definite(call.operation, http_status, answer.code))
    report.verdict = of_refund ? ChannelVerdict::refund_refused : ChannelVerdict::refused;
  return report;
}

Parsed<ChannelReport> parse_callback(std::string_view body, std::string_view nonce) {
  auto parsed = read_body<Callback>(body, [](Fields& fields) {
    Callback callback;
    callback.event = fields.named("event", parse_callback_event);
    callback.order = read_inner(fields, "order", read_order);
    callback.refund = read_inner(fields, "refund", read_refund);
    if (callback.order.has_value() == callback.refund.has_value())
      fields.fail(ProblemCode::missing_field, "order", "One of order and refund must be there.");
    return callback;
  });
  if (auto* problem = std::get_if<Problem>(&parsed)) return std::move(*problem);
  const Callback& callback = std::get<Callback>(parsed);
  const Problem contradiction{ProblemCode::invalid_value, "The event and the status contradict.",
                              "/event"};
  ChannelReport report;
  report.source = ReportSource::callback;
  report.id = std::string(nonce);
  if (callback.order) {
    const WireOrder& order = *callback.order;
    if (order.status == OrderStatus::open || event_of(order.status) != callback.event)
      return contradiction;
    report.operation = operation_of(order);
    report.verdict = verdict_of(order.status, report.operation);
    describe_order(report, order);
  } else {
    const WireRefund& refund = *callback.refund;
    const CallbackEvent fitting = event_of(refund.status);
    if (refund.status == RefundStatus::pending || fitting != callback.event) return contradiction;
    const auto refund_id = parse_channel_refund_no(refund.out_refund_no);
    report.operation = ChannelOperation::refund;
    // Under a number that is not ours it was made at the channel's own desk.
    report.outside_refund = !refund_id;
    if (refund_id) report.refund_id = refund_id->text();
    report.verdict = verdict_of(refund.status);
    describe_refund(report, refund);
  }
  const auto order = parse_channel_order_no(report.channel_order_no);
  if (!order)
    return Problem{ProblemCode::invalid_value, "This is no order number of ours.",
                   callback.order ? "/order/out_order_no" : "/refund/out_order_no"};
  report.payment = order->payment;
  return report;
}

}  // namespace welkin::sandbox_wire
