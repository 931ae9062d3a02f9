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

BookResult OrderBook::show(const Order& order) {
  BookResult result;
  result.order = order.wire();
  result.facts = order.facts;
  result.facts.refunds_minor = order.wire().refunded_minor + order.refund_pending_minor;
  return result;
}
BookResult OrderBook::show(const Order& order, CallbackEvent event) {
  BookResult result = show(order);
  result.event = event;
  return result;
}
BookResult OrderBook::show(const Refund& refund) const {
  BookResult result;
  const auto owner = orders_.find(refund.wire.out_order_no);
  if (owner != orders_.end()) result = show(owner->second);
  result.order.reset();
  result.refund = refund.wire;
  result.refund_facts = refund.facts;
  return result;
}

BookResult OrderBook::create(const sandbox_wire::CreateOrder& asked, std::string_view pay_url_base,
                             UnixUs now_us, const OrderTerms& terms) {
  if (const Order* order = find_order(asked.out_order_no, now_us)) {
    const OrderTerms& known = order->facts.terms;
    if (same(order->asked, asked) && known.desk == terms.desk && known.method == terms.method &&
        known.payer_id == terms.payer_id && known.channel_time == terms.channel_time)
      return show(*order);
    return refuse(409, "ORDER_EXISTS_WITH_OTHER_DATA", "The number is taken by another order.");
  }
  if (!make_room(now_us)) return refuse(503, "SANDBOX_FULL", "Too many orders are open.");
  Order order;
  order.asked = asked;
  order.facts.terms = terms;
  order.facts.subject = asked.subject;
  order.facts.return_url = asked.return_url;
  order.facts.created_at_us = now_us;
  order.facts.expires_at_us = asked.expires_at_us;
  WireOrder& wire = order.wire();
  wire.out_order_no = asked.out_order_no;
  wire.merchant_id = asked.merchant_id;
  wire.amount_minor = asked.amount_minor;
  wire.currency = asked.currency;
  wire.manual_capture = asked.manual_capture;
  wire.transaction_id = "sbx" + std::to_string(++last_transaction_);
  order.transaction = last_transaction_;
  by_transaction_.emplace(last_transaction_, asked.out_order_no);
  // Who named a page to return to came by browser; everybody else scans.
  if (asked.return_url.empty())
    wire.qr_code = "welkin-sandbox:pay/" + asked.out_order_no;
  else
    wire.pay_url = std::string(pay_url_base) + asked.out_order_no;
  order.context.notify_url = asked.notify_url;
  order.context.tags = parse_subject(asked.subject);
  BookResult result = show(order);
  result.created = true;
  by_age_.push_back(asked.out_order_no);
  orders_.emplace(asked.out_order_no, std::move(order));
  ++stats_.orders;
  stats_.orders_kept = orders_.size();
  return result;
}

BookResult OrderBook::find(const std::string& order_no, UnixUs now_us) {
  const Order* order = find_order(order_no, now_us);
  return order ? show(*order) : order_not_found();
}

BookResult OrderBook::close(const std::string& order_no, UnixUs now_us) {
  Order* order = find_order(order_no, now_us);
  if (!order) return order_not_found();
  switch (order->wire().status) {
    case OrderStatus::closed:
    case OrderStatus::declined:
      return show(*order);
    case OrderStatus::paid:
      return refuse(409, "ORDER_PAID", "A paid order cannot be closed.");
    case OrderStatus::authorized:
      return refuse(409, "ORDER_AUTHORIZED", "Void the authorization instead.");
    case OrderStatus::open:
      break;
  }
  order->wire().status = OrderStatus::closed;
  settled(*order, now_us);
  return show(*order, CallbackEvent::order_closed);
}

