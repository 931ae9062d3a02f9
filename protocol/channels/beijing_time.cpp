// Days from dates and back, and the two ways channels write a time; see the header.
#include "protocol/channels/beijing_time.hpp"

#include <cstdio>

namespace welkin {
namespace {

constexpr UnixUs beijing_offset_us = 8 * 3600 * us_per_s;
constexpr std::int64_t seconds_per_day = 86'400;

bool is_leap(int year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

int days_in_month(int year, int month) {
  constexpr int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

std::int64_t floor_div(std::int64_t a, std::int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

// Reads exactly `digits` digits at `at`; -1 when they are not there.
int number_at(std::string_view text, std::size_t at, std::size_t digits) {
  if (at + digits > text.size()) return -1;
  int value = 0;
  for (const char c : text.substr(at, digits)) {
    if (c < '0' || c > '9') return -1;
    value = value * 10 + (c - '0');
  }
  return value;
}

std::string formatted(const char* format, UnixUs at_us) {
  const CivilTime t = beijing_of(at_us);
  char text[64];
  const int length =
      std::snprintf(text, sizeof text, format, t.year, t.month, t.day, t.hour, t.minute, t.second);
  return std::string(text, static_cast<std::size_t>(length));
}

}  // namespace

// Howard Hinnant's civil-calendar algorithm: years begin in March, so that the leap day is last.
std::int64_t days_of(int year, int month, int day) {
  const std::int64_t y = month <= 2 ? year - 1 : year;
  const std::int64_t era = floor_div(y, 400);
  const std::int64_t year_of_era = y - era * 400;
  const std::int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  const std::int64_t day_of_era =
      year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146'097 + day_of_era - 719'468;
}

CivilTime beijing_of(UnixUs at_us) {
  const std::int64_t seconds = floor_div(at_us + beijing_offset_us, us_per_s);
  const std::int64_t days = floor_div(seconds, seconds_per_day);
  const std::int64_t rest = seconds - days * seconds_per_day;
  const std::int64_t z = days + 719'468;
  const std::int64_t era = floor_div(z, 146'097);
  const std::int64_t day_of_era = z - era * 146'097;
  const std::int64_t year_of_era =
      (day_of_era - day_of_era / 1'460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const std::int64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t month_from_march = (5 * day_of_year + 2) / 153;
  CivilTime time;
  time.day = static_cast<int>(day_of_year - (153 * month_from_march + 2) / 5 + 1);
  time.month = static_cast<int>(month_from_march + (month_from_march < 10 ? 3 : -9));
  time.year = static_cast<int>(year_of_era + era * 400 + (time.month <= 2 ? 1 : 0));
  time.hour = static_cast<int>(rest / 3600);
  time.minute = static_cast<int>(rest / 60 % 60);
  time.second = static_cast<int>(rest % 60);
  return time;
}

std::optional<UnixUs> from_beijing(const CivilTime& t) {
  if (t.year < 1970 || t.year > 9999 || t.month < 1 || t.month > 12 || t.day < 1 ||
      t.day > days_in_month(t.year, t.month) || t.hour < 0 || t.hour > 23 || t.minute < 0 ||
      t.minute > 59 || t.second < 0 || t.second > 59)
    return std::nullopt;
  const std::int64_t seconds =
      days_of(t.year, t.month, t.day) * seconds_per_day + t.hour * 3600 + t.minute * 60 + t.second;
  return seconds * us_per_s - beijing_offset_us;
}

std::string beijing_dashed(UnixUs at_us) {
  return formatted("%04d-%02d-%02d %02d:%02d:%02d", at_us);
}
std::string beijing_compact(UnixUs at_us) { return formatted("%04d%02d%02d%02d%02d%02d", at_us); }

std::optional<UnixUs> parse_beijing_dashed(std::string_view text) {
  if (text.size() < 19 || text[4] != '-' || text[7] != '-' || text[10] != ' ' || text[13] != ':' ||
      text[16] != ':')
    return std::nullopt;
  if (text.size() > 19) {
    if (text[19] != '.' || text.size() == 20 || text.size() > 26) return std::nullopt;
    if (number_at(text, 20, text.size() - 20) < 0) return std::nullopt;
  }
  return from_beijing({number_at(text, 0, 4), number_at(text, 5, 2), number_at(text, 8, 2),
                       number_at(text, 11, 2), number_at(text, 14, 2), number_at(text, 17, 2)});
}

std::optional<UnixUs> parse_beijing_compact(std::string_view text) {
  if (text.size() != 14) return std::nullopt;
  return from_beijing({number_at(text, 0, 4), number_at(text, 4, 2), number_at(text, 6, 2),
                       number_at(text, 8, 2), number_at(text, 10, 2), number_at(text, 12, 2)});
}

}  // namespace welkin
