#include "gateway/gateway_server.hpp"

#include <chrono>

#include "gateway/key_ring.hpp"
#include "gateway/openapi.hpp"
#include "gateway/problem_document.hpp"
#include "gateway/route.hpp"

namespace welkin {
namespace {

using Clock = std::chrono::steady_clock;

std::vector<std::string> route_labels() {
  std::vector<std::string> labels;
  for (const Route& route : routes())
    labels.push_back(std::string(route.method).append(" ").append(route.pattern));
  labels.emplace_back("other");
  return labels;
}

bool is_control_path(std::string_view path) {
  return path.rfind("/v1/", 0) != 0 && path.rfind("/channels/", 0) != 0 &&
         path.rfind("/admin/", 0) != 0;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

// "application/json", whatever its case, alone or with a charset behind it.
bool is_json_type(std::string_view content_type) {
  constexpr std::string_view wanted = "application/json";
  if (content_type.size() < wanted.size()) return false;
  for (std::size_t i = 0; i < wanted.size(); ++i)
    if (lower(content_type[i]) != wanted[i]) return false;
  const std::string_view rest = content_type.substr(wanted.size());
  return rest.empty() || rest.front() == ';' || rest.front() == ' ';
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
            [this](const HttpRequest& request, HttpAnswer& answer) { handle(request, answer); },
            is_control_path) {
    parts_.edge = &edge_.counters();
  }

  Started start() {
    if (auto error = keys_.load(config_)) return {0, *error};
    const EdgeServer::Started started = edge_.start();
    return {started.port, started.error};
  }
  bool stop() { return edge_.stop(); }

 private:
  void handle(const HttpRequest& request, HttpAnswer& answer);
  std::optional<Problem> run(const HttpRequest& request, const RouteMatch& match,
                             std::string_view request_id, HttpAnswer& answer);
  std::optional<Problem> authorize(const HttpRequest& request, Access access,
                                   RouteCall& call) const;
  const ExtraRoute* extra_route(const HttpRequest& request) const;

  const GatewayConfig config_;
  KeyRing keys_;
  GatewayParts parts_;
  EdgeServer edge_;  // last: its threads end before anything they use
};

void GatewayServer::Dispatch::handle(const HttpRequest& request, HttpAnswer& answer) {
  const auto started = Clock::now();
  const std::string request_id = request_id_for(request.header("x-request-id"));
  answer.headers.emplace_back("X-Request-Id", request_id);
  if (const ExtraRoute* extra = extra_route(request)) return extra->handler(request, answer);

  const RouteMatch match = match_route(request.method, request.path);
  std::optional<Problem> problem;
  try {
    problem = run(request, match, request_id, answer);
  } catch (...) {
    // What was thrown may hold anything, so the client is told nothing of it but the request's id.
    problem = Problem{ProblemCode::internal, {}, {}};
  }
  if (problem) {
    answer_problem(*problem, request_id, answer);
    parts_.metrics.count_refusal(problem->code);
  }
  const auto duration =
      std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - started);
  const std::size_t index = match.route != nullptr ? match.index : routes().size();
  parts_.metrics.count_request(index, answer.status, duration.count());
}

std::optional<Problem> GatewayServer::Dispatch::run(const HttpRequest& request,
                                                    const RouteMatch& match,
                                                    std::string_view request_id,
                                                    HttpAnswer& answer) {
  if (match.route == nullptr) {
    if (match.allowed.empty()) return Problem{ProblemCode::not_found, {}, {}};
    answer.headers.emplace_back("Allow", match.allowed);
    return Problem{ProblemCode::method_not_allowed, {}, {}};
  }
  const Route& route = *match.route;
  RouteCall call{request, parts_, {}, request_id, match.values};
  if (auto problem = authorize(request, route.access, call)) return problem;
  const bool takes_json = route.body == Body::json || route.body == Body::maybe;
  const bool may_be_empty = route.body == Body::maybe && request.body.empty();
  if (takes_json && !may_be_empty && !is_json_type(request.header("content-type")))
    return Problem{ProblemCode::unsupported_media_type, {}, "Content-Type"};
  if (!route.is_command) return route.handler(call, answer);
  const Admission admission(parts_.metrics.commands_in_flight(), config_.max_commands_in_flight);
  if (!admission.admitted()) return Problem{ProblemCode::overloaded, {}, {}};
  return route.handler(call, answer);
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
