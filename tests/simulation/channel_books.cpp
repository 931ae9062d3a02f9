#include "tests/simulation/channel_books.hpp"

namespace welkin::simulation {

using sandbox_wire::OrderStatus;
using sandbox_wire::RefundStatus;

std::int64_t BookedOrder::captured_minor() const {
  std::int64_t sum = 0;
  for (const Charge& charge : charges) sum += charge.captured_minor;
  return sum;
}

std::int64_t BookedOrder::held_minor() const {
  std::int64_t sum = 0;
  for (const Charge& charge : charges) sum += charge.held_minor;
  return sum;
}

std::int64_t BookedOrder::refunded_minor() const {
  std::int64_t sum = 0;
  for (const auto& [number, refund] : refunds)
    if (refund.wire.status == RefundStatus::succeeded) sum += refund.wire.amount_minor;
  return sum;
}

std::int64_t BookedOrder::refund_reserved_minor() const {
  std::int64_t sum = 0;
  for (const auto& [number, refund] : refunds)
    if (refund.wire.status != RefundStatus::failed) sum += refund.wire.amount_minor;
  return sum;
}

namespace {

sandbox_wire::WireOrder with_charge(const BookedOrder& order, const Charge* charge) {
  const auto& asked = order.asked;
  sandbox_wire::WireOrder wire;
  wire.out_order_no = asked.out_order_no;
  wire.merchant_id = asked.merchant_id;
  wire.status = order.status;
  wire.amount_minor = asked.amount_minor;
  wire.captured_minor = charge ? charge->captured_minor : 0;
  wire.refunded_minor = order.refunded_minor();
  wire.currency = asked.currency;
  wire.manual_capture = asked.manual_capture;
  wire.transaction_id = charge ? charge->reference : "order-" + asked.out_order_no;
  wire.qr_code = "welkin-simulation:" + asked.out_order_no;
  return wire;
}

}  // namespace

sandbox_wire::WireOrder BookedOrder::shown() const {
  for (const Charge& charge : charges)
    if (charge.captured_minor > 0 || charge.held_minor > 0) return with_charge(*this, &charge);
  return told();
}

sandbox_wire::WireOrder BookedOrder::told() const {
  return with_charge(*this, charges.empty() ? nullptr : &charges.back());
}

BookedOrder* ChannelBooks::find(const std::string& order_no) {
  const auto found = orders_.find(order_no);
  return found == orders_.end() ? nullptr : &found->second;
}
const BookedOrder* ChannelBooks::find(const std::string& order_no) const {
  const auto found = orders_.find(order_no);
  return found == orders_.end() ? nullptr : &found->second;
}

BookedRefund* ChannelBooks::find_refund(const std::string& refund_no) {
  const auto order_no = order_of_refund_.find(refund_no);
  if (order_no == order_of_refund_.end()) return nullptr;
  return &orders_.at(order_no->second).refunds.at(refund_no);
}

BookedOrder& ChannelBooks::create(const sandbox_wire::CreateOrder& asked) {
  BookedOrder& order = orders_[asked.out_order_no];
  order.asked = asked;
  return order;
}

std::optional<Refusal> ChannelBooks::close(BookedOrder& order) {
  switch (order.status) {
    case OrderStatus::paid:
      return Refusal{409, "ORDER_PAID"};
    case OrderStatus::authorized:
      return Refusal{409, "ORDER_AUTHORIZED"};
    case OrderStatus::open:
      order.status = OrderStatus::closed;
      [[fallthrough]];
    case OrderStatus::closed:
    case OrderStatus::declined:
      break;
  }
  order.ever_closed = true;
  order.may_be_forgotten = true;
  return std::nullopt;
}

std::optional<Refusal> ChannelBooks::capture(BookedOrder& order, std::int64_t amount_minor) {
  switch (order.status) {
    case OrderStatus::paid:
      if (order.charges.back().captured_minor == amount_minor) return std::nullopt;
      return Refusal{409, "ORDER_PAID"};
    case OrderStatus::closed:
    case OrderStatus::declined:
      return Refusal{409, "ORDER_CLOSED"};
    case OrderStatus::open:
      return Refusal{409, "ORDER_NOT_AUTHORIZED"};
    case OrderStatus::authorized:
      break;
  }
  Charge& charge = order.charges.back();
  if (amount_minor > charge.held_minor) return Refusal{422, "AMOUNT_EXCEEDS_AUTHORIZED"};
  charge.held_minor = 0;
  charge.captured_minor = amount_minor;
  order.status = OrderStatus::paid;
  return std::nullopt;
}

std::optional<Refusal> ChannelBooks::let_go(BookedOrder& order) {
  switch (order.status) {
    case OrderStatus::paid:
      return Refusal{409, "ORDER_PAID"};
    case OrderStatus::open:
      return Refusal{409, "ORDER_NOT_AUTHORIZED"};
    case OrderStatus::authorized:
      order.charges.back().held_minor = 0;
      order.status = OrderStatus::closed;
      [[fallthrough]];
    case OrderStatus::closed:
    case OrderStatus::declined:
      break;
  }
  order.ever_closed = true;
  order.may_be_forgotten = true;
  return std::nullopt;
}

void ChannelBooks::charge(BookedOrder& order) {
  Charge charge;
  charge.reference = "charge-" + std::to_string(++references_);
  const bool holds = order.asked.manual_capture;
  (holds ? charge.held_minor : charge.captured_minor) = order.asked.amount_minor;
  order.charges.push_back(charge);
  order.status = holds ? OrderStatus::authorized : OrderStatus::paid;
}

void ChannelBooks::decline(BookedOrder& order) {
  order.status = OrderStatus::declined;
  order.ever_declined = true;
  order.may_be_forgotten = true;
}

BookedRefund* ChannelBooks::refund(BookedOrder& order, const sandbox_wire::CreateRefund& asked,
                                   bool refuse) {
  BookedRefund refund;
  refund.wire.out_refund_no = asked.out_refund_no;
  refund.wire.out_order_no = asked.out_order_no;
  refund.wire.merchant_id = asked.merchant_id;
  refund.wire.amount_minor = asked.amount_minor;
  refund.wire.order_amount_minor = order.asked.amount_minor;
  refund.wire.currency = asked.currency;
  refund.wire.transaction_id = "refund-" + std::to_string(++references_);
  const std::int64_t left_minor = order.captured_minor() - order.refund_reserved_minor();
  refund.refused = refuse || asked.amount_minor > left_minor;
  if (refund.refused) refund.wire.status = RefundStatus::failed;
  order_of_refund_[asked.out_refund_no] = asked.out_order_no;
  BookedRefund& booked = order.refunds[asked.out_refund_no] = std::move(refund);
  return booked.refused ? nullptr : &booked;
}

void ChannelBooks::settle_refund(const std::string& refund_no, bool succeeds) {
  BookedRefund* refund = find_refund(refund_no);
  if (!refund ||
      (refund->wire.status != RefundStatus::pending && refund->wire.status != RefundStatus::stuck))
    return;
  refund->wire.status = succeeds ? RefundStatus::succeeded : RefundStatus::failed;
}

bool ChannelBooks::stick_refund(const std::string& refund_no) {
  BookedRefund* refund = find_refund(refund_no);
  if (!refund || refund->wire.status != RefundStatus::pending) return false;
  refund->wire.status = RefundStatus::stuck;
  return true;
}

BookedRefund* ChannelBooks::refund_at_desk(BookedOrder& order, std::int64_t amount_minor) {
  const std::string number = "DESK" + std::to_string(1'000'000 + ++desk_refunds_);
  BookedRefund* made = refund(order,
                              {number, order.asked.out_order_no, order.asked.merchant_id,
                               amount_minor, order.asked.currency},
                              /*refuse=*/false);
  if (made) settle_refund(number, true);
  return made;
}

void ChannelBooks::reverse_refund(const std::string& refund_no) {
  BookedRefund* refund = find_refund(refund_no);
  if (!refund || refund->wire.status != RefundStatus::succeeded) return;
  refund->wire.status = RefundStatus::failed;
  refund->reversed = true;
}

}  // namespace welkin::simulation
