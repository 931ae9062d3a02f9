// The sandbox's own rules, without its server: what orders and refunds may do, and what goes wrong
// when.
#include <catch2/catch.hpp>

#include "sandbox/misbehaviour.hpp"
#include "sandbox/order_book.hpp"

using namespace welkin;
using namespace welkin::sandbox;
using sandbox_wire::CallbackEvent;
using sandbox_wire::OrderStatus;
using sandbox_wire::RefundStatus;

namespace {

constexpr UnixUs now_us = 1'700'000'000 * us_per_s;

sandbox_wire::CreateOrder order_no(const std::string& no, bool manual = false) {
  sandbox_wire::CreateOrder order;
  order.out_order_no = no;
  order.merchant_id = "m_1";
  order.amount_minor = 1000;
  order.currency = *Currency::parse("CNY");
  order.manual_capture = manual;
  return order;
}

sandbox_wire::CreateRefund refund_of(const std::string& order, const std::string& no,
                                     std::int64_t amount_minor) {
  return {no, order, "m_1", amount_minor, *Currency::parse("CNY")};
}

std::string code_of(const BookResult& result) {
  return result.refusal ? result.refusal->code : "done";
}

// An order "ORDER001" in the asked status.
void bring_to(OrderBook& book, OrderStatus status) {
  const bool manual = status == OrderStatus::authorized;
  book.create(order_no("ORDER001", manual), "", now_us);
  if (status == OrderStatus::authorized || status == OrderStatus::paid)
    book.pay("ORDER001", now_us);
  if (status == OrderStatus::closed) book.close("ORDER001", now_us);
  if (status == OrderStatus::declined) book.decline("ORDER001", now_us);
  REQUIRE(book.find("ORDER001", now_us).order->status == status);
}

}  // namespace

TEST_CASE("each order status answers each operation as its table says") {
  struct Row {
    OrderStatus from;
    const char *close, *capture, *void_, *pay, *decline, *refund;
  };
  using S = OrderStatus;
  const Row rows[] = {
      {S::open, "done", "ORDER_NOT_AUTHORIZED", "ORDER_NOT_AUTHORIZED", "done", "done",
       "ORDER_NOT_PAID"},
      {S::authorized, "ORDER_AUTHORIZED", "done", "done", "done", "ORDER_NOT_OPEN",
       "ORDER_NOT_PAID"},
      {S::paid, "ORDER_PAID", "done", "ORDER_PAID", "done", "ORDER_NOT_OPEN", "done"},
      {S::closed, "done", "ORDER_CLOSED", "done", "ORDER_CLOSED", "ORDER_NOT_OPEN",
       "ORDER_NOT_PAID"},
      {S::declined, "done", "ORDER_CLOSED", "done", "ORDER_CLOSED", "done", "ORDER_NOT_PAID"},
  };
  for (const Row& row : rows) {
    CAPTURE(sandbox_wire::name_of(row.from));
    const auto in_status = [&row](auto operation) {
      OrderBook book(10);
      bring_to(book, row.from);
      return code_of(operation(book));
    };
    CHECK(in_status([](OrderBook& b) { return b.close("ORDER001", now_us); }) == row.close);
    CHECK(in_status([](OrderBook& b) { return b.capture("ORDER001", 1000, now_us); }) ==
          row.capture);
    CHECK(in_status([](OrderBook& b) { return b.void_authorization("ORDER001", now_us); }) ==
          row.void_);
    CHECK(in_status([](OrderBook& b) { return b.pay("ORDER001", now_us); }) == row.pay);
    CHECK(in_status([](OrderBook& b) { return b.decline("ORDER001", now_us); }) == row.decline);
    CHECK(in_status([](OrderBook& b) {
            return b.refund(refund_of("ORDER001", "REFUND01", 1), now_us);
          }) == row.refund);
  }
}

TEST_CASE("a repeated create answers the same order; with other data it is refused") {
  OrderBook book(10);
  const auto first = book.create(order_no("ORDER001"), "", now_us);
  CHECK(first.created);
  const auto again = book.create(order_no("ORDER001"), "", now_us);
  CHECK_FALSE(again.created);
  CHECK(again.order->transaction_id == first.order->transaction_id);
  auto other = order_no("ORDER001");
  other.amount_minor = 999;
  CHECK(code_of(book.create(other, "", now_us)) == "ORDER_EXISTS_WITH_OTHER_DATA");
  CHECK(book.stats().orders == 1);
}

