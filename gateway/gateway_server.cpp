#include "gateway/gateway_server.hpp"

#include <chrono>
#include <memory>
#include <optional>

#include "gateway/content_rules.hpp"
#include "gateway/key_ring.hpp"
#include "gateway/openapi.hpp"
#include "gateway/problem_document.hpp"
#include "gateway/query_string.hpp"
#include "gateway/route.hpp"

namespace welkin {
namespace {

using Clock = std::chrono::steady_clock;

std::vector<std::string> route_labels() {
  std::vector<std::string> labels;
  for (const HttpRoute& route : routes())
    labels.push_back(std::string(route.method).append(" ").append(route.pattern));
  labels.emplace_back("other");
  return labels;
}

// Operators and what scrapes the node's figures share theirs with whatever has no route here: none
// of it must keep payments or the node's health from being answered.
Lane lane_of(std::string_view method, std::string_view path) {
  if (path == "/healthz" || path == "/readyz") return Lane::health;
  if (path.rfind("/channels/", 0) == 0) return Lane::commands;
  if (path.rfind("/v1/", 0) != 0) return Lane::other;
  return method == "GET" || method == "HEAD" ? Lane::reads : Lane::commands;
}

// A channel hears in its own words that its callback was not even read.
std::optional<HttpAnswer> refused_callback(PaymentService& service, std::string_view path,
                                           const Problem& problem) {
  constexpr std::string_view before = "/channels/";
  constexpr std::string_view behind = "/notify";
  if (path.size() <= before.size() + behind.size() || path.substr(0, before.size()) != before ||
      path.substr(path.size() - behind.size()) != behind)
    return std::nullopt;
  path.remove_prefix(before.size());
  path.remove_suffix(behind.size());
  auto ack = service.refuse_callback(path, problem);
  if (!ack) return std::nullopt;
  return HttpAnswer{ack->http_status, std::move(ack->content_type), std::move(ack->body), {}};
}

// Counts a command in for as long as it lives.
class Admission {
 public:
  Admission(std::atomic<std::int64_t>& in_flight, std::size_t limit) : in_flight_(in_flight) {
    const std::int64_t before = in_flight_.fetch_add(1, std::memory_order_relaxed);
    admitted_ = before < static_cast<std::int64_t>(limit);
  }
  ~Admission() { in_flight_.fetch_sub(1, std::memory_order_relaxed); }
  Admission(const Admission&) = delete;
  Admission& operator=(const Admission&) = delete;
  bool admitted() const { return admitted_; }

 private:
  std::atomic<std::int64_t>& in_flight_;
  bool admitted_ = false;
};

}  // namespace

class GatewayServer::Dispatch {
 public:
  Dispatch(GatewayConfig config, PaymentService& service)
      : config_(std::move(config)),
        parts_{service, {}, GatewayMetrics(route_labels()), nullptr, openapi_document()},
        edge_(
            config_.edge,
            [this](const HttpRequest& request, Responder responder) {
              handle(request, std::move(responder));
            },
            lane_of,
            [&service](std::string_view path, const Problem& problem) {
              return refused_callback(service, path, problem);
            }) {
    parts_.edge = &edge_.counters();
  }

  Started start() {
    if (auto error = keys_.load(config_)) return {0, *error};
    const EdgeServer::Started started = edge_.start();
    return {started.port, started.error};
  }
  bool stop() { return edge_.stop(); }

 private:
  class OpenExchange;

  void handle(const HttpRequest& request, Responder responder);
  Step run(const RouteMatch& match, OpenExchange& exchange, HttpAnswer& answer);
  Step refuse_query(Problem problem, const RouteCall& call, const HttpRoute& route,
                    HttpAnswer& answer);
  std::optional<Problem> authorize(const HttpRequest& request, Access access,
                                   RouteCall& call) const;
  const ExtraRoute* extra_route(const HttpRequest& request) const;

  const GatewayConfig config_;
  KeyRing keys_;
  GatewayParts parts_;
  EdgeServer edge_;  // last: its threads end before anything they use
};

// A request on its way: everything that must live, or be held, until it is answered.
class GatewayServer::Dispatch::OpenExchange final
    : public Exchange,
      public std::enable_shared_from_this<OpenExchange> {
 public:
  OpenExchange(const HttpRequest& request, GatewayParts& parts, const RouteMatch& match,
               std::string request_id, Responder responder)
      : call{request, parts, {}, std::move(request_id), match.values},
        route_(match.route != nullptr ? match.index : routes().size()),
        responder_(std::move(responder)) {
    answer_.headers.emplace_back("X-Request-Id", call.request_id);
  }

  RouteCall call;
  std::optional<Admission> admission;

 private:
  void proceed(Step step) override {
    if (const auto* later = std::get_if<Later>(&step)) return start(*later);
    GatewayMetrics& metrics = call.parts.metrics;
    if (const auto* problem = std::get_if<Problem>(&step)) {
      answer_problem(*problem, call.request_id, answer_);
      metrics.count_refusal(problem->code);
    }
    const auto duration =
        std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - started_);
    metrics.count_request(route_, answer_.status, duration.count());
    admission.reset();
    call.key.reset();
    responder_.answer(std::move(answer_));
  }

