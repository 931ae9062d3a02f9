// The sandbox's rules; see the header.
#include "sandbox/order_book.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace welkin::sandbox {
namespace {

using sandbox_wire::CallbackEvent;
using sandbox_wire::OrderStatus;
using sandbox_wire::RefundStatus;
using sandbox_wire::WireOrder;
using sandbox_wire::WireRefund;

BookResult refuse(int http_status, std::string code, std::string message) {
  BookResult result;
  result.refusal = Refusal{http_status, std::move(code), std::move(message)};
  return result;
}
BookResult order_not_found() { return refuse(404, "ORDER_NOT_FOUND", "There is no such order."); }
BookResult refund_not_found() {
  return refuse(404, "REFUND_NOT_FOUND", "There is no such refund.");
}

BookResult show(const WireOrder& order) {
  BookResult result;
  result.order = order;
  return result;
}
BookResult show(const WireOrder& order, CallbackEvent event) {
  BookResult result = show(order);
  result.event = event;
  return result;
}
BookResult show(const WireRefund& refund) {
  BookResult result;
  result.refund = refund;
  return result;
}

bool same(const sandbox_wire::CreateOrder& a, const sandbox_wire::CreateOrder& b) {
  return a.merchant_id == b.merchant_id && a.amount_minor == b.amount_minor &&
         a.currency == b.currency && a.subject == b.subject &&
         a.manual_capture == b.manual_capture && a.return_url == b.return_url &&
         a.expires_at_us == b.expires_at_us;
}

// A total that no longer fits stays at the top: these are figures for people, no books.
void add_to(std::map<std::string, std::int64_t>& sums, Currency currency, std::int64_t amount) {
  std::int64_t& sum = sums[std::string(currency.code())];
  sum = checked_add(sum, amount).value_or(std::numeric_limits<std::int64_t>::max());
}

}  // namespace

BookResult OrderBook::create(const sandbox_wire::CreateOrder& asked, std::string_view pay_url_base,
                             UnixUs now_us) {
  if (const Order* order = find_order(asked.out_order_no, now_us)) {
    if (same(order->asked, asked)) return show(order->wire);
    return refuse(409, "ORDER_EXISTS_WITH_OTHER_DATA", "The number is taken by another order.");
  }
  if (!make_room(now_us)) return refuse(503, "SANDBOX_FULL", "Too many orders are open.");
  Order order;
  order.asked = asked;
  order.wire.out_order_no = asked.out_order_no;
  order.wire.merchant_id = asked.merchant_id;
  order.wire.amount_minor = asked.amount_minor;
  order.wire.currency = asked.currency;
  order.wire.manual_capture = asked.manual_capture;
  order.wire.transaction_id = "sbx" + std::to_string(++last_transaction_);
  // Who named a page to return to came by browser; everybody else scans.
  if (asked.return_url.empty())
    order.wire.qr_code = "welkin-sandbox:pay/" + asked.out_order_no;
  else
    order.wire.pay_url = std::string(pay_url_base) + asked.out_order_no;
  order.context.notify_url = asked.notify_url;
  order.context.return_url = asked.return_url;
  order.context.tags = parse_subject(asked.subject);
  BookResult result = show(order.wire);
  result.created = true;
  by_age_.push_back(asked.out_order_no);
  orders_.emplace(asked.out_order_no, std::move(order));
  ++stats_.orders;
  stats_.orders_kept = orders_.size();
  return result;
}

BookResult OrderBook::find(const std::string& order_no, UnixUs now_us) {
  const Order* order = find_order(order_no, now_us);
  return order ? show(order->wire) : order_not_found();
}

BookResult OrderBook::close(const std::string& order_no, UnixUs now_us) {
  Order* order = find_order(order_no, now_us);
  if (!order) return order_not_found();
  switch (order->wire.status) {
    case OrderStatus::closed:
    case OrderStatus::declined:
      return show(order->wire);
    case OrderStatus::paid:
      return refuse(409, "ORDER_PAID", "A paid order cannot be closed.");
    case OrderStatus::authorized:
      return refuse(409, "ORDER_AUTHORIZED", "Void the authorization instead.");
    case OrderStatus::open:
      break;
  }
  order->wire.status = OrderStatus::closed;
  settled(*order);
  return show(order->wire, CallbackEvent::order_closed);
}

