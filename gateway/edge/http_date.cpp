#include "gateway/edge/http_date.hpp"

#include <cstdio>
#include <ctime>

namespace welkin {

std::string http_date(std::int64_t unix_s) {
  // Not strftime: its names are the locale's.
  constexpr const char* days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr const char* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto at = static_cast<std::time_t>(unix_s);
  std::tm parts{};
  ::gmtime_r(&at, &parts);
  char text[64];
  const int size = std::snprintf(text, sizeof text, "%s, %02d %s %04d %02d:%02d:%02d GMT",
                                 days[parts.tm_wday], parts.tm_mday, months[parts.tm_mon],
                                 parts.tm_year + 1900, parts.tm_hour, parts.tm_min, parts.tm_sec);
  return {text, static_cast<std::size_t>(size)};
}

std::string_view http_date_now() {
  thread_local std::int64_t made_at_s = -1;
  thread_local std::string text;
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
  if (now.tv_sec != made_at_s) {
    made_at_s = now.tv_sec;
    text = http_date(made_at_s);
  }
  return text;
}

}  // namespace welkin
