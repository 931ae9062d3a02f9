// The sandbox's HTTP side: routes, limits, and the cpp-httplib settings without which it is slow or
// open. What a request does stands in channel_desk.cpp.
#include "sandbox/sandbox_server.hpp"

#include <httplib.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <thread>
#include <utility>

#include "sandbox/channel_desk.hpp"
#include "sandbox/worker_pool.hpp"

namespace welkin::sandbox {
namespace {

namespace wire = sandbox_wire;
using httplib::Request;
using httplib::Response;

constexpr std::size_t max_body_bytes = 64 * 1024;
constexpr std::size_t max_waiting_connections = 1'024;
constexpr int listen_backlog = 1'024;
// Short, because an idle kept connection holds a worker.
constexpr time_t idle_connection_s = 2;
constexpr time_t io_timeout_s = 2;
constexpr std::size_t list_limit_default = 100;
constexpr std::size_t list_limit_max = 1'000;

wire::SignatureHeaders signature_of(const Request& request) {
  std::vector<std::pair<std::string, std::string>> headers;
  for (const auto& [name, value] : request.headers) {
    std::string lower = name;
    for (char& c : lower)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    headers.emplace_back(std::move(lower), value);
  }
  return wire::signature_headers(headers);
}

void put(Response& response, const Reply& reply) {
  response.status = reply.http_status;
  response.set_content(reply.body, "application/json");
}

bool is_loopback(const std::string& address) {
  return address.rfind("127.", 0) == 0 || address == "::1" || address.rfind("::ffff:127.", 0) == 0;
}

std::size_t limit_of(const Request& request) {
  const std::string text = request.get_param_value("limit");
  std::size_t limit = list_limit_default;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), limit);
  const bool whole = error == std::errc{} && end == text.data() + text.size();
  return whole ? std::min(limit, list_limit_max) : list_limit_default;
}

}  // namespace

class SandboxServer::Impl {
 public:
  explicit Impl(SandboxConfig config) : config_(std::move(config)), desk_(config_) {}
  ~Impl() { stop(); }