TEST_CASE("what changes an order happens once, however often it is asked for") {
  OrderBook book(10);
  book.create(order_no("ORDER001"), "", now_us);
  CHECK(book.pay("ORDER001", now_us).event == CallbackEvent::order_paid);
  CHECK_FALSE(book.pay("ORDER001", now_us).event);
  CHECK(book.stats().charged_minor.at("CNY") == 1000);
  book.create(order_no("ORDER002"), "", now_us);
  CHECK(book.close("ORDER002", now_us).event == CallbackEvent::order_closed);
  CHECK_FALSE(book.close("ORDER002", now_us).event);
}

TEST_CASE("a manual order is authorized by the payer and paid by the capture") {
  OrderBook book(10);
  book.create(order_no("ORDER001", true), "", now_us);
  CHECK(book.pay("ORDER001", now_us).event == CallbackEvent::order_authorized);
  CHECK(book.stats().charged_minor.empty());
  CHECK(code_of(book.capture("ORDER001", 1001, now_us)) == "AMOUNT_EXCEEDS_AUTHORIZED");
  const auto captured = book.capture("ORDER001", 600, now_us);
  CHECK(captured.event == CallbackEvent::order_paid);
  CHECK(captured.order->captured_minor == 600);
  CHECK_FALSE(book.capture("ORDER001", 600, now_us).event);
  CHECK(code_of(book.capture("ORDER001", 700, now_us)) == "ORDER_PAID");
  CHECK(book.stats().charged_minor.at("CNY") == 600);
}

TEST_CASE("refunds never exceed what was captured, those under way included") {
  OrderBook book(10);
  bring_to(book, OrderStatus::paid);
  CHECK(book.refund(refund_of("ORDER001", "REFUND01", 600), now_us).refund->status ==
        RefundStatus::pending);
  CHECK(code_of(book.refund(refund_of("ORDER001", "REFUND02", 401), now_us)) ==
        "AMOUNT_EXCEEDS_REFUNDABLE");
  CHECK(code_of(book.refund(refund_of("ORDER001", "REFUND02", 400), now_us)) == "done");
  // A failed refund gives its room back.
  CHECK(book.settle_refund("REFUND01", false).event == CallbackEvent::refund_failed);
  CHECK_FALSE(book.settle_refund("REFUND01", true).event);
  CHECK(code_of(book.refund(refund_of("ORDER001", "REFUND03", 600), now_us)) == "done");
  CHECK(book.settle_refund("REFUND02", true).event == CallbackEvent::refund_succeeded);
  CHECK(book.settle_refund("REFUND03", true).event == CallbackEvent::refund_succeeded);
  CHECK(book.find("ORDER001", now_us).order->refunded_minor == 1000);
  CHECK(book.stats().refunded_minor.at("CNY") == 1000);
  CHECK(code_of(book.refund(refund_of("ORDER001", "REFUND04", 1), now_us)) ==
        "AMOUNT_EXCEEDS_REFUNDABLE");
}

TEST_CASE("a repeated refund answers the same refund; with other data it is refused") {
  OrderBook book(10);
  bring_to(book, OrderStatus::paid);
  const auto first = book.refund(refund_of("ORDER001", "REFUND01", 100), now_us);
  const auto again = book.refund(refund_of("ORDER001", "REFUND01", 100), now_us);
  CHECK(first.created);
  CHECK_FALSE(again.created);
  CHECK(again.refund->transaction_id == first.refund->transaction_id);
  CHECK(code_of(book.refund(refund_of("ORDER001", "REFUND01", 101), now_us)) ==
        "REFUND_EXISTS_WITH_OTHER_DATA");
}

TEST_CASE("a refund that is stuck waits, takes no more room, and is settled by the merchant") {
  OrderBook book(10);
  bring_to(book, OrderStatus::paid);
  book.refund(refund_of("ORDER001", "REFUND01", 400), now_us);
  CHECK(book.stick_refund("REFUND01").event == CallbackEvent::refund_stuck);
  CHECK_FALSE(book.stick_refund("REFUND01").event);
  CHECK(book.find_refund("REFUND01").refund->status == RefundStatus::stuck);
  CHECK(code_of(book.refund(refund_of("ORDER001", "REFUND02", 601), now_us)) ==
        "AMOUNT_EXCEEDS_REFUNDABLE");
  CHECK(book.settle_refund("REFUND01", true, now_us).event == CallbackEvent::refund_succeeded);
  CHECK(book.find("ORDER001", now_us).order->refunded_minor == 400);
  CHECK(code_of(book.stick_refund("REFUND99")) == "REFUND_NOT_FOUND");
}

