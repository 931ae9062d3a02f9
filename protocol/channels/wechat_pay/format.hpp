// A merchant account at WeChat Pay as a wire format among others, which learns the platform's
// certificates while it runs.
#pragma once

#include "protocol/channels/wechat_pay/account.hpp"
#include "protocol/channels/wire_format.hpp"

namespace welkin::wechat_pay {

// Whether the platform's certificates are asked for (encode_upkeep). Without that the account must
// know a key from its configuration.
enum class Certificates : bool { as_configured, fetched };

WireFormatPtr wire_format_of(Account account, Certificates certificates);

}  // namespace welkin::wechat_pay
