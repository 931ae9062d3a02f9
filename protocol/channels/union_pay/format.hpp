// A merchant number at UnionPay as a wire format among others.
#pragma once

#include "protocol/channels/union_pay/account.hpp"
#include "protocol/channels/wire_format.hpp"

namespace welkin::union_pay {

WireFormatPtr wire_format_of(Account account);

}  // namespace welkin::union_pay
