// The keys of both sides of each channel, made once into a folder and marked as made for tests, and
// the configuration that lets `welkin serve` use the merchant's side of them.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "protocol/channels/alipay/account.hpp"
#include "protocol/channels/stripe/account.hpp"
#include "protocol/channels/union_pay/account.hpp"
#include "protocol/channels/wechat_pay/account.hpp"
#include "protocol/problem.hpp"

namespace welkin::sandbox {

// Every text as it stands in its file.
struct TestKeys {
  std::string sandbox_secret;

  std::string wechat_api_v3_key;
  std::string wechat_merchant_key;
  std::string wechat_merchant_certificate;
  std::string wechat_platform_key;
  std::string wechat_platform_certificate;

  std::string alipay_app_key;
  std::string alipay_app_certificate;
  std::string alipay_key;
  std::string alipay_public_key;
  std::string alipay_certificate;
  std::string alipay_root_certificate;

  std::string union_pay_merchant_key;
  std::string union_pay_merchant_certificate;
  std::string union_pay_signer_key;
  std::string union_pay_signer_certificate;
  std::string union_pay_middle_certificate;
  std::string union_pay_root_certificate;

  std::string stripe_secret_key;
  std::string stripe_webhook_secret;
};

inline constexpr std::string_view wechat_app_id = "wx00000000000test1";
inline constexpr std::string_view wechat_merchant_id = "1900000001";
inline constexpr std::string_view alipay_app_id = "2021000000000001";
inline constexpr std::string_view alipay_seller_id = "2088000000000001";
inline constexpr std::string_view union_pay_merchant_id = "777290058110001";

// All of them anew, which takes about a second.
TestKeys make_test_keys();

// Those of the folder, or new ones, written into it; several processes may do so at once and come
// to the same. A folder that holds other things, or not all of the keys, is left alone.
std::variant<TestKeys, Problem> load_or_make_test_keys(const std::string& folder);

// The merchant's side, as `welkin serve` would be configured for it.
wechat_pay::AccountConfig wechat_account(const TestKeys& keys, const std::string& base_url,
                                         const std::string& notify_url);
alipay::AccountConfig alipay_account(const TestKeys& keys, const std::string& base_url,
                                     const std::string& notify_url, bool with_certificates = false);
union_pay::AccountConfig union_pay_account(const TestKeys& keys, const std::string& base_url,
                                           const std::string& notify_url);
stripe::AccountConfig stripe_account(const TestKeys& keys, const std::string& base_url);

// Where the accounts lead to and come from.
struct AccountsFile {
  std::string keys_folder;
  std::string sandbox_url;  // "http://127.0.0.1:8601"
  std::string gateway_url = "http://127.0.0.1:8080";
  std::string route = "main";  // the accounts are "wechat_pay_main", …; empty: "wechat_pay"
  std::int64_t priority = 1;
  bool own_secret_is_of_the_keys = true;  // else its own protocol's account cannot be written
};
// The TOML text for `welkin serve --config`.
std::string accounts_toml(const AccountsFile& file);
// "http://127.0.0.1:8080/channels/stripe_main/notify"
std::string notify_url_of(const AccountsFile& file, std::string_view channel);

// Only its owner may read it, and never a part of it. False when it could not be written whole.
bool write_private_file(const std::string& path, const std::string& text);

}  // namespace welkin::sandbox