TEST_CASE("a refund at the desk is made at once, of a part or of all that is left") {
  OrderBook book(10);
  bring_to(book, OrderStatus::paid);
  const BookResult part = book.refund_at_desk("ORDER001", 300, now_us);
  CHECK(part.event == CallbackEvent::refund_succeeded);
  CHECK(part.refund->amount_minor == 300);
  CHECK(book.refund_at_desk("ORDER001", std::nullopt, now_us).refund->amount_minor == 700);
  CHECK(book.find("ORDER001", now_us).order->refunded_minor == 1000);
  CHECK(code_of(book.refund_at_desk("ORDER001", std::nullopt, now_us)) ==
        "AMOUNT_EXCEEDS_REFUNDABLE");
  CHECK(code_of(book.refund_at_desk("ORDER099", 1, now_us)) == "ORDER_NOT_FOUND");
}

TEST_CASE("an order that is paid again is another transaction under the same number") {
  OrderBook book(10);
  bring_to(book, OrderStatus::open);
  CHECK(code_of(book.pay_again("ORDER001", now_us)) == "ORDER_NOT_PAID");
  book.pay("ORDER001", now_us);
  const BookResult again = book.pay_again("ORDER001", now_us);
  CHECK(again.event == CallbackEvent::order_paid);
  CHECK(again.facts.terms.paid_again_as == "ORDER001");
  CHECK(again.order->transaction_id != book.find("ORDER001", now_us).order->transaction_id);
  CHECK(book.stats().charged_minor.at("CNY") == 2000);
}

TEST_CASE("another merchant's order cannot be refunded") {
  OrderBook book(10);
  bring_to(book, OrderStatus::paid);
  auto refund = refund_of("ORDER001", "REFUND01", 100);
  refund.merchant_id = "m_2";
  CHECK(code_of(book.refund(refund, now_us)) == "ORDER_NOT_FOUND");
}

TEST_CASE("an open order closes at its time and cannot be paid after it") {
  OrderBook book(10);
  auto order = order_no("ORDER001");
  order.expires_at_us = now_us + 1;
  book.create(order, "", now_us);
  CHECK(book.find("ORDER001", now_us).order->status == OrderStatus::open);
  CHECK(code_of(book.pay("ORDER001", now_us + 1)) == "ORDER_CLOSED");
  CHECK(book.find("ORDER001", now_us + 1).order->status == OrderStatus::closed);
}

TEST_CASE("a full book drops what settled first, keeps what is open, and then refuses") {
  OrderBook book(2);
  book.create(order_no("ORDER001"), "", now_us);
  book.create(order_no("ORDER002"), "", now_us);
  CHECK(code_of(book.create(order_no("ORDER003"), "", now_us)) == "SANDBOX_FULL");
  book.pay("ORDER002", now_us);
  book.refund(refund_of("ORDER002", "REFUND01", 1), now_us);
  CHECK(code_of(book.create(order_no("ORDER003"), "", now_us)) == "SANDBOX_FULL");
  book.settle_refund("REFUND01", true);
  CHECK(code_of(book.create(order_no("ORDER003"), "", now_us)) == "done");
  CHECK(code_of(book.find("ORDER002", now_us)) == "ORDER_NOT_FOUND");
  CHECK(code_of(book.find_refund("REFUND01")) == "REFUND_NOT_FOUND");
  CHECK(code_of(book.find("ORDER001", now_us)) == "done");
  CHECK(book.stats().charged_minor.at("CNY") == 1000);
  const auto newest = book.newest(10, "");
  REQUIRE(newest.size() == 2);
  CHECK(newest[0].order.out_order_no == "ORDER003");
  const auto older = book.newest(10, "ORDER003");
  REQUIRE(older.size() == 1);
  CHECK(older[0].order.out_order_no == "ORDER001");
  CHECK(book.newest(10, "ORDER001").empty());
  CHECK(book.newest(10, "ORDER999").empty());
}

