#include "protocol/channels/alipay/format.hpp"

#include <utility>

#include "protocol/channels/alipay/wire.hpp"

namespace welkin::alipay {
namespace {

// Alipay is not well (20000 and its word for it in an order's answer), or is asked too often.
bool speaks_of_itself(std::string_view word) {
  return word == "20000" || word == "40005" || word == "ACQ.SYSTEM_ERROR";
}

class Format final : public WireFormat {
 public:
  explicit Format(Account account) : account_(std::move(account)) {}

  std::string_view kind() const override { return "alipay"; }
  std::string_view base_url() const override { return account_.base_url; }
  std::optional<Problem> objection(const ChannelCall& call) const override {
    return objection_to(call);
  }
  EncodedCall encode(const ChannelCall& call, const SigningContext& context) const override {
    return encode_call(account_, call, context);
  }
  ChannelReport parse_answer(const ChannelCall& call, const WireAnswer& answer,
                             const SigningContext& context) const override {
    ChannelReport report = alipay::parse_answer(account_, call, answer, context.now_us);
    if (speaks_of_itself(report.code)) report.fate = CallFate::unwell;
    return report;
  }
  CallbackVerdict parse_callback(const RawCallback& callback, UnixUs) const override {
    return alipay::parse_callback(account_, callback);
  }
  // Alipay sends the same bytes again until they are taken, for a day and a night.
  ReplayMark replay_mark(const RawCallback&) const override { return {}; }
  CallbackAck taken() const override { return alipay::taken(); }
  CallbackAck not_taken(const Problem&) const override { return alipay::not_taken(); }

 private:
  const Account account_;
};

}  // namespace

WireFormatPtr wire_format_of(Account account) {
  return std::make_unique<const Format>(std::move(account));
}

}  // namespace welkin::alipay
