// How the inputs of targets that read streams are written: a row a line, "payment_paid 1 {…}".
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <string_view>

#include "protocol/ids.hpp"
#include "tests/fuzz/claims.hpp"

namespace welkin::fuzz {

constexpr std::size_t rows_max = 32;
constexpr UnixUs first_row_us = 1'900'000'000 * us_per_s;

struct Row {
  std::string_view type;
  int version = 0;
  std::string_view payload;
};

// What is no number is version 0, which no event has.
inline Row row_of(std::string_view line) {
  Row row;
  row.type = line.substr(0, line.find(' '));
  line.remove_prefix(std::min(row.type.size() + 1, line.size()));
  const auto [end, ignored] = std::from_chars(line.data(), line.data() + line.size(), row.version);
  row.payload = line.substr(static_cast<std::size_t>(end - line.data()));
  return row;
}

template <class Error>
void claim_names_field(const Error& error) {
  claim(!error.what.empty() && error.path.substr(0, 1) == "/", "a refusal names the field");
}

template <class Event>
std::string written(const Event& event) {
  std::string out;
  write_event(event, out);
  return out;
}

}  // namespace welkin::fuzz