TEST_CASE("a book full of forgotten orders makes room once they expired") {
  OrderBook book(1);
  auto order = order_no("ORDER001");
  order.expires_at_us = now_us + 1;
  book.create(order, "", now_us);
  CHECK(code_of(book.create(order_no("ORDER002"), "", now_us)) == "SANDBOX_FULL");
  CHECK(code_of(book.create(order_no("ORDER002"), "", now_us + 1)) == "done");
}

TEST_CASE("a subject asks for misbehaviour by tags, and for nothing else") {
  const auto tags =
      parse_subject("tea [sandbox:delay=50][sandbox:callback_forged] [sandbox:no_auto_pay]");
  CHECK(tags.has(Fault::delay));
  CHECK(tags.delay_ms == 50);
  CHECK(tags.has(Fault::callback_forged));
  CHECK(tags.no_auto_pay);
  CHECK_FALSE(tags.has(Fault::garbage));
  CHECK_FALSE(tags.decline);
  CHECK_FALSE(parse_subject("[sandbox:delay").has(Fault::delay));
  CHECK_FALSE(parse_subject("[sandbox:delay=99999999]").delay_ms);
  CHECK_FALSE(parse_subject("sandbox:delay [sandbox: delay]").has(Fault::delay));
}

TEST_CASE("what a subject forces strikes an operation's first try, and no query") {
  const auto tags = parse_subject("[sandbox:error_5xx][sandbox:timeout_after_work=70]");
  const Misbehaviour none;
  CHECK(plan_request(none, tags, 1, "O", "create", 0, false).fail_before_work);
  CHECK(plan_request(none, tags, 1, "O", "create", 0, false).hold_ms == 70);
  CHECK_FALSE(plan_request(none, tags, 1, "O", "create", 1, false).fail_before_work);
  CHECK_FALSE(plan_request(none, tags, 1, "O", "query", 0, true).fail_before_work);
}

TEST_CASE("a rate strikes as often as it says, and in the same places for the same seed") {
  int struck = 0;
  for (std::uint64_t i = 0; i < 10'000; ++i) {
    const bool strike = strikes(7, "order" + std::to_string(i), "garbage", 0, 100'000);
    CHECK(strike == strikes(7, "order" + std::to_string(i), "garbage", 0, 100'000));
    struck += strike;
  }
  // Ten standard deviations around a thousand: a fair draw is outside once in a universe.
  CHECK(struck > 700);
  CHECK(struck < 1300);
  CHECK_FALSE(strikes(7, "x", "y", 0, 0));
  CHECK(strikes(7, "x", "y", 0, 1'000'000));
  int differing = 0;
  for (std::uint64_t i = 0; i < 1'000; ++i)
    differing += strikes(1, std::to_string(i), "x", 0, 500'000) !=
                 strikes(2, std::to_string(i), "x", 0, 500'000);
  CHECK(differing > 300);
}

TEST_CASE("the control document changes what it names and refuses what it does not know") {
  Control before;
  before.misbehaviour.delay_ms = 77;
  const auto parsed = parse_control(
      R"({"garbage_rate":0.25,"auto_pay":{"enabled":false,"decline_rate":1}})", before);
  const auto& control = std::get<Control>(parsed);
  CHECK(control.misbehaviour.rate_ppm(Fault::garbage) == 250'000);
  CHECK(control.misbehaviour.delay_ms == 77);
  CHECK_FALSE(control.auto_pay.enabled);
  CHECK(control.auto_pay.decline_ppm == 1'000'000);
  const auto read_back = parse_control(encode_control(control), Control{});
  CHECK(encode_control(std::get<Control>(read_back)) == encode_control(control));

  const auto field = [&](const char* body) {
    const auto refused = parse_control(body, before);
    return std::holds_alternative<Problem>(refused) ? std::get<Problem>(refused).field : "accepted";
  };
  CHECK(field(R"({"garbage_rate":1.5})") == "/garbage_rate");
  CHECK(field(R"({"garbage_rate":-0.1})") == "/garbage_rate");
  CHECK(field(R"({"garbage_rate":"1"})") == "/garbage_rate");
  CHECK(field(R"({"garbage":1})") == "/garbage");
  CHECK(field(R"({"delay_ms":60001})") == "/delay_ms");
  CHECK(field(R"({"auto_pay":{"soon":1}})") == "/auto_pay/soon");
  CHECK(field(R"({"auto_pay":1})") == "/auto_pay");
  CHECK(field("[]").empty());
}
