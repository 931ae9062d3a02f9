// The sandbox without its HTTP server: takes what a request says, asks the order book, makes the
// payer pay, sends the callbacks, and decides what goes wrong with each. sandbox_server.cpp puts
// HTTP in front of it.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "protocol/channel/sandbox_wire.hpp"
#include "sandbox/callback_sender.hpp"
#include "sandbox/order_book.hpp"
#include "sandbox/sandbox_server.hpp"
#include "sandbox/scheduler.hpp"

namespace welkin::sandbox {

struct Reply {
  int http_status = 200;
  std::string body;
};
Reply reply_to(const Refusal& refusal);
Reply reply_to(int http_status, const Problem& problem);

// Threads: every function may be called from any thread. Signed requests may be held back on
// purpose and so block for a while; stop() ends that.
class ChannelDesk {
 public:
  explicit ChannelDesk(const SandboxConfig& config);
  ~ChannelDesk();

  void set_pay_url_base(std::string base) {
    pay_url_base_ = std::move(base);
  }  // before any request
  void stop();

  // ---- the runtime's requests: signed
  Reply create_order(const sandbox_wire::SignatureHeaders& headers, const std::string& body);
  Reply query_order(const sandbox_wire::SignatureHeaders& headers, const std::string& order_no);
  Reply close_order(const sandbox_wire::SignatureHeaders& headers, const std::string& order_no,
                    const std::string& body);
  Reply capture_order(const sandbox_wire::SignatureHeaders& headers, const std::string& order_no,
                      const std::string& body);
  Reply void_order(const sandbox_wire::SignatureHeaders& headers, const std::string& order_no,
                   const std::string& body);
  Reply create_refund(const sandbox_wire::SignatureHeaders& headers, const std::string& body);
  Reply query_refund(const sandbox_wire::SignatureHeaders& headers, const std::string& refund_no);

  // ---- the tester's: unsigned
  Reply control() const;
  Reply set_control(const std::string& body);
  Reply set_order_misbehaviour(const std::string& order_no, const std::string& body);
  Reply pay(const std::string& order_no);
  Reply decline(const std::string& order_no);
  Reply list_orders(std::size_t limit, const std::string& before) const;
  Reply stats() const;
  // Where the payer's browser goes after paying; empty when there is no such place.
  std::string return_url(const std::string& order_no);

 private:
  struct Asked {
    std::string order_no;
    std::string_view what;
    bool is_query = false;
    std::optional<SubjectTags> tags;  // of an order that may not be in the book yet
  };
  using Work = std::function<BookResult(UnixUs now_us)>;

  std::optional<Reply> refuse_unsigned(const sandbox_wire::SignatureHeaders& headers,
                                       const std::string& body);
  Reply order_operation(const sandbox_wire::SignatureHeaders& headers, const std::string& order_no,
                        const std::string& body, std::string_view what,
                        BookResult (OrderBook::*work)(const std::string&, UnixUs));
  Reply answer(const Asked& asked, const Work& work);
  RequestPlan plan(const Asked& asked);
  std::uint64_t count_try(const std::string& order_no, std::string_view what);
  bool pause(std::int64_t for_ms);

  // These want mutex_ held.
  void follow_up(const BookResult& result);
  void call_back(const BookResult& result);
  void pay_later(const sandbox_wire::WireOrder& order);
  void settle_later(const sandbox_wire::WireRefund& refund);
  bool refund_succeeds(const sandbox_wire::WireRefund& refund);

  void payer_acts(const std::string& order_no, bool declines);
  void refund_settles(const std::string& refund_no, bool succeeds);

  const SandboxConfig config_;
  std::string pay_url_base_;

  mutable std::mutex mutex_;
  std::condition_variable stopped_;
  bool stopping_ = false;
  std::size_t pausing_ = 0;
  OrderBook book_;
  Control control_;
  sandbox_wire::NonceMemory nonces_;
  std::unordered_map<std::string, std::uint64_t> tries_;
  std::deque<std::string> tries_by_age_;

  CallbackSender callbacks_;
  Scheduler timers_;  // last: its threads use everything above
};

}  // namespace welkin::sandbox
