// The headers that say what a body is: the input's first line is Content-Type, the second
// Content-Encoding. What is taken is JSON in UTF-8, as it is; what is refused is named in words
// that may be answered.
#include "gateway/content_rules.hpp"

#include <algorithm>

#include "tests/fuzz/claims.hpp"

namespace welkin::fuzz {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  return out;
}

void check(std::string_view input) {
  const std::string_view type = take_line(input);
  const std::string_view coding = take_line(input);
  HttpRequest request;
  request.headers = {{"content-type", type}, {"content-encoding", coding}};
  if (const auto problem = refuse_content(request)) {
    claim_problem(*problem);
    claim(problem->code == ProblemCode::unsupported_media_type, "what is refused is not taken");
    claim(problem->field == "Content-Type" || problem->field == "Content-Encoding",
          "a refusal names the header");
    return;
  }
  claim(lower(type).find("application/json") != std::string::npos, "what is taken is JSON");
  std::string codings = lower(coding);
  for (std::size_t at = 0; (at = codings.find("identity")) != std::string::npos;)
    codings.erase(at, 8);
  claim(codings.find_first_not_of(", \t") == std::string::npos, "what is taken is in no coding");
  request.headers.push_back({"content-type", type});
  claim(refuse_content(request).has_value(), "two types are none");
}

}  // namespace
}  // namespace welkin::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  welkin::fuzz::check(welkin::fuzz::view_of(data, size));
  return 0;
}
