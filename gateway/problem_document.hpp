// A Problem as an RFC 9457 document, and the id every answer carries.
#pragma once

#include <string>
#include <string_view>

#include "gateway/edge/http_message.hpp"
#include "protocol/problem.hpp"

namespace welkin {

// The client's own X-Request-Id when it is 1–64 characters of [A-Za-z0-9_-], else a fresh one.
inline constexpr std::string_view request_id_prefix = "req_";  // of those made here
// Crockford's 26 characters for 128 random bits.
std::string fresh_number();
std::string request_id_for(std::string_view client_sent);
std::string fresh_request_id();

void answer_problem(const Problem& problem, std::string_view request_id, HttpAnswer& answer);

// The whole response, head included, for requests that no handler may see. The connection closes.
std::string canned_problem_response(const Problem& problem);
// The same in other words than the problem's document.
std::string canned_response(const Problem& problem, const HttpAnswer& answer);

}  // namespace welkin
