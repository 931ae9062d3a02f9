// One account at Stripe: the key that speaks for us, and the secrets whose webhooks we believe.
// Made once from configuration; a fault names the field.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "protocol/channels/account_checks.hpp"

namespace welkin::stripe {

struct AccountConfig {
  std::string base_url = "https://api.stripe.com";
  std::string secret_key;  // "sk_test_…", "sk_live_…" or a restricted "rk_…"
  // Of the endpoint, whole as Stripe shows them; several while one is being rolled.
  std::vector<std::string> webhook_secrets;
  std::string api_version = "2026-10-28.endive";
};

struct Account {
  std::string base_url;
  std::string secret_key;
  std::vector<std::string> webhook_secrets;
  std::string api_version;
  bool live = false;  // which of the account's two worlds the key opens
};

std::variant<Account, AccountFaults> make_account(const AccountConfig& config);

}  // namespace welkin::stripe
