// The sandbox's HTTP side: routes, limits, and the cpp-httplib settings without which it is slow or
// open. What a request does stands in the desks.
#include "sandbox/sandbox_server.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "sandbox/channel_desks.hpp"
#include "sandbox/http_server.hpp"
#include "sandbox/own_desk.hpp"
#include "sandbox/pages.hpp"
#include "sandbox/worker_pool.hpp"

namespace welkin::sandbox {
namespace {

namespace wire = sandbox_wire;
using Json = nlohmann::ordered_json;
using httplib::Request;
using httplib::Response;

constexpr std::size_t max_body_bytes = 64 * 1024;
constexpr std::size_t max_waiting_connections = 1'024;
constexpr int listen_backlog = 4'096;
// Short, because an idle kept connection holds a worker.
constexpr time_t idle_connection_s = 2;
constexpr time_t io_timeout_s = 2;
constexpr std::string_view html_type = "text/html; charset=utf-8";
const std::string order_pattern = "([0-9A-Za-z_|*-]{1,64})";
constexpr std::size_t list_limit_default = 100;
constexpr std::size_t list_limit_max = 1'000;

DeskRequest desk_request(const Request& request, std::string_view prefix) {
  DeskRequest asked{
      request.method, request.target.substr(prefix.size()), request.target, {}, request.body};
  for (const auto& [name, value] : request.headers) {
    std::string lower = name;
    for (char& c : lower)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    asked.headers.emplace_back(std::move(lower), value);
  }
  return asked;
}

void put(Response& response, const DeskAnswer& answer) {
  response.status = answer.status;
  for (const auto& [name, value] : answer.headers) response.set_header(name.c_str(), value);
  if (!answer.content_type.empty()) response.set_content(answer.body, answer.content_type.c_str());
}
DeskAnswer json_answer(const Json& json) { return {200, "application/json", json.dump(), {}}; }

Json sums_json(const std::map<std::string, std::int64_t>& sums) {
  Json json = Json::object();
  for (const auto& [currency, sum] : sums) json[currency] = sum;
  return json;
}

Json order_json(const OrderFacts& facts) {
  return {{"out_order_no", facts.order.out_order_no},
          {"channel", facts.terms.desk},
          {"method", facts.terms.method},
          {"merchant_id", facts.order.merchant_id},
          {"subject", facts.subject},
          {"status", wire::name_of(facts.order.status)},
          {"amount_minor", facts.order.amount_minor},
          {"captured_minor", facts.order.captured_minor},
          {"refunded_minor", facts.order.refunded_minor},
          {"currency", facts.order.currency.code()}};
}

bool wants_html(const Request& request) {
  return request.get_header_value("Accept").find("text/html") != std::string::npos;
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

std::string before_of(const Request& request) { return request.get_param_value("before"); }

}  // namespace

class SandboxServer::Impl {
 public:
  explicit Impl(SandboxConfig config)
      : config_(std::move(config)),
        bank_(config_),
        own_(bank_, config_.secret, config_.nonce_capacity) {
    bank_.add_desk(own_);
  }
  ~Impl() { stop(); }

