// Stripe's API, version 1: PaymentIntents and refunds, each repeated request answered as its first.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "protocol/channels/form.hpp"
#include "sandbox/bank.hpp"
#include "sandbox/kept_answers.hpp"
#include "sandbox/stripe_objects.hpp"

namespace welkin::sandbox {

struct StripeSide {
  std::string secret_key;
  std::string webhook_secret;
  std::string endpoint_url;  // of the webhooks
  std::string api_version;
};

class StripeDesk : public Desk {
 public:
  StripeDesk(Bank& bank, StripeSide side);

  // Before any request: where a payer's browser is sent to authenticate.
  void set_pay_url_base(std::string base) { pay_url_base_ = std::move(base); }

  std::string_view name() const override { return "stripe"; }
  std::string_view prefix() const override { return "/stripe"; }
  DeskAnswer answer(const DeskRequest& request) override;
  std::optional<Seal> tell(const BookResult& news, UnixUs now_us) const override;
  std::vector<Seal> strange_news(const BookResult& news, UnixUs now_us) const override;
  bool is_taken(int http_status, std::string_view body) const override;

 private:
  // An answer, and what the client sees of it.
  struct Outcome {
    DeskAnswer answer;
    Mishap mishap = Mishap::none;
    bool keep = true;  // for repeats of the request under its key
  };

  Outcome route(const DeskRequest& request, const FormFields& fields);
  Outcome of_intent(const DeskRequest& request, const FormFields& fields, std::string_view rest);
  Outcome create(const FormFields& fields);
  Outcome retrieve(const std::string& order_no);
  Outcome search(const FormFields& fields);
  Outcome confirm(const std::string& order_no, const FormFields& fields);
  Outcome capture(const std::string& order_no, const FormFields& fields);
  Outcome cancel(const std::string& order_no, const FormFields& fields);
  Outcome refund(const FormFields& fields);
  Outcome retrieve_refund(const std::string& refund_no);
  Outcome list_refunds(const FormFields& fields);
  Outcome intent_outcome(const Served& served) const;
  Outcome refund_outcome(const Served& served) const;
  nlohmann::ordered_json event_of(const BookResult& news, UnixUs now_us) const;
  Seal seal_of(const nlohmann::ordered_json& event) const;
  std::string free_number(const std::string& wanted, bool of_refund);

  stripe_objects::IntentLinks links() const { return {side_.secret_key, pay_url_base_}; }

  Bank& bank_;
  const StripeSide side_;
  std::string pay_url_base_;
  KeptAnswers kept_;
};

}  // namespace welkin::sandbox
