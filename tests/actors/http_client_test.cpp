// The HTTP client against a small server that does what a test needs: waits, drops, never answers.
#include "actors/http_client.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <httplib.h>
#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <filesystem>
#include <future>
#include <map>
#include <mutex>
#include <thread>

#include "tests/support/self_signed.hpp"

using namespace welkin;
using SteadyClock = std::chrono::steady_clock;
using std::chrono::milliseconds;

namespace {

constexpr int patience_s = 60;  // for what must happen; no test waits this long when all is well

std::size_t threads_of_this_process() {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task"))
    count += entry.is_directory();
  return count;
}

void allow_many_files() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

int listening_socket(int backlog, int* port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(listen(fd, backlog) == 0);
  socklen_t size = sizeof address;
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  *port = ntohs(address.sin_port);
  return fd;
}

// One thread, any number of connections. The path of a request says what becomes of it:
//   /echo      answered at once with the request's method and body
//   /slow      answered 300 ms after `slow_crowd` of them have come
//   /drop      the connection is closed without an answer
//   /silent    never answered
//   /big       answered with 2 MiB
//   /redirect  answered with 302 to /echo
class TestServer {
 public:
  explicit TestServer(std::size_t slow_crowd = 1) : slow_crowd_(slow_crowd) {
    listener_ = listening_socket(1024, &port_);
    REQUIRE(pipe(wake_) == 0);
    thread_ = std::thread([this] { run(); });
  }
  ~TestServer() {
    stopping_ = true;
    const char byte = 0;
    REQUIRE(write(wake_[1], &byte, 1) == 1);
    thread_.join();
    for (const auto& [fd, connection] : connections_) close(fd);
    for (const int fd : {listener_, wake_[0], wake_[1]}) close(fd);
  }

  std::string url(const std::string& path) const {
    return "http://127.0.0.1:" + std::to_string(port_) + path;
  }
  std::size_t connections_accepted() const { return accepted_; }
  std::size_t threads_at_crowd() const { return threads_at_crowd_; }
  std::size_t requests(const std::string& path) {
    std::lock_guard lock(mutex_);
    return requests_[path];
  }
  void wait_for_request(const std::string& path) {
    std::unique_lock lock(mutex_);
    REQUIRE(arrived_.wait_for(lock, std::chrono::seconds(patience_s),
                              [&] { return requests_[path] > 0; }));
  }

 private:
  struct Connection {
    std::string in;
    std::string out;
  };

  void run() {
    while (!stopping_) {
      std::vector<pollfd> polled{{listener_, POLLIN, 0}, {wake_[0], POLLIN, 0}};
      for (const auto& [fd, connection] : connections_)
        polled.push_back(
            {fd, static_cast<short>(connection.out.empty() ? POLLIN : POLLIN | POLLOUT), 0});
      poll(polled.data(), polled.size(), slow_.empty() ? 1000 : 10);
      if (polled[0].revents) accept_one();
      for (std::size_t i = 2; i < polled.size(); ++i) {
        if (polled[i].revents & (POLLIN | POLLHUP | POLLERR)) read_some(polled[i].fd);
        if (polled[i].revents & POLLOUT) write_some(polled[i].fd);
      }
      answer_slow();
    }
  }
  void accept_one() {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    ++accepted_;
    connections_[fd] = {};
  }
  void read_some(int fd) {
    char buffer[16384];
    const ssize_t bytes = read(fd, buffer, sizeof buffer);
    if (bytes <= 0) {
      if (bytes < 0 && errno == EAGAIN) return;
      return drop(fd);
    }
    Connection& connection = connections_[fd];
    connection.in.append(buffer, static_cast<std::size_t>(bytes));
    const std::size_t head = connection.in.find("\r\n\r\n");
    if (head == std::string::npos) return;
    std::size_t length = 0;
    const std::size_t at = connection.in.find("Content-Length: ");
    if (at != std::string::npos && at < head) length = std::stoul(connection.in.substr(at + 16));
    if (connection.in.size() < head + 4 + length) return;
    const std::string method = connection.in.substr(0, connection.in.find(' '));
    const std::size_t path_at = method.size() + 1;
    const std::string path =
        connection.in.substr(path_at, connection.in.find(' ', path_at) - path_at);
    const std::string body = connection.in.substr(head + 4, length);
    {
      // Before anything is done about it: a test that sees what was done finds it counted.
      std::lock_guard lock(mutex_);
      ++requests_[path];
      arrived_.notify_all();
    }
    connection.in.clear();
    handle(fd, method, path, body);
  }
  void handle(int fd, const std::string& method, const std::string& path, const std::string& body) {
    if (path == "/echo") answer(fd, "200 OK", method + " " + body);
    if (path == "/big") answer(fd, "200 OK", std::string(2 << 20, 'x'));
    if (path == "/redirect") answer(fd, "302 Found\r\nLocation: /echo", "");
    if (path == "/drop") drop(fd);
    if (path == "/slow") {
      slow_.push_back(fd);
      if (slow_.size() == slow_crowd_) {
        threads_at_crowd_ = threads_of_this_process();
        slow_due_ = SteadyClock::now() + milliseconds(300);
      }
    }
  }
  void answer_slow() {
    if (slow_.size() < slow_crowd_ || SteadyClock::now() < slow_due_) return;
    for (const int fd : slow_) answer(fd, "200 OK", "late");
    slow_.clear();
  }
  void answer(int fd, const std::string& status, const std::string& body) {
    connections_[fd].out = "HTTP/1.1 " + status +
                           "\r\nX-Test: Yes \r\nContent-Length: " + std::to_string(body.size()) +
                           "\r\n\r\n" + body;
    write_some(fd);
  }
  void write_some(int fd) {
    const auto it = connections_.find(fd);
    if (it == connections_.end()) return;
    std::string& out = it->second.out;
    const ssize_t bytes = ::send(fd, out.data(), out.size(), MSG_NOSIGNAL);
    if (bytes > 0) out.erase(0, static_cast<std::size_t>(bytes));
    if (bytes < 0 && errno != EAGAIN) drop(fd);
  }
  void drop(int fd) {
    close(fd);
    connections_.erase(fd);
  }

