// One account at Alipay: whose orders we place and whose signatures we believe. Made once, from
// configuration, and immutable after; a fault names the field.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "protocol/channels/account_checks.hpp"
#include "protocol/channels/crypto.hpp"
#include "protocol/ids.hpp"

namespace welkin::alipay {

// What a configuration says, keys and certificates as the PEM texts of their files.
struct AccountConfig {
  std::string base_url = "https://openapi.alipay.com";
  std::string app_id;
  std::string seller_id;  // the 2088… number callbacks must name
  std::string notify_url;
  std::string app_private_key;

  // Public-key mode has the first of these, certificate mode the other three.
  std::string alipay_public_key;
  std::string app_certificate;
  std::string alipay_certificates;  // one or, while Alipay changes its own, several
  std::string alipay_root_certificates;
};

// A key that Alipay may sign with. The number is empty in public-key mode.
struct VerificationKey {
  std::string certificate_number;
  crypto::PublicKey key;
};

struct Account {
  std::string base_url;
  std::string app_id;
  std::string seller_id;
  std::string notify_url;
  crypto::PrivateKey app_key;
  std::vector<VerificationKey> alipay_keys;  // never empty
  std::string app_certificate_number;        // these two are empty in public-key mode
  std::string root_certificate_number;

  bool certificate_mode() const { return !app_certificate_number.empty(); }
};

// `now_us` judges the certificates' dates.
std::variant<Account, AccountFaults> make_account(const AccountConfig& config, UnixUs now_us);

// Alipay's name for a certificate: the MD5 of its issuer and its serial number.
std::string certificate_number(const crypto::Certificate& certificate);
// The RSA certificates' numbers among those of the text, joined by "_"; Alipay's root file also
// holds certificates of other kinds. Empty when there is none.
std::string root_certificate_number(std::string_view bundle);

}  // namespace welkin::alipay
