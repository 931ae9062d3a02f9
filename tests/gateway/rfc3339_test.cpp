#include "gateway/rfc3339.hpp"

#include <catch2/catch.hpp>

using namespace welkin;

namespace {

std::string written(UnixUs at_us) {
  std::string out;
  append_rfc3339(out, at_us);
  return out;
}

}  // namespace

TEST_CASE("times are written in UTC with milliseconds", "[gateway]") {
  CHECK(written(0) == "1970-01-01T00:00:00.000Z");
  CHECK(written(951'782'399'999'999) == "2000-02-28T23:59:59.999Z");
  CHECK(written(951'782'400'000'000) == "2000-02-29T00:00:00.000Z");
  CHECK(written(-1) == "1969-12-31T23:59:59.999Z");
  CHECK(written(4'107'542'400'000'000) == "2100-03-01T00:00:00.000Z");
}

TEST_CASE("what is written is read back to the millisecond, day after day", "[gateway]") {
  for (UnixUs at_us = -86'400 * us_per_s * 800; at_us < 86'400 * us_per_s * 40'000;
       at_us += 86'399'997'000 * 11) {
    CAPTURE(at_us);
    REQUIRE(parse_rfc3339(written(at_us)) == at_us);
  }
}

TEST_CASE("offsets and fractions are understood", "[gateway]") {
  CHECK(parse_rfc3339("1970-01-01T01:00:00+01:00") == 0);
  CHECK(parse_rfc3339("1969-12-31T22:30:00-01:30") == 0);
  CHECK(parse_rfc3339("1970-01-01t00:00:00.5z") == 500'000);
  CHECK(parse_rfc3339("1970-01-01T00:00:00.1234567Z") == 123'456);
}

TEST_CASE("an offset does not lead out of the years that can be written", "[gateway]") {
  CHECK(parse_rfc3339("0000-01-01T00:00:00Z") == rfc3339_first_us);
  CHECK(parse_rfc3339("9999-12-31T23:59:59.999999Z") == rfc3339_last_us);
  CHECK_FALSE(parse_rfc3339("0000-01-01T00:00:00+00:01"));
  CHECK_FALSE(parse_rfc3339("9999-12-31T23:59:59-00:01"));
}

TEST_CASE("what is no time is refused", "[gateway]") {
  for (const char* text :
       {"", "1970-01-01", "1970-01-01T00:00:00", "1970-1-1T00:00:00Z", "1970-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z", "1970-13-01T00:00:00Z", "1970-00-01T00:00:00Z",
        "1970-01-32T00:00:00Z", "1970-01-01T24:00:00Z", "1970-01-01T00:60:00Z",
        "1970-01-01T00:00:60Z", "1970-01-01T00:00:00.Z", "1970-01-01T00:00:00Zx",
        "1970-01-01 00:00:00Z", "1970-01-01T00:00:00+0100"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_rfc3339(text).has_value());
  }
}
