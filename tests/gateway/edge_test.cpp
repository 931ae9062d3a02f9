// The edge against clients that are slow, rude or many. Time-outs are configured short where one
// must pass; nothing sleeps to wait for something to happen.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <thread>

#include "tests/gateway/gateway_fixture.hpp"

using namespace welkin;
using namespace welkin::test;
using namespace std::chrono_literals;

namespace {

const std::string get_health = "GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n";

// Refused with a problem document, closed, and counted.
void check_refused(GatewayFixture& gateway, const std::string& bytes, int status,
                   const std::string& code) {
  CAPTURE(bytes.substr(0, 120));
  RawClient client(gateway.port);
  client.send(bytes);  // may fail half-way, when the server has said no already
  const auto answer = client.read_answer();
  REQUIRE(answer.has_value());
  CHECK(answer->status == status);
  CHECK(code_of(*answer) == code);
  CHECK(answer->header("connection") == "close");
  CHECK(answer->header("content-type") == "application/problem+json");
  check_against_openapi("GET", "/nowhere", *answer);
  client.finish_sending();
  CHECK(client.ends());
}

std::string command_text(const std::string& order_no) {
  return request_text("POST", "/v1/payments", GatewayFixture::create_body(order_no).dump(),
                      {{"Authorization", "Bearer key-1"}, {"Content-Type", "application/json"}});
}

// A second descriptor of the server's end of the client's connection, as a child process has one
// between fork and exec. -1: not found.
int duplicate_of_server_end(int client_fd) {
  sockaddr_in client{};
  socklen_t size = sizeof client;
  ::getsockname(client_fd, reinterpret_cast<sockaddr*>(&client), &size);
  for (int fd = 0; fd < 1024; ++fd) {
    sockaddr_in peer{};
    size = sizeof peer;
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) == 0 &&
        peer.sin_family == AF_INET && peer.sin_port == client.sin_port)
      return ::dup(fd);
  }
  return -1;
}

// Looks until as many connections are open as wanted, the one that looks among them.
bool open_connections_become(GatewayFixture& gateway, int wanted) {
  const std::string line = "\nwelkin_http_connections " + std::to_string(wanted) + "\n";
  const auto deadline = std::chrono::steady_clock::now() + 30s;
  while (gateway.call("GET", "/metrics").body.find(line) == std::string::npos)
    if (std::chrono::steady_clock::now() > deadline) return false;
  return true;
}

}  // namespace

TEST_CASE("a chunked body is refused before a byte of it is read", "[edge]") {
  GatewayFixture gateway;
  std::string chunks;
  for (int i = 0; i < 64; ++i) chunks += "10000\r\n" + std::string(0x10000, 'x') + "\r\n";
  check_refused(
      gateway,
      "POST /v1/payments HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks, 411,
      "transfer_encoding_refused");
}

TEST_CASE("a command without a body needs no Content-Length", "[edge]") {
  GatewayFixture gateway;
  const std::string path = "/v1/payments/" + gateway.create() + "/close";
  RawClient client(gateway.port);
  // What `curl -X POST` sends.
  client.send("POST " + path + " HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer key-1\r\n\r\n");
  const auto answer = client.read_answer();
  REQUIRE(answer.has_value());
  CHECK(answer->status == 200);
  check_against_openapi("POST", path, *answer);
}

TEST_CASE("a body of five megabytes is refused although the client sends it all", "[edge]") {
  GatewayFixture gateway;
  const std::string body(5'000'000, 'x');
  check_refused(gateway,
                "POST /v1/payments HTTP/1.1\r\nHost: h\r\nContent-Length: " +
                    std::to_string(body.size()) + "\r\n\r\n" + body,
                413, "body_too_large");
}

TEST_CASE("endless headers are cut off", "[edge]") {
  GatewayFixture gateway;
  std::string lines;
  for (int i = 0; i < 5000; ++i) lines += "X-" + std::to_string(i) + ": y\r\n";
  check_refused(gateway, "GET / HTTP/1.1\r\nHost: h\r\n" + lines, 431, "headers_too_large");
  check_refused(gateway, "GET / HTTP/1.1\r\nX: " + std::string(1'000'000, 'y'), 431,
                "headers_too_large");
}

