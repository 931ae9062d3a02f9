// The names that callbacks of nothing of ours are counted by.
#include "protocol/channels/exchange.hpp"

#include <iterator>

namespace welkin {

std::string_view name_of(IgnoredFor reason) {
  constexpr std::string_view names[] = {"other_kind",     "no_news",         "thin_event",
                                        "other_account",  "other_mode",      "foreign_order",
                                        "foreign_refund", "unknown_payment", "repeated"};
  static_assert(std::size(names) == ignored_for_count);
  return names[static_cast<std::size_t>(reason)];
}

}  // namespace welkin
