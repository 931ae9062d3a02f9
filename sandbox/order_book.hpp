// What an order and a refund may do in the sandbox, as plain values: no clock, socket or thread.
// Each operation answers with the object as it then stands or with a refusal, and says whether
// anything changed, which is when a callback is due.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "protocol/channel/sandbox_wire.hpp"
#include "sandbox/misbehaviour.hpp"

namespace welkin::sandbox {

struct Refusal {
  int http_status = 0;
  std::string code;
  std::string message;
};

// What the desk that takes an order says of it, beside what every channel knows of an order.
struct OrderTerms {
  std::string_view desk = "sandbox";  // which answers for it; a text that lives for ever
  std::string method;                 // "native", "page", …
  std::string payer_id;               // WeChat's openid
  std::string channel_time;           // UnionPay's txnTime, without which it knows no transaction
  std::string details;                // what the desk alone reads
  std::string paid_again_as;          // a second payment of one order: the number they share
  bool decline_ends_it = true;        // else the payer may try again
  bool payer_comes = true;            // else nobody pays it by himself
  bool begun = true;                  // the payer has it before him; else the channel hides it
};
struct OrderFacts {
  OrderTerms terms;
  sandbox_wire::WireOrder order;  // as it stands
  std::string subject;
  std::string return_url;
  UnixUs created_at_us = 0;
  UnixUs expires_at_us = 0;
  UnixUs paid_at_us = 0;
  UnixUs closed_at_us = 0;
  int declined_tries = 0;
  std::int64_t refunds_minor = 0;  // those that are pending, too
};

struct RefundTerms {
  std::string notify_url;    // instead of the order's
  std::string type;          // UnionPay's txnType
  std::string channel_time;  // and its txnTime
  std::string details;
};
struct RefundFacts {
  RefundTerms terms;
  UnixUs created_at_us = 0;
  UnixUs settled_at_us = 0;
};

struct BookResult {
  std::optional<Refusal> refusal;  // then nothing else is set
  std::optional<sandbox_wire::WireOrder> order;
  std::optional<sandbox_wire::WireRefund> refund;
  std::optional<sandbox_wire::CallbackEvent> event;  // this call made it happen
  bool created = false;                              // this call made the order or the refund
  OrderFacts facts;                                  // of the order, or of the refund's order
  RefundFacts refund_facts;
};

// What the server keeps beside the order for its callbacks.
struct OrderContext {
  std::string notify_url;
  SubjectTags tags;
  std::optional<Misbehaviour> misbehaviour;  // instead of everybody's
};

struct BookStats {
  std::uint64_t orders = 0;  // ever made
  std::uint64_t orders_kept = 0;
  std::uint64_t paid = 0;
  std::uint64_t refunds = 0;
  std::map<std::string, std::int64_t> charged_minor;  // by currency; dropped orders included
  std::map<std::string, std::int64_t> refunded_minor;
};

class OrderBook {
 public:
  static constexpr std::size_t max_refunds_per_order = 1'000;

  explicit OrderBook(std::size_t max_orders) : max_orders_(max_orders) {}

  BookResult create(const sandbox_wire::CreateOrder& asked, std::string_view pay_url_base,
                    UnixUs now_us, const OrderTerms& terms = {});
  BookResult find(const std::string& order_no, UnixUs now_us);
  BookResult close(const std::string& order_no, UnixUs now_us);
  BookResult capture(const std::string& order_no, std::int64_t amount_minor, UnixUs now_us);
  BookResult void_authorization(const std::string& order_no, UnixUs now_us);

  // The payer's doing. Paying an order with manual capture authorizes it.
  BookResult pay(const std::string& order_no, UnixUs now_us);
  BookResult decline(const std::string& order_no, UnixUs now_us);
  // The payer has the order before him: he has scanned the code, or his browser has come.
  BookResult begin(const std::string& order_no, UnixUs now_us);

  // A refund starts as PENDING.
  BookResult refund(const sandbox_wire::CreateRefund& asked, UnixUs now_us,
                    const RefundTerms& terms = {});
  BookResult find_refund(const std::string& refund_no) const;
  // Of one that is pending or stuck.
  BookResult settle_refund(const std::string& refund_no, bool succeeds, UnixUs now_us = 0);
  // It waits for the merchant from here on.
  BookResult stick_refund(const std::string& refund_no);

  // The merchant's doing at the channel's own desk: a refund under a number of the channel's. No
  // amount: all that is left.
  BookResult refund_at_desk(const std::string& order_no, std::optional<std::int64_t> amount_minor,
                            UnixUs now_us);
  // The payer pays a paid order once more, which is another transaction under the same number.
  BookResult pay_again(const std::string& order_no, UnixUs now_us);

  // Of an order, the oldest first.
  std::vector<BookResult> refunds_of(const std::string& order_no) const;

  // The order whose transaction_id ends in this number; empty when there is none.
  std::string order_of_transaction(std::uint64_t number) const;
  // Which desk took the order; empty when there is no such order.
  std::string_view desk_of(const std::string& order_no) const;
  void set_details(const std::string& order_no, std::string details);

  // Null when there is no such order. The pointer is good until the next call that changes the
  // book.
  OrderContext* context(const std::string& order_no);

  // Of those older than `before`, if that is not empty: the next page.
  std::vector<OrderFacts> newest(std::size_t limit, const std::string& before,
                                 bool open_only = false) const;
  const BookStats& stats() const { return stats_; }

 private:
  struct Order {
    sandbox_wire::CreateOrder asked;
    OrderContext context;
    OrderFacts facts;
    std::int64_t refund_pending_minor = 0;
    std::vector<std::string> refund_nos;
    bool queued_as_settled = false;
    std::uint64_t transaction = 0;

    sandbox_wire::WireOrder& wire() { return facts.order; }
    const sandbox_wire::WireOrder& wire() const { return facts.order; }
  };
  struct Refund {
    sandbox_wire::WireRefund wire;
    RefundFacts facts;
  };

  static BookResult show(const Order& order);
  static BookResult show(const Order& order, sandbox_wire::CallbackEvent event);
  BookResult show(const Refund& refund) const;
  Order* find_order(const std::string& order_no, UnixUs now_us);
  bool make_room(UnixUs now_us);
  void drop(const std::string& order_no);
  void settled(Order& order, UnixUs now_us);
  void take(Order& order, std::int64_t amount_minor, UnixUs now_us);

  std::size_t max_orders_;
  std::unordered_map<std::string, Order> orders_;
  std::unordered_map<std::string, Refund> refunds_;
  std::unordered_map<std::uint64_t, std::string> by_transaction_;
  std::deque<std::string> by_age_;       // may name orders that were dropped
  std::deque<std::string> by_settling_;  // the first to be dropped
  std::uint64_t last_transaction_ = 0;
  std::uint64_t desk_refunds_ = 0;
  BookStats stats_;
};

}  // namespace welkin::sandbox
