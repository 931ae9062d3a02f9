// From configuration to an account that can sign and verify, or the field that is wrong.
#include "protocol/channels/alipay/account.hpp"

#include <algorithm>
#include <utility>

#include "protocol/channels/account_checks.hpp"
#include "protocol/channels/certificate_chain.hpp"

namespace welkin::alipay {
namespace {

using crypto::Certificate;
using crypto::KeyFault;
using crypto::PrivateKey;
using crypto::PublicKey;

bool is_number(std::string_view text, std::size_t digits) {
  return text.size() == digits &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// The certificate of `pem`, within its dates and vouched for by one of `roots`.
std::variant<Certificate, Problem> vouched(std::string_view field, const std::string& pem,
                                           const std::vector<Certificate>& roots, UnixUs now_us) {
  auto loaded = Certificate::from_pem(pem);
  if (const auto* what = std::get_if<KeyFault>(&loaded)) return account_fault(field, *what);
  Certificate& certificate = std::get<Certificate>(loaded);
  if (const auto what = certificate.judge_dates(now_us)) return account_fault(field, *what);
  // Certificates that Alipay issues stand in their files with those between them and the root.
  if (const auto why =
          crypto::chain_fault(certificate, crypto::rsa_certificates(pem), roots, now_us))
    return account_fault(field, "Alipay's root does not vouch for the certificate: " + *why + ".");
  return std::move(certificate);
}

std::optional<Problem> take_public_key(Account& account, const AccountConfig& config) {
  auto loaded = PublicKey::from_pem(config.alipay_public_key);
  if (const auto* what = std::get_if<KeyFault>(&loaded))
    return account_fault("alipay_public_key", *what);
  // A slip that would let everybody who holds our own messages sign Alipay's.
  if (std::get<PublicKey>(loaded) == account.app_key.public_key())
    return account_fault("alipay_public_key", "This is the application's own key, not Alipay's.");
  account.alipay_keys.push_back({{}, std::get<PublicKey>(std::move(loaded))});
  return std::nullopt;
}

std::optional<Problem> take_certificates(Account& account, const AccountConfig& config,
                                         UnixUs now_us) {
  const auto roots = crypto::rsa_certificates(config.alipay_root_certificates);
  if (roots.empty())
    return account_fault("alipay_root_certificates", "There is no RSA certificate in it.");
  // Of several roots one may have run out; when all have, it is not their certificates' fault.
  std::optional<KeyFault> fault_of_roots;
  for (const Certificate& root : roots) {
    fault_of_roots = root.judge_dates(now_us);
    if (!fault_of_roots) break;
  }
  if (fault_of_roots) return account_fault("alipay_root_certificates", *fault_of_roots);
  account.root_certificate_number = root_certificate_number(config.alipay_root_certificates);

  const auto app = vouched("app_certificate", config.app_certificate, roots, now_us);
  if (const auto* problem = std::get_if<Problem>(&app)) return *problem;
  const Certificate& app_certificate = std::get<Certificate>(app);
  if (!(app_certificate.public_key() == account.app_key.public_key()))
    return account_fault("app_certificate", KeyFault::other_key);
  account.app_certificate_number = certificate_number(app_certificate);

  // A file may hold Alipay's old and its new certificate, and those that vouch for them. One that
  // has run out while the other is good is no fault.
  const auto all = crypto::rsa_certificates(config.alipay_certificates);
  for (const Certificate& certificate : all)
    if (!crypto::is_authority(certificate) && !crypto::chain_fault(certificate, all, roots, now_us))
      account.alipay_keys.push_back({certificate_number(certificate), certificate.public_key()});
  if (!account.alipay_keys.empty()) return std::nullopt;
  const auto first = vouched("alipay_certificates", config.alipay_certificates, roots, now_us);
  if (const auto* problem = std::get_if<Problem>(&first)) return *problem;
  return account_fault("alipay_certificates", "There is none that signs messages.");
}

}  // namespace

std::variant<Account, Problem> make_account(const AccountConfig& config, UnixUs now_us) {
  if (!is_base_url(config.base_url))
    return account_fault("base_url", "It is not a URL such as https://openapi.alipay.com.");
  if (!is_number(config.app_id, 16)) return account_fault("app_id", "It is not 16 digits.");
  if (!is_number(config.seller_id, 16)) return account_fault("seller_id", "It is not 16 digits.");
  if (!is_http_url(config.notify_url)) return account_fault("notify_url", "It is not a URL.");
  auto key = PrivateKey::from_pem(config.app_private_key);
  if (const auto* what = std::get_if<KeyFault>(&key))
    return account_fault("app_private_key", *what);
  Account account{config.base_url,
                  config.app_id,
                  config.seller_id,
                  config.notify_url,
                  std::get<PrivateKey>(std::move(key)),
                  {},
                  {},
                  {}};
  const bool certificates = !config.app_certificate.empty() ||
                            !config.alipay_certificates.empty() ||
                            !config.alipay_root_certificates.empty();
  if (certificates && !config.alipay_public_key.empty())
    return account_fault("alipay_public_key",
                         "There are certificates too: use the one or the other.");
  const auto problem =
      certificates ? take_certificates(account, config, now_us) : take_public_key(account, config);
  if (problem) return *problem;
  return account;
}

std::string certificate_number(const crypto::Certificate& certificate) {
  return crypto::md5_hex(crypto::issuer_from_the_end(certificate) + certificate.serial_decimal());
}

std::string root_certificate_number(std::string_view bundle) {
  std::string numbers;
  for (const Certificate& certificate : crypto::rsa_certificates(bundle)) {
    if (!numbers.empty()) numbers.push_back('_');
    numbers += certificate_number(certificate);
  }
  return numbers;
}

}  // namespace welkin::alipay
