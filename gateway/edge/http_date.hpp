// The time in the form of HTTP's Date header (RFC 9110 5.6.7), for every answer.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace welkin {

// "Sun, 06 Nov 1994 08:49:37 GMT"
std::string http_date(std::int64_t unix_s);

// Of now, made once a second on each thread. Valid until the thread's next call.
std::string_view http_date_now();

}  // namespace welkin