  void start(const Later& later) {
    try {
      later.start(shared_from_this());
    } catch (...) {
      proceed(Problem{ProblemCode::internal, {}, {}});  // nothing was asked, so nothing will come
    }
  }

  const Clock::time_point started_ = Clock::now();
  const std::size_t route_;
  Responder responder_;
};

void GatewayServer::Dispatch::handle(const HttpRequest& request, Responder responder) {
  const RouteMatch match = match_route(request.method, request.path);
  const auto exchange = std::make_shared<OpenExchange>(
      request, parts_, match, request_id_for(request.header("x-request-id")), std::move(responder));
  exchange->go_on([&](HttpAnswer& answer) -> Step {
    const ExtraRoute* extra = extra_route(request);
    if (!extra) return run(match, *exchange, answer);
    extra->handler(request, answer);
    return Answered{};
  });
}

Step GatewayServer::Dispatch::run(const RouteMatch& match, OpenExchange& exchange,
                                  HttpAnswer& answer) {
  if (match.route == nullptr) {
    if (match.allowed.empty()) return Problem{ProblemCode::not_found, {}, {}};
    answer.headers.emplace_back("Allow", match.allowed);
    return Problem{ProblemCode::method_not_allowed, {}, {}};
  }
  const HttpRoute& route = *match.route;
  const HttpRequest& request = exchange.call.request;
  if (auto problem = authorize(request, route.access, exchange.call)) return *problem;
  if (auto problem = QueryReader::refuse_unknown(request.query, route.query))
    return refuse_query(std::move(*problem), exchange.call, route, answer);
  const bool takes_json = route.body == Body::json || route.body == Body::maybe;
  const bool may_be_empty = route.body == Body::maybe && request.body.empty();
  if (takes_json && !may_be_empty) {
    if (auto problem = refuse_content(request)) {
      if (problem->field == "Content-Encoding")
        answer.headers.emplace_back("Accept-Encoding", "identity");
      return std::move(*problem);
    }
  }
  if (route.is_command) {
    exchange.admission.emplace(parts_.metrics.commands_in_flight(), config_.max_commands_in_flight);
    if (!exchange.admission->admitted()) return Problem{ProblemCode::overloaded, {}, {}};
  }
  return route.handler(exchange.call, answer);
}

// A parameter that nobody reads may have been meant: `?amount=600` behind a capture of all.
Step GatewayServer::Dispatch::refuse_query(Problem problem, const RouteCall& call,
                                           const HttpRoute& route, HttpAnswer& answer) {
  if (route.access != Access::channel) return problem;
  auto words = refused_callback(parts_.service, call.request.path, problem);
  if (!words) return problem;
  answer.status = words->status;
  answer.content_type = std::move(words->content_type);
  answer.body = std::move(words->body);
  return Answered{};
}

std::optional<Problem> GatewayServer::Dispatch::authorize(const HttpRequest& request, Access access,
                                                          RouteCall& call) const {
  if (access == Access::anyone || access == Access::channel) return std::nullopt;
  const Caller* caller = keys_.caller_of(request.header("authorization"));
  if (caller == nullptr)
    return Problem{ProblemCode::unauthorized, "send Authorization: Bearer and an API key",
                   "Authorization"};
  if (caller->is_operator != (access == Access::admin))
    return Problem{ProblemCode::forbidden, {}, "Authorization"};
  call.merchant_id = caller->merchant_id;
  return std::nullopt;
}

const ExtraRoute* GatewayServer::Dispatch::extra_route(const HttpRequest& request) const {
  for (const ExtraRoute& route : config_.extra_routes)
    if (route.method == request.method && route.path == request.path) return &route;
  return nullptr;
}

GatewayServer::GatewayServer(GatewayConfig config, PaymentService& service)
    : dispatch_(std::make_unique<Dispatch>(std::move(config), service)) {}
GatewayServer::~GatewayServer() = default;
GatewayServer::Started GatewayServer::start() { return dispatch_->start(); }
bool GatewayServer::stop() { return dispatch_->stop(); }

}  // namespace welkin