  const std::size_t slow_crowd_;
  int listener_ = -1;
  int port_ = 0;
  int wake_[2] = {-1, -1};
  std::atomic<bool> stopping_{false};
  std::atomic<std::size_t> accepted_{0};
  std::atomic<std::size_t> threads_at_crowd_{0};
  std::map<int, Connection> connections_;
  std::vector<int> slow_;
  SteadyClock::time_point slow_due_{};
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::map<std::string, std::size_t> requests_;
  std::thread thread_;
};

HttpCall request_to(std::string url, std::string method = "POST") {
  HttpCall request;
  request.method = std::move(method);
  request.url = std::move(url);
  if (request.method == "POST") request.body = "hello";
  request.timeout_ms = 30'000;
  return request;
}

// Waits for one call's result; a second call of `done` would throw from set_value.
std::future<HttpResult> begin(HttpClient& client, HttpCall request) {
  auto promise = std::make_shared<std::promise<HttpResult>>();
  client.send(std::move(request),
              [promise](HttpResult result) { promise->set_value(std::move(result)); });
  return promise->get_future();
}
HttpResult result_of(std::future<HttpResult> future) {
  REQUIRE(future.wait_for(std::chrono::seconds(patience_s)) == std::future_status::ready);
  return future.get();
}
HttpResult call(HttpClient& client, HttpCall request) {
  return result_of(begin(client, std::move(request)));
}

}  // namespace

TEST_CASE("an answer comes back with status, headers in lower case and body") {
  TestServer server;
  HttpClient client;
  const HttpResult result = call(client, request_to(server.url("/echo")));
  CHECK(result.outcome == HttpOutcome::answered);
  CHECK(result.status == 200);
  CHECK(result.body == "POST hello");
  CHECK(result.headers.front() == std::make_pair(std::string("x-test"), std::string("Yes")));
  CHECK(call(client, request_to(server.url("/echo"), "GET")).body == "GET ");
}

TEST_CASE("a thousand slow calls hold one thread") {
  allow_many_files();
  constexpr std::size_t calls = 1000;
  TestServer server(calls);
  const std::size_t threads_before = threads_of_this_process();
  HttpClient client;
  std::vector<std::future<HttpResult>> results;
  const auto begun = SteadyClock::now();
  for (std::size_t i = 0; i < calls; ++i)
    results.push_back(begin(client, request_to(server.url("/slow"))));
  for (auto& result : results) REQUIRE(result_of(std::move(result)).body == "late");
  const auto took_ms = std::chrono::duration_cast<milliseconds>(SteadyClock::now() - begun).count();
  WARN("1000 calls of 300 ms each took " << took_ms << " ms on one thread");
  CHECK(server.threads_at_crowd() == threads_before + 1);
}

TEST_CASE("calls one after another share a connection") {
  TestServer server;
  HttpClient client;
  for (int i = 0; i < 10; ++i)
    REQUIRE(call(client, request_to(server.url("/echo"))).outcome == HttpOutcome::answered);
  CHECK(server.connections_accepted() == 1);
}

