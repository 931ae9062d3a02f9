// What a route is, and what its handler is given.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
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

// Lives until the request is answered, so what a handler leaves to be done later may refer to it.
struct RouteCall {
  const HttpRequest& request;
  GatewayParts& parts;
  std::string_view merchant_id;  // of the caller; empty on routes that are not a merchant's
  std::string request_id;
  std::array<std::string_view, 2> values;  // what stands in the pattern's braces, in order
  // The request's idempotency key, let go just before it is answered: who repeats the request as
  // soon as it has the answer must not meet itself.
  mutable std::optional<InFlightKeys::Hold> key = std::nullopt;
};

class Exchange;
using ExchangePtr = std::shared_ptr<Exchange>;

// What a handler comes to: the answer is filled in, the request is refused, or something is to be
// asked of the runtime first. Handlers know no threads and never wait.
struct Answered {};
struct Later {
  std::function<void(const ExchangePtr&)> start;  // goes on with the exchange, now or later
};
using Step = std::variant<Answered, Problem, Later>;

// One request between its handler and its answer. Kept alive by whoever is to go on with it.
class Exchange {
 public:
  virtual ~Exchange() = default;

  // `next` fills in the answer, or says what else comes first.
  template <class Next>
  void go_on(Next&& next) {
    Step step;
    try {
      step = next(answer_);
    } catch (...) {
      // What was thrown may hold anything: the client is told nothing but the request's id.
      step = Problem{ProblemCode::internal, {}, {}};
    }
    proceed(std::move(step));
  }

 protected:
  virtual void proceed(Step step) = 0;
  HttpAnswer answer_;
};

// Asks with `start(then)` and goes on with `next(result, answer)`.
template <class Result, class Start, class Next>
Step ask(Start start, Next next) {
  return Later{
      [start = std::move(start), next = std::move(next)](const ExchangePtr& exchange) mutable {
        start([exchange, next](Result result) {
          exchange->go_on([&](HttpAnswer& answer) { return next(std::move(result), answer); });
        });
      }};
}

using RouteHandler = Step (*)(const RouteCall&, HttpAnswer&);

// Named so beside Route, which is a channel account a payment may go to.
struct HttpRoute {
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
  // The query parameters it knows. Any other is refused before the handler is called.
  std::vector<std::string_view> query = {};
};

// All routes, on one screen.
const std::vector<HttpRoute>& routes();

struct RouteMatch {
  const HttpRoute* route = nullptr;
  std::size_t index = 0;
  std::array<std::string_view, 2> values;
  std::string allowed;  // when only the method is wrong: the methods that are right
};
RouteMatch match_route(std::string_view method, std::string_view path);

// The handlers, by file.
Step create_payment(const RouteCall&, HttpAnswer&);
Step get_payment(const RouteCall&, HttpAnswer&);
Step list_payments(const RouteCall&, HttpAnswer&);
Step close_payment(const RouteCall&, HttpAnswer&);
Step capture_payment(const RouteCall&, HttpAnswer&);
Step void_payment(const RouteCall&, HttpAnswer&);
Step list_events(const RouteCall&, HttpAnswer&);
Step create_refund(const RouteCall&, HttpAnswer&);
Step list_refunds(const RouteCall&, HttpAnswer&);
Step get_refund(const RouteCall&, HttpAnswer&);
Step channel_notify(const RouteCall&, HttpAnswer&);
Step health(const RouteCall&, HttpAnswer&);
Step readiness(const RouteCall&, HttpAnswer&);
Step metrics(const RouteCall&, HttpAnswer&);
Step openapi(const RouteCall&, HttpAnswer&);
Step list_parked(const RouteCall&, HttpAnswer&);
Step resume_payment(const RouteCall&, HttpAnswer&);
Step list_breakers(const RouteCall&, HttpAnswer&);
Step operate_breaker(const RouteCall&, HttpAnswer&);

}  // namespace welkin
