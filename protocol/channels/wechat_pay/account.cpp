// From configuration to an account that can sign and verify, or the field that is wrong.
#include "protocol/channels/wechat_pay/account.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

#include "protocol/channels/account_checks.hpp"

namespace welkin::wechat_pay {
namespace {

using crypto::Certificate;
using crypto::KeyFault;
using crypto::PrivateKey;
using crypto::PublicKey;

constexpr std::string_view public_key_prefix = "PUB_KEY_ID_";
constexpr std::size_t api_v3_key_bytes = 32;

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return out;
}

bool all_of(std::string_view text, std::string_view allowed) {
  return !text.empty() && text.find_first_not_of(allowed) == std::string_view::npos;
}

std::optional<Problem> judge_texts(const AccountConfig& config) {
  constexpr std::string_view digits = "0123456789";
  constexpr std::string_view word =
      "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
  if (!is_base_url(config.base_url))
    return account_fault("base_url",
                         "An http or https URL without a slash at its end is expected.");
  if (!all_of(config.app_id, word) || config.app_id.size() > 32)
    return account_fault("app_id", "Up to 32 letters and digits are expected.");
  if (!all_of(config.merchant_id, digits) || config.merchant_id.size() > 32)
    return account_fault("merchant_id", "A number of up to 32 digits is expected.");
  if (config.api_v3_key.size() != api_v3_key_bytes)
    return account_fault("api_v3_key", "The key has 32 characters, used as they are.");
  // WeChat refuses a query, and so would each order be.
  if (!is_http_url(config.notify_url) || config.notify_url.find_first_of("?#") != std::string::npos)
    return account_fault("notify_url", "An http or https URL without a query is expected.");
  return std::nullopt;
}

}  // namespace

bool is_same_serial(std::string_view a, std::string_view b) { return upper(a) == upper(b); }

PlatformKey platform_key_of(const Certificate& certificate) {
  return {certificate.serial_hex(), certificate.public_key(), certificate.valid_from_us(),
          certificate.valid_to_us()};
}

const PlatformKey* find_platform_key(const std::vector<PlatformKey>& keys, std::string_view serial,
                                     UnixUs now_us) {
  for (const PlatformKey& key : keys) {
    if (!is_same_serial(key.serial, serial)) continue;
    const bool valid =
        now_us >= key.valid_from_us && (key.valid_to_us == 0 || now_us <= key.valid_to_us);
    return valid ? &key : nullptr;
  }
  return nullptr;
}

Account with_platform_keys(Account account, const std::vector<PlatformKey>& keys) {
  for (const PlatformKey& key : keys) {
    const auto same = [&key](const PlatformKey& old) {
      return is_same_serial(old.serial, key.serial);
    };
    auto& known = account.platform_keys;
    known.erase(std::remove_if(known.begin(), known.end(), same), known.end());
    known.push_back(key);
  }
  return account;
}

std::variant<Account, Problem> make_account(const AccountConfig& config, UnixUs now_us) {
  if (auto problem = judge_texts(config)) return std::move(*problem);
  auto key = PrivateKey::from_pem(config.private_key);
  if (const auto* what = std::get_if<KeyFault>(&key)) return account_fault("private_key", *what);
  auto certificate = Certificate::from_pem(config.merchant_certificate);
  if (const auto* what = std::get_if<KeyFault>(&certificate))
    return account_fault("merchant_certificate", *what);
  const auto& own = std::get<Certificate>(certificate);
  if (const auto what = own.judge_dates(now_us))
    return account_fault("merchant_certificate", *what);
  const PublicKey own_key = std::get<PrivateKey>(key).public_key();
  if (!(own.public_key() == own_key))
    return account_fault("merchant_certificate", KeyFault::other_key);
  Account account{config.base_url,
                  config.app_id,
                  config.merchant_id,
                  config.api_v3_key,
                  config.notify_url,
                  std::get<PrivateKey>(std::move(key)),
                  own.serial_hex(),
                  {},
                  {}};
  // A slip that would let everybody who holds our own messages sign WeChat's.
  constexpr auto own_key_given = "This is the merchant's own key, not WeChat's.";
  for (std::size_t i = 0; i < config.platform_certificates.size(); ++i) {
    const std::string field = "platform_certificates/" + std::to_string(i);
    auto loaded = Certificate::from_pem(config.platform_certificates[i]);
    if (const auto* what = std::get_if<KeyFault>(&loaded)) return account_fault(field, *what);
    const auto& platform = std::get<Certificate>(loaded);
    if (const auto what = platform.judge_dates(now_us)) return account_fault(field, *what);
    if (platform.public_key() == own_key) return account_fault(field, own_key_given);
    account.platform_keys.push_back(platform_key_of(platform));
  }
  for (std::size_t i = 0; i < config.public_keys.size(); ++i) {
    const std::string field = "public_keys/" + std::to_string(i);
    const PublicKeyConfig& given = config.public_keys[i];
    if (given.id.substr(0, public_key_prefix.size()) != public_key_prefix)
      return account_fault(field + "/id", "The id begins with PUB_KEY_ID_.");
    auto loaded = PublicKey::from_pem(given.pem);
    if (const auto* what = std::get_if<KeyFault>(&loaded))
      return account_fault(field + "/pem", *what);
    if (std::get<PublicKey>(loaded) == own_key) return account_fault(field + "/pem", own_key_given);
    account.platform_keys.push_back({given.id, std::get<PublicKey>(std::move(loaded)), 0, 0});
    account.public_key_id = given.id;
  }
  return account;
}

}  // namespace welkin::wechat_pay
