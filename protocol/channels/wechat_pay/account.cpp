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

AccountFaults judge_texts(const AccountConfig& config) {
  constexpr std::string_view digits = "0123456789";
  constexpr std::string_view word =
      "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
  AccountFaults faults;
  const auto expect = [&faults](bool good, std::string_view field, const char* what) {
    if (!good) faults.push_back(account_fault(field, what));
  };
  expect(is_base_url(config.base_url), "base_url",
         "An http or https URL without a slash at its end is expected.");
  expect(all_of(config.app_id, word) && config.app_id.size() <= 32, "app_id",
         "Up to 32 letters and digits are expected.");
  expect(all_of(config.merchant_id, digits) && config.merchant_id.size() <= 32, "merchant_id",
         "A number of up to 32 digits is expected.");
  expect(config.api_v3_key.size() == api_v3_key_bytes, "api_v3_key",
         "The key has 32 characters, used as they are.");
  // WeChat refuses a query, and so would each order be.
  expect(
      is_http_url(config.notify_url) && config.notify_url.find_first_of("?#") == std::string::npos,
      "notify_url", "An http or https URL without a query is expected.");
  return faults;
}

// The keys that WeChat's messages are believed by.
class PlatformKeys {
 public:
  // `own_key` is unknown when it could not be read.
  PlatformKeys(const std::optional<PublicKey>& own_key, AccountFaults& faults)
      : own_key_(own_key), faults_(faults) {}

  void take(const AccountConfig& config, UnixUs now_us) {
    for (std::size_t i = 0; i < config.platform_certificates.size(); ++i)
      take_certificate("platform_certificates/" + std::to_string(i),
                       config.platform_certificates[i], now_us);
    for (std::size_t i = 0; i < config.public_keys.size(); ++i)
      take_public_key("public_keys/" + std::to_string(i), config.public_keys[i]);
  }

  std::vector<PlatformKey> keys;
  std::string public_key_id;

 private:
  void take_certificate(const std::string& field, const std::string& pem, UnixUs now_us) {
    auto loaded = Certificate::from_pem(pem);
    if (const auto* what = std::get_if<KeyFault>(&loaded)) return fail(field, *what);
    const auto& platform = std::get<Certificate>(loaded);
    if (const auto what = platform.judge_dates(now_us)) return fail(field, *what);
    if (is_own(platform.public_key())) return fail(field, own_key_given);
    keys.push_back(platform_key_of(platform));
  }

  void take_public_key(const std::string& field, const PublicKeyConfig& given) {
    if (given.id.substr(0, public_key_prefix.size()) != public_key_prefix)
      fail(field + "/id", "The id begins with PUB_KEY_ID_.");
    auto loaded = PublicKey::from_pem(given.pem);
    if (const auto* what = std::get_if<KeyFault>(&loaded)) return fail(field + "/pem", *what);
    if (is_own(std::get<PublicKey>(loaded))) return fail(field + "/pem", own_key_given);
    keys.push_back({given.id, std::get<PublicKey>(std::move(loaded)), 0, 0});
    public_key_id = given.id;
  }

  // A slip that would let everybody who holds our own messages sign WeChat's.
  static constexpr auto own_key_given = "This is the merchant's own key, not WeChat's.";
  bool is_own(const PublicKey& key) const { return own_key_ && key == *own_key_; }

  template <class What>
  void fail(const std::string& field, What what) {
    faults_.push_back(account_fault(field, what));
  }

  const std::optional<PublicKey>& own_key_;
  AccountFaults& faults_;
};

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

std::variant<Account, AccountFaults> make_account(const AccountConfig& config, UnixUs now_us) {
  AccountFaults faults = judge_texts(config);
  auto key = PrivateKey::from_pem(config.private_key);
  std::optional<PublicKey> own_key;
  if (const auto* what = std::get_if<KeyFault>(&key))
    faults.push_back(account_fault("private_key", *what));
  else
    own_key = std::get<PrivateKey>(key).public_key();
  auto loaded = Certificate::from_pem(config.merchant_certificate);
  const auto* certificate = std::get_if<Certificate>(&loaded);
  if (const auto* what = std::get_if<KeyFault>(&loaded))
    faults.push_back(account_fault("merchant_certificate", *what));
  else if (const auto date_fault = certificate->judge_dates(now_us))
    faults.push_back(account_fault("merchant_certificate", *date_fault));
  else if (own_key && !(certificate->public_key() == *own_key))
    faults.push_back(account_fault("merchant_certificate", KeyFault::other_key));
  PlatformKeys platform(own_key, faults);
  platform.take(config, now_us);
  if (!faults.empty()) return faults;
  return Account{config.base_url,
                 config.app_id,
                 config.merchant_id,
                 config.api_v3_key,
                 config.notify_url,
                 std::get<PrivateKey>(std::move(key)),
                 certificate->serial_hex(),
                 std::move(platform.keys),
                 std::move(platform.public_key_id)};
}

}  // namespace welkin::wechat_pay
