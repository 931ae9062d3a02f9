// The channel's server and its payer; see lying_channel.hpp.
#include <utility>

#include "tests/simulation/lying_channel.hpp"

namespace welkin::simulation {
namespace {

namespace wire = sandbox_wire;
using wire::CallbackEvent;
using wire::OrderStatus;
using wire::RefundStatus;

constexpr std::string_view orders_path = "/sandbox/v1/orders";
constexpr std::string_view refunds_path = "/sandbox/v1/refunds";

bool starts_with(std::string_view text, std::string_view start) {
  return text.substr(0, start.size()) == start;
}

std::string refusal_body(std::string code) {
  return wire::encode_answer({std::move(code), "said the channel", {}, {}});
}
std::string order_body(const BookedOrder& order) {
  return wire::encode_answer({std::string(wire::code_success), "", order.shown(), {}});
}
std::string refund_body(const BookedRefund& refund) {
  return wire::encode_answer({std::string(wire::code_success), "", {}, refund.wire});
}

}  // namespace

std::string asked_order_no(const wire::EncodedRequest& request) {
  if (starts_with(request.path, refunds_path)) {
    const auto asked = wire::parse_create_refund(request.body);
    const auto* refund = std::get_if<wire::CreateRefund>(&asked);
    return refund ? refund->out_order_no : "";
  }
  if (request.path == orders_path) {
    const auto asked = wire::parse_create_order(request.body);
    const auto* order = std::get_if<wire::CreateOrder>(&asked);
    return order ? order->out_order_no : "";
  }
  const std::string rest = request.path.substr(orders_path.size() + 1);
  return rest.substr(0, rest.find('/'));
}

// ---- the server

LyingChannel::HttpReply LyingChannel::serve(const wire::EncodedRequest& request) {
  if (request.path == orders_path) return serve_create(request.body);
  if (request.path == refunds_path) return serve_refund(request.body);
  if (starts_with(request.path, refunds_path))
    return serve_find_refund(request.path.substr(refunds_path.size() + 1));
  return serve_order(request.method, request.path, request.body);
}

LyingChannel::HttpReply LyingChannel::serve_create(const std::string& body) {
  const auto parsed = wire::parse_create_order(body);
  const auto* asked = std::get_if<wire::CreateOrder>(&parsed);
  if (!asked) return {400, refusal_body("INVALID_REQUEST")};
  if (const BookedOrder* known = books_.find(asked->out_order_no)) {
    if (known->refused) return {400, refusal_body("INVALID_REQUEST")};
    return {200, order_body(*known)};
  }
  BookedOrder& order = books_.create(*asked);
  order.spared = asked->subject == spared_subject;
  if (stage_.faults.strikes(FaultKind::create_refused, order.spared)) {
    order.refused = true;
    order.status = OrderStatus::closed;
    return {400, refusal_body("INVALID_REQUEST")};
  }
  payer_decides(asked->out_order_no);
  return {200, order_body(order)};
}

LyingChannel::HttpReply LyingChannel::serve_order(const std::string& method,
                                                  const std::string& path,
                                                  const std::string& body) {
  const std::string rest = path.substr(orders_path.size() + 1);
  const std::string order_no = rest.substr(0, rest.find('/'));
  BookedOrder* order = books_.find(order_no);
  if (!order || order->refused) return {404, refusal_body("ORDER_NOT_FOUND")};
  const bool expired =
      order->asked.expires_at_us != 0 && stage_.now_us() >= order->asked.expires_at_us;
  if (expired && order->status == OrderStatus::open) books_.close(*order);
  if (method == "GET") {
    // Never about an order with money in it: nobody could find out.
    if (order->charges.empty() && stage_.faults.strikes(FaultKind::not_found_lie, order->spared)) {
      order->may_be_forgotten = true;
      return {404, refusal_body("ORDER_NOT_FOUND")};
    }
    return {200, order_body(*order)};
  }
  const OrderStatus before = order->status;
  std::optional<Refusal> refusal;
  const std::string verb = rest.substr(order_no.size() + 1);
  if (verb == "close") {
    refusal = books_.close(*order);
  } else if (verb == "void") {
    may_capture_at_desk(*order);
    refusal = books_.let_go(*order);
  } else {
    refusal = serve_capture(*order, body);
  }
  if (refusal) return {refusal->http_status, refusal_body(refusal->code)};
  HttpReply reply{200, order_body(*order)};
  if (before != order->status)
    tell_order(order_no,
               order->status == OrderStatus::paid ? CallbackEvent::order_paid
                                                  : CallbackEvent::order_closed,
               /*must_arrive=*/false);
  if (order->status == OrderStatus::closed) may_charge_late(*order);
  return reply;
}

std::optional<Refusal> LyingChannel::serve_capture(BookedOrder& order, const std::string& body) {
  const auto parsed = wire::parse_capture_order(body);
  const auto* asked = std::get_if<wire::CaptureOrder>(&parsed);
  if (!asked) return Refusal{400, "INVALID_REQUEST"};
  if (order.status == OrderStatus::authorized &&
      stage_.faults.strikes(FaultKind::capture_refused, order.spared))
    order.refused_captures.insert(asked->amount_minor);
  if (order.refused_captures.count(asked->amount_minor) > 0) return Refusal{400, "INVALID_REQUEST"};
  return books_.capture(order, asked->amount_minor);
}

// All of it, or a part: but only what the runtime may have closed already comes back whole.
void LyingChannel::may_capture_at_desk(BookedOrder& order) {
  if (order.status != OrderStatus::authorized ||
      !stage_.faults.strikes(FaultKind::captured_at_desk, order.spared))
    return;
  const std::int64_t held_minor = order.held_minor();
  const bool all = order.may_be_forgotten || dice_.percent(50);
  books_.capture(order, all ? held_minor : dice_.between(1, held_minor));
  stage_.note([&] { return account_ + ": somebody captures " + order.asked.out_order_no; });
  // Nobody asks about what could not be let go.
  tell_order(order.asked.out_order_no, CallbackEvent::order_paid, /*must_arrive=*/true);
}

// Over, said the channel, and the payer pays all the same.
void LyingChannel::may_charge_late(BookedOrder& order) {
  if (order.late_charge_planned || !stage_.faults.strikes(FaultKind::late_charge, order.spared))
    return;
  order.late_charge_planned = true;
  later(dice_.between(us_per_ms, 60 * us_per_s), [this, order_no = order.asked.out_order_no] {
    payer_pays(order_no, /*must_arrive=*/true);
  });
}

LyingChannel::HttpReply LyingChannel::serve_refund(const std::string& body) {
  const auto parsed = wire::parse_create_refund(body);
  const auto* asked = std::get_if<wire::CreateRefund>(&parsed);
  if (!asked) return {400, refusal_body("INVALID_REQUEST")};
  if (const BookedRefund* known = books_.find_refund(asked->out_refund_no)) {
    if (known->refused) return {422, refusal_body("AMOUNT_EXCEEDS_REFUNDABLE")};
    return {200, refund_body(*known)};
  }
  BookedOrder* order = books_.find(asked->out_order_no);
  if (!order) return {404, refusal_body("ORDER_NOT_FOUND")};
  const bool refuse = stage_.faults.strikes(FaultKind::refund_refused, order->spared);
  BookedRefund* refund = books_.refund(*order, *asked, refuse);
  if (!refund) return {422, refusal_body("AMOUNT_EXCEEDS_REFUNDABLE")};
  const bool fails = stage_.faults.strikes(FaultKind::refund_fails, order->spared);
  const auto settle = [this, refund_no = asked->out_refund_no, fails] {
    settle_refund(refund_no, !fails);
  };
  // Some channels give back at once, most take their time.
  if (stage_.faults.strikes(FaultKind::refund_stuck, order->spared))
    later(dice_.between(10 * us_per_ms, 20 * us_per_s),
          [this, refund_no = asked->out_refund_no, fails] { stick_refund(refund_no, !fails); });
  else if (stage_.faults.strikes(FaultKind::refund_slow, order->spared))
    later(dice_.between(60 * us_per_s, 3'000 * us_per_s), settle);
  else if (dice_.percent(30))
    settle();
  else
    later(dice_.between(10 * us_per_ms, 20 * us_per_s), settle);
  return {200, refund_body(*refund)};
}

void LyingChannel::stick_refund(const std::string& refund_no, bool succeeds_then) {
  if (!books_.stick_refund(refund_no)) return;
  ++stage_.activity;
  stage_.note([&] { return account_ + ": the refund " + refund_no + " waits for the merchant"; });
  tell_refund(refund_no);
  later(dice_.between(60 * us_per_s, 3'000 * us_per_s),
        [this, refund_no, succeeds_then] { settle_refund(refund_no, succeeds_then); });
}

// Of an order that is paid once and for all, so that nobody has to guess which charge is meant.
void LyingChannel::may_refund_at_desk(BookedOrder& order) {
  if (order.asked.manual_capture || !stage_.faults.strikes(FaultKind::refund_at_desk, order.spared))
    return;
  later(dice_.between(us_per_ms, 90 * us_per_s), [this, order_no = order.asked.out_order_no] {
    BookedOrder& paid = *books_.find(order_no);
    const std::int64_t left_minor = paid.captured_minor() - paid.refund_reserved_minor();
    const bool settled = paid.status == OrderStatus::paid && paid.charges.size() == 1 &&
                         !paid.may_be_forgotten && !paid.second_charge_planned;
    if (!settled || left_minor < 1) return;
    ++stage_.activity;
    const std::int64_t amount_minor = dice_.percent(30) ? left_minor : dice_.between(1, left_minor);
    const BookedRefund* made = books_.refund_at_desk(paid, amount_minor);
    stage_.note([&] { return account_ + ": the merchant gives back at the desk of " + order_no; });
    tell_refund(made->wire.out_refund_no);
  });
}

void LyingChannel::settle_refund(const std::string& refund_no, bool succeeds) {
  books_.settle_refund(refund_no, succeeds);
  tell_refund(refund_no);
  const bool spared = books_.find(books_.find_refund(refund_no)->wire.out_order_no)->spared;
  if (!succeeds || !stage_.faults.strikes(FaultKind::refund_reversed, spared)) return;
  // Before anybody has asked about it, or long after.
  const UnixUs longest_us = dice_.percent(50) ? 10 * us_per_s : 600 * us_per_s;
  later(dice_.between(us_per_ms, longest_us), [this, refund_no] {
    ++stage_.activity;
    books_.reverse_refund(refund_no);
    stage_.note([&] { return account_ + ": the money of " + refund_no + " comes back"; });
    tell_refund(refund_no);
  });
}

LyingChannel::HttpReply LyingChannel::serve_find_refund(const std::string& refund_no) {
  const BookedRefund* refund = books_.find_refund(refund_no);
  if (!refund) return {404, refusal_body("REFUND_NOT_FOUND")};
  const bool spared = books_.find(refund->wire.out_order_no)->spared;
  if (stage_.faults.strikes(FaultKind::not_found_lie, spared))
    return {404, refusal_body("REFUND_NOT_FOUND")};
  return {200, refund_body(*refund)};
}

// ---- the payer

void LyingChannel::payer_decides(const std::string& order_no) {
  const BookedOrder& order = *books_.find(order_no);
  const bool spared = order.spared;
  UnixUs after_us = dice_.between(100 * us_per_ms, 8 * us_per_s);
  if (!spared && dice_.percent(10)) after_us = dice_.between(10 * us_per_s, 400 * us_per_s);
  if (stage_.faults.strikes(FaultKind::callback_premature, spared)) {
    wire::WireOrder wrong = order.shown();
    wrong.status = order.asked.manual_capture ? OrderStatus::authorized : OrderStatus::paid;
    wrong.captured_minor = order.asked.manual_capture ? 0 : wrong.amount_minor + 1;
    wrong.amount_minor += 1;
    wrong.transaction_id = "never-paid";
    Letter letter;
    letter.order_no = order_no;
    letter.lie = "a callback with a wrong amount before anybody paid";
    letter.body = wire::encode_callback(
        {order.asked.manual_capture ? CallbackEvent::order_authorized : CallbackEvent::order_paid,
         wrong,
         {}});
    post(std::move(letter), after_us / 2);
  }
  if (stage_.faults.strikes(FaultKind::payer_declines, spared)) {
    later(after_us, [this, order_no] {
      BookedOrder& declined = *books_.find(order_no);
      if (declined.status != OrderStatus::open) return;
      books_.decline(declined);
      tell_order(order_no, CallbackEvent::order_declined, /*must_arrive=*/false);
      may_charge_late(declined);
    });
    return;
  }
  if (!spared && dice_.percent(5)) return;  // walks away
  later(after_us, [this, order_no] {
    const BookedOrder& unpaid = *books_.find(order_no);
    const bool expired =
        unpaid.asked.expires_at_us != 0 && stage_.now_us() >= unpaid.asked.expires_at_us;
    if (unpaid.status != OrderStatus::open || expired) return;
    // Of two charges the runtime hears by callbacks only: asked, the channel shows one.
    const bool twice = !unpaid.asked.manual_capture &&
                       stage_.faults.strikes(FaultKind::second_charge, unpaid.spared);
    books_.find(order_no)->second_charge_planned = twice;
    payer_pays(order_no, /*must_arrive=*/twice);
    if (!twice) return;
    later(dice_.between(us_per_ms, 30 * us_per_s),
          [this, order_no] { payer_pays(order_no, /*must_arrive=*/true); });
  });
}

void LyingChannel::payer_pays(const std::string& order_no, bool must_arrive) {
  ++stage_.activity;
  BookedOrder& order = *books_.find(order_no);
  books_.charge(order);
  stage_.note([&] { return account_ + ": the payer pays " + order_no; });
  tell_order(
      order_no,
      order.asked.manual_capture ? CallbackEvent::order_authorized : CallbackEvent::order_paid,
      must_arrive);
  may_refund_at_desk(order);
}

// ---- news

void LyingChannel::tell_order(const std::string& order_no, CallbackEvent event, bool must_arrive) {
  const BookedOrder& order = *books_.find(order_no);
  Letter letter;
  letter.order_no = order_no;
  letter.must_arrive = must_arrive || order.may_be_forgotten;
  letter.body = wire::encode_callback({event, order.told(), {}});
  const bool moves_money =
      event == CallbackEvent::order_paid || event == CallbackEvent::order_authorized;
  const auto wrong_body = [&] {
    wire::WireOrder wrong = order.told();
    // More than was authorized: less could be a capture that somebody made at the channel's desk.
    wrong.amount_minor += 1 + dice_.between(0, 999);
    if (wrong.captured_minor > 0) wrong.captured_minor = wrong.amount_minor;
    return wire::encode_callback({event, wrong, {}});
  };
  tell(std::move(letter), order.spared, moves_money ? Lie{wrong_body} : Lie{});
}

void LyingChannel::tell_refund(const std::string& refund_no) {
  const BookedRefund& refund = *books_.find_refund(refund_no);
  const bool succeeded = refund.wire.status == RefundStatus::succeeded;
  const bool stuck = refund.wire.status == RefundStatus::stuck;
  const bool at_desk = !parse_channel_refund_no(refund_no);
  const auto event = succeeded ? CallbackEvent::refund_succeeded
                     : stuck   ? CallbackEvent::refund_stuck
                               : CallbackEvent::refund_failed;
  Letter letter;
  letter.order_no = refund.wire.out_order_no;
  if (succeeded) letter.refund_no = refund_no;
  // Nobody asks about a refund that was made, or made elsewhere.
  letter.must_arrive = refund.reversed || at_desk;
  letter.body = wire::encode_callback({event, {}, refund.wire});
  const auto wrong_body = [&] {
    wire::WireRefund wrong = refund.wire;
    wrong.amount_minor += 1 + dice_.between(0, 999);
    return wire::encode_callback({event, {}, wrong});
  };
  // A refund that was never made moves no money, whatever amount it names.
  // Of one from outside nobody here could know that the amount is wrong.
  const bool moves_money = (succeeded || (refund.reversed && refund.success_heard)) && !at_desk;
  tell(std::move(letter), books_.find(refund.wire.out_order_no)->spared,
       moves_money ? Lie{wrong_body, refund.reversed} : Lie{});
}

}  // namespace welkin::simulation