TEST_CASE("a refused connection is certainly not sent") {
  int port = 0;
  close(listening_socket(1, &port));
  HttpClient client;
  const auto result = call(client, request_to("http://127.0.0.1:" + std::to_string(port) + "/"));
  CHECK(result.outcome == HttpOutcome::not_sent);
  CHECK(result.code == "connect_failed");
  CHECK_FALSE(result.detail.empty());
}

TEST_CASE("a connection that is not taken within its deadline is certainly not sent") {
  int port = 0;
  const int listener = listening_socket(0, &port);
  // These fill the backlog, so that the next connection gets no answer at all.
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  std::vector<int> fillers;
  for (int i = 0; i < 4; ++i) {
    fillers.push_back(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    // It does not wait, so that its answer is that it goes on.
    (void)connect(fillers.back(), reinterpret_cast<sockaddr*>(&address), sizeof address);
  }
  HttpClient client;
  HttpCall request = request_to("http://127.0.0.1:" + std::to_string(port) + "/");
  request.connect_timeout_ms = 100;
  const auto result = call(client, std::move(request));
  CHECK(result.outcome == HttpOutcome::not_sent);
  CHECK(result.code == "deadline");
  for (const int fd : fillers) close(fd);
  close(listener);
}

TEST_CASE("a connection killed after the request leaves it unknown, and nothing is sent twice") {
  TestServer server;
  HttpClient client;
  SECTION("on a new connection") {}
  SECTION("on a connection that was kept") {
    REQUIRE(call(client, request_to(server.url("/echo"))).outcome == HttpOutcome::answered);
  }
  const auto result = call(client, request_to(server.url("/drop")));
  CHECK(result.outcome == HttpOutcome::no_answer);
  CHECK(result.code == "connection_broken");
  CHECK(server.requests("/drop") == 1);
}

TEST_CASE("no answer within the deadline leaves it unknown") {
  TestServer server;
  HttpClient client;
  HttpCall request = request_to(server.url("/silent"));
  request.timeout_ms = 100;
  const auto result = call(client, std::move(request));
  CHECK(result.outcome == HttpOutcome::no_answer);
  CHECK(result.code == "deadline");
  CHECK(server.requests("/silent") == 1);
}

TEST_CASE("an answer above the limit is cut off") {
  TestServer server;
  HttpClient client;
  const auto result = call(client, request_to(server.url("/big")));
  CHECK(result.outcome == HttpOutcome::no_answer);
  CHECK(result.code == "answer_too_large");
  CHECK(result.body.empty());
}

TEST_CASE("a redirect is an answer, not a way") {
  TestServer server;
  HttpClient client;
  const auto result = call(client, request_to(server.url("/redirect")));
  CHECK(result.outcome == HttpOutcome::answered);
  CHECK(result.status == 302);
  CHECK(server.requests("/echo") == 0);
}

TEST_CASE("what is no clean HTTP request is refused before anything is sent") {
  HttpClient client;
  const auto refused = [&client](auto change) {
    HttpCall request = request_to("http://127.0.0.1:1/");
    change(request);
    const auto result = call(client, std::move(request));
    CHECK(result.outcome == HttpOutcome::not_sent);
    CHECK(result.code == "bad_request");
  };
  refused([](HttpCall& r) { r.url = "ftp://127.0.0.1/"; });
  refused([](HttpCall& r) { r.url = "file:///etc/passwd"; });
  refused([](HttpCall& r) { r.url = ""; });
  refused([](HttpCall& r) { r.url = "http://127.0.0.1/\r\nX: y"; });
  refused([](HttpCall& r) { r.method = "POST / HTTP/1.1\r\n"; });
  refused([](HttpCall& r) { r.method = ""; });
  refused([](HttpCall& r) { r.headers = {{"a", "b\r\nc: d"}}; });
  refused([](HttpCall& r) { r.timeout_ms = 0; });
}

TEST_CASE("beyond the queue's bound a request is refused at once; stopping answers the rest") {
  TestServer server;
  HttpClientOptions options;
  options.max_in_flight = 1;
  options.max_queued = 1;
  HttpClient client(options);
  auto running = begin(client, request_to(server.url("/silent")));
  server.wait_for_request("/silent");
  auto queued = begin(client, request_to(server.url("/echo")));
  auto refused = begin(client, request_to(server.url("/echo")));
  REQUIRE(refused.wait_for(std::chrono::seconds(0)) == std::future_status::ready);
  CHECK(refused.get().code == "queue_full");
  REQUIRE(queued.wait_for(std::chrono::seconds(0)) == std::future_status::timeout);

  client.stop(0);
  const auto ready = [](const std::future<HttpResult>& f) {
    return f.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  };
  REQUIRE(ready(running));
  REQUIRE(ready(queued));
  const auto broken_off = running.get();
  CHECK(broken_off.outcome == HttpOutcome::no_answer);
  CHECK(broken_off.code == "stopped");
  const auto never_sent = queued.get();
  CHECK(never_sent.outcome == HttpOutcome::not_sent);
  CHECK(never_sent.code == "stopped");
  CHECK(server.requests("/echo") == 0);
  CHECK(call(client, request_to(server.url("/echo"))).code == "stopped");
}

TEST_CASE("a request that waits in the queue beyond its deadline is certainly not sent") {
  TestServer server;
  HttpClientOptions options;
  options.max_in_flight = 1;
  HttpClient client(options);
  auto running = begin(client, request_to(server.url("/silent")));
  server.wait_for_request("/silent");
  HttpCall request = request_to(server.url("/echo"));
  request.timeout_ms = 60;
  const auto result = call(client, std::move(request));
  CHECK(result.outcome == HttpOutcome::not_sent);
  CHECK(result.code == "deadline");
}

TEST_CASE("stopping lets running calls end within their grace") {
  TestServer server;
  HttpClient client;
  auto running = begin(client, request_to(server.url("/slow")));
  server.wait_for_request("/slow");
  client.stop(30'000);
  CHECK(result_of(std::move(running)).body == "late");
}

TEST_CASE("stopping from many threads and from within a callback ends once") {
  TestServer server;
  HttpClient client;
  std::atomic<int> answered{0};
  client.send(request_to(server.url("/echo")), [&](HttpResult) {
    client.stop(0);
    ++answered;
  });
  std::vector<std::thread> stoppers;
  for (int i = 0; i < 4; ++i) stoppers.emplace_back([&client] { client.stop(1'000); });
  for (std::thread& stopper : stoppers) stopper.join();
  CHECK(answered == 1);
}

TEST_CASE(
    "every callback is called exactly once under senders from many threads and a stop between") {
  TestServer server;
  HttpClientOptions options;
  options.max_in_flight = 8;
  options.max_queued = 50;
  HttpClient client(options);
  constexpr int senders = 4;
  constexpr int each = 200;
  std::vector<std::atomic<int>> called(senders * each);
  std::atomic<int> answered{0};
  std::vector<std::thread> threads;
  for (int s = 0; s < senders; ++s)
    threads.emplace_back([&, s] {
      for (int i = 0; i < each; ++i)
        client.send(request_to(server.url("/echo")), [&, slot = s * each + i](HttpResult result) {
          ++called[static_cast<std::size_t>(slot)];
          answered += result.outcome == HttpOutcome::answered;
        });
    });
  server.wait_for_request("/echo");
  client.stop(0);
  for (std::thread& thread : threads) thread.join();
  int wrong = 0;
  for (const auto& count : called) wrong += count != 1;
  CHECK(wrong == 0);
}

TEST_CASE("a server whose certificate nobody vouches for gets nothing") {
  SelfSigned self_signed;
  httplib::SSLServer server(self_signed.certificate, self_signed.key);
  REQUIRE(server.is_valid());
  std::atomic<int> requests{0};
  server.Post("/", [&](const httplib::Request&, httplib::Response& response) {
    ++requests;
    response.set_content("secure", "text/plain");
  });
  const int port = server.bind_to_any_port("127.0.0.1");
  server.set_keep_alive_timeout(1);
  std::thread thread([&server] { server.listen_after_bind(); });
  while (!server.is_running()) std::this_thread::yield();
  const std::string url = "https://127.0.0.1:" + std::to_string(port) + "/";

  {
    HttpClient client;
    const auto result = call(client, request_to(url));
    CHECK(result.outcome == HttpOutcome::not_sent);
    CHECK(result.code == "connect_failed");
    CHECK(requests == 0);
  }
  {
    const auto ca_file = std::filesystem::temp_directory_path() /
                         ("welkin_http_client_test_" + std::to_string(getpid()) + ".pem");
    std::FILE* file = std::fopen(ca_file.c_str(), "w");
    REQUIRE(file);
    PEM_write_X509(file, self_signed.certificate);
    std::fclose(file);
    HttpClientOptions options;
    options.ca_file = ca_file.string();
    HttpClient client(options);
    const auto result = call(client, request_to(url));
    CHECK(result.detail == "");
    CHECK(result.body == "secure");
    std::filesystem::remove(ca_file);
  }
  server.stop();
  thread.join();
}
