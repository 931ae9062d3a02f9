// Times as people write them: what is read can be written, and written again it is the same time.
#include "gateway/rfc3339.hpp"

#include <cstring>

#include "tests/fuzz/claims.hpp"

namespace welkin::fuzz {
namespace {

void check_written(UnixUs at_us) {
  std::string text;
  append_rfc3339(text, at_us);
  const auto read = parse_rfc3339(text);
  claim(read.has_value(), "what is written can be read");
  claim(*read <= at_us && at_us - *read < us_per_ms, "a written time keeps its milliseconds");
}

void check_read(std::string_view text) {
  const auto at_us = parse_rfc3339(text);
  if (!at_us) return;
  claim(text.size() >= 20 && text.size() <= 38, "a time is a date, a clock and an offset");
  check_written(*at_us);
}

}  // namespace
}  // namespace welkin::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace welkin;
  fuzz::check_read(fuzz::view_of(data, size));
  std::int64_t number = 0;
  if (size != sizeof number) return 0;
  std::memcpy(&number, data, sizeof number);
  if (number >= rfc3339_first_us && number <= rfc3339_last_us) fuzz::check_written(number);
  return 0;
}
