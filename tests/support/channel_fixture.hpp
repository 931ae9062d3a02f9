// What the fixtures of the real channels have in common: accounts made of the vectors' keys, and a
// channel's own key, which only a test has.
#pragma once

#include <stdexcept>
#include <string_view>
#include <utility>
#include <variant>

#include "protocol/channels/account_checks.hpp"
#include "protocol/channels/crypto.hpp"
#include "protocol/problem.hpp"
#include "tests/support/channel_calls.hpp"
#include "tests/support/vectors.hpp"

namespace welkin {

// The account that a configuration makes; a fault in it ends the test with the field's name.
template <class Account>
Account made(std::variant<Account, AccountFaults> result) {
  if (const auto* faults = std::get_if<AccountFaults>(&result))
    throw std::runtime_error(faults->front().field + ": " + faults->front().detail);
  return std::get<Account>(std::move(result));
}

// "alipay_platform_key"; a channel signs with it, and nobody else has it.
inline crypto::PrivateKey vector_private_key(std::string_view name) {
  auto read = crypto::PrivateKey::from_pem(vector_key(name));
  if (const auto* fault = std::get_if<crypto::KeyFault>(&read))
    throw std::runtime_error(std::string(name) + ": " + std::string(name_of(*fault)));
  return std::get<crypto::PrivateKey>(std::move(read));
}

}  // namespace welkin
