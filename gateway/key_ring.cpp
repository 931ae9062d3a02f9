#include "gateway/key_ring.hpp"

#include <openssl/crypto.h>

#include <algorithm>
#include <cstring>

#include "protocol/sha256.hpp"

namespace welkin {
namespace {

constexpr std::size_t max_key_bytes = 256;

std::uint64_t first_bytes(const Hash& hash) {
  std::uint64_t out = 0;
  std::memcpy(&out, hash.data(), sizeof out);
  return out;
}

// RFC 9110 11.4: the scheme, one or more spaces, the key.
std::string_view bearer_key(std::string_view authorization) {
  constexpr std::string_view scheme = "bearer ";
  if (authorization.size() <= scheme.size()) return {};
  for (std::size_t i = 0; i < scheme.size(); ++i)
    if ((authorization[i] | 0x20) != scheme[i]) return {};
  authorization.remove_prefix(scheme.size());
  authorization.remove_prefix(std::min(authorization.find_first_not_of(' '), authorization.size()));
  return authorization;
}

}  // namespace

std::optional<std::string> KeyRing::load(const GatewayConfig& config) {
  for (const MerchantConfig& merchant : config.merchants) {
    if (merchant.merchant_id.empty()) return "a merchant has no merchant_id";
    for (const std::string& hash : merchant.api_keys_sha256)
      if (auto error = add(hash, {merchant.merchant_id, false})) return error;
  }
  if (config.operator_key_sha256.empty()) return std::nullopt;
  return add(config.operator_key_sha256, {{}, true});
}

std::optional<std::string> KeyRing::add(const std::string& hash_hex, Caller caller) {
  const std::optional<Hash> hash = parse_hash(hash_hex);
  const std::string whose = caller.is_operator ? "the operator" : "merchant " + caller.merchant_id;
  if (!hash) return "an API key of " + whose + " is not a SHA-256 in 64 hex digits";
  const auto [begin, end] = entries_.equal_range(first_bytes(*hash));
  for (auto entry = begin; entry != end; ++entry)
    if (entry->second.key_sha256 == *hash) return "an API key of " + whose + " stands there twice";
  entries_.emplace(first_bytes(*hash), Entry{*hash, std::move(caller)});
  return std::nullopt;
}

const Caller* KeyRing::caller_of(std::string_view authorization) const {
  const std::string_view key = bearer_key(authorization);
  if (key.empty() || key.size() > max_key_bytes) return nullptr;
  Sha256& hasher = Sha256::start();
  hasher.add(key);
  const Hash hash = hasher.finish();
  const Caller* caller = nullptr;
  const auto [begin, end] = entries_.equal_range(first_bytes(hash));
  for (auto entry = begin; entry != end; ++entry)
    if (CRYPTO_memcmp(entry->second.key_sha256.data(), hash.data(), hash.size()) == 0)
      caller = &entry->second.caller;
  return caller;
}

}  // namespace welkin
