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

struct BookResult {
  std::optional<Refusal> refusal;  // then nothing else is set
  std::optional<sandbox_wire::WireOrder> order;
  std::optional<sandbox_wire::WireRefund> refund;
  std::optional<sandbox_wire::CallbackEvent> event;  // this call made it happen
  bool created = false;                              // this call made the order or the refund
};

// What the server keeps beside the order for its callbacks.
struct OrderContext {
  std::string notify_url;
  std::string return_url;
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
                    UnixUs now_us);
  BookResult find(const std::string& order_no, UnixUs now_us);
  BookResult close(const std::string& order_no, UnixUs now_us);
  BookResult capture(const std::string& order_no, std::int64_t amount_minor, UnixUs now_us);
  BookResult void_authorization(const std::string& order_no, UnixUs now_us);

  // The payer's doing. Paying an order with manual capture authorizes it.
  BookResult pay(const std::string& order_no, UnixUs now_us);
  BookResult decline(const std::string& order_no, UnixUs now_us);

  // A refund starts as PENDING.
  BookResult refund(const sandbox_wire::CreateRefund& asked, UnixUs now_us);
  BookResult find_refund(const std::string& refund_no) const;
  BookResult settle_refund(const std::string& refund_no, bool succeeds);

  // Null when there is no such order. The pointer is good until the next call that changes the
  // book.
  OrderContext* context(const std::string& order_no);

  // Of those older than `before`, if that is not empty: the next page.
  std::vector<sandbox_wire::WireOrder> newest(std::size_t limit, const std::string& before) const;
  const BookStats& stats() const { return stats_; }

 private:
  struct Order {
    sandbox_wire::WireOrder wire;
    sandbox_wire::CreateOrder asked;
    OrderContext context;
    std::int64_t refund_pending_minor = 0;
    std::vector<std::string> refund_nos;
    bool queued_as_settled = false;
  };

  Order* find_order(const std::string& order_no, UnixUs now_us);
  bool make_room(UnixUs now_us);
  void drop(const std::string& order_no);
  void settled(Order& order);
  void take(Order& order, std::int64_t amount_minor);

  std::size_t max_orders_;
  std::unordered_map<std::string, Order> orders_;
  std::unordered_map<std::string, sandbox_wire::WireRefund> refunds_;
  std::deque<std::string> by_age_;       // may name orders that were dropped
  std::deque<std::string> by_settling_;  // the first to be dropped
  std::uint64_t last_transaction_ = 0;
  BookStats stats_;
};

}  // namespace welkin::sandbox