BookResult OrderBook::capture(const std::string& order_no, std::int64_t amount_minor,
                              UnixUs now_us) {
  Order* order = find_order(order_no, now_us);
  if (!order) return order_not_found();
  switch (order->wire.status) {
    case OrderStatus::paid:
      if (order->wire.captured_minor == amount_minor) return show(order->wire);
      return refuse(409, "ORDER_PAID", "Another amount was captured before.");
    case OrderStatus::closed:
    case OrderStatus::declined:
      return refuse(409, "ORDER_CLOSED", "Nothing is authorized any more.");
    case OrderStatus::open:
      return refuse(409, "ORDER_NOT_AUTHORIZED", "Nothing is authorized yet.");
    case OrderStatus::authorized:
      break;
  }
  if (amount_minor > order->wire.amount_minor)
    return refuse(422, "AMOUNT_EXCEEDS_AUTHORIZED", "More than was authorized.");
  take(*order, amount_minor);
  return show(order->wire, CallbackEvent::order_paid);
}

BookResult OrderBook::void_authorization(const std::string& order_no, UnixUs now_us) {
  Order* order = find_order(order_no, now_us);
  if (!order) return order_not_found();
  switch (order->wire.status) {
    case OrderStatus::closed:
    case OrderStatus::declined:
      return show(order->wire);
    case OrderStatus::paid:
      return refuse(409, "ORDER_PAID", "The money is captured: refund it.");
    case OrderStatus::open:
      return refuse(409, "ORDER_NOT_AUTHORIZED", "Nothing is authorized yet.");
    case OrderStatus::authorized:
      break;
  }
  order->wire.status = OrderStatus::closed;
  settled(*order);
  return show(order->wire, CallbackEvent::order_closed);
}

BookResult OrderBook::pay(const std::string& order_no, UnixUs now_us) {
  Order* order = find_order(order_no, now_us);
  if (!order) return order_not_found();
  switch (order->wire.status) {
    case OrderStatus::authorized:
    case OrderStatus::paid:
      return show(order->wire);
    case OrderStatus::closed:
    case OrderStatus::declined:
      return refuse(409, "ORDER_CLOSED", "The order is closed.");
    case OrderStatus::open:
      break;
  }
  if (!order->wire.manual_capture) {
    take(*order, order->wire.amount_minor);
    return show(order->wire, CallbackEvent::order_paid);
  }
  order->wire.status = OrderStatus::authorized;
  return show(order->wire, CallbackEvent::order_authorized);
}

BookResult OrderBook::decline(const std::string& order_no, UnixUs now_us) {
  Order* order = find_order(order_no, now_us);
  if (!order) return order_not_found();
  if (order->wire.status == OrderStatus::declined) return show(order->wire);
  if (order->wire.status != OrderStatus::open)
    return refuse(409, "ORDER_NOT_OPEN", "Only an open order can be declined.");
  order->wire.status = OrderStatus::declined;
  settled(*order);
  return show(order->wire, CallbackEvent::order_declined);
}

BookResult OrderBook::refund(const sandbox_wire::CreateRefund& asked, UnixUs now_us) {
  const auto known = refunds_.find(asked.out_refund_no);
  if (known != refunds_.end()) {
    const WireRefund& refund = known->second;
    const bool repeated =
        refund.out_order_no == asked.out_order_no && refund.merchant_id == asked.merchant_id &&
        refund.amount_minor == asked.amount_minor && refund.currency == asked.currency;
    if (repeated) return show(refund);
    return refuse(409, "REFUND_EXISTS_WITH_OTHER_DATA", "The number is taken by another refund.");
  }
  Order* order = find_order(asked.out_order_no, now_us);
  if (!order || order->wire.merchant_id != asked.merchant_id) return order_not_found();
  if (order->wire.status != OrderStatus::paid)
    return refuse(409, "ORDER_NOT_PAID", "Only what was paid can be refunded.");
  if (order->wire.currency != asked.currency)
    return refuse(400, "INVALID_REQUEST", "The order has another currency.");
  const std::int64_t left_minor =
      order->wire.captured_minor - order->wire.refunded_minor - order->refund_pending_minor;
  if (asked.amount_minor > left_minor)
    return refuse(422, "AMOUNT_EXCEEDS_REFUNDABLE", "More than is left to refund.");
  if (order->refund_nos.size() >= max_refunds_per_order)
    return refuse(400, "INVALID_REQUEST", "The order has too many refunds.");
  WireRefund refund;
  refund.out_refund_no = asked.out_refund_no;
  refund.out_order_no = asked.out_order_no;
  refund.merchant_id = asked.merchant_id;
  refund.amount_minor = asked.amount_minor;
  refund.order_amount_minor = order->wire.amount_minor;
  refund.currency = asked.currency;
  refund.transaction_id = "sbr" + std::to_string(++last_transaction_);
  order->refund_pending_minor += asked.amount_minor;
  order->refund_nos.push_back(asked.out_refund_no);
  refunds_.emplace(asked.out_refund_no, refund);
  ++stats_.refunds;
  BookResult result = show(refund);
  result.created = true;
  return result;
}

