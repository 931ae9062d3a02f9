// What a fuzz target holds the parsers to. A claim that does not hold ends the process with its
// words, and libFuzzer keeps the input.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "protocol/json_bytes.hpp"
#include "protocol/problem.hpp"
#include "protocol/utf8.hpp"

namespace welkin::fuzz {

inline void claim(bool holds, const char* words) {
  if (holds) return;
  std::fprintf(stderr, "this does not hold: %s\n", words);
  std::abort();
}

inline void claim_same(std::string_view a, std::string_view b, const char* words) {
  if (a == b) return;
  std::fprintf(stderr, "this does not hold: %s\n  %.*s\n  %.*s\n", words,
               static_cast<int>(a.size()), a.data(), static_cast<int>(b.size()), b.data());
  std::abort();
}

// A text that may go into an event or an answer.
inline void claim_text(std::string_view text, std::size_t bytes_max, const char* words) {
  claim(is_utf8(text), words);
  claim(text.size() <= bytes_max, words);
}

// A refusal is an answer: bounded, UTF-8, the sender's fault, and it names the field if it is
// one's.
inline void claim_problem(const Problem& problem) {
  const int status = spec_of(problem.code).http_status;
  claim(status >= 400 && status < 500, "what outside bytes are refused with is a 4xx");
  claim_text(problem.detail, 512, "a refusal's detail is short and UTF-8");
  claim_text(problem.field, 512, "a refusal's field is short and UTF-8");
  switch (problem.code) {
    case ProblemCode::unknown_field:
    case ProblemCode::missing_field:
    case ProblemCode::invalid_value:
    case ProblemCode::amount_out_of_range:
    case ProblemCode::unknown_currency:
    case ProblemCode::unknown_channel:
      claim(!problem.field.empty(), "a refusal of a field names it");
      break;
    default:
      break;
  }
}

// Accepted means that every byte was judged: what is taken holds nothing that a parser would pass
// over, and is taken no more when something that belongs to no JSON stands around it.
template <class Takes>
void claim_every_byte_judged(std::string_view taken, Takes takes) {
  claim(!unjudged_json_byte(taken), "no byte of what is taken is passed over");
  std::string around;
  for (const std::string_view behind : {std::string_view("\0", 1), std::string_view("\0{}", 3),
                                        std::string_view("x"), std::string_view("}")}) {
    around.assign(taken).append(behind);
    claim(!takes(std::string_view(around)), "nothing may stand behind what is taken");
  }
  around.assign(byte_order_mark).append(taken);
  claim(!takes(std::string_view(around)), "nothing may stand before what is taken");
}

inline std::string_view view_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// Takes what stands before the first line break off the front; all of it when there is none.
inline std::string_view take_line(std::string_view& rest) {
  const std::size_t end = rest.find('\n');
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return line;
}

}  // namespace welkin::fuzz
