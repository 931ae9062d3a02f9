// Alipay's gateway, version 2: precreate, page and wap orders, queries, closes, refunds.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "protocol/channels/alipay/account.hpp"
#include "protocol/channels/form.hpp"
#include "sandbox/bank.hpp"

namespace welkin::sandbox {

// The merchant's account, whose public key checks requests, and what Alipay signs with.
struct AlipaySide {
  alipay::Account account;  // with certificates, so that requests of both modes are understood
  crypto::PrivateKey key;
  std::string certificate_number;
};

class AlipayDesk : public Desk {
 public:
  AlipayDesk(Bank& bank, AlipaySide side);

  std::string_view name() const override { return "alipay"; }
  std::string_view prefix() const override { return "/alipay"; }
  DeskAnswer answer(const DeskRequest& request) override;
  std::optional<Seal> tell(const BookResult& news, UnixUs now_us) const override;
  bool is_taken(int http_status, std::string_view body) const override;

 private:
  using Json = nlohmann::ordered_json;
  struct Call;  // one request, as far as it is read

  std::optional<Json> envelope_fault(const FormFields& fields) const;
  bool is_genuine(const FormFields& fields) const;
  DeskAnswer signed_node(const std::string& method, const Json& node, bool by_certificate,
                         bool in_gbk) const;
  DeskAnswer by_browser(const Call& call);
  Served create(const Call& call);
  Served query(const Call& call);
  Served close(const Call& call);
  Served refund(const Call& call);
  Served query_refund(const Call& call);
  std::string order_no_of(const Json& content);

  Bank& bank_;
  const AlipaySide side_;
};

}  // namespace welkin::sandbox
