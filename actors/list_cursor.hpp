// Where a page of a list ended, as the text a client brings back for the next one. It comes from
// outside, so one place has one spelling, and every other text is refused.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "protocol/ids.hpp"

namespace welkin {

// The list's order is (created_at_us, stream), newest first.
struct ListCursor {
  UnixUs created_at_us = 0;
  StreamId stream;

  std::string text() const;
  static std::optional<ListCursor> parse(std::string_view text);
};

}  // namespace welkin