  std::variant<int, Problem> start() {
    if (config_.secret.empty())
      return Problem{ProblemCode::invalid_value, "The sandbox needs a secret.", "/secret"};
    configure();
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
    if (auto problem = open_desks("http://" + config_.host + ":" + std::to_string(port)))
      return *std::move(problem);
    add_own_routes();
    add_control_routes();
    add_person_routes();
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    // A stop() before the server runs would be lost.
    for (int tries = 0; tries < 5'000 && !server_.is_running(); ++tries)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    if (server_.is_running()) return port;
    return Problem{ProblemCode::internal, "The sandbox's server did not start.", {}};
  }

  void stop() {
    bank_.stop();
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
    server_.set_exception_handler(
        [](const Request&, Response& response, const std::exception_ptr&) {
          put(response, refuse(500, "SYSTEM_ERROR", "The sandbox itself failed."));
        });
    server_.set_error_handler([](const Request&, Response& response) {
      if (!response.body.empty()) return;
      put(response, refuse(response.status, "NO_SUCH_ROUTE", "The sandbox does not know this."));
    });
  }

  // What cpp-httplib would read without a limit is refused before it does.
  static bool refuse_before_body(const Request& request, Response& response) {
    const bool has_body = request.method == "POST" || request.method == "PUT";
    const bool unsized = has_body && !request.has_header("Content-Length");
    if (!request.has_header("Transfer-Encoding") && !unsized) return false;
    response.set_header("Connection", "close");
    put(response, refuse(411, "LENGTH_REQUIRED", "Send a Content-Length."));
    return true;
  }

  std::optional<Problem> open_desks(const std::string& base_url) {
    own_.set_pay_url_base(base_url + "/sandbox/pay/");
    if (!config_.keys) return std::nullopt;
    auto opened =
        open_channel_desks(bank_, *config_.keys, {base_url + "/orders/", config_.stripe_endpoint});
    if (auto* problem = std::get_if<Problem>(&opened)) return std::move(*problem);
    desks_ = std::get<Desks>(std::move(opened));
    for (const auto& desk : desks_) serve(*desk, std::string(desk->prefix()) + "/.*");
    return std::nullopt;
  }

  void serve(Desk& desk, const std::string& pattern) {
    const auto handler = [&desk](const Request& request, Response& response) {
      put(response, desk.answer(desk_request(request, desk.prefix())));
    };
    server_.Post(pattern, handler);
    server_.Get(pattern, handler);
  }

  void add_own_routes() {
    serve(own_, std::string(wire::path_prefix) + "/.*");
    server_.Get("/sandbox/pay/([0-9A-Za-z]{1,64})",
                [this](const Request& request, Response& response) {
                  const std::string order_no = request.matches[1];
                  put(response, show(bank_.pay(order_no)));
                  const auto facts = bank_.facts(order_no);
                  if (response.status == 200 && facts && !facts->return_url.empty())
                    response.set_redirect(facts->return_url, 303);
                });
  }

  // A control route answers this machine only.
  template <class Answer>
  httplib::Server::Handler local(Answer answer) {
    return [answer](const Request& request, Response& response) {
      if (is_loopback(request.remote_addr)) return put(response, answer(request));
      put(response, refuse(403, "LOOPBACK_ONLY", "Control is for this machine only."));
    };
  }

  void add_control_routes() {
    const std::string base = "/sandbox/control";
    const std::string order = base + "/orders/" + order_pattern;
    server_.Get(base + "/misbehave", local([this](const Request&) {
                  return DeskAnswer{200, "application/json", encode_control(bank_.control()), {}};
                }));
    server_.Put(
        base + "/misbehave", local([this](const Request& request) {
          const auto set = bank_.set_control(request.body);
          if (const auto* problem = std::get_if<Problem>(&set)) return reply_to(400, *problem);
          return DeskAnswer{200, "application/json", encode_control(std::get<Control>(set)), {}};
        }));
    server_.Put(order + "/misbehave", local([this](const Request& request) {
                  const auto set = bank_.set_misbehaviour(request.matches[1], request.body);
                  if (!set) return refuse(404, "ORDER_NOT_FOUND", "There is no such order.");
                  if (const auto* problem = std::get_if<Problem>(&*set))
                    return reply_to(400, *problem);
                  return refuse(200, std::string(wire::code_success), "");
                }));
    for (const auto& path : {order, "/orders/" + order_pattern}) add_payer_routes(path);
    server_.Get(base + "/orders", local([this](const Request& request) {
                  return orders_answer(bank_.newest(limit_of(request), before_of(request)));
                }));
    server_.Get(base + "/stats", local([this](const Request&) { return stats(); }));
  }

  // What the payer of an order may do, for those who play him.
  void add_payer_routes(const std::string& order) {
    server_.Post(order + "/pay", local([this](const Request& request) {
                   return acted(request, bank_.pay(request.matches[1]));
                 }));
    server_.Post(order + "/decline", local([this](const Request& request) {
                   return acted(request, bank_.decline(request.matches[1]));
                 }));
    server_.Post(order + "/scan", local([this](const Request& request) {
                   return acted(request, bank_.begin(request.matches[1]));
                 }));
    server_.Post(order + "/pay_again", local([this](const Request& request) {
                   return acted(request, bank_.pay_again(request.matches[1]));
                 }));
    add_desk_routes(order);
  }

  // What the merchant may do at the channel's own desk.
  void add_desk_routes(const std::string& order) {
    server_.Post(
        order + "/refund", local([this](const Request& request) {
          const std::string text = request.get_param_value("amount_minor");
          std::int64_t amount_minor = 0;
          const char* const end = text.data() + text.size();
          const auto read = std::from_chars(text.data(), end, amount_minor);
          if (!text.empty() && (read.ec != std::errc{} || read.ptr != end))
            return refuse(400, "INVALID_REQUEST", "amount_minor is no number.");
          return show(bank_.refund_at_desk(
              request.matches[1], text.empty() ? std::nullopt : std::optional(amount_minor)));
        }));
    server_.Post(order + "/settle_refunds", local([this](const Request& request) {
                   return show(bank_.settle_stuck_refunds(request.matches[1]));
                 }));
  }

  void add_person_routes() {
    server_.Get("/", local([this](const Request&) {
                  return DeskAnswer{200,
                                    std::string(html_type),
                                    pending_orders_page(bank_.newest(list_limit_default, "", true)),
                                    {}};
                }));
    server_.Get("/orders", local([this](const Request& request) {
                  return orders_answer(bank_.newest(limit_of(request), before_of(request), true));
                }));
    server_.Get("/orders/" + order_pattern, local([this](const Request& request) {
                  bank_.begin(request.matches[1]);
                  const auto facts = bank_.facts(request.matches[1]);
                  if (!facts) return refuse(404, "ORDER_NOT_FOUND", "There is no such order.");
                  return DeskAnswer{200, std::string(html_type), order_page(*facts), {}};
                }));
  }

  // A browser goes on to where the merchant wants it, or back to the list.
  DeskAnswer acted(const Request& request, BookResult result) {
    if (!wants_html(request) || result.refusal) return show(std::move(result));
    std::string next = result.facts.return_url.empty() ? "/" : result.facts.return_url;
    return {303, {}, {}, {{"Location", std::move(next)}}};
  }

  static DeskAnswer orders_answer(const std::vector<OrderFacts>& found) {
    Json orders = Json::array();
    for (const OrderFacts& facts : found) orders.push_back(order_json(facts));
    return json_answer(Json{{"orders", std::move(orders)}});
  }

  DeskAnswer stats() const {
    const DeliveryStats deliveries = bank_.delivery_stats();
    const BookStats book = bank_.book_stats();
    return json_answer({{"orders", book.orders},
                        {"orders_kept", book.orders_kept},
                        {"paid", book.paid},
                        {"refunds", book.refunds},
                        {"charged_minor", sums_json(book.charged_minor)},
                        {"refunded_minor", sums_json(book.refunded_minor)},
                        {"callbacks_delivered", deliveries.delivered},
                        {"callbacks_refused", deliveries.refused},
                        {"callbacks_given_up", deliveries.given_up}});
  }

  const SandboxConfig config_;
  Bank bank_;
  OwnDesk own_;
  Desks desks_;
  HttpServer server_;
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