TEST_CASE("doubtful framing is refused on the wire", "[edge]") {
  GatewayFixture gateway;
  check_refused(gateway,
                "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nContent-Length: 30\r\n\r\n{}{}",
                400, "bad_request");
  check_refused(
      gateway,
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n", 411,
      "transfer_encoding_refused");
  check_refused(gateway, "GET / HTTP/1.1\r\n\r\n", 400, "bad_request");
  check_refused(gateway, std::string("GET / HTTP/1.1\r\nHost: \0\r\n\r\n", 27), 400, "bad_request");
  check_refused(gateway, "GET / HTTP/1.1\r\nHost: h\r\n x\r\n\r\n", 400, "bad_request");
  CHECK(gateway.call("GET", "/metrics")
            .body.find(R"(welkin_http_refused_total{code="bad_request"} 4)") != std::string::npos);
}

TEST_CASE("an unknown method is refused by a problem document too", "[edge]") {
  GatewayFixture gateway;
  RawClient client(gateway.port);
  client.send("BREW /healthz HTTP/1.1\r\nHost: h\r\n\r\n");
  const auto answer = client.read_answer();
  REQUIRE(answer.has_value());
  CHECK(answer->status == 400);
  CHECK(code_of(*answer) == "bad_request");
}

TEST_CASE("a trickled head and a trickled body meet their deadline", "[edge]") {
  GatewayConfig config;
  config.edge.head_timeout_ms = 100;
  config.edge.request_timeout_ms = 200;
  GatewayFixture gateway(std::move(config));
  check_refused(gateway, "GET /healthz HTTP/1.1\r\nHost:", 408, "request_timeout");
  check_refused(gateway, "POST /v1/payments HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n{", 408,
                "request_timeout");
  // Each byte in time does not help when the whole is late.
  RawClient client(gateway.port);
  const auto begun = std::chrono::steady_clock::now();
  std::optional<RawAnswer> answer;
  std::thread drip([&client, begun] {
    while (std::chrono::steady_clock::now() - begun < 5s && client.send("x"))
      std::this_thread::sleep_for(5ms);
  });
  answer = client.read_answer();
  const auto took = std::chrono::steady_clock::now() - begun;
  ::shutdown(client.fd(), SHUT_RDWR);
  drip.join();
  REQUIRE(answer.has_value());
  CHECK(answer->status == 408);
  CHECK(took < 4s);
}

TEST_CASE("silent connections are closed without a word", "[edge]") {
  GatewayConfig config;
  config.edge.head_timeout_ms = 50;
  config.edge.idle_timeout_ms = 80;
  GatewayFixture gateway(std::move(config));
  RawClient never(gateway.port);
  CHECK(never.ends());
  RawClient once(gateway.port);
  once.send(get_health);
  CHECK(once.read_answer()->status == 200);
  CHECK(once.ends());
}

TEST_CASE("a client that shuts its sending side still gets its answer", "[edge]") {
  GatewayFixture gateway;
  RawClient client(gateway.port);
  client.send(get_health);
  client.finish_sending();
  CHECK(client.read_answer()->status == 200);
  CHECK(client.ends());
}

TEST_CASE("pipelined requests are answered in order", "[edge]") {
  GatewayConfig config;
  config.extra_routes.push_back(
      {"POST", "/echo", [](const HttpRequest& request, HttpAnswer& answer) {
         answer.content_type = "text/plain";
         answer.body = request.body;
       }});
  GatewayFixture gateway(std::move(config));
  RawClient client(gateway.port);
  std::string all;
  for (int i = 0; i < 500; ++i)
    all += request_text("POST", "/echo", std::to_string(i), {}) + "\r\n";
  std::thread sender([&] { client.send(all); });
  int in_order = 0;
  for (int i = 0; i < 500; ++i) {
    const auto answer = client.read_answer();
    if (answer && answer->body == std::to_string(i)) ++in_order;
  }
  sender.join();
  CHECK(in_order == 500);
}