BookResult OrderBook::capture(const std::string& order_no, std::int64_t amount_minor,
                              UnixUs now_us) {
  Order* order = find_order(order_no, now_us);
  if (!order) return order_not_found();
  switch (order->wire().status) {
    case OrderStatus::paid:
      if (order->wire().captured_minor == amount_minor) return show(*order);
      return refuse(409, "ORDER_PAID", "Another amount was captured before.");
    case OrderStatus::closed:
    case OrderStatus::declined:
      return refuse(409, "ORDER_CLOSED", "Nothing is authorized any more.");
    case OrderStatus::open:
      return refuse(409, "ORDER_NOT_AUTHORIZED", "Nothing is authorized yet.");
    case OrderStatus::authorized:
      break;
  }
  if (amount_minor > order->wire().amount_minor)
    return refuse(422, "AMOUNT_EXCEEDS_AUTHORIZED", "More than was authorized.");
  take(*order, amount_minor, now_us);
  return show(*order, CallbackEvent::order_paid);
}

BookResult OrderBook::void_authorization(const std::string& order_no, UnixUs now_us) {
  Order* order = find_order(order_no, now_us);
  if (!order) return order_not_found();
  switch (order->wire().status) {
    case OrderStatus::closed:
    case OrderStatus::declined:
      return show(*order);
    case OrderStatus::paid:
      return refuse(409, "ORDER_PAID", "The money is captured: refund it.");
    case OrderStatus::open:
      return refuse(409, "ORDER_NOT_AUTHORIZED", "Nothing is authorized yet.");
    case OrderStatus::authorized:
      break;
  }
  order->wire().status = OrderStatus::closed;
  settled(*order, now_us);
  return show(*order, CallbackEvent::order_closed);
}

BookResult OrderBook::pay(const std::string& order_no, UnixUs now_us) {
  Order* order = find_order(order_no, now_us);
  if (!order) return order_not_found();
  switch (order->wire().status) {
    case OrderStatus::authorized:
    case OrderStatus::paid:
      return show(*order);
    case OrderStatus::closed:
    case OrderStatus::declined:
      return refuse(409, "ORDER_CLOSED", "The order is closed.");
    case OrderStatus::open:
      break;
  }
  if (!order->wire().manual_capture) {
    take(*order, order->wire().amount_minor, now_us);
    return show(*order, CallbackEvent::order_paid);
  }
  order->wire().status = OrderStatus::authorized;
  return show(*order, CallbackEvent::order_authorized);
}

BookResult OrderBook::decline(const std::string& order_no, UnixUs now_us) {
  Order* order = find_order(order_no, now_us);
  if (!order) return order_not_found();
  if (order->wire().status == OrderStatus::declined) return show(*order);
  if (order->wire().status != OrderStatus::open)
    return refuse(409, "ORDER_NOT_OPEN", "Only an open order can be declined.");
  order->facts.terms.begun = true;
  ++order->facts.declined_tries;
  if (!order->facts.terms.decline_ends_it) return show(*order, CallbackEvent::order_declined);
  order->wire().status = OrderStatus::declined;
  settled(*order, now_us);
  return show(*order, CallbackEvent::order_declined);
}

BookResult OrderBook::begin(const std::string& order_no, UnixUs now_us) {
  Order* order = find_order(order_no, now_us);
  if (!order) return order_not_found();
  if (order->wire().status != OrderStatus::open)
    return refuse(409, "ORDER_NOT_OPEN", "The order waits for no payer any more.");
  order->facts.terms.begun = true;
  return show(*order);
}

