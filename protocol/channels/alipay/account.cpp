// From configuration to an account that can sign and verify, or the field that is wrong.
#include "protocol/channels/alipay/account.hpp"

#include <algorithm>
#include <optional>
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

// What messages are believed by, and what ours are named by, in either mode.
class Keys {
 public:
  // `own_key` is unknown when it could not be read.
  Keys(const AccountConfig& config, const std::optional<PublicKey>& own_key, AccountFaults& faults)
      : config_(config), own_key_(own_key), faults_(faults) {}

  void take_public_key() {
    auto loaded = PublicKey::from_pem(config_.alipay_public_key);
    if (const auto* what = std::get_if<KeyFault>(&loaded)) return fail("alipay_public_key", *what);
    // A slip that would let everybody who holds our own messages sign Alipay's.
    if (own_key_ && std::get<PublicKey>(loaded) == *own_key_)
      return fail("alipay_public_key", "This is the application's own key, not Alipay's.");
    alipay_keys.push_back({{}, std::get<PublicKey>(std::move(loaded))});
  }

  void take_certificates(UnixUs now_us) {
    const auto roots = crypto::rsa_certificates(config_.alipay_root_certificates);
    if (roots.empty())
      return fail("alipay_root_certificates", "There is no RSA certificate in it.");
    // Of several roots one may have run out; when all have, it is not their certificates' fault.
    std::optional<KeyFault> fault_of_roots;
    for (const Certificate& root : roots) {
      fault_of_roots = root.judge_dates(now_us);
      if (!fault_of_roots) break;
    }
    if (fault_of_roots) return fail("alipay_root_certificates", *fault_of_roots);
    root_certificate_number = alipay::root_certificate_number(config_.alipay_root_certificates);
    take_app_certificate(roots, now_us);
    take_alipay_certificates(roots, now_us);
  }

  std::vector<VerificationKey> alipay_keys;
  std::string app_certificate_number;
  std::string root_certificate_number;

 private:
  void take_app_certificate(const std::vector<Certificate>& roots, UnixUs now_us) {
    const auto app = vouched("app_certificate", config_.app_certificate, roots, now_us);
    if (const auto* problem = std::get_if<Problem>(&app)) return faults_.push_back(*problem);
    const Certificate& certificate = std::get<Certificate>(app);
    if (own_key_ && !(certificate.public_key() == *own_key_))
      return fail("app_certificate", KeyFault::other_key);
    app_certificate_number = certificate_number(certificate);
  }

  // A file may hold Alipay's old and its new certificate, and those that vouch for them. One that
  // has run out while the other is good is no fault.
  void take_alipay_certificates(const std::vector<Certificate>& roots, UnixUs now_us) {
    const auto all = crypto::rsa_certificates(config_.alipay_certificates);
    for (const Certificate& certificate : all)
      if (!crypto::is_authority(certificate) &&
          !crypto::chain_fault(certificate, all, roots, now_us))
        alipay_keys.push_back({certificate_number(certificate), certificate.public_key()});
    if (!alipay_keys.empty()) return;
    const auto first = vouched("alipay_certificates", config_.alipay_certificates, roots, now_us);
    if (const auto* problem = std::get_if<Problem>(&first)) return faults_.push_back(*problem);
    fail("alipay_certificates", "There is none that signs messages.");
  }

  template <class What>
  void fail(std::string_view field, What what) {
    faults_.push_back(account_fault(field, what));
  }

  const AccountConfig& config_;
  const std::optional<PublicKey>& own_key_;
  AccountFaults& faults_;
};

}  // namespace

std::variant<Account, AccountFaults> make_account(const AccountConfig& config, UnixUs now_us) {
  AccountFaults faults;
  const auto expect = [&faults](bool good, std::string_view field, const char* what) {
    if (!good) faults.push_back(account_fault(field, what));
  };
  expect(is_base_url(config.base_url), "base_url",
         "It is not a URL such as https://openapi.alipay.com.");
  expect(is_number(config.app_id, 16), "app_id", "It is not 16 digits.");
  expect(is_number(config.seller_id, 16), "seller_id", "It is not 16 digits.");
  expect(is_http_url(config.notify_url), "notify_url", "It is not a URL.");
  auto key = PrivateKey::from_pem(config.app_private_key);
  std::optional<PublicKey> own_key;
  if (const auto* what = std::get_if<KeyFault>(&key))
    faults.push_back(account_fault("app_private_key", *what));
  else
    own_key = std::get<PrivateKey>(key).public_key();
  const bool certificates = !config.app_certificate.empty() ||
                            !config.alipay_certificates.empty() ||
                            !config.alipay_root_certificates.empty();
  expect(!certificates || config.alipay_public_key.empty(), "alipay_public_key",
         "There are certificates too: use the one or the other.");
  Keys keys(config, own_key, faults);
  if (certificates)
    keys.take_certificates(now_us);
  else
    keys.take_public_key();
  if (!faults.empty()) return faults;
  return Account{config.base_url,
                 config.app_id,
                 config.seller_id,
                 config.notify_url,
                 std::get<PrivateKey>(std::move(key)),
                 std::move(keys.alipay_keys),
                 std::move(keys.app_certificate_number),
                 std::move(keys.root_certificate_number)};
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
