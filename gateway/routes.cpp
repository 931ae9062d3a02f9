// The whole HTTP surface. Dispatch, the Allow header, the metrics' labels and the paths of the
// OpenAPI document are all made from this table.
#include "gateway/route.hpp"

#include <algorithm>

namespace welkin {
namespace {

// The parts between the slashes; a path has fewer than eight of them or is not ours.
struct Segments {
  std::array<std::string_view, 8> parts;
  std::size_t count = 0;
  bool too_many = false;
};

Segments split(std::string_view path) {
  Segments out;
  while (!path.empty()) {
    path.remove_prefix(1);  // the slash
    const std::size_t end = std::min(path.find('/'), path.size());
    if (out.count == out.parts.size()) {
      out.too_many = true;
      return out;
    }
    out.parts[out.count++] = path.substr(0, end);
    path.remove_prefix(end);
  }
  return out;
}

struct SplitRoute {
  const HttpRoute* route;
  Segments segments;
};

const std::vector<SplitRoute>& split_routes() {
  static const std::vector<SplitRoute> split_table = [] {
    std::vector<SplitRoute> out;
    for (const HttpRoute& route : routes()) out.push_back({&route, split(route.pattern)});
    return out;
  }();
  return split_table;
}

bool fits(const Segments& pattern, const Segments& path, std::array<std::string_view, 2>& values) {
  if (pattern.count != path.count) return false;
  std::size_t value = 0;
  for (std::size_t i = 0; i < pattern.count; ++i) {
    const std::string_view part = pattern.parts[i];
    if (!part.empty() && part.front() == '{') {
      values[value++] = path.parts[i];
    } else if (part != path.parts[i]) {
      return false;
    }
  }
  return true;
}

}  // namespace

// clang-format off
const std::vector<HttpRoute>& routes() {
  using A = Access;
  using B = Body;
  constexpr bool command = true;
  constexpr bool read = false;
  static const std::vector<HttpRoute> table = {
    // method, path, handler, who may call, its body, whether it is a command;
    // then for the document: operation id, summary, schema of the request, schema of the answer;
    // and the query parameters it knows, if any
    {"POST", "/v1/payments", create_payment, A::merchant, B::json, command,
     "createPayment", "Create a payment, or get this order's", "CreatePayment", "Payment"},
    {"GET",  "/v1/payments", list_payments, A::merchant, B::none, read,
     "listPayments", "List payments, newest first", "", "PaymentList",
     {"merchant_order_no", "status", "created_from", "created_to", "limit", "cursor"}},
    {"GET",  "/v1/payments/{payment_id}", get_payment, A::merchant, B::none, read,
     "getPayment", "Get a payment", "", "Payment"},
    {"POST", "/v1/payments/{payment_id}/close", close_payment, A::merchant, B::maybe, command,
     "closePayment", "Close a payment that is not paid", "Empty", "Payment"},
    {"POST", "/v1/payments/{payment_id}/capture", capture_payment, A::merchant, B::maybe, command,
     "capturePayment", "Take what was authorized, or a part of it", "CapturePayment", "Payment"},
    {"POST", "/v1/payments/{payment_id}/void", void_payment, A::merchant, B::maybe, command,
     "voidPayment", "Let go of what was authorized", "Empty", "Payment"},
    {"POST", "/v1/payments/{payment_id}/refunds", create_refund, A::merchant, B::json, command,
     "createRefund", "Refund all or a part of what was captured", "CreateRefund", "Refund"},
    {"GET",  "/v1/payments/{payment_id}/refunds", list_refunds, A::merchant, B::none, read,
     "listRefunds", "List a payment's refunds", "", "RefundList"},
    {"GET",  "/v1/payments/{payment_id}/refunds/{refund_id}", get_refund, A::merchant, B::none, read,
     "getRefund", "Get a refund", "", "Refund"},
    {"GET",  "/v1/payments/{payment_id}/events", list_events, A::merchant, B::none, read,
     "listEvents", "List what was recorded about a payment", "", "EventList"},
    {"POST", "/channels/{account}/notify", channel_notify, A::channel, B::raw, command,
     "notifyChannel", "Take a channel's signed callback", "", ""},
    {"GET",  "/healthz", health, A::anyone, B::none, read,
     "getHealth", "Is the process alive", "", "Health"},
    {"GET",  "/readyz", readiness, A::anyone, B::none, read,
     "getReadiness", "Can it take work now", "", "Readiness"},
    {"GET",  "/metrics", metrics, A::anyone, B::none, read,
     "getMetrics", "Prometheus metrics", "", ""},
    {"GET",  "/openapi.json", openapi, A::anyone, B::none, read,
     "getOpenApi", "This document", "", "OpenApi"},
    {"GET",  "/admin/v1/parked", list_parked, A::admin, B::none, read,
     "listParked", "List the payments that wait for an operator", "", "ParkedList"},
    {"POST", "/admin/v1/payments/{payment_id}/resume", resume_payment, A::admin, B::maybe, command,
     "resumePayment", "Go on with a parked payment", "Empty", "Payment"},
    {"GET",  "/admin/v1/breakers", list_breakers, A::admin, B::none, read,
     "listBreakers", "List the channel accounts' circuit breakers", "", "BreakerList"},
    // Not under the limit of commands: when too many are in flight, this is what an operator needs.
    {"POST", "/admin/v1/breakers/{account}", operate_breaker, A::admin, B::json, read,
     "operateBreaker", "Force a breaker open, disable it, or release it", "OperateBreaker", "Breaker"},
  };
  return table;
}
// clang-format on

RouteMatch match_route(std::string_view method, std::string_view path) {
  RouteMatch match;
  const Segments segments = split(path);
  if (segments.too_many) return match;
  const std::string_view wanted = method == "HEAD" ? "GET" : method;
  const std::vector<SplitRoute>& table = split_routes();
  for (std::size_t i = 0; i < table.size(); ++i) {
    if (!fits(table[i].segments, segments, match.values)) continue;
    if (table[i].route->method == wanted) {
      match.route = table[i].route;
      match.index = i;
      return match;
    }
    if (!match.allowed.empty()) match.allowed.append(", ");
    match.allowed.append(table[i].route->method);
    if (table[i].route->method == "GET") match.allowed.append(", HEAD");
  }
  return match;
}

}  // namespace welkin
