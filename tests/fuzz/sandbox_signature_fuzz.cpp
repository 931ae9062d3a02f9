// The signature of a sandbox message: it holds for exactly the bytes, the nonce and the second that
// were signed, as long as that second is near.
#include <algorithm>
#include <charconv>

#include "protocol/channel/sandbox_wire.hpp"
#include "tests/fuzz/claims.hpp"

namespace welkin::fuzz {
namespace {

using namespace sandbox_wire;

constexpr std::string_view secret = "a secret of the two ends";
constexpr std::int64_t now_s = 1'900'000'000;
constexpr UnixUs now_us = now_s * us_per_s;

// Lines of the input: timestamp, nonce, signature; then the body. "ours" is signed here.
void check(std::string_view input) {
  SignatureHeaders headers;
  headers.timestamp = take_line(input);
  headers.nonce = take_line(input);
  headers.signature = take_line(input);
  std::int64_t timestamp_s = 0;
  const char* end = headers.timestamp.data() + headers.timestamp.size();
  const auto [parsed, error] = std::from_chars(headers.timestamp.data(), end, timestamp_s);
  const bool is_number = error == std::errc{} && parsed == end;
  const SignatureHeaders ours = sign(secret, timestamp_s, headers.nonce, input);
  if (headers.signature == "ours") headers.signature = ours.signature;
  const auto problem = check_signature(secret, headers, input, now_us);
  if (problem) claim_problem(*problem);
  const bool is_near = is_number && timestamp_s >= now_s - timestamp_tolerance_s &&
                       timestamp_s <= now_s + timestamp_tolerance_s;
  const bool is_ours = headers.signature == ours.signature && headers.timestamp == ours.timestamp;
  if (!problem) {
    claim(is_near && is_ours, "only what was signed, and lately, is believed");
    claim(headers.nonce.size() >= nonce_length_min && headers.nonce.size() <= nonce_length_max,
          "a nonce has its length");
    std::string other(input);
    other.push_back('x');
    claim(check_signature(secret, headers, other, now_us).has_value(),
          "a byte more is another message");
    claim(check_signature("another secret", headers, input, now_us).has_value(),
          "another's signature is not ours");
  }
  NonceMemory memory(4);
  if (memory.judge(headers.nonce, now_us) == NonceMemory::Judgement::fresh)
    memory.remember(headers.nonce, now_us);
  claim(memory.judge(headers.nonce, now_us) == NonceMemory::Judgement::repeated,
        "a nonce is fresh once");
}

}  // namespace
}  // namespace welkin::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  welkin::fuzz::check(welkin::fuzz::view_of(data, size));
  return 0;
}
