// How the sandbox channel signs its messages and judges signatures; see sandbox_wire.hpp.
#include <algorithm>

#include "protocol/channel/sandbox_wire.hpp"
#include "protocol/channels/crypto.hpp"
#include "protocol/channels/exchange.hpp"
#include "protocol/channels/unix_seconds.hpp"

namespace welkin::sandbox_wire {
namespace {

bool is_signature_shape(const SignatureHeaders& headers) {
  const auto nonce_char = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
           c == '-';
  };
  return headers.nonce.size() >= nonce_length_min && headers.nonce.size() <= nonce_length_max &&
         std::all_of(headers.nonce.begin(), headers.nonce.end(), nonce_char);
}

// One second, one spelling.
std::optional<std::int64_t> parse_timestamp(std::string_view text) {
  const auto value = parse_unix_seconds(text);
  return value && std::to_string(*value) == text ? value : std::nullopt;
}

}  // namespace

SignatureHeaders sign(std::string_view secret, std::int64_t timestamp_s, std::string_view nonce,
                      std::string_view body) {
  SignatureHeaders headers{std::to_string(timestamp_s), std::string(nonce), {}};
  std::string text;
  text.reserve(headers.timestamp.size() + nonce.size() + body.size() + 2);
  text.append(headers.timestamp).append("\n").append(nonce).append("\n").append(body);
  headers.signature = crypto::hex(crypto::hmac_sha256(secret, text));
  return headers;
}

SignatureHeaders signature_headers(
    const std::vector<std::pair<std::string, std::string>>& headers) {
  const auto only = [&headers](std::string_view name) {
    return std::string(only_header(headers, name));
  };
  return {only(timestamp_header), only(nonce_header), only(signature_header)};
}

std::optional<Problem> check_signature(std::string_view secret, const SignatureHeaders& headers,
                                       std::string_view body, UnixUs now_us) {
  const Problem bad{ProblemCode::bad_signature, "The signature does not fit the message.", {}};
  const auto timestamp_s = parse_timestamp(headers.timestamp);
  if (secret.empty() || !timestamp_s || !is_signature_shape(headers)) return bad;
  const SignatureHeaders ours = sign(secret, *timestamp_s, headers.nonce, body);
  // Without a digest ours would be empty, and an empty one never verifies.
  if (ours.signature.size() != 64 ||
      !crypto::equal_in_constant_time(ours.signature, headers.signature))
    return bad;
  const UnixUs age_us = now_us - *timestamp_s * us_per_s;
  constexpr UnixUs tolerance_us = timestamp_tolerance_s * us_per_s;
  if (age_us > tolerance_us || age_us < -tolerance_us)
    return Problem{
        ProblemCode::stale_timestamp, "The timestamp is more than 300 seconds from now.", {}};
  return std::nullopt;
}

}  // namespace welkin::sandbox_wire