BookResult OrderBook::find_refund(const std::string& refund_no) const {
  const auto it = refunds_.find(refund_no);
  return it == refunds_.end() ? refund_not_found() : show(it->second);
}

BookResult OrderBook::settle_refund(const std::string& refund_no, bool succeeds) {
  const auto it = refunds_.find(refund_no);
  if (it == refunds_.end()) return refund_not_found();
  WireRefund& refund = it->second;
  const auto owner = orders_.find(refund.out_order_no);
  if (refund.status != RefundStatus::pending || owner == orders_.end()) return show(refund);
  Order& order = owner->second;
  order.refund_pending_minor -= refund.amount_minor;
  if (succeeds) {
    order.wire.refunded_minor += refund.amount_minor;
    add_to(stats_.refunded_minor, refund.currency, refund.amount_minor);
  }
  refund.status = succeeds ? RefundStatus::succeeded : RefundStatus::failed;
  BookResult result = show(refund);
  result.event = succeeds ? CallbackEvent::refund_succeeded : CallbackEvent::refund_failed;
  return result;
}

OrderContext* OrderBook::context(const std::string& order_no) {
  const auto it = orders_.find(order_no);
  return it == orders_.end() ? nullptr : &it->second.context;
}

std::vector<WireOrder> OrderBook::newest(std::size_t limit, const std::string& before) const {
  std::vector<WireOrder> orders;
  auto it = by_age_.rbegin();
  if (!before.empty()) {
    it = std::find(it, by_age_.rend(), before);
    if (it != by_age_.rend()) ++it;
  }
  for (; it != by_age_.rend() && orders.size() < limit; ++it) {
    const auto order = orders_.find(*it);
    if (order != orders_.end()) orders.push_back(order->second.wire);
  }
  return orders;
}

// Who looks at an order after its time sees it closed: nobody has to watch the clock.
OrderBook::Order* OrderBook::find_order(const std::string& order_no, UnixUs now_us) {
  const auto it = orders_.find(order_no);
  if (it == orders_.end()) return nullptr;
  Order& order = it->second;
  const bool expired = order.asked.expires_at_us != 0 && now_us >= order.asked.expires_at_us;
  if (expired && order.wire.status == OrderStatus::open) {
    order.wire.status = OrderStatus::closed;
    settled(order);
  }
  return &order;
}

// Drops the order that settled first. One whose refund is still pending goes back to the end.
bool OrderBook::make_room(UnixUs now_us) {
  constexpr std::size_t tries = 64;
  // Orders nobody looked at since they expired: looking settles them.
  if (orders_.size() >= max_orders_ && by_settling_.empty())
    for (std::size_t i = 0; i < std::min(tries, by_age_.size()); ++i)
      find_order(by_age_[i], now_us);
  for (std::size_t i = 0; i < tries && orders_.size() >= max_orders_; ++i) {
    if (by_settling_.empty()) return false;
    std::string order_no = std::move(by_settling_.front());
    by_settling_.pop_front();
    if (orders_.at(order_no).refund_pending_minor > 0)
      by_settling_.push_back(std::move(order_no));
    else
      drop(order_no);
  }
  const auto dropped = [this](const std::string& order_no) { return orders_.count(order_no) == 0; };
  while (!by_age_.empty() && dropped(by_age_.front())) by_age_.pop_front();
  if (by_age_.size() > 2 * max_orders_)
    by_age_.erase(std::remove_if(by_age_.begin(), by_age_.end(), dropped), by_age_.end());
  return orders_.size() < max_orders_;
}

void OrderBook::drop(const std::string& order_no) {
  const auto it = orders_.find(order_no);
  for (const std::string& refund_no : it->second.refund_nos) refunds_.erase(refund_no);
  orders_.erase(it);
}

void OrderBook::settled(Order& order) {
  if (std::exchange(order.queued_as_settled, true)) return;
  by_settling_.push_back(order.wire.out_order_no);
}

void OrderBook::take(Order& order, std::int64_t amount_minor) {
  order.wire.status = OrderStatus::paid;
  order.wire.captured_minor = amount_minor;
  add_to(stats_.charged_minor, order.wire.currency, amount_minor);
  ++stats_.paid;
  settled(order);
}

}  // namespace welkin::sandbox
