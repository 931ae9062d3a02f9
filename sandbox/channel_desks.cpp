// See the header.
#include "sandbox/channel_desks.hpp"

#include <utility>

#include "sandbox/alipay_desk.hpp"
#include "sandbox/stripe_desk.hpp"
#include "sandbox/union_pay_desk.hpp"
#include "sandbox/wechat_desk.hpp"

namespace welkin::sandbox {
namespace {

// The desks know their merchants by their keys; where those are reached is in each order.
constexpr auto any_url = "http://127.0.0.1/";
constexpr auto any_base = "http://127.0.0.1";

Problem of_channel(std::string_view channel, const Problem& problem) {
  return {problem.code, std::string(channel) + " " + problem.field + ": " + problem.detail,
          "/keys"};
}
Problem unusable(std::string_view what) {
  return {ProblemCode::invalid_value, std::string(what) + " cannot be used.", "/keys"};
}

std::variant<WechatSide, Problem> wechat_side(const TestKeys& keys) {
  auto account = wechat_pay::make_account(wechat_account(keys, any_base, any_url), wall_clock_us());
  if (const auto* faults = std::get_if<AccountFaults>(&account))
    return of_channel("wechat_pay", faults->front());
  auto key = crypto::PrivateKey::from_pem(keys.wechat_platform_key);
  auto certificate = crypto::Certificate::from_pem(keys.wechat_platform_certificate);
  if (!std::holds_alternative<crypto::PrivateKey>(key) ||
      !std::holds_alternative<crypto::Certificate>(certificate))
    return unusable("wechat_platform_key");
  return WechatSide{std::get<wechat_pay::Account>(std::move(account)),
                    std::get<crypto::PrivateKey>(std::move(key)),
                    std::get<crypto::Certificate>(std::move(certificate)),
                    keys.wechat_platform_certificate};
}

std::variant<AlipaySide, Problem> alipay_side(const TestKeys& keys) {
  auto account =
      alipay::make_account(alipay_account(keys, any_base, any_url, true), wall_clock_us());
  if (const auto* faults = std::get_if<AccountFaults>(&account))
    return of_channel("alipay", faults->front());
  auto key = crypto::PrivateKey::from_pem(keys.alipay_key);
  if (!std::holds_alternative<crypto::PrivateKey>(key)) return unusable("alipay_key");
  AlipaySide side{std::get<alipay::Account>(std::move(account)),
                  std::get<crypto::PrivateKey>(std::move(key)),
                  {}};
  side.certificate_number = side.account.alipay_keys.front().certificate_number;
  return side;
}

std::variant<UnionPaySide, Problem> union_pay_side(const TestKeys& keys) {
  auto account =
      union_pay::make_account(union_pay_account(keys, any_base, any_url), wall_clock_us());
  if (const auto* faults = std::get_if<AccountFaults>(&account))
    return of_channel("union_pay", faults->front());
  auto key = crypto::PrivateKey::from_pem(keys.union_pay_signer_key);
  if (!std::holds_alternative<crypto::PrivateKey>(key)) return unusable("union_pay_signer_key");
  return UnionPaySide{std::get<union_pay::Account>(std::move(account)),
                      std::get<crypto::PrivateKey>(std::move(key)),
                      keys.union_pay_signer_certificate, keys.union_pay_merchant_certificate};
}

}  // namespace

std::variant<Desks, Problem> open_channel_desks(Bank& bank, const TestKeys& keys,
                                                const ChannelDesksConfig& config) {
  auto wechat = wechat_side(keys);
  if (const auto* problem = std::get_if<Problem>(&wechat)) return *problem;
  auto alipay = alipay_side(keys);
  if (const auto* problem = std::get_if<Problem>(&alipay)) return *problem;
  auto union_pay = union_pay_side(keys);
  if (const auto* problem = std::get_if<Problem>(&union_pay)) return *problem;

  Desks desks;
  auto wechat_desk = std::make_unique<WechatDesk>(bank, std::get<WechatSide>(std::move(wechat)));
  wechat_desk->set_pay_url_base(config.pay_url_base);
  desks.push_back(std::move(wechat_desk));
  desks.push_back(std::make_unique<AlipayDesk>(bank, std::get<AlipaySide>(std::move(alipay))));
  desks.push_back(
      std::make_unique<UnionPayDesk>(bank, std::get<UnionPaySide>(std::move(union_pay))));
  auto stripe_desk = std::make_unique<StripeDesk>(
      bank, StripeSide{keys.stripe_secret_key, keys.stripe_webhook_secret, config.stripe_endpoint,
                       stripe_account(keys, any_base).api_version});
  stripe_desk->set_pay_url_base(config.pay_url_base);
  desks.push_back(std::move(stripe_desk));
  for (const auto& desk : desks) bank.add_desk(*desk);
  return desks;
}

}  // namespace welkin::sandbox
