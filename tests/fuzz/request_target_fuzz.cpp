// A request's target: its path finds one route or none, and a list's query is read within its
// bounds or refused by the parameter's name.
#include <algorithm>

#include "gateway/query_string.hpp"
#include "gateway/request_limits.hpp"
#include "gateway/rfc3339.hpp"
#include "gateway/route.hpp"
#include "tests/fuzz/claims.hpp"
#include "tests/fuzz/recording_service.hpp"

namespace welkin::fuzz {
namespace {

void check_path(std::string_view path) {
  for (const std::string_view method : {"GET", "POST", "DELETE"}) {
    const RouteMatch match = match_route(method, path);
    if (match.route == nullptr) continue;
    claim(match.route->method == method, "a route is of the request's method");
    claim(match.index < routes().size() && &routes()[match.index] == match.route,
          "a route's number is its own");
    claim(std::count(path.begin(), path.end(), '/') ==
              std::count(match.route->pattern.begin(), match.route->pattern.end(), '/'),
          "a path has its route's parts");
    for (const std::string_view value : match.values)
      claim(value.find('/') == std::string_view::npos, "a value is one part of the path");
  }
}

void check_list(std::string_view query) {
  static RecordingService service;
  static GatewayParts parts{service, {}, GatewayMetrics({"any"}), nullptr, {}};
  service.list_query.reset();
  HttpRequest request;
  request.method = "GET";
  request.path = "/v1/payments";
  request.query = query;
  const std::optional<Problem> problem =
      RecordedExchange::finish(list_payments,
                               {request, parts, RecordingService::merchant_id, "req_1", {}})
          .problem;
  if (problem) {
    claim(!service.list_query, "what is refused reaches no list");
    claim_problem(*problem);
    claim(problem->field.front() == '?', "a parameter's name stands behind a question mark");
    return;
  }
  if (!service.list_query) return;  // an order number was looked up
  const PaymentListQuery& asked = *service.list_query;
  claim(asked.merchant_id == RecordingService::merchant_id, "a list is the caller's own");
  claim(asked.limit >= 1 && asked.limit <= max_page_size, "a page has a limit");
  claim(asked.cursor.size() <= max_cursor_characters, "a cursor has a limit");
  for (const UnixUs at_us : {asked.created_from_us, asked.created_to_us})
    claim(at_us >= 0 && at_us <= rfc3339_last_us, "a time is one a payment can have");
}

// The same parameters, each character spelled in percent, are the same query.
std::string spelled_out(std::string_view query) {
  constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  for (std::size_t i = 0; i < query.size(); ++i) {
    const char c = query[i];
    if (c == '&' || c == '=' || c == '%') {
      out.push_back(c);
      // What is spelled so already stays.
      for (int more = 0; c == '%' && more < 2 && i + 1 < query.size(); ++more)
        out.push_back(query[++i]);
    } else {
      out.push_back('%');
      out.push_back(digits[static_cast<unsigned char>(c) >> 4]);
      out.push_back(digits[static_cast<unsigned char>(c) & 15]);
    }
  }
  return out;
}

std::optional<Problem> read(std::string_view query, std::string& text) {
  QueryReader reader(query);
  text = reader.text("cursor", 64);
  return reader.finish();
}

void check(std::string_view target) {
  const std::size_t question = std::min(target.find('?'), target.size());
  const std::string_view path = target.substr(0, question);
  if (!path.empty() && path.front() == '/') check_path(path);
  const std::string_view query = target.substr(std::min(question + 1, target.size()));
  check_list(query);
  if (query.find('=') == std::string_view::npos || query.find("=") != query.rfind('=')) return;
  std::string plain;
  std::string spelled;
  const bool refused = read(query, plain).has_value();
  claim(refused == read(spelled_out(query), spelled).has_value(),
        "spelled in percent, a query is judged the same");
  if (!refused) claim_same(spelled, plain, "spelled in percent, a query says the same");
}

}  // namespace
}  // namespace welkin::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  welkin::fuzz::check(welkin::fuzz::view_of(data, size));
  return 0;
}
