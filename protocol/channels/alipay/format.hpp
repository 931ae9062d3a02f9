// An account at Alipay as a wire format among others.
#pragma once

#include "protocol/channels/alipay/account.hpp"
#include "protocol/channels/wire_format.hpp"

namespace welkin::alipay {

WireFormatPtr wire_format_of(Account account);

}  // namespace welkin::alipay
