// UnionPay's online gateway, ACP 5.1.0: the front form, codes to scan, queries, undos and refunds.
#pragma once

#include <optional>
#include <string>

#include "protocol/channels/form.hpp"
#include "protocol/channels/union_pay/account.hpp"
#include "sandbox/bank.hpp"

namespace welkin::sandbox {

// The merchant's account, whose public key checks requests, and what UnionPay signs with.
struct UnionPaySide {
  union_pay::Account account;  // with RSA
  crypto::PrivateKey signer_key;
  std::string signer_certificate;  // PEM texts
  std::string merchant_certificate;
};

class UnionPayDesk : public Desk {
 public:
  UnionPayDesk(Bank& bank, UnionPaySide side);

  std::string_view name() const override { return "union_pay"; }
  std::string_view prefix() const override { return "/union_pay"; }
  DeskAnswer answer(const DeskRequest& request) override;
  std::optional<Seal> tell(const BookResult& news, UnixUs now_us) const override;
  bool is_taken(int http_status, std::string_view body) const override;

 private:
  // What a request comes to: the fields to answer with beside the request's own.
  struct Outcome {
    FormFields fields;
    Mishap mishap = Mishap::none;
    std::optional<OrderFacts> order;  // of an order that was made
  };

  std::optional<FormFields> fault_of(const FormFields& asked) const;
  Outcome judge(std::string_view path, const FormFields& asked);
  Outcome consume(const FormFields& asked, std::string_view method);
  Outcome query(const FormFields& asked);
  Outcome give_back(const FormFields& asked);
  std::string order_of_query_id(const std::string& query_id);
  void sign(FormFields& fields) const;
  DeskAnswer answer_with(const FormFields& asked, FormFields fields) const;

  Bank& bank_;
  const UnionPaySide side_;
  const std::string signer_in_message_;  // as the certificates stand in messages, with CRLF
  const std::string merchant_in_message_;
};

}  // namespace welkin::sandbox
