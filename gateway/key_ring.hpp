// Who calls: API keys are known only by their SHA-256, and compared in constant time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "gateway/gateway_config.hpp"
#include "protocol/ids.hpp"

namespace welkin {

struct Caller {
  std::string merchant_id;  // empty for operators
  bool is_operator = false;
};

class KeyRing {
 public:
  // Says what is wrong with the configured hashes, if anything is.
  std::optional<std::string> load(const GatewayConfig& config);

  // Null for a header that is missing, is no Bearer header, or holds a key nobody has.
  const Caller* caller_of(std::string_view authorization) const;

 private:
  struct Entry {
    Hash key_sha256;
    Caller caller;
  };
  std::optional<std::string> add(const std::string& hash_hex, Caller caller);

  // By the hash's first bytes, which say nothing about the key.
  std::unordered_multimap<std::uint64_t, Entry> entries_;
};

}  // namespace welkin
