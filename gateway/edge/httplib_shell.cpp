#include "gateway/edge/httplib_shell.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "gateway/edge/http_date.hpp"
#include "gateway/problem_document.hpp"

namespace welkin {
namespace {

// httplib hands its handlers only its own Request, so what is being answered is kept here.
struct Current {
  const HttpRequest* request = nullptr;
  HttpAnswer* answer = nullptr;
  bool close = false;
};
thread_local Current current;

class CurrentScope {
 public:
  CurrentScope(const HttpRequest& request, HttpAnswer& answer, bool close) {
    current = {&request, &answer, close};
  }
  ~CurrentScope() { current = {}; }
  CurrentScope(const CurrentScope&) = delete;
  CurrentScope& operator=(const CurrentScope&) = delete;
};

class MemoryStream : public httplib::Stream {
 public:
  MemoryStream(std::string_view input, Connection& connection)
      : input_(input), connection_(connection) {}

  bool is_readable() const override { return !input_.empty(); }
  bool is_writable() const override { return true; }
  ssize_t read(char* to, std::size_t size) override {
    const std::size_t count = std::min(size, input_.size());
    std::memcpy(to, input_.data(), count);
    input_.remove_prefix(count);
    return static_cast<ssize_t>(count);
  }
  ssize_t write(const char* from, std::size_t size) override {
    connection_.out.append(from, size);
    return static_cast<ssize_t>(size);
  }
  void get_remote_ip_and_port(std::string& ip, int& port) const override {
    ip = connection_.peer_address;
    port = connection_.peer_port;
  }
  void get_local_ip_and_port(std::string& ip, int& port) const override {
    ip.clear();
    port = 0;
  }
  socket_t socket() const override { return connection_.fd; }

 private:
  std::string_view input_;
  Connection& connection_;
};

class InlineQueue : public httplib::TaskQueue {
 public:
  void enqueue(std::function<void()> task) override { task(); }
  void shutdown() override {}
};

void move_answer(HttpAnswer& answer, httplib::Response& response) {
  response.status = answer.status;
  response.body = std::move(answer.body);
  for (auto& [name, value] : answer.headers)
    response.headers.emplace(std::move(name), std::move(value));
  if (!answer.content_type.empty())
    response.headers.emplace("Content-Type", std::move(answer.content_type));
}

void answer_with_problem(ProblemCode code, httplib::Response& response) {
  HttpAnswer answer;
  const std::string request_id = request_id_for(current.request->header("x-request-id"));
  answer.headers.emplace_back("X-Request-Id", request_id);
  answer_problem({code, {}, {}}, request_id, answer);
  response.headers.clear();
  move_answer(answer, response);
}

}  // namespace

HttplibShell::HttplibShell(std::function<void(int)> adopt, std::function<bool()> is_draining)
    : adopt_(std::move(adopt)), is_draining_(std::move(is_draining)) {
  new_task_queue = [] { return new InlineQueue; };
  set_socket_options([](socket_t fd) {
    // Not SO_REUSEPORT, httplib's default: it lets two servers share a port without a word.
    const int on = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    // Accepted sockets take it over. The kernel would let it grow to megabytes for whoever fills
    // it, and no request is longer than this.
    const int receive_buffer_bytes = 128 * 1024;
    ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof receive_buffer_bytes);
  });
  set_pre_routing_handler([](const httplib::Request&, httplib::Response& response) {
    move_answer(*current.answer, response);
    return HandlerResponse::Handled;
  });
  // Never what(): it may hold anything, and httplib would echo it in a header.
  set_exception_handler(
      [](const httplib::Request&, httplib::Response& response, const std::exception_ptr&) {
        answer_with_problem(ProblemCode::internal, response);
      });
  // Every answer of a handler has an X-Request-Id; without one it is httplib's own refusal.
  set_error_handler(HandlerWithResponse([](const httplib::Request&, httplib::Response& response) {
    if (response.has_header("X-Request-Id")) return HandlerResponse::Unhandled;
    answer_with_problem(ProblemCode::bad_request, response);
    return HandlerResponse::Handled;
  }));
  set_post_routing_handler([this](const httplib::Request&, httplib::Response& response) {
    // Hints of httplib's own connection loop, which is not the one that runs here.
    response.headers.erase("Keep-Alive");
    response.headers.erase("Accept-Ranges");
    response.headers.emplace("Date", http_date_now());
    // Said as late as this, so that an answer finished while draining tells the client to go.
    if (is_draining_()) current.close = true;
    if (current.close && !response.has_header("Connection"))
      response.headers.emplace("Connection", "close");
  });
}

int HttplibShell::bind(const std::string& host, int port, int backlog) {
  errno = 0;
  const int bound = port == 0 ? bind_to_any_port(host) : bind_to_port(host, port) ? port : -1;
  if (bound <= 0) return 0;
  // The packaged library is compiled with a backlog of 5; a second listen replaces it.
  if (::listen(svr_sock_, backlog) != 0) return 0;
  return bound;
}

bool HttplibShell::write(Connection& connection, HttpAnswer answer, bool close) {
  const HttpRequest& request = connection.request;
  thread_local std::string head;
  head.assign(request.method).append(" ").append(request.target).append(" HTTP/1.1\r\n\r\n");
  MemoryStream stream(head, connection);
  const CurrentScope scope(request, answer, close);
  bool closed = false;
  return process_request(stream, close, closed, nullptr) && !current.close;
}

bool HttplibShell::process_and_close_socket(socket_t fd) {
  adopt_(fd);
  return true;
}

}  // namespace welkin
