// The wall clock of the Chinese channels.
#include "protocol/channels/beijing_time.hpp"

#include <catch2/catch.hpp>

using namespace welkin;

namespace {
constexpr UnixUs new_year_2026_us = 1'767'225'600 * us_per_s;  // midnight UTC, eight in Beijing
}

TEST_CASE("Beijing is eight hours ahead of UTC") {
  CHECK(beijing_dashed(new_year_2026_us) == "2026-01-01 08:00:00");
  CHECK(beijing_compact(new_year_2026_us) == "20260101080000");
  CHECK(beijing_compact(new_year_2026_us + 16 * 3600 * us_per_s - 1) == "20260101235959");
  CHECK(beijing_compact(new_year_2026_us + 16 * 3600 * us_per_s) == "20260102000000");
  CHECK(beijing_compact(0) == "19700101080000");
  CHECK(beijing_compact(-1) == "19700101075959");
}

TEST_CASE("every hour of thirteen years is read back from what is written, leap days too") {
  for (UnixUs at_us = new_year_2026_us; at_us < new_year_2026_us + 13LL * 366 * 86'400 * us_per_s;
       at_us += 3'599 * us_per_s) {
    if (parse_beijing_compact(beijing_compact(at_us)) != at_us ||
        parse_beijing_dashed(beijing_dashed(at_us)) != at_us)
      FAIL(beijing_dashed(at_us));
  }
  CHECK(days_of(1970, 1, 1) == 0);
  CHECK(days_of(2000, 3, 1) - days_of(2000, 2, 28) == 2);
  CHECK(days_of(2100, 3, 1) - days_of(2100, 2, 28) == 1);
}

TEST_CASE("a fraction of a second is dropped") {
  CHECK(parse_beijing_dashed("2026-01-01 08:00:00.123") == new_year_2026_us);
}

TEST_CASE("what is no time is not read") {
  const auto text =
      GENERATE(as<std::string>{}, "", "2026-01-01", "2026-1-1 08:00:00", "2026-02-29 08:00:00",
               "2026-13-01 08:00:00", "2026-00-01 08:00:00", "2026-01-00 08:00:00",
               "2026-01-01 24:00:00", "2026-01-01 08:60:00", "2026-01-01 08:00:60",
               "2026-01-01T08:00:00", "2026-01-01 08:00:00.", "2026-01-01 08:00:00.x",
               "2026-01-01 08:00:00 ", "0000-01-01 08:00:00", "2026-01-01 -8:00:00");
  CAPTURE(text);
  CHECK_FALSE(parse_beijing_dashed(text));
  CHECK_FALSE(parse_beijing_compact(text));
  CHECK_FALSE(parse_beijing_compact("2026010108000"));
  CHECK_FALSE(parse_beijing_compact("20260101080000 "));
  CHECK_FALSE(parse_beijing_compact("2026010108000x"));
}
