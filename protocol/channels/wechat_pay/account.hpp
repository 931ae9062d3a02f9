// One merchant account at WeChat Pay: what signs our requests, and whose signatures we believe.
// Made once from configuration; a fault names the field.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "protocol/channels/account_checks.hpp"
#include "protocol/channels/crypto.hpp"
#include "protocol/ids.hpp"

namespace welkin::wechat_pay {

// A key in public-key mode: "PUB_KEY_ID_…" and its PEM text.
struct PublicKeyConfig {
  std::string id;
  std::string pem;
};

// What a configuration says, keys and certificates as the PEM texts of their files.
struct AccountConfig {
  std::string base_url = "https://api.mch.weixin.qq.com";
  std::string app_id;
  std::string merchant_id;
  std::string api_v3_key;  // 32 characters, used as they are
  std::string notify_url;
  std::string private_key;
  std::string merchant_certificate;
  // Of either kind as many as are in use: while WeChat changes a certificate, or a merchant changes
  // from certificates to a public key, messages signed with both come for a while.
  std::vector<std::string> platform_certificates;
  std::vector<PublicKeyConfig> public_keys;
};

// A key WeChat may sign with, by the serial its messages name.
struct PlatformKey {
  std::string serial;  // hex in upper case, or "PUB_KEY_ID_…"
  crypto::PublicKey key;
  UnixUs valid_from_us = 0;
  UnixUs valid_to_us = 0;  // 0: no end, as of a public key
};

struct Account {
  std::string base_url;
  std::string app_id;
  std::string merchant_id;
  std::string api_v3_key;
  std::string notify_url;
  crypto::PrivateKey private_key;
  std::string certificate_serial;
  std::vector<PlatformKey> platform_keys;
  std::string public_key_id;  // the one answers are asked to be signed with, or empty
};

// `now_us` judges the certificates' dates. Without any platform key the account is good for asking
// for the certificates, which is how a new one starts.
std::variant<Account, AccountFaults> make_account(const AccountConfig& config, UnixUs now_us);

// The account with `keys` added to its own; one of the same serial replaces the old one.
Account with_platform_keys(Account account, const std::vector<PlatformKey>& keys);

PlatformKey platform_key_of(const crypto::Certificate& certificate);

// Without regard to case: serials are written in either.
bool is_same_serial(std::string_view a, std::string_view b);
// The key of that serial, if it is valid now.
const PlatformKey* find_platform_key(const std::vector<PlatformKey>& keys, std::string_view serial,
                                     UnixUs now_us);

}  // namespace welkin::wechat_pay
