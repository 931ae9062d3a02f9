// PostgreSQL array literals: whatever the texts hold, the library's reader of such arrays finds
// exactly those texts, so nothing a stranger sends can become another element.
#include "persistence/postgres/array_literal.hpp"

#include <pqxx/array>
#include <vector>

#include "tests/fuzz/claims.hpp"

namespace welkin::fuzz {
namespace {

std::vector<std::string> read_back(const std::string& literal) {
  std::vector<std::string> out;
  pqxx::array_parser parser(literal.c_str());
  for (auto step = parser.get_next(); step.first != pqxx::array_parser::juncture::done;
       step = parser.get_next()) {
    claim(step.first != pqxx::array_parser::juncture::null_value, "no text becomes NULL");
    if (step.first == pqxx::array_parser::juncture::string_value) out.push_back(step.second);
  }
  return out;
}

// The input's lines are the texts.
void check(std::string_view input) {
  std::vector<std::string> texts;
  postgres::ArrayLiteral literal;
  bool has_nul = false;
  while (!input.empty()) {
    const std::string_view line = take_line(input);
    texts.emplace_back(line);
    has_nul = has_nul || line.find('\0') != std::string_view::npos;
    literal.add_text(line);
  }
  claim(literal.has_nul() == has_nul, "a NUL is noticed");
  if (has_nul) return;
  claim(read_back(literal.take()) == texts, "an array holds the texts that were put in");
}

}  // namespace
}  // namespace welkin::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  welkin::fuzz::check(welkin::fuzz::view_of(data, size));
  return 0;
}
