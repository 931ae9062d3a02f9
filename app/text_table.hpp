// Tables, times and amounts as people read them in a terminal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/ids.hpp"
#include "protocol/money.hpp"

namespace welkin {

// Columns as wide as their widest cell; the last one is not padded.
class TextTable {
 public:
  explicit TextTable(std::vector<std::string> header, std::vector<std::size_t> right_aligned = {});
  void add(std::vector<std::string> cells);
  void write(std::ostream& out) const;

 private:
  bool is_right_aligned(std::size_t column) const;
  std::vector<std::vector<std::string>> rows_;  // the header is the first
  std::vector<std::size_t> right_aligned_;
};

// Control characters out: a journal holds text from strangers, and a terminal obeys what it is
// sent.
std::string printable(std::string_view text);

std::string format_time(UnixUs at_us);   // "2026-01-31T08:15:30.123456Z"
std::string format_clock(UnixUs at_us);  // "2026-01-31 08:15:30.123456", for tables
std::string format_gap(UnixUs gap_us);   // "+3.1ms"
std::string format_amount(std::int64_t amount_minor, Currency currency);  // "12.34 CNY"
std::string format_bytes(std::uint64_t bytes);                            // "3.4 MiB"

}  // namespace welkin
