// Clients that send or take as fast as they can, each in its own way. Whatever they do, others are
// answered, deadlines are served, and a flood is cut off.
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <thread>

#include "tests/gateway/gateway_fixture.hpp"

using namespace welkin;
using namespace welkin::test;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

// Only a reactor that does not come back takes as long, also with sanitizers on a busy machine.
constexpr auto patience = 5s;

std::string repeated(std::string_view text, std::size_t bytes) {
  std::string out;
  while (out.size() < bytes) out.append(text);
  return out;
}

// What one kind of flood is: `begin` once on each connection, then `more` without an end.
struct Flood {
  std::string name;
  std::string begin;
  std::string more;
  bool reads = true;
  bool is_cut_off = true;
};

// Runs a flood on one connection after the other until it is stopped.
class Flooder {
 public:
  Flooder(int port, const Flood& flood) : flood_(flood), thread_([this, port] { run(port); }) {}
  ~Flooder() {
    stopping_ = true;
    thread_.join();
  }
  int cut_off() const { return cut_off_; }

 private:
  void run(int port) {
    while (!stopping_) {
      RawClient client(port);
      if (!client.connected() || !client.send(flood_.begin)) continue;
      std::size_t at = 0;
      while (!stopping_ && go_on(client.fd(), at)) {
      }
      if (!stopping_) ++cut_off_;
    }
  }

  // False when the server has ended the connection.
  bool go_on(int fd, std::size_t& at) const {
    pollfd ready{fd, static_cast<short>(POLLOUT | (flood_.reads ? POLLIN : 0)), 0};
    ::poll(&ready, 1, 20);
    static thread_local std::array<char, 65536> heard;
    if ((ready.revents & POLLIN) != 0 && ::recv(fd, heard.data(), heard.size(), MSG_DONTWAIT) == 0)
      return false;
    const ssize_t count =
        ::send(fd, flood_.more.data() + at, flood_.more.size() - at, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count < 0) return errno == EAGAIN || errno == EWOULDBLOCK;
    at = (at + static_cast<std::size_t>(count)) % flood_.more.size();
    return true;
  }

  const Flood& flood_;
  std::atomic<bool> stopping_{false};
  std::atomic<int> cut_off_{0};
  std::thread thread_;
};

std::vector<Flood> floods() {
  const auto get = [](const char* path) {
    return std::string("GET ") + path + " HTTP/1.1\r\nHost: h\r\n\r\n";
  };
  constexpr std::size_t at_once = 65536;
  return {
      {"empty lines", "", repeated("\r\n", at_once)},
      {"bytes of headers", "GET / HTTP/1.1\r\n", repeated("X: yyyyyyyy\r\n", at_once)},
      {"a header without an end", "GET / HTTP/1.1\r\nX: ", repeated("y", at_once)},
      {"a body too large", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 999999999\r\n\r\n",
       repeated("y", at_once)},
      {"chunks", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n",
       repeated("1\r\ny\r\n", at_once)},
      {"whole requests", "", repeated(get("/v1/nowhere"), at_once), true, false},
      {"requests for the control workers", "", repeated(get("/nowhere"), at_once), true, false},
      {"bodies of a byte", "",
       repeated("POST /v1/x HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\ny", at_once), true,
       false},
      {"requests whose answers nobody reads", "", repeated(get("/openapi.json"), at_once), false},
  };
}

}  // namespace

TEST_CASE("a flood from one client delays nobody, stops no deadline, and is cut off", "[edge]") {
  for (const Flood& flood : floods()) {
    CAPTURE(flood.name);
    GatewayConfig config;
    config.edge.head_timeout_ms = 200;
    config.edge.write_timeout_ms = 200;
    GatewayFixture gateway(std::move(config));
    const Flooder first(gateway.port, flood);
    const Flooder second(gateway.port, flood);
    const auto begun = Clock::now();
    int calls = 0;
    const auto served_in_time = [&] {
      const auto asked = Clock::now();
      const bool good = gateway.call("GET", "/healthz").status == 200 &&
                        gateway.call("GET", "/v1/payments").status == 200;
      ++calls;
      return good && Clock::now() - asked < patience;
    };
    // Long enough for the flood to be in full swing.
    while (calls < 20 || Clock::now() - begun < 300ms) REQUIRE(served_in_time());
    RawClient half(gateway.port);
    half.send("GET /healthz HTTP/1.1\r\n");
    const auto waited_from = Clock::now();
    const auto late = half.read_answer();
    REQUIRE(late.has_value());
    CHECK(late->status == 408);
    CHECK(Clock::now() - waited_from < patience);
    while (flood.is_cut_off && (first.cut_off() < 2 || second.cut_off() < 2)) {
      REQUIRE(served_in_time());
      REQUIRE(Clock::now() - begun < 60s);
    }
  }
}

TEST_CASE("many requests sent at once are each answered, however they lie in the buffer",
          "[edge]") {
  GatewayConfig config;
  config.extra_routes.push_back(
      {"POST", "/echo", [](const HttpRequest& request, HttpAnswer& answer) {
         answer.content_type = "text/plain";
         answer.body = request.body;
       }});
  GatewayFixture gateway(std::move(config));
  RawClient client(gateway.port);
  // Of all sizes, so that what is over and what is left stand in every proportion.
  std::string all;
  std::vector<std::string> bodies;
  for (std::size_t i = 0; i < 400; ++i) {
    bodies.emplace_back((i * 7919) % 4096, static_cast<char>('a' + i % 26));
    all += request_text("POST", "/echo", bodies.back(), {});
  }
  std::thread sender([&] { client.send(all); });
  std::size_t right = 0;
  for (const std::string& body : bodies) {
    const auto answer = client.read_answer();
    if (answer && answer->body == body) ++right;
  }
  sender.join();
  CHECK(right == bodies.size());
}
