// The sandbox's own protocol, sandbox_wire: the simplest of the desks.
#pragma once

#include <mutex>
#include <optional>
#include <string>

#include "sandbox/bank.hpp"

namespace welkin::sandbox {

class OwnDesk : public Desk {
 public:
  OwnDesk(Bank& bank, std::string secret, std::size_t nonce_capacity);

  // Before any request: where a payer's browser is sent to pay.
  void set_pay_url_base(std::string base) { pay_url_base_ = std::move(base); }

  std::string_view name() const override { return "sandbox"; }
  std::string_view prefix() const override { return {}; }
  DeskAnswer answer(const DeskRequest& request) override;
  std::optional<Seal> tell(const BookResult& news, UnixUs now_us) const override;
  bool is_taken(int http_status, std::string_view body) const override;

 private:
  DeskAnswer of_order(const DeskRequest& request, std::string_view number, std::string_view what);
  DeskAnswer create_order(const DeskRequest& request);
  DeskAnswer order_operation(const DeskRequest& request, const std::string& order_no,
                             std::string_view what,
                             BookResult (OrderBook::*work)(const std::string&, UnixUs));
  DeskAnswer capture_order(const DeskRequest& request, const std::string& order_no);
  DeskAnswer create_refund(const DeskRequest& request);
  DeskAnswer query_refund(const std::string& refund_no);
  std::optional<DeskAnswer> refuse_unsigned(const DeskRequest& request);

  Bank& bank_;
  const std::string secret_;
  std::string pay_url_base_;
  std::mutex nonces_mutex_;
  sandbox_wire::NonceMemory nonces_;
};

// Also what the control endpoints answer.
DeskAnswer refuse(int http_status, std::string code, std::string message);
DeskAnswer reply_to(int http_status, const Problem& problem);
DeskAnswer show(BookResult result);

}  // namespace welkin::sandbox
