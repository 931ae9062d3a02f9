// From configuration to an account that can sign and verify, or the field that is wrong.
#include "protocol/channels/union_pay/account.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "protocol/channels/account_checks.hpp"
#include "protocol/channels/certificate_chain.hpp"
#include "protocol/channels/pkcs12.hpp"

namespace welkin::union_pay {
namespace {

using crypto::Certificate;
using crypto::KeyFault;
using crypto::PrivateKey;

bool is_merchant_id(std::string_view text) {
  return text.size() == 15 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
         });
}

using OwnKey = std::optional<crypto::KeyAndCertificate>;

OwnKey own_key_of_pfx(const AccountConfig& config, AccountFaults& faults) {
  constexpr auto two = "There is a pfx too: use the one or the other.";
  if (!config.private_key.empty()) faults.push_back(account_fault("private_key", two));
  if (!config.certificate.empty()) faults.push_back(account_fault("certificate", two));
  auto read = crypto::read_pkcs12(config.pfx, config.pfx_password);
  if (const auto* what = std::get_if<KeyFault>(&read)) {
    faults.push_back(account_fault("pfx", *what));
    return std::nullopt;
  }
  return std::get<crypto::KeyAndCertificate>(std::move(read));
}

// Nothing when either cannot be read, or the one does not belong to the other.
OwnKey own_key(const AccountConfig& config, AccountFaults& faults) {
  if (!config.pfx.empty()) return own_key_of_pfx(config, faults);
  auto key = PrivateKey::from_pem(config.private_key);
  if (const auto* what = std::get_if<KeyFault>(&key))
    faults.push_back(account_fault("private_key", *what));
  auto certificate = Certificate::from_pem(config.certificate);
  if (const auto* what = std::get_if<KeyFault>(&certificate))
    faults.push_back(account_fault("certificate", *what));
  if (std::holds_alternative<KeyFault>(key) || std::holds_alternative<KeyFault>(certificate))
    return std::nullopt;
  if (!(std::get<Certificate>(certificate).public_key() ==
        std::get<PrivateKey>(key).public_key())) {
    faults.push_back(account_fault("certificate", KeyFault::other_key));
    return std::nullopt;
  }
  return crypto::KeyAndCertificate{std::get<PrivateKey>(std::move(key)),
                                   std::get<Certificate>(std::move(certificate))};
}

// The certificates that vouch for UnionPay's, a fault a file.
void judge_authorities(const std::vector<Certificate>& middles,
                       const std::vector<Certificate>& roots, AccountFaults& faults,
                       UnixUs now_us) {
  constexpr auto none = "There is no RSA certificate in it.";
  const std::size_t faults_before = faults.size();
  if (middles.empty()) faults.push_back(account_fault("middle_certificates", none));
  if (roots.empty()) faults.push_back(account_fault("root_certificates", none));
  for (const Certificate& root : roots) {
    const auto what = root.judge_dates(now_us);
    if (!what) continue;
    faults.push_back(account_fault("root_certificates", *what));
    break;
  }
  if (faults.size() != faults_before) return;
  for (const Certificate& middle : middles) {
    const auto why = crypto::chain_fault(middle, middles, roots, now_us);
    if (!why) continue;
    faults.push_back(account_fault("middle_certificates", "No root vouches for it: " + *why + "."));
    break;
  }
}

std::optional<RsaSigning> take_rsa(const AccountConfig& config, AccountFaults& faults,
                                   UnixUs now_us) {
  OwnKey own = own_key(config, faults);
  if (own)
    if (const auto what = own->certificate.judge_dates(now_us))
      faults.push_back(account_fault(config.pfx.empty() ? "certificate" : "pfx", *what));
  auto middles = crypto::rsa_certificates(config.middle_certificates);
  auto roots = crypto::rsa_certificates(config.root_certificates);
  judge_authorities(middles, roots, faults, now_us);
  if (!own) return std::nullopt;
  return RsaSigning{std::move(own->key), own->certificate.serial_decimal(), std::move(middles),
                    std::move(roots)};
}

}  // namespace

std::variant<Account, AccountFaults> make_account(const AccountConfig& config, UnixUs now_us) {
  AccountFaults faults;
  const auto expect = [&faults](bool good, std::string_view field, const char* what) {
    if (!good) faults.push_back(account_fault(field, what));
  };
  expect(is_base_url(config.base_url), "base_url",
         "It is not a URL such as https://gateway.95516.com.");
  expect(is_merchant_id(config.merchant_id), "merchant_id", "It is not 15 digits or letters.");
  expect(is_http_url(config.notify_url), "notify_url", "It is not a URL.");
  expect(config.return_url.empty() || is_http_url(config.return_url), "return_url",
         "It is not a URL.");
  Account account;
  account.base_url = config.base_url;
  account.merchant_id = config.merchant_id;
  account.notify_url = config.notify_url;
  account.return_url = config.return_url;
  account.signer = config.test_environment ? test_signer : production_signer;
  account.undo_same_day = config.undo_same_day;
  if (config.secure_key.empty()) {
    account.rsa = take_rsa(config, faults, now_us);
  } else {
    expect(config.pfx.empty() && config.private_key.empty(), "secure_key",
           "There is a private key too: use the one or the other.");
    account.secure_key_digest = sha256_hex(config.secure_key);
  }
  if (!faults.empty()) return faults;
  return account;
}

}  // namespace welkin::union_pay
