// The money behind all desks: the order book under its lock, the payer who pays by himself, what
// goes wrong with each request, and the callbacks that follow from what happens.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "sandbox/callback_sender.hpp"
#include "sandbox/desk.hpp"
#include "sandbox/order_book.hpp"
#include "sandbox/sandbox_server.hpp"
#include "sandbox/scheduler.hpp"

namespace welkin::sandbox {

UnixUs wall_clock_us();
std::string make_nonce();  // 32 hex digits

inline constexpr std::string_view garbage = "\x01\xff<<< this is no JSON >>>\x02";

// One request to a desk, once it is known to be genuine.
struct Asked {
  std::string_view desk;
  std::string order_no;
  std::string_view what;  // "create", "refund", …: each operation draws its faults for itself
  bool is_query = false;
  std::optional<SubjectTags> tags;  // of an order that may not be in the book yet
  bool refund_settles_at_once = false;
};
using Work = std::function<BookResult(OrderBook& book, UnixUs now_us)>;

enum class Mishap : std::uint8_t {
  none,
  not_done,    // 503, and nothing was done
  not_told,    // 503 after it was done
  unreadable,  // garbage after it was done
};
struct Served {
  Mishap mishap = Mishap::none;
  BookResult result;  // empty after not_done
  bool in_gbk = false;
};

// Threads: every function may be called from any thread. Requests may be held back on purpose and
// so block for a while; stop() ends that.
class Bank {
 public:
  explicit Bank(const SandboxConfig& config);
  ~Bank();

  void add_desk(Desk& desk);  // before any request; it must outlive the bank's last callback
  void stop();

  Served serve(const Asked& asked, const Work& work);
  // Reads the book, without any misbehaviour: to find out what a request is about.
  template <class Reader>
  auto read(Reader reader) {
    std::lock_guard lock(mutex_);
    return reader(book_);
  }

  // ---- the tester's
  Control control() const;
  std::variant<Control, Problem> set_control(const std::string& body);
  // Nothing when there is no such order.
  std::optional<std::variant<Misbehaviour, Problem>> set_misbehaviour(const std::string& order_no,
                                                                      const std::string& body);
  BookResult pay(const std::string& order_no);
  BookResult decline(const std::string& order_no);
  BookResult begin(const std::string& order_no);
  BookResult pay_again(const std::string& order_no);
  // At the channel's own desk: a refund that nobody asked for over the wire, and what a stuck one
  // waits for.
  BookResult refund_at_desk(const std::string& order_no, std::optional<std::int64_t> amount_minor);
  BookResult settle_stuck_refunds(const std::string& order_no);
  std::vector<OrderFacts> newest(std::size_t limit, const std::string& before,
                                 bool open_only = false) const;
  std::optional<OrderFacts> facts(const std::string& order_no);
  BookStats book_stats() const;
  DeliveryStats delivery_stats() const { return callbacks_.stats(); }

 private:
  RequestPlan plan(const Asked& asked);
  std::uint64_t count_try(const std::string& order_no, std::string_view what);
  bool pause(std::int64_t for_ms);
  BookResult act(const std::string& order_no,
                 BookResult (OrderBook::*what)(const std::string&, UnixUs));

  // These want mutex_ held.
  void follow_up(const BookResult& result);
  void call_back(const BookResult& result);
  void pay_later(const BookResult& result);
  void settle_later(const sandbox_wire::WireRefund& refund);
  bool refund_succeeds(const sandbox_wire::WireRefund& refund);
  bool gets_stuck(const sandbox_wire::WireRefund& refund);

  const SandboxConfig config_;
  std::vector<const Desk*> desks_;

  mutable std::mutex mutex_;
  std::condition_variable stopped_;
  bool stopping_ = false;
  std::size_t pausing_ = 0;
  OrderBook book_;
  Control control_;
  std::unordered_map<std::string, std::uint64_t> tries_;
  std::deque<std::string> tries_by_age_;

  CallbackSender callbacks_;
  Scheduler timers_;  // last: its threads use everything above
};

}  // namespace welkin::sandbox
