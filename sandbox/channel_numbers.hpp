// The channels' own numbers for what the book calls "sbx12" and "sbr13": a day and the number
// within so many digits, as each channel forms them.
#pragma once

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/channels/beijing_time.hpp"

namespace welkin::sandbox {

// The 12 of "sbx12".
inline std::uint64_t number_of(std::string_view transaction_id) {
  std::uint64_t number = 0;
  if (transaction_id.size() > 3)
    std::from_chars(transaction_id.data() + 3, transaction_id.data() + transaction_id.size(),
                    number);
  return number;
}

inline std::string digits_of(std::uint64_t number, std::size_t count) {
  std::string text = std::to_string(number);
  if (text.size() < count) text.insert(0, count - text.size(), '0');
  return text.substr(text.size() - count);
}

// The number in the last `count` digits, or 0.
inline std::uint64_t number_in(std::string_view text, std::size_t count) {
  std::uint64_t number = 0;
  if (text.size() >= count)
    std::from_chars(text.data() + text.size() - count, text.data() + text.size(), number);
  return number;
}

inline std::string beijing_day(UnixUs at_us) { return beijing_compact(at_us).substr(0, 8); }

}  // namespace welkin::sandbox
