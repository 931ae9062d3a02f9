// From configuration to an account that can sign and verify, or the field that is wrong.
#include "protocol/channels/union_pay/account.hpp"

#include <algorithm>
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

std::variant<crypto::KeyAndCertificate, Problem> own_key(const AccountConfig& config) {
  if (!config.pfx.empty()) {
    if (!config.private_key.empty())
      return account_fault("private_key", "There is a pfx too: use the one or the other.");
    if (!config.certificate.empty())
      return account_fault("certificate", "There is a pfx too: use the one or the other.");
    auto read = crypto::read_pkcs12(config.pfx, config.pfx_password);
    if (const auto* what = std::get_if<KeyFault>(&read)) return account_fault("pfx", *what);
    return std::get<crypto::KeyAndCertificate>(std::move(read));
  }
  auto key = PrivateKey::from_pem(config.private_key);
  if (const auto* what = std::get_if<KeyFault>(&key)) return account_fault("private_key", *what);
  auto certificate = Certificate::from_pem(config.certificate);
  if (const auto* what = std::get_if<KeyFault>(&certificate))
    return account_fault("certificate", *what);
  if (!(std::get<Certificate>(certificate).public_key() == std::get<PrivateKey>(key).public_key()))
    return account_fault("certificate", KeyFault::other_key);
  return crypto::KeyAndCertificate{std::get<PrivateKey>(std::move(key)),
                                   std::get<Certificate>(std::move(certificate))};
}

std::optional<Problem> take_rsa(Account& account, const AccountConfig& config, UnixUs now_us) {
  auto own = own_key(config);
  if (const auto* problem = std::get_if<Problem>(&own)) return *problem;
  auto& [key, certificate] = std::get<crypto::KeyAndCertificate>(own);
  if (const auto what = certificate.judge_dates(now_us))
    return account_fault(config.pfx.empty() ? "certificate" : "pfx", *what);
  RsaSigning rsa{std::move(key), certificate.serial_decimal(),
                 crypto::rsa_certificates(config.middle_certificates),
                 crypto::rsa_certificates(config.root_certificates)};
  if (rsa.roots.empty())
    return account_fault("root_certificates", "There is no RSA certificate in it.");
  for (const Certificate& root : rsa.roots)
    if (const auto what = root.judge_dates(now_us))
      return account_fault("root_certificates", *what);
  if (rsa.middles.empty())
    return account_fault("middle_certificates", "There is no RSA certificate in it.");
  for (const Certificate& middle : rsa.middles)
    if (const auto why = crypto::chain_fault(middle, rsa.middles, rsa.roots, now_us))
      return account_fault("middle_certificates", "No root vouches for it: " + *why + ".");
  account.rsa = std::move(rsa);
  return std::nullopt;
}

}  // namespace

std::variant<Account, Problem> make_account(const AccountConfig& config, UnixUs now_us) {
  if (!is_base_url(config.base_url))
    return account_fault("base_url", "It is not a URL such as https://gateway.95516.com.");
  if (!is_merchant_id(config.merchant_id))
    return account_fault("merchant_id", "It is not 15 digits or letters.");
  if (!is_http_url(config.notify_url)) return account_fault("notify_url", "It is not a URL.");
  if (!config.return_url.empty() && !is_http_url(config.return_url))
    return account_fault("return_url", "It is not a URL.");
  Account account;
  account.base_url = config.base_url;
  account.merchant_id = config.merchant_id;
  account.notify_url = config.notify_url;
  account.return_url = config.return_url;
  account.signer = config.test_environment ? test_signer : production_signer;
  account.undo_same_day = config.undo_same_day;
  if (config.secure_key.empty()) {
    if (const auto problem = take_rsa(account, config, now_us)) return *problem;
    return account;
  }
  if (!config.pfx.empty() || !config.private_key.empty())
    return account_fault("secure_key", "There is a private key too: use the one or the other.");
  account.secure_key_digest = sha256_hex(config.secure_key);
  return account;
}

}  // namespace welkin::union_pay