TEST_CASE("a connection is kept, and closed when the client says so", "[edge]") {
  GatewayFixture gateway;
  RawClient client(gateway.port);
  for (int i = 0; i < 50; ++i) {
    client.send(get_health);
    const auto answer = client.read_answer();
    REQUIRE(answer.has_value());
    CHECK(answer->header("connection").empty());
  }
  client.send("GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  CHECK(client.read_answer()->header("connection") == "close");
  CHECK(client.ends());
}

TEST_CASE("a waiting client is told to go on with its body", "[edge]") {
  GatewayFixture gateway;
  RawClient client(gateway.port);
  const std::string body = GatewayFixture::create_body().dump();
  const std::string whole = request_text("POST", "/v1/payments", body,
                                         {{"Expect", "100-continue"},
                                          {"Authorization", "Bearer key-1"},
                                          {"Content-Type", "application/json"}});
  client.send(whole.substr(0, whole.size() - body.size()));
  CHECK(client.read_answer(true)->status == 100);
  client.send(body);
  CHECK(client.read_answer()->status == 201);
  // And told no before it sends a body that is too large.
  RawClient large(gateway.port);
  large.send(
      "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 9000000\r\n\r\n");
  CHECK(large.read_answer()->status == 413);
}

TEST_CASE("no header changes the peer's address, and no Range or coding changes the answer",
          "[edge]") {
  GatewayConfig config;
  config.extra_routes.push_back(
      {"GET", "/peer", [](const HttpRequest& request, HttpAnswer& answer) {
         answer.content_type = "text/plain";
         answer.body = request.peer;
         for (const HeaderView& line : request.headers)
           if (line.name.find("remote") != std::string_view::npos)
             answer.body += " and " + std::string(line.value);
       }});
  GatewayFixture gateway(std::move(config));
  RawClient client(gateway.port);
  client.send(
      "GET /peer HTTP/1.1\r\nHost: h\r\nREMOTE_ADDR: 6.6.6.6\r\nRemote_Port: 1\r\nLOCAL_ADDR: 7\r\n"
      "Range: bytes=0-2\r\nAccept-Encoding: gzip, br\r\n\r\n");
  const auto answer = client.read_answer();
  REQUIRE(answer.has_value());
  CHECK(answer->status == 200);
  CHECK(answer->body == "127.0.0.1");
  CHECK(answer->header("content-encoding").empty());
}

TEST_CASE(
    "a client that names other addresses as its own stays who it is, and where its limits are",
    "[edge]") {
  GatewayConfig config;
  config.max_commands_in_flight = 1;
  config.edge.max_connections = 4;
  config.extra_routes.push_back(
      {"GET", "/peer", [](const HttpRequest& request, HttpAnswer& answer) {
         answer.content_type = "text/plain";
         answer.body = request.peer;
       }});
  GatewayFixture gateway(std::move(config));
  int spoofed = 0;
  // Another address each time, in every header that proxies know.
  const auto somebody_else = [&spoofed] {
    const std::string address = "203.0.113." + std::to_string(++spoofed);
    HeaderList headers{{"Authorization", "Bearer key-1"}, {"Forwarded", "for=" + address}};
    for (const char* name : {"X-Forwarded-For", "X-Real-IP", "X-Client-IP", "X-Cluster-Client-Ip",
                             "True-Client-IP", "CF-Connecting-IP"})
      headers.emplace_back(name, address);
    return headers;
  };
  RawClient first(gateway.port);
  first.send(request_text("GET", "/peer", {}, somebody_else()));
  CHECK(first.read_answer()->body == "127.0.0.1");

  gateway.service.shut_gate();
  const auto command = [&](const std::string& order_no) {
    HeaderList headers = somebody_else();
    headers.emplace_back("Content-Type", "application/json");
    return request_text("POST", "/v1/payments", GatewayFixture::create_body(order_no).dump(),
                        headers);
  };
  first.send(command("order-1"));
  gateway.service.wait_for_waiting(1);
  RawClient second(gateway.port);
  second.send(command("order-2"));
  CHECK(code_of(*second.read_answer()) == "overloaded");
  RawClient third(gateway.port);
  RawClient fourth(gateway.port);
  for (RawClient* client : {&third, &fourth}) {
    client->send(request_text("GET", "/healthz", {}, somebody_else()));
    CHECK(client->read_answer()->status == 200);
  }
  RawClient fifth(gateway.port);
  fifth.send(request_text("GET", "/healthz", {}, somebody_else()));
  CHECK(fifth.read_answer()->status == 503);
  gateway.service.open_gate();
  CHECK(first.read_answer()->status == 201);
}

TEST_CASE("two hundred slow clients do not slow a good one", "[edge]") {
  GatewayConfig config;
  config.edge.workers = 4;
  GatewayFixture gateway(std::move(config));
  const std::string whole = command_text("slow");
  std::vector<RawClient> slow;
  for (std::size_t i = 0; i < 200; ++i) {
    slow.emplace_back(gateway.port);
    REQUIRE(slow.back().connected());
    // Some send nothing, some a part of the head, some all but the last byte.
    slow.back().send(whole.substr(0, i % 3 == 0 ? 0 : i % 3 == 1 ? 20 : whole.size() - 1));
  }
  const auto begun = std::chrono::steady_clock::now();
  for (int i = 0; i < 20; ++i) CHECK(gateway.call("GET", "/v1/payments").status == 200);
  CHECK(std::chrono::steady_clock::now() - begun < 3s);
  // And those that finish are served.
  slow[2].send(whole.substr(whole.size() - 1));
  CHECK(slow[2].read_answer()->status == 201);
}

namespace {

// More than the sockets of both sides hold.
constexpr std::size_t large_bytes = 32 << 20;

GatewayConfig with_large_answers() {
  GatewayConfig config;
  config.edge.workers = 1;
  config.extra_routes.push_back({"GET", "/v1/large", [](const HttpRequest&, HttpAnswer& answer) {
                                   answer.content_type = "text/plain";
                                   answer.body.assign(large_bytes, 'x');
                                 }});
  return config;
}
const std::string get_large = "GET /v1/large HTTP/1.1\r\nHost: h\r\n\r\n";

int open_connections(GatewayFixture& gateway) {
  const std::string metrics = gateway.call("GET", "/metrics").body;
  const std::string gauge = "\nwelkin_http_connections ";
  return std::stoi(metrics.substr(metrics.find(gauge) + gauge.size()));
}

}  // namespace

TEST_CASE("an answer larger than the sockets' buffers arrives whole", "[edge]") {
  GatewayFixture gateway(with_large_answers());
  RawClient client(gateway.port);
  for (int i = 0; i < 2; ++i) {
    client.send(get_large);
    const auto answer = client.read_answer();
    REQUIRE(answer.has_value());
    CHECK(answer->body.size() == large_bytes);
  }
}

TEST_CASE("a client that does not read its answer holds no worker and is cut off in the end",
          "[edge]") {
  GatewayConfig config = with_large_answers();
  config.edge.write_timeout_ms = 300;
  GatewayFixture gateway(std::move(config));
  RawClient deaf(gateway.port);
  deaf.send(get_large);
  for (int i = 0; i < 5; ++i) CHECK(gateway.call("GET", "/v1/payments").status == 200);
  const auto deadline = std::chrono::steady_clock::now() + 10s;
  int open = 2;
  while (open > 1 && std::chrono::steady_clock::now() < deadline) open = open_connections(gateway);
  CHECK(open == 1);  // the one that asks
}

TEST_CASE("commands beyond the limit are refused while reads go on", "[edge]") {
  GatewayConfig config;
  config.max_commands_in_flight = 2;
  GatewayFixture gateway(std::move(config));
  gateway.service.shut_gate();
  RawClient first(gateway.port);
  RawClient second(gateway.port);
  first.send(command_text("1"));
  second.send(command_text("2"));
  gateway.service.wait_for_waiting(2);
  const RawAnswer third =
      gateway.call("POST", "/v1/payments", GatewayFixture::create_body("3").dump());
  CHECK(third.status == 503);
  CHECK(code_of(third) == "overloaded");
  CHECK(third.header("retry-after") == "1");
  CHECK(gateway.call("GET", "/v1/payments").status == 200);
  gateway.service.open_gate();
  CHECK(first.read_answer()->status == 201);
  CHECK(second.read_answer()->status == 201);
  CHECK(gateway.call("POST", "/v1/payments", GatewayFixture::create_body("3").dump()).status ==
        201);
}

TEST_CASE("when all workers wait and the queue is full, more is refused and health still answers",
          "[edge]") {
  GatewayConfig config;
  config.edge.workers = 2;
  config.edge.queue_limit = 3;
  GatewayFixture gateway(std::move(config));
  gateway.service.shut_gate();
  std::vector<RawClient> clients;
  for (int i = 0; i < 2; ++i) {
    clients.emplace_back(gateway.port);
    clients.back().send(command_text("r" + std::to_string(i)));
  }
  gateway.service.wait_for_waiting(2);
  // Three find room in the queue; whichever comes after them is refused.
  std::vector<RawClient> more;
  for (int i = 0; i < 4; ++i) {
    more.emplace_back(gateway.port);
    more.back().send(command_text("q" + std::to_string(i)));
  }
  CHECK(gateway.call("GET", "/healthz").status == 200);
  std::vector<std::future<std::optional<RawAnswer>>> answers;
  for (RawClient& client : more)
    answers.push_back(std::async(std::launch::async, [&client] { return client.read_answer(); }));
  const auto is_ready = [](auto& answer) {
    return answer.wait_for(0s) == std::future_status::ready;
  };
  const auto deadline = std::chrono::steady_clock::now() + 10s;
  while (std::none_of(answers.begin(), answers.end(), is_ready) &&
         std::chrono::steady_clock::now() < deadline)
    std::this_thread::yield();
  CHECK(std::count_if(answers.begin(), answers.end(), is_ready) == 1);
  gateway.service.open_gate();
  int refused = 0;
  int made = 0;
  for (auto& pending : answers) {
    const auto answer = pending.get();
    REQUIRE(answer.has_value());
    if (answer->status == 201) ++made;
    if (answer->status != 503) continue;
    ++refused;
    CHECK(code_of(*answer) == "overloaded");
    CHECK(answer->header("retry-after") == "1");
    CHECK(answer->header("connection") == "close");
  }
  CHECK(refused == 1);
  CHECK(made == 3);
  for (RawClient& client : clients) CHECK(client.read_answer()->status == 201);
}

TEST_CASE("connections beyond the limit are told so and closed; a place is free again afterwards",
          "[edge]") {
  GatewayConfig config;
  config.edge.max_connections = 3;
  GatewayFixture gateway(std::move(config));
  std::vector<RawClient> kept;
  for (int i = 0; i < 3; ++i) {
    kept.emplace_back(gateway.port);
    kept.back().send(get_health);
    CHECK(kept.back().read_answer()->status == 200);
  }
  for (int i = 0; i < 20; ++i) {
    RawClient extra(gateway.port);
    extra.send(get_health);
    const auto answer = extra.read_answer();
    REQUIRE(answer.has_value());
    CHECK(answer->status == 503);
    CHECK(answer->header("retry-after") == "1");
  }
  kept.pop_back();
  const auto deadline = std::chrono::steady_clock::now() + 10s;
  int status = 503;
  while (status == 503 && std::chrono::steady_clock::now() < deadline) {
    RawClient next(gateway.port);
    next.send(get_health);
    const auto answer = next.read_answer();
    if (answer) status = answer->status;
  }
  CHECK(status == 200);
}

TEST_CASE("stopping finishes what runs, closes what is idle and refuses what is new", "[edge]") {
  GatewayConfig config;
  config.edge.workers = 8;
  GatewayFixture gateway(std::move(config));
  RawClient idle(gateway.port);
  idle.send(get_health);
  CHECK(idle.read_answer()->status == 200);
  RawClient half(gateway.port);
  half.send("GET /healthz HTTP/1.1\r\nHost: h\r\n");
  gateway.service.shut_gate();
  std::vector<RawClient> running;
  for (int i = 0; i < 5; ++i) {
    running.emplace_back(gateway.port);
    running.back().send(command_text(std::to_string(i)));
  }
  gateway.service.wait_for_waiting(5);
  auto stopped = std::async(std::launch::async, [&] { return gateway.gateway->stop(); });
  CHECK(idle.ends());  // so stopping has begun
  half.send("\r\n");
  const auto of_half = half.read_answer();
  REQUIRE(of_half.has_value());
  CHECK(of_half->status == 200);
  CHECK(of_half->header("connection") == "close");
  CHECK_FALSE(RawClient(gateway.port).connected());
  gateway.service.open_gate();
  for (RawClient& client : running) {
    const auto answer = client.read_answer();
    REQUIRE(answer.has_value());
    CHECK(answer->status == 201);
    CHECK(answer->header("connection") == "close");
    CHECK(client.ends());
  }
  CHECK(half.ends());
  CHECK(stopped.get());
}

TEST_CASE("stopping is bounded although a request hangs", "[edge]") {
  GatewayConfig config;
  config.edge.drain_timeout_ms = 200;
  GatewayFixture gateway(std::move(config));
  gateway.service.shut_gate();
  RawClient hanging(gateway.port);
  hanging.send(command_text("1"));
  gateway.service.wait_for_waiting(1);
  const auto begun = std::chrono::steady_clock::now();
  CHECK_FALSE(gateway.gateway->stop());
  CHECK(std::chrono::steady_clock::now() - begun < 5s);
  gateway.service.open_gate();
  CHECK(hanging.read_answer()->status == 201);
}

TEST_CASE("a gateway starts and stops a hundred times without a word", "[edge]") {
  for (int i = 0; i < 100; ++i) {
    GatewayConfig config;
    config.edge.workers = 2;
    GatewayFixture gateway(std::move(config));
    RawClient client(gateway.port);
    client.send(get_health);
    if (i % 2 == 0) REQUIRE(client.read_answer()->status == 200);
    REQUIRE(gateway.gateway->stop());
    REQUIRE(gateway.gateway->stop());
  }
}

TEST_CASE("four hundred kept connections share a few workers", "[edge]") {
  GatewayConfig config;
  config.edge.workers = 4;
  GatewayFixture gateway(std::move(config));
  std::vector<RawClient> clients;
  for (int i = 0; i < 400; ++i) {
    clients.emplace_back(gateway.port);
    REQUIRE(clients.back().connected());
  }
  int answered = 0;
  for (int round = 0; round < 5; ++round) {
    for (RawClient& client : clients) client.send(get_health);
    for (RawClient& client : clients)
      if (const auto answer = client.read_answer(); answer && answer->status == 200) ++answered;
  }
  CHECK(answered == 2000);
}

TEST_CASE("a closed connection is forgotten although a child process still holds its socket",
          "[edge]") {
  GatewayFixture gateway;
  int held = -1;
  {
    RawClient client(gateway.port);
    client.send(get_health);
    REQUIRE(client.read_answer()->status == 200);
    REQUIRE(open_connections_become(gateway, 2));
    held = duplicate_of_server_end(client.fd());
    REQUIRE(held >= 0);
    client.finish_sending();
    REQUIRE(open_connections_become(gateway, 1));
    // The client's reset is news about the socket, of a connection that is not there.
    const linger at_once{1, 0};
    ::setsockopt(client.fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }
  for (int i = 0; i < 20; ++i) CHECK(open_connections_become(gateway, 1));
  ::close(held);
}