  std::variant<int, Problem> start() {
    if (config_.secret.empty())
      return Problem{ProblemCode::invalid_value, "The sandbox needs a secret.", "/secret"};
    configure();
    add_channel_routes();
    add_control_routes();
    int port = config_.port;
    if (port == 0)
      port = server_.bind_to_any_port(config_.host);
    else if (!server_.bind_to_port(config_.host, port))
      port = -1;
    if (port <= 0)
      return Problem{
          ProblemCode::invalid_value,
          "The sandbox cannot listen on " + config_.host + ":" + std::to_string(config_.port) + ".",
          "/port"};
    // cpp-httplib's own backlog is 5 and compiled in: a burst of connections would be dropped.
    ::listen(listen_fd_, listen_backlog);
    desk_.set_pay_url_base("http://" + config_.host + ":" + std::to_string(port) + "/sandbox/pay/");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    // A stop() before the server runs would be lost.
    for (int tries = 0; tries < 5'000 && !server_.is_running(); ++tries)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    if (server_.is_running()) return port;
    return Problem{ProblemCode::internal, "The sandbox's server did not start.", {}};
  }

  void stop() {
    desk_.stop();
    if (!thread_.joinable()) return;
    server_.stop();
    thread_.join();
  }

 private:
  void configure() {
    server_.set_socket_options([this](socket_t fd) {
      listen_fd_ = fd;
      const int yes = 1;
      ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    });
    server_.new_task_queue = [this] {
      return new WorkerPool(config_.worker_threads, max_waiting_connections, waiting_);
    };
    server_.set_tcp_nodelay(true);
    server_.set_keep_alive_timeout(idle_connection_s);
    server_.set_keep_alive_max_count(1'000'000);
    server_.set_read_timeout(io_timeout_s);
    server_.set_write_timeout(io_timeout_s);
    server_.set_payload_max_length(max_body_bytes);
    server_.set_pre_routing_handler([](const Request& request, Response& response) {
      return refuse_before_body(request, response) ? httplib::Server::HandlerResponse::Handled
                                                   : httplib::Server::HandlerResponse::Unhandled;
    });
    server_.set_post_routing_handler([this](const Request&, Response& response) {
      // Somebody waits for this thread: the connection gives it up after this answer.
      if (*waiting_ > 0) response.set_header("Connection", "close");
    });
    server_.set_exception_handler([](const Request&, Response& response, std::exception_ptr) {
      put(response, reply_to({500, "SYSTEM_ERROR", "The sandbox itself failed."}));
    });
    server_.set_error_handler([](const Request&, Response& response) {
      if (!response.body.empty()) return;
      put(response,
          reply_to({response.status, "NO_SUCH_ROUTE", "The sandbox does not know this."}));
    });
  }

  // What cpp-httplib would read without a limit is refused before it does.
  static bool refuse_before_body(const Request& request, Response& response) {
    const bool has_body = request.method == "POST" || request.method == "PUT";
    const bool unsized = has_body && !request.has_header("Content-Length");
    if (!request.has_header("Transfer-Encoding") && !unsized) return false;
    response.set_header("Connection", "close");
    put(response, reply_to({411, "LENGTH_REQUIRED", "Send a Content-Length."}));
    return true;
  }

  void add_channel_routes() {
    server_.Post("/sandbox/v1/orders", [this](const Request& request, Response& response) {
      put(response, desk_.create_order(signature_of(request), request.body));
    });
    server_.Get("/sandbox/v1/orders/([0-9A-Za-z]{1,64})",
                [this](const Request& request, Response& response) {
                  put(response, desk_.query_order(signature_of(request), request.matches[1]));
                });
    server_.Post("/sandbox/v1/orders/([0-9A-Za-z]{1,64})/close", [this](const Request& request,
                                                                        Response& response) {
      put(response, desk_.close_order(signature_of(request), request.matches[1], request.body));
    });
    server_.Post("/sandbox/v1/orders/([0-9A-Za-z]{1,64})/capture", [this](const Request& request,
                                                                          Response& response) {
      put(response, desk_.capture_order(signature_of(request), request.matches[1], request.body));
    });
    server_.Post("/sandbox/v1/orders/([0-9A-Za-z]{1,64})/void", [this](const Request& request,
                                                                       Response& response) {
      put(response, desk_.void_order(signature_of(request), request.matches[1], request.body));
    });
    server_.Post("/sandbox/v1/refunds", [this](const Request& request, Response& response) {
      put(response, desk_.create_refund(signature_of(request), request.body));
    });
    server_.Get("/sandbox/v1/refunds/([0-9A-Za-z]{1,64})",
                [this](const Request& request, Response& response) {
                  put(response, desk_.query_refund(signature_of(request), request.matches[1]));
                });
    server_.Get("/sandbox/pay/([0-9A-Za-z]{1,64})",
                [this](const Request& request, Response& response) {
                  const std::string order_no = request.matches[1];
                  put(response, desk_.pay(order_no));
                  const std::string return_url = desk_.return_url(order_no);
                  if (response.status == 200 && !return_url.empty())
                    response.set_redirect(return_url, 303);
                });
  }

  // A control route answers this machine only.
  template <class Answer>
  httplib::Server::Handler local(Answer answer) {
    return [answer](const Request& request, Response& response) {
      if (is_loopback(request.remote_addr)) return put(response, answer(request));
      put(response, reply_to({403, "LOOPBACK_ONLY", "Control is for this machine only."}));
    };
  }

  void add_control_routes() {
    const std::string base = "/sandbox/control";
    const std::string order = base + "/orders/([0-9A-Za-z]{1,64})";
    server_.Get(base + "/misbehave", local([this](const Request&) { return desk_.control(); }));
    server_.Put(base + "/misbehave",
                local([this](const Request& request) { return desk_.set_control(request.body); }));
    server_.Put(order + "/misbehave", local([this](const Request& request) {
                  return desk_.set_order_misbehaviour(request.matches[1], request.body);
                }));
    server_.Post(order + "/pay",
                 local([this](const Request& request) { return desk_.pay(request.matches[1]); }));
    server_.Post(order + "/decline", local([this](const Request& request) {
                   return desk_.decline(request.matches[1]);
                 }));
    server_.Get(base + "/orders", local([this](const Request& request) {
                  return desk_.list_orders(limit_of(request), request.get_param_value("before"));
                }));
    server_.Get(base + "/stats", local([this](const Request&) { return desk_.stats(); }));
  }

  const SandboxConfig config_;
  ChannelDesk desk_;
  httplib::Server server_;
  socket_t listen_fd_ = INVALID_SOCKET;
  std::shared_ptr<std::atomic<std::size_t>> waiting_ =
      std::make_shared<std::atomic<std::size_t>>(0);
  std::thread thread_;
};

SandboxServer::SandboxServer(SandboxConfig config)
    : impl_(std::make_unique<Impl>(std::move(config))) {}
SandboxServer::~SandboxServer() = default;
std::variant<int, Problem> SandboxServer::start() { return impl_->start(); }
void SandboxServer::stop() { impl_->stop(); }

}  // namespace welkin::sandbox
