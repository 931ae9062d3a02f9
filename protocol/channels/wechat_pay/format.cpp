#include "protocol/channels/wechat_pay/format.hpp"

#include <memory>
#include <utility>

#include "protocol/channels/wechat_pay/signature.hpp"
#include "protocol/channels/wechat_pay/wire.hpp"

namespace welkin::wechat_pay {
namespace {

using AccountPtr = std::shared_ptr<const Account>;

class Format final : public WireFormat {
 public:
  Format(Account account, Certificates certificates)
      : base_url_(account.base_url),
        certificates_(certificates),
        account_(std::make_shared<const Account>(std::move(account))) {}

  std::string_view kind() const override { return "wechat_pay"; }
  std::string_view base_url() const override { return base_url_; }

  std::optional<Problem> objection(const ChannelCall& call) const override {
    return objection_to(call);
  }
  EncodedCall encode(const ChannelCall& call, const SigningContext& context) const override {
    const AccountPtr account = this->account();
    // No answer could be believed: then nothing is asked either. The field is the account's.
    if (account->platform_keys.empty())
      return Problem{ProblemCode::unknown_serial,
                     "WeChat Pay's certificates have not been fetched yet.",
                     "platform_certificates"};
    return encode_call(*account, call, context);
  }
  ChannelReport parse_answer(const ChannelCall& call, const WireAnswer& answer,
                             const SigningContext& context) const override {
    return wechat_pay::parse_answer(*account(), call, answer, context);
  }

  std::optional<WireRequest> encode_upkeep(const SigningContext& context) const override {
    if (certificates_ == Certificates::as_configured) return std::nullopt;
    return encode_certificates_request(*account(), context);
  }
  std::optional<Problem> take_upkeep(const WireAnswer& answer, UnixUs now_us) const override {
    const AccountPtr before = account();
    auto parsed = parse_certificates(*before, answer, now_us);
    if (auto* problem = std::get_if<Problem>(&parsed)) return std::move(*problem);
    AccountPtr after = std::make_shared<const Account>(
        with_platform_keys(*before, std::get<std::vector<PlatformKey>>(parsed)));
    std::atomic_store(&account_, std::move(after));
    return std::nullopt;
  }

  CallbackVerdict parse_callback(const RawCallback& callback, UnixUs now_us) const override {
    return wechat_pay::parse_callback(*account(), callback, now_us);
  }
  // Each time it sends a notification WeChat signs it anew, with another nonce.
  ReplayMark replay_mark(const RawCallback& callback) const override {
    return {signed_nonce(callback.headers),
            signed_content(signed_time(callback.headers), callback.body)};
  }
  CallbackAck taken() const override { return wechat_pay::taken(); }
  CallbackAck not_taken(const Problem&) const override { return wechat_pay::not_taken(); }

 private:
  // What a call or a callback begins with it also ends with, whatever is fetched meanwhile.
  AccountPtr account() const { return std::atomic_load(&account_); }

  const std::string base_url_;
  const Certificates certificates_;
  mutable AccountPtr account_;  // swapped whole; touched by the two functions for that alone
};

}  // namespace

WireFormatPtr wire_format_of(Account account, Certificates certificates) {
  return std::make_unique<const Format>(std::move(account), certificates);
}

}  // namespace welkin::wechat_pay
