// What a route is, and what its handler is given.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actors/payment_service.hpp"
#include "gateway/edge/http_message.hpp"
#include "gateway/gateway_metrics.hpp"
#include "gateway/in_flight_keys.hpp"
#include "protocol/problem.hpp"

namespace welkin {

enum class Access : std::uint8_t { merchant, admin, channel, anyone };
enum class Body : std::uint8_t { none, json, maybe, raw };  // maybe: JSON or nothing

// What all handlers share.
struct GatewayParts {
  PaymentService& service;
  InFlightKeys in_flight;
  GatewayMetrics metrics;
  const EdgeCounters* edge = nullptr;
  std::string openapi_text;
};

struct RouteCall {
  const HttpRequest& request;
  GatewayParts& parts;
  std::string_view merchant_id;  // of the caller; empty on routes that are not a merchant's
  std::string_view request_id;
  std::array<std::string_view, 2> values;  // what stands in the pattern's braces, in order
};

// Fills the answer, or says why not.
using RouteHandler = std::optional<Problem> (*)(const RouteCall&, HttpAnswer&);

struct Route {
  std::string_view method;
  std::string_view pattern;
  RouteHandler handler;
  Access access;
  Body body;
  bool is_command;  // counts against the limit of commands in flight
  std::string_view operation_id;
  std::string_view summary;
  std::string_view request_schema;
  std::string_view answer_schema;  // empty: not JSON of ours
};

// All routes, on one screen.
const std::vector<Route>& routes();

struct RouteMatch {
  const Route* route = nullptr;
  std::size_t index = 0;
  std::array<std::string_view, 2> values;
  std::string allowed;  // when only the method is wrong: the methods that are right
};
RouteMatch match_route(std::string_view method, std::string_view path);

// The handlers, by file.
std::optional<Problem> create_payment(const RouteCall&, HttpAnswer&);
std::optional<Problem> get_payment(const RouteCall&, HttpAnswer&);
std::optional<Problem> list_payments(const RouteCall&, HttpAnswer&);
std::optional<Problem> close_payment(const RouteCall&, HttpAnswer&);
std::optional<Problem> capture_payment(const RouteCall&, HttpAnswer&);
std::optional<Problem> void_payment(const RouteCall&, HttpAnswer&);
std::optional<Problem> list_events(const RouteCall&, HttpAnswer&);
std::optional<Problem> create_refund(const RouteCall&, HttpAnswer&);
std::optional<Problem> list_refunds(const RouteCall&, HttpAnswer&);
std::optional<Problem> get_refund(const RouteCall&, HttpAnswer&);
std::optional<Problem> channel_notify(const RouteCall&, HttpAnswer&);
std::optional<Problem> health(const RouteCall&, HttpAnswer&);
std::optional<Problem> readiness(const RouteCall&, HttpAnswer&);
std::optional<Problem> metrics(const RouteCall&, HttpAnswer&);
std::optional<Problem> openapi(const RouteCall&, HttpAnswer&);
std::optional<Problem> list_parked(const RouteCall&, HttpAnswer&);
std::optional<Problem> resume_payment(const RouteCall&, HttpAnswer&);

}  // namespace welkin
