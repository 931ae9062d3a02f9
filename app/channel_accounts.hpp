// From configured accounts to such as can sign and verify: keys and certificates are read from
// their files and judged. Whatever is wrong names the place in the configuration, the key and the
// file.
#pragma once

#include <variant>
#include <vector>

#include "app/config.hpp"
#include "protocol/breaker/config.hpp"
#include "protocol/channels/wire_format.hpp"

namespace welkin {

struct OpenedAccount {
  ChannelAccountSection section;
  BreakerConfig breaker;
  WireFormatPtr format;
};
using OpenedAccounts = std::variant<std::vector<OpenedAccount>, std::vector<ConfigError>>;

// `now_us` judges the certificates' dates. All errors are collected, but for those whose key is
// among `told` already.
OpenedAccounts open_accounts(const ServeConfig& config, UnixUs now_us,
                             const std::vector<ConfigError>& told = {});

}  // namespace welkin
