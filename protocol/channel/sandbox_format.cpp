#include "protocol/channel/sandbox_format.hpp"

#include <utility>

#include "protocol/channel/sandbox_wire.hpp"
#include "protocol/json_text.hpp"

namespace welkin::sandbox_wire {
namespace {

class Format final : public WireFormat {
 public:
  explicit Format(Account account) : account_(std::move(account)) {}

  std::string_view kind() const override { return "sandbox"; }
  std::string_view base_url() const override { return account_.base_url; }
  std::optional<Problem> objection(const ChannelCall& call) const override {
    if (call.operation != ChannelOperation::create || call.query || call.method.empty())
      return std::nullopt;
    return Problem{ProblemCode::invalid_value, "The sandbox has one way to pay, without a name.",
                   "/method"};
  }
  EncodedCall encode(const ChannelCall& call, const SigningContext& context) const override {
    if (auto problem = objection(call)) return *std::move(problem);
    EncodedRequest encoded = encode_request(call, account_.notify_url);
    SignatureHeaders signature =
        sign(account_.secret, context.now_us / us_per_s, context.nonce, encoded.body);
    WireRequest request{
        std::move(encoded.method), std::move(encoded.path), {}, std::move(encoded.body)};
    request.headers = {{std::string(timestamp_header), std::move(signature.timestamp)},
                       {std::string(nonce_header), std::move(signature.nonce)},
                       {std::string(signature_header), std::move(signature.signature)}};
    if (!request.body.empty()) request.headers.emplace_back("content-type", "application/json");
    return request;
  }
  ChannelReport parse_answer(const ChannelCall& call, const WireAnswer& answer,
                             const SigningContext&) const override {
    return sandbox_wire::parse_answer(call, answer.status, answer.body);
  }
  CallbackVerdict parse_callback(const RawCallback& callback, UnixUs now_us) const override {
    const SignatureHeaders headers = signature_headers(callback.headers);
    auto parsed = sandbox_wire::parse_callback(callback.body, headers.nonce);
    auto* report = std::get_if<ChannelReport>(&parsed);
    if (auto problem = check_signature(account_.secret, headers, callback.body, now_us))
      return CallbackRefused{std::move(*problem), report ? report->channel_order_no : ""};
    if (!report) return CallbackRefused{std::get<Problem>(std::move(parsed)), {}};
    return std::move(*report);
  }
  ReplayMark replay_mark(const RawCallback& callback) const override {
    SignatureHeaders headers = signature_headers(callback.headers);
    return {std::move(headers.nonce), signed_content(headers.timestamp, callback.body)};
  }
  CallbackAck taken() const override { return {200, "application/json", R"({"code":"SUCCESS"})"}; }
  // For whoever develops against the sandbox: the reason, as the rest of the interface names it.
  CallbackAck not_taken(const Problem& why) const override {
    const ProblemSpec& spec = spec_of(why.code);
    std::string body = R"({"code":)";
    append_json_string(body, spec.name);
    body += R"(,"message":)";
    append_json_string(body, why.detail.empty() ? spec.title : why.detail);
    body += '}';
    return {spec.http_status, "application/json", std::move(body)};
  }

 private:
  const Account account_;
};

}  // namespace

WireFormatPtr wire_format_of(Account account) {
  return std::make_unique<const Format>(std::move(account));
}

}  // namespace welkin::sandbox_wire
