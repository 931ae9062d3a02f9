// Calls go out signed, callbacks come in checked; see the header.
#include "actors/sandbox_channel.hpp"

#include <openssl/rand.h>

#include <array>
#include <cstdlib>
#include <utility>

namespace welkin {
namespace {

namespace wire = sandbox_wire;

ChannelReport report_of(const ChannelCall& call, const HttpResult& result) {
  switch (result.outcome) {
    case HttpOutcome::answered:
      return wire::parse_answer(call, result.status, result.body);
    case HttpOutcome::not_sent:
      return report_unknown(call, "not_sent", result.code + ": " + result.detail);
    case HttpOutcome::no_answer:
      break;
  }
  return report_unknown(call, "no_answer", result.code + ": " + result.detail);
}

}  // namespace

std::string random_nonce() {
  constexpr char digits[] = "0123456789abcdef";
  std::array<unsigned char, 16> bytes{};
  // Without random numbers nothing that is signed is safe, so there is nothing to go on with.
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) std::abort();
  std::string text;
  for (const unsigned char byte : bytes) {
    text.push_back(digits[byte >> 4]);
    text.push_back(digits[byte & 15]);
  }
  return text;
}

SandboxChannel::SandboxChannel(SandboxChannelOptions options, HttpClient& http, Clock clock,
                               NonceSource nonce)
    : options_(std::move(options)),
      http_(http),
      clock_(std::move(clock)),
      nonce_(std::move(nonce)),
      nonces_(options_.nonce_capacity) {}

void SandboxChannel::call(const ChannelCall& call, Done done) {
  wire::EncodedRequest encoded = wire::encode_request(call, options_.notify_url);
  std::string nonce = nonce_();
  wire::SignatureHeaders signature =
      wire::sign(options_.secret, clock_() / us_per_s, nonce, encoded.body);
  HttpCall request;
  request.method = std::move(encoded.method);
  request.url = options_.base_url + encoded.path;
  request.body = std::move(encoded.body);
  request.connect_timeout_ms = options_.connect_timeout_ms;
  request.timeout_ms = options_.timeout_ms;
  request.headers = {{std::string(wire::timestamp_header), std::move(signature.timestamp)},
                     {std::string(wire::nonce_header), std::move(signature.nonce)},
                     {std::string(wire::signature_header), std::move(signature.signature)}};
  if (!request.body.empty()) request.headers.emplace_back("content-type", "application/json");
  http_.send(std::move(request),
             [call, nonce = std::move(nonce), done = std::move(done)](HttpResult result) {
               ChannelReport report = report_of(call, result);
               report.id = nonce;
               done(std::move(report));
             });
}

std::variant<VerifiedCallback, Problem> SandboxChannel::verify(const RawCallback& callback,
                                                               UnixUs now_us) {
  const wire::SignatureHeaders headers = wire::signature_headers(callback.headers);
  if (auto problem = wire::check_signature(options_.secret, headers, callback.body, now_us))
    return std::move(*problem);
  wire::NonceMemory::Judgement judgement;
  {
    std::lock_guard lock(nonces_mutex_);
    judgement = nonces_.judge(headers.nonce, now_us);
  }
  if (judgement == wire::NonceMemory::Judgement::repeated)
    return Problem{ProblemCode::repeated_nonce, "The nonce was used before.", {}};
  if (judgement == wire::NonceMemory::Judgement::full)
    return Problem{ProblemCode::overloaded, "Too many callbacks came within ten minutes.", {}};
  auto parsed = wire::parse_callback(callback.body, headers.nonce);
  if (auto* problem = std::get_if<Problem>(&parsed)) return std::move(*problem);
  VerifiedCallback verified;
  verified.report = std::move(std::get<ChannelReport>(parsed));
  verified.ack = {200, "application/json", R"({"code":"SUCCESS"})"};
  return verified;
}

void SandboxChannel::settle(const ChannelReport& report) {
  if (report.source != ReportSource::callback) return;
  std::lock_guard lock(nonces_mutex_);
  nonces_.remember(report.id, clock_());
}

}  // namespace welkin
