// What really happened at the simulated channel: which orders it has, what the payer was charged,
// what was given back. The runtime's journal is held against these books, so nothing here asks what
// the runtime believes. Plain rules: no clock, no faults, no messages.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "protocol/channel/sandbox_wire.hpp"

namespace welkin::simulation {

struct Charge {
  std::string reference;
  std::int64_t held_minor = 0;      // authorized and neither captured nor let go
  std::int64_t captured_minor = 0;  // taken from the payer
};

struct BookedRefund {
  sandbox_wire::WireRefund wire;
  bool refused = false;  // at once; it never was a refund
  bool reversed = false;
  // The runtime has acknowledged that the money was given back.
  bool success_heard = false;
};

struct BookedOrder {
  sandbox_wire::CreateOrder asked;
  sandbox_wire::OrderStatus status = sandbox_wire::OrderStatus::open;
  std::vector<Charge> charges;
  std::map<std::string, BookedRefund> refunds;  // by number
  bool refused = false;                         // the create was: a definite no
  bool ever_declined = false;
  bool ever_closed = false;
  // The runtime may have been told, or may conclude, that the order is over: news about money must
  // reach it, for it will not ask.
  bool may_be_forgotten = false;
  bool late_charge_planned = false;
  bool second_charge_planned = false;
  // A capture refused once stays refused, even if its twin was held up on the way.
  std::set<std::int64_t> refused_captures;
  bool spared = false;  // no fault strikes it

  std::int64_t captured_minor() const;
  std::int64_t refunded_minor() const;         // succeeded
  std::int64_t refund_reserved_minor() const;  // succeeded or pending
  std::int64_t held_minor() const;
  // As the channel shows it to who asks: with the first charge that counts for something.
  sandbox_wire::WireOrder shown() const;
  // As it tells of its newest charge.
  sandbox_wire::WireOrder told() const;
};

struct Refusal {
  int http_status = 0;
  std::string code;
};

class ChannelBooks {
 public:
  BookedOrder* find(const std::string& order_no);
  const BookedOrder* find(const std::string& order_no) const;
  BookedRefund* find_refund(const std::string& refund_no);
  const std::map<std::string, BookedOrder>& orders() const { return orders_; }

  BookedOrder& create(const sandbox_wire::CreateOrder& asked);
  std::optional<Refusal> close(BookedOrder& order);
  std::optional<Refusal> capture(BookedOrder& order, std::int64_t amount_minor);
  std::optional<Refusal> let_go(BookedOrder& order);

  // The payer's doing. A charge takes the money, or holds it when the order is captured by hand.
  void charge(BookedOrder& order);
  void decline(BookedOrder& order);

  // Null when it is refused; a refused number stays refused.
  BookedRefund* refund(BookedOrder& order, const sandbox_wire::CreateRefund& asked, bool refuse);
  // Of one that is pending or stuck.
  void settle_refund(const std::string& refund_no, bool succeeds);
  // It waits for the merchant; false when it is settled.
  bool stick_refund(const std::string& refund_no);
  // The merchant's doing at the channel's own desk; null when so much is not left. It is made.
  BookedRefund* refund_at_desk(BookedOrder& order, std::int64_t amount_minor);
  // The payer's bank sends back what was given back.
  void reverse_refund(const std::string& refund_no);

 private:
  std::map<std::string, BookedOrder> orders_;
  std::map<std::string, std::string> order_of_refund_;
  std::uint64_t references_ = 0;
  std::uint64_t desk_refunds_ = 0;
};

}  // namespace welkin::simulation
