// One merchant number at UnionPay: what signs for us and whose signatures we believe. Made once,
// from configuration, and immutable after; a fault names the field.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "protocol/channels/account_checks.hpp"
#include "protocol/channels/crypto.hpp"
#include "protocol/ids.hpp"

namespace welkin::union_pay {

// The third part, between "@" signs, of the common name of a certificate that UnionPay signs with.
// Merchants' certificates come from the same authority, so that without this check any merchant
// could sign in UnionPay's name.
inline constexpr std::string_view production_signer = "中国银联股份有限公司";
inline constexpr std::string_view test_signer = "00040000:SIGN";

// What a configuration says; certificates as the PEM texts of their files, the pfx as its bytes.
struct AccountConfig {
  std::string base_url = "https://gateway.95516.com";
  std::string merchant_id;  // 15 digits or letters
  std::string notify_url;
  std::string return_url;         // for payers whose payment names none
  bool test_environment = false;  // whose certificates are believed
  bool undo_same_day = false;     // a whole refund on the order's settlement day undoes the payment

  // Signatures with RSA (signMethod 01): a pfx and its password, or a key and its certificate; and
  // the authorities that vouch for UnionPay's certificates.
  std::string pfx;
  std::string pfx_password;
  std::string private_key;
  std::string certificate;
  std::string middle_certificates;
  std::string root_certificates;

  // Signatures with a shared secret (signMethod 11), instead of all these.
  std::string secure_key;
};

// signMethod 01
struct RsaSigning {
  crypto::PrivateKey key;
  std::string certificate_id;  // the serial number of our certificate, in decimal
  std::vector<crypto::Certificate> middles;
  std::vector<crypto::Certificate> roots;
};

struct Account {
  std::string base_url;
  std::string merchant_id;
  std::string notify_url;
  std::string return_url;
  std::string_view signer;
  bool undo_same_day = false;
  std::optional<RsaSigning> rsa;
  std::string secure_key_digest;  // SHA-256 in hex; used without `rsa`

  std::string_view sign_method() const { return rsa ? "01" : "11"; }
};

// `now_us` judges the certificates' dates.
std::variant<Account, AccountFaults> make_account(const AccountConfig& config, UnixUs now_us);

}  // namespace welkin::union_pay
