// Puts one node together: store, channels, runtime, gateway. The only place that names concrete
// ones.
#pragma once

#include <vector>

#include "app/channel_accounts.hpp"
#include "app/config.hpp"

namespace welkin {

// Serves until SIGTERM or SIGINT, then drains. The exit code, as in exit_codes.hpp.
int run_server(const ServeConfig& config, std::vector<OpenedAccount> accounts,
               bool accept_truncated_journal);

}  // namespace welkin
