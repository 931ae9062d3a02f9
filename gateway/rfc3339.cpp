#include "gateway/rfc3339.hpp"

#include <cstdint>

namespace welkin {
namespace {

constexpr std::int64_t s_per_day = 86'400;

struct CivilDate {
  std::int64_t year;
  unsigned month;
  unsigned day;
};

// Days since 1970-01-01 in the proleptic Gregorian calendar, by eras of 400 years that begin in
// March.
std::int64_t days_from_civil(CivilDate date) {
  const std::int64_t year = date.year - (date.month <= 2 ? 1 : 0);
  const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
  const auto year_of_era = static_cast<unsigned>(year - era * 400);
  const unsigned month_from_march = (date.month + 9) % 12;
  const unsigned day_of_year = (153 * month_from_march + 2) / 5 + date.day - 1;
  const unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146'097 + static_cast<std::int64_t>(day_of_era) - 719'468;
}

CivilDate civil_from_days(std::int64_t days) {
  days += 719'468;
  const std::int64_t era = (days >= 0 ? days : days - 146'096) / 146'097;
  const auto day_of_era = static_cast<unsigned>(days - era * 146'097);
  const unsigned year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const unsigned day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const unsigned month_from_march = (5 * day_of_year + 2) / 153;
  const unsigned month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
  const unsigned day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
  return {static_cast<std::int64_t>(year_of_era) + era * 400 + (month <= 2 ? 1 : 0), month, day};
}

unsigned days_in_month(std::int64_t year, unsigned month) {
  constexpr unsigned days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29 : days[month - 1];
}

void put_digits(char* to, std::int64_t value, int count) {
  for (int i = count - 1; i >= 0; --i, value /= 10) to[i] = static_cast<char>('0' + value % 10);
}

// Takes `count` digits off the front.
std::optional<unsigned> take_digits(std::string_view& text, std::size_t count) {
  if (text.size() < count) return std::nullopt;
  unsigned value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    value = value * 10 + static_cast<unsigned>(text[i] - '0');
  }
  text.remove_prefix(count);
  return value;
}

bool take_char(std::string_view& text, char upper) {
  const char lower = static_cast<char>(upper | 0x20);
  const bool is_letter = upper >= 'A' && upper <= 'Z';
  if (text.empty() || (text.front() != upper && !(is_letter && text.front() == lower)))
    return false;
  text.remove_prefix(1);
  return true;
}

std::optional<std::int64_t> take_date_s(std::string_view& text) {
  const auto year = take_digits(text, 4);
  if (!year || !take_char(text, '-')) return std::nullopt;
  const auto month = take_digits(text, 2);
  if (!month || *month < 1 || *month > 12 || !take_char(text, '-')) return std::nullopt;
  const auto day = take_digits(text, 2);
  if (!day || *day < 1 || *day > days_in_month(*year, *month)) return std::nullopt;
  return days_from_civil({*year, *month, *day}) * s_per_day;
}

std::optional<std::int64_t> take_time_s(std::string_view& text) {
  const auto hour = take_digits(text, 2);
  if (!hour || *hour > 23 || !take_char(text, ':')) return std::nullopt;
  const auto minute = take_digits(text, 2);
  if (!minute || *minute > 59 || !take_char(text, ':')) return std::nullopt;
  const auto second = take_digits(text, 2);
  if (!second || *second > 59) return std::nullopt;
  return *hour * 3600 + *minute * 60 + *second;
}

// ".123" and more digits; those after the sixth are below our resolution.
std::optional<UnixUs> take_fraction_us(std::string_view& text) {
  if (!take_char(text, '.')) return 0;
  UnixUs value_us = 0;
  int digits = 0;
  for (; !text.empty() && text.front() >= '0' && text.front() <= '9';
       text.remove_prefix(1), ++digits)
    if (digits < 6) value_us = value_us * 10 + (text.front() - '0');
  if (digits == 0 || digits > 12) return std::nullopt;
  for (int i = digits; i < 6; ++i) value_us *= 10;
  return value_us;
}

std::optional<std::int64_t> take_offset_s(std::string_view& text) {
  if (take_char(text, 'Z')) return 0;
  const bool behind = take_char(text, '-');
  if (!behind && !take_char(text, '+')) return std::nullopt;
  const auto hours = take_digits(text, 2);
  if (!hours || *hours > 23 || !take_char(text, ':')) return std::nullopt;
  const auto minutes = take_digits(text, 2);
  if (!minutes || *minutes > 59) return std::nullopt;
  const std::int64_t offset_s = *hours * 3600 + *minutes * 60;
  return behind ? -offset_s : offset_s;
}

}  // namespace

void append_rfc3339(std::string& out, UnixUs at_us) {
  const std::int64_t ms = at_us >= 0 ? at_us / us_per_ms : (at_us - us_per_ms + 1) / us_per_ms;
  std::int64_t days = ms / (s_per_day * 1000);
  std::int64_t ms_of_day = ms % (s_per_day * 1000);
  if (ms_of_day < 0) {
    ms_of_day += s_per_day * 1000;
    --days;
  }
  const CivilDate date = civil_from_days(days);
  char text[] = "0000-00-00T00:00:00.000Z";
  put_digits(text, date.year, 4);
  put_digits(text + 5, date.month, 2);
  put_digits(text + 8, date.day, 2);
  put_digits(text + 11, ms_of_day / 3'600'000, 2);
  put_digits(text + 14, ms_of_day / 60'000 % 60, 2);
  put_digits(text + 17, ms_of_day / 1000 % 60, 2);
  put_digits(text + 20, ms_of_day % 1000, 3);
  out.append(text, sizeof text - 1);
}

std::optional<UnixUs> parse_rfc3339(std::string_view text) {
  const auto date_s = take_date_s(text);
  if (!date_s || !take_char(text, 'T')) return std::nullopt;
  const auto time_s = take_time_s(text);
  if (!time_s) return std::nullopt;
  const auto fraction_us = take_fraction_us(text);
  if (!fraction_us) return std::nullopt;
  const auto offset_s = take_offset_s(text);
  if (!offset_s || !text.empty()) return std::nullopt;
  const UnixUs at_us = (*date_s + *time_s - *offset_s) * us_per_s + *fraction_us;
  // An offset may lead out of the years that can be written.
  if (at_us < rfc3339_first_us || at_us > rfc3339_last_us) return std::nullopt;
  return at_us;
}

}  // namespace welkin
