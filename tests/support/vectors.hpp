// The files under tests/vectors/, which tests read byte for byte.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "protocol/channels/exchange.hpp"

namespace welkin {

// Aborts the test when there is no such file: nothing is skipped for want of a vector.
std::string vector_file(std::string_view name);
nlohmann::json vector_json(std::string_view name);
std::string vector_key(std::string_view name);  // "wechat_merchant_key" for its TESTONLY.pem

// {"Name": "value"} as headers with names in lower case.
WireHeaders headers_of(const nlohmann::json& headers);

}  // namespace welkin
