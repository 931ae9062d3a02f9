// WeChat Pay's side of APIv3: orders of all three ways to pay, queries, closes, refunds and the
// platform's certificates.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "protocol/channels/wechat_pay/account.hpp"
#include "sandbox/bank.hpp"

namespace welkin::sandbox {

// The merchant's account, whose public key checks requests, and what the platform signs with.
struct WechatSide {
  wechat_pay::Account account;
  crypto::PrivateKey platform_key;
  crypto::Certificate platform_certificate;
  std::string platform_certificate_pem;
};

class WechatDesk : public Desk {
 public:
  WechatDesk(Bank& bank, WechatSide side);

  // Before any request: where a payer's browser is sent to pay.
  void set_pay_url_base(std::string base) { pay_url_base_ = std::move(base); }

  std::string_view name() const override { return "wechat_pay"; }
  std::string_view prefix() const override { return "/wechat_pay"; }
  DeskAnswer answer(const DeskRequest& request) override;
  std::optional<Seal> tell(const BookResult& news, UnixUs now_us) const override;
  bool is_taken(int http_status, std::string_view body) const override;

 private:
  using Json = nlohmann::ordered_json;

  std::optional<DeskAnswer> refuse_unsigned(const DeskRequest& request) const;
  DeskAnswer route(const DeskRequest& request);
  DeskAnswer create(const DeskRequest& request, const std::string& method);
  DeskAnswer query(const DeskRequest& request, const std::string& order_no);
  DeskAnswer close(const DeskRequest& request, const std::string& order_no);
  DeskAnswer refund(const DeskRequest& request);
  DeskAnswer query_refund(const std::string& refund_no);
  DeskAnswer certificates() const;

  std::string order_of_transaction(const std::string& transaction_id);
  Json transaction_json(const OrderFacts& facts) const;
  DeskAnswer created(const OrderFacts& facts) const;

  Bank& bank_;
  const WechatSide side_;
  std::string pay_url_base_;
};

}  // namespace welkin::sandbox
