#include "protocol/channels/stripe/account.hpp"

#include <cstddef>
#include <string_view>
#include <utility>

#include "protocol/channels/account_checks.hpp"

namespace welkin::stripe {
namespace {

bool begins(std::string_view text, std::string_view with) {
  return text.substr(0, with.size()) == with;
}

// What may stand in a header: nothing that could end its line.
bool is_token(std::string_view text) {
  if (text.empty()) return false;
  for (const char c : text)
    if (c <= 0x20 || c >= 0x7f) return false;
  return true;
}

}  // namespace

std::variant<Account, AccountFaults> make_account(const AccountConfig& config) {
  AccountFaults faults;
  const auto expect = [&faults](bool good, std::string_view field, const char* what) {
    if (!good) faults.push_back(account_fault(field, what));
  };
  expect(is_base_url(config.base_url), "base_url",
         "An http or https URL without a slash at its end is expected.");
  const bool live = begins(config.secret_key, "sk_live_") || begins(config.secret_key, "rk_live_");
  const bool test = begins(config.secret_key, "sk_test_") || begins(config.secret_key, "rk_test_");
  expect((live || test) && is_token(config.secret_key) && config.secret_key.size() >= 16,
         "secret_key",
         "A key that begins with sk_live_, sk_test_, rk_live_ or rk_test_ is expected.");
  expect(!config.webhook_secrets.empty(), "webhook_secrets",
         "Without a secret no webhook can be believed.");
  for (std::size_t i = 0; i < config.webhook_secrets.size(); ++i) {
    const std::string& secret = config.webhook_secrets[i];
    expect(begins(secret, "whsec_") && is_token(secret) && secret.size() >= 16,
           "webhook_secrets/" + std::to_string(i), "A secret that begins with whsec_ is expected.");
  }
  expect(is_token(config.api_version), "api_version",
         "A version as Stripe names them is expected.");
  if (!faults.empty()) return faults;
  return Account{config.base_url, config.secret_key, config.webhook_secrets, config.api_version,
                 live};
}

}  // namespace welkin::stripe
