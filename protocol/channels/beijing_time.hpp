// The clock on the wire of the Chinese channels: Beijing time, eight hours ahead of UTC and without
// summer time since 1991. Plain arithmetic on the proleptic Gregorian calendar.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/ids.hpp"

namespace welkin {

struct CivilTime {
  int year = 1970;
  int month = 1;
  int day = 1;
  int hour = 0;
  int minute = 0;
  int second = 0;
};

CivilTime beijing_of(UnixUs at_us);
// Nothing when there is no such day or time, or its year is not within 1970 to 9999.
std::optional<UnixUs> from_beijing(const CivilTime& time);

std::string beijing_dashed(UnixUs at_us);   // "2026-01-01 08:00:00"
std::string beijing_compact(UnixUs at_us);  // "20260101080000"
// A fraction of a second behind it is read and dropped, as Alipay's gmt_refund has one.
std::optional<UnixUs> parse_beijing_dashed(std::string_view text);
std::optional<UnixUs> parse_beijing_compact(std::string_view text);

// Days since 1970-01-01 of a date that exists.
std::int64_t days_of(int year, int month, int day);

}  // namespace welkin
