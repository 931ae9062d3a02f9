// What the fixtures of the real channels have in common: accounts made of the vectors' keys, and a
// channel's own key, which only a test has.
#pragma once

#include <stdexcept>
#include <string_view>
#include <utility>
#include <variant>

#include "protocol/channels/crypto.hpp"
#include "protocol/problem.hpp"
#include "tests/support/channel_calls.hpp"
#include "tests/support/vectors.hpp"

namespace welkin {

// The account that a configuration makes; a fault in it ends the test with the field's name.
template <class Account>
Account made(std::variant<Account, Problem> result) {
  if (const auto* problem = std::get_if<Problem>(&result))
    throw std::runtime_error(problem->field + ": " + problem->detail);
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
