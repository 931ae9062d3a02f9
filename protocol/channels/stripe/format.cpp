#include "protocol/channels/stripe/format.hpp"

#include <utility>

#include "protocol/channels/stripe/wire.hpp"

namespace welkin::stripe {
namespace {

class Format final : public WireFormat {
 public:
  explicit Format(Account account) : account_(std::move(account)) {}

  std::string_view kind() const override { return "stripe"; }
  std::string_view base_url() const override { return account_.base_url; }
  std::optional<ChannelCall> call_before(const ChannelCall& call) const override {
    return stripe::call_before(call);
  }
  std::optional<ChannelCall> call_after(const ChannelCall& call,
                                        const ChannelReport& heard) const override {
    return stripe::call_after(call, heard);
  }
  std::optional<Problem> objection(const ChannelCall& call) const override {
    return objection_to(call);
  }
  EncodedCall encode(const ChannelCall& call, const SigningContext& context) const override {
    return encode_call(account_, call, context);
  }
  ChannelReport parse_answer(const ChannelCall& call, const WireAnswer& answer,
                             const SigningContext&) const override {
    return stripe::parse_answer(account_, call, answer);
  }
  CallbackVerdict parse_callback(const RawCallback& callback, UnixUs now_us) const override {
    return stripe::parse_callback(account_, callback, now_us);
  }
  // Each time it sends an event Stripe signs it anew. The header can be spelled in many ways that
  // all hold; what is signed, the time and the body, only in one.
  ReplayMark replay_mark(const RawCallback& callback) const override {
    return {signed_time(only_header(callback.headers, "stripe-signature")) + "." +
                sha256_hex(callback.body),
            {}};
  }
  bool hears_of_strangers() const override { return true; }
  CallbackAck taken() const override { return stripe::taken(); }
  CallbackAck not_taken(const Problem&) const override { return stripe::not_taken(); }

 private:
  const Account account_;
};

}  // namespace

WireFormatPtr wire_format_of(Account account) {
  return std::make_unique<const Format>(std::move(account));
}

}  // namespace welkin::stripe
