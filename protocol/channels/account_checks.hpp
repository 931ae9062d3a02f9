// What every channel's account checks of its configuration, and how it says what is wrong: a
// Problem that names the field.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "protocol/channels/crypto.hpp"
#include "protocol/problem.hpp"

namespace welkin {

// All that is wrong with an account: whoever mends it does so in one go.
using AccountFaults = std::vector<Problem>;

Problem account_fault(std::string_view field, std::string detail);
Problem account_fault(std::string_view field, crypto::KeyFault what);

bool is_http_url(std::string_view text);
// One that paths are put behind: without a slash at its end.
bool is_base_url(std::string_view text);

}  // namespace welkin
