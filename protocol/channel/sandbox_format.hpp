// An account at the sandbox channel as a wire format among others.
#pragma once

#include <string>

#include "protocol/channels/wire_format.hpp"

namespace welkin::sandbox_wire {

struct Account {
  std::string base_url;  // "http://127.0.0.1:8601"
  std::string secret;
  std::string notify_url;  // where the sandbox calls back; empty: where it was told at its start
};

WireFormatPtr wire_format_of(Account account);

}  // namespace welkin::sandbox_wire
