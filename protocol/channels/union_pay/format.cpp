#include "protocol/channels/union_pay/format.hpp"

#include <utility>

#include "protocol/channels/union_pay/wire.hpp"

namespace welkin::union_pay {
namespace {

// UnionPay is shut, does not know, is busy, or is asked too often.
bool speaks_of_itself(std::string_view code) {
  for (const std::string_view word : {"02", "03", "04", "06", "37"})
    if (code == word) return true;
  return false;
}

class Format final : public WireFormat {
 public:
  explicit Format(Account account) : account_(std::move(account)) {}

  std::string_view kind() const override { return "union_pay"; }
  std::string_view base_url() const override { return account_.base_url; }
  std::optional<Problem> objection(const ChannelCall& call) const override {
    return objection_to(account_, call);
  }
  EncodedCall encode(const ChannelCall& call, const SigningContext& context) const override {
    return encode_call(account_, call, context);
  }
  ChannelReport parse_answer(const ChannelCall& call, const WireAnswer& answer,
                             const SigningContext& context) const override {
    ChannelReport report = union_pay::parse_answer(account_, call, answer, context.now_us);
    // The same codes say of a transaction that it is under way, which is an answer.
    const bool says_nothing_else =
        report.verdict == ChannelVerdict::unknown || report.verdict == ChannelVerdict::not_taken;
    if (says_nothing_else && speaks_of_itself(report.code)) report.fate = CallFate::unwell;
    return report;
  }
  CallbackVerdict parse_callback(const RawCallback& callback, UnixUs now_us) const override {
    return union_pay::parse_callback(account_, callback, now_us);
  }
  // UnionPay sends the same bytes up to five times, and they bear no time.
  ReplayMark replay_mark(const RawCallback&) const override { return {}; }
  CallbackAck taken() const override { return union_pay::taken(); }
  CallbackAck not_taken(const Problem&) const override { return union_pay::not_taken(); }

 private:
  const Account account_;
};

}  // namespace

WireFormatPtr wire_format_of(Account account) {
  return std::make_unique<const Format>(std::move(account));
}

}  // namespace welkin::union_pay