BookResult OrderBook::refund(const sandbox_wire::CreateRefund& asked, UnixUs now_us,
                             const RefundTerms& terms) {
  const auto known = refunds_.find(asked.out_refund_no);
  if (known != refunds_.end()) {
    const WireRefund& refund = known->second.wire;
    const bool repeated =
        refund.out_order_no == asked.out_order_no && refund.merchant_id == asked.merchant_id &&
        refund.amount_minor == asked.amount_minor && refund.currency == asked.currency;
    if (repeated) return show(known->second);
    return refuse(409, "REFUND_EXISTS_WITH_OTHER_DATA", "The number is taken by another refund.");
  }
  Order* order = find_order(asked.out_order_no, now_us);
  if (!order || order->wire().merchant_id != asked.merchant_id) return order_not_found();
  if (order->wire().status != OrderStatus::paid)
    return refuse(409, "ORDER_NOT_PAID", "Only what was paid can be refunded.");
  if (order->wire().currency != asked.currency)
    return refuse(400, "INVALID_REQUEST", "The order has another currency.");
  const std::int64_t left_minor =
      order->wire().captured_minor - order->wire().refunded_minor - order->refund_pending_minor;
  if (asked.amount_minor > left_minor)
    return refuse(422, "AMOUNT_EXCEEDS_REFUNDABLE", "More than is left to refund.");
  if (order->refund_nos.size() >= max_refunds_per_order)
    return refuse(400, "INVALID_REQUEST", "The order has too many refunds.");
  WireRefund refund;
  refund.out_refund_no = asked.out_refund_no;
  refund.out_order_no = asked.out_order_no;
  refund.merchant_id = asked.merchant_id;
  refund.amount_minor = asked.amount_minor;
  refund.order_amount_minor = order->wire().amount_minor;
  refund.currency = asked.currency;
  refund.transaction_id = "sbr" + std::to_string(++last_transaction_);
  order->refund_pending_minor += asked.amount_minor;
  order->refund_nos.push_back(asked.out_refund_no);
  const Refund kept{refund, {terms, now_us, 0}};
  refunds_.emplace(asked.out_refund_no, kept);
  ++stats_.refunds;
  BookResult result = show(kept);
  result.created = true;
  return result;
}

BookResult OrderBook::find_refund(const std::string& refund_no) const {
  const auto it = refunds_.find(refund_no);
  return it == refunds_.end() ? refund_not_found() : show(it->second);
}

BookResult OrderBook::settle_refund(const std::string& refund_no, bool succeeds, UnixUs now_us) {
  const auto it = refunds_.find(refund_no);
  if (it == refunds_.end()) return refund_not_found();
  WireRefund& refund = it->second.wire;
  const auto owner = orders_.find(refund.out_order_no);
  const bool waits = refund.status == RefundStatus::pending || refund.status == RefundStatus::stuck;
  if (!waits || owner == orders_.end()) return show(it->second);
  Order& order = owner->second;
  order.refund_pending_minor -= refund.amount_minor;
  if (succeeds) {
    order.wire().refunded_minor += refund.amount_minor;
    add_to(stats_.refunded_minor, refund.currency, refund.amount_minor);
  }
  refund.status = succeeds ? RefundStatus::succeeded : RefundStatus::failed;
  it->second.facts.settled_at_us = now_us;
  BookResult result = show(it->second);
  result.event = succeeds ? CallbackEvent::refund_succeeded : CallbackEvent::refund_failed;
  return result;
}

BookResult OrderBook::stick_refund(const std::string& refund_no) {
  const auto it = refunds_.find(refund_no);
  if (it == refunds_.end()) return refund_not_found();
  if (it->second.wire.status != RefundStatus::pending) return show(it->second);
  it->second.wire.status = RefundStatus::stuck;
  BookResult result = show(it->second);
  result.event = CallbackEvent::refund_stuck;
  return result;
}

BookResult OrderBook::refund_at_desk(const std::string& order_no,
                                     std::optional<std::int64_t> amount_minor, UnixUs now_us) {
  const Order* order = find_order(order_no, now_us);
  if (!order) return order_not_found();
  const WireOrder& wire = order->wire();
  const std::int64_t left_minor =
      wire.captured_minor - wire.refunded_minor - order->refund_pending_minor;
  const std::int64_t asked_minor = amount_minor.value_or(left_minor);
  if (asked_minor < 1)
    return refuse(422, "AMOUNT_EXCEEDS_REFUNDABLE", "There is nothing to give back.");
  const std::string refund_no = "DESK" + std::to_string(++desk_refunds_) + order_no.substr(0, 20);
  const BookResult made =
      refund({refund_no, order_no, wire.merchant_id, asked_minor, wire.currency}, now_us);
  return made.refusal ? made : settle_refund(refund_no, true, now_us);
}

BookResult OrderBook::pay_again(const std::string& order_no, UnixUs now_us) {
  const Order* order = find_order(order_no, now_us);
  if (!order) return order_not_found();
  if (order->wire().status != OrderStatus::paid || order->wire().manual_capture)
    return refuse(409, "ORDER_NOT_PAID", "Only what was paid can be paid again.");
  sandbox_wire::CreateOrder again = order->asked;
  OrderTerms terms = order->facts.terms;
  const OrderContext context = order->context;
  terms.paid_again_as = order_no;
  std::string number = order_no + "D2";
  for (int i = 3; orders_.count(number) > 0; ++i) number = order_no + "D" + std::to_string(i);
  again.out_order_no = number;
  again.expires_at_us = 0;
  const BookResult made = create(again, {}, now_us, terms);
  if (made.refusal) return made;
  orders_.at(number).context = context;
  return pay(number, now_us);
}

std::vector<BookResult> OrderBook::refunds_of(const std::string& order_no) const {
  std::vector<BookResult> refunds;
  const auto order = orders_.find(order_no);
  if (order == orders_.end()) return refunds;
  for (const std::string& refund_no : order->second.refund_nos)
    refunds.push_back(show(refunds_.at(refund_no)));
  return refunds;
}

std::string OrderBook::order_of_transaction(std::uint64_t number) const {
  const auto it = by_transaction_.find(number);
  return it == by_transaction_.end() ? std::string() : it->second;
}

std::string_view OrderBook::desk_of(const std::string& order_no) const {
  const auto it = orders_.find(order_no);
  return it == orders_.end() ? std::string_view() : it->second.facts.terms.desk;
}

void OrderBook::set_details(const std::string& order_no, std::string details) {
  const auto it = orders_.find(order_no);
  if (it != orders_.end()) it->second.facts.terms.details = std::move(details);
}

OrderContext* OrderBook::context(const std::string& order_no) {
  const auto it = orders_.find(order_no);
  return it == orders_.end() ? nullptr : &it->second.context;
}

std::vector<OrderFacts> OrderBook::newest(std::size_t limit, const std::string& before,
                                          bool open_only) const {
  std::vector<OrderFacts> orders;
  auto it = by_age_.rbegin();
  if (!before.empty()) {
    it = std::find(it, by_age_.rend(), before);
    if (it != by_age_.rend()) ++it;
  }
  for (; it != by_age_.rend() && orders.size() < limit; ++it) {
    const auto order = orders_.find(*it);
    if (order == orders_.end()) continue;
    if (open_only && order->second.wire().status != OrderStatus::open) continue;
    orders.push_back(order->second.facts);
  }
  return orders;
}

// Who looks at an order after its time sees it closed: nobody has to watch the clock.
OrderBook::Order* OrderBook::find_order(const std::string& order_no, UnixUs now_us) {
  const auto it = orders_.find(order_no);
  if (it == orders_.end()) return nullptr;
  Order& order = it->second;
  const bool expired = order.asked.expires_at_us != 0 && now_us >= order.asked.expires_at_us;
  if (expired && order.wire().status == OrderStatus::open) {
    order.wire().status = OrderStatus::closed;
    settled(order, now_us);
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
  by_transaction_.erase(it->second.transaction);
  orders_.erase(it);
}

void OrderBook::settled(Order& order, UnixUs now_us) {
  if (std::exchange(order.queued_as_settled, true)) return;
  if (order.wire().status != OrderStatus::paid) order.facts.closed_at_us = now_us;
  by_settling_.push_back(order.wire().out_order_no);
}

void OrderBook::take(Order& order, std::int64_t amount_minor, UnixUs now_us) {
  order.wire().status = OrderStatus::paid;
  order.wire().captured_minor = amount_minor;
  order.facts.terms.begun = true;
  order.facts.paid_at_us = now_us;
  add_to(stats_.charged_minor, order.wire().currency, amount_minor);
  ++stats_.paid;
  settled(order, now_us);
}

}  // namespace welkin::sandbox
