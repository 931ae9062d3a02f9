// Commands, reads, health and the rest have workers and queues of their own: whatever keeps one
// kind from being answered keeps no other.
#include <condition_variable>
#include <mutex>

#include "tests/gateway/gateway_fixture.hpp"

using namespace welkin;
using namespace welkin::test;

namespace {

// Where workers are held until the test lets them go.
class Gate {
 public:
  ~Gate() { open(); }
  void pass() {
    std::unique_lock<std::mutex> lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return open_; });
  }
  void open() {
    const std::lock_guard<std::mutex> lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void wait_for_waiting(std::size_t count) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return waiting_ >= count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t waiting_ = 0;
  bool open_ = false;
};

const char* const a_create = "a create";
const char* const a_list = "a list";
const char* const its_health = "health";
const char* const its_readiness = "readiness";
const char* const its_metrics = "metrics";
const char* const a_stray = "a path that is none";
const char* const an_operator = "an operator";

int status_of(GatewayFixture& gateway, const std::string& what) {
  if (what == a_create)
    return gateway.call("POST", "/v1/payments", GatewayFixture::create_body().dump()).status;
  if (what == a_list) return gateway.call("GET", "/v1/payments").status;
  if (what == its_health) return gateway.call("GET", "/healthz").status;
  if (what == its_readiness) return gateway.call("GET", "/readyz").status;
  if (what == its_metrics) return gateway.call("GET", "/metrics").status;
  if (what == a_stray) return gateway.call("GET", "/nowhere").status;
  return gateway.call("GET", "/admin/v1/breakers", {}, {}, "op-key").status;
}

// Requests that will be held at the gate, one connection each.
std::vector<RawClient> send_all(const GatewayFixture& gateway, std::size_t count,
                                std::string_view method, std::string_view path) {
  std::vector<RawClient> clients;
  for (std::size_t i = 0; i < count; ++i) {
    RawClient& client = clients.emplace_back(gateway.port);
    const std::string body =
        method == "POST" ? GatewayFixture::create_body("held-" + std::to_string(i)).dump() : "";
    REQUIRE(client.send(
        request_text(method, path, body,
                     {{"Authorization", "Bearer key-1"}, {"Content-Type", "application/json"}})));
  }
  return clients;
}

void check_answered(GatewayFixture& gateway, const std::vector<std::string>& others) {
  for (const std::string& what : others) {
    CAPTURE(what);
    CHECK(status_of(gateway, what) == (what == a_create ? 201 : what == a_stray ? 404 : 200));
  }
}

}  // namespace

TEST_CASE("when no worker of commands is free, reads, health and operators are answered",
          "[gateway]") {
  Gate gate;
  GatewayFixture gateway;
  gateway.service.before_execute = [&](const PaymentCommand&) { gate.pass(); };
  const std::size_t workers = EdgeConfig().workers;
  auto held = send_all(gateway, workers + 20, "POST", "/v1/payments");
  gate.wait_for_waiting(workers);
  check_answered(gateway, {a_list, its_health, its_readiness, its_metrics, a_stray, an_operator});
  gate.open();
  for (RawClient& client : held) CHECK(client.read_answer()->status == 201);
}

TEST_CASE("when no worker of reads is free, commands, health and operators are answered",
          "[gateway]") {
  Gate gate;
  GatewayFixture gateway;
  gateway.service.before_list = [&] { gate.pass(); };
  const std::size_t workers = EdgeConfig().read_workers;
  auto held = send_all(gateway, workers + 20, "GET", "/v1/payments");
  gate.wait_for_waiting(workers);
  check_answered(gateway, {a_create, its_health, its_readiness, its_metrics, a_stray, an_operator});
  gate.open();
  for (RawClient& client : held) CHECK(client.read_answer()->status == 200);
}

TEST_CASE("when metrics keep their worker, commands, reads and health are answered", "[gateway]") {
  Gate gate;
  GatewayFixture gateway;
  gateway.service.before_metrics = [&] { gate.pass(); };
  const std::size_t workers = EdgeConfig().other_workers;
  auto held = send_all(gateway, workers + 20, "GET", "/metrics");
  auto strays = send_all(gateway, 20, "GET", "/nowhere");
  gate.wait_for_waiting(workers);
  check_answered(gateway, {a_create, a_list, its_health, its_readiness});
  gate.open();
  for (RawClient& client : held) CHECK(client.read_answer()->status == 200);
  for (RawClient& client : strays) CHECK(client.read_answer()->status == 404);
}

TEST_CASE("a request behind another kind's on one connection goes to its own workers",
          "[gateway]") {
  Gate gate;
  GatewayFixture gateway;
  gateway.service.before_metrics = [&] { gate.pass(); };
  // The one worker of health would be kept by what it finds behind its request.
  RawClient client(gateway.port);
  REQUIRE(
      client.send("GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n"
                  "GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n"));
  CHECK(client.read_answer()->status == 200);
  gate.wait_for_waiting(1);
  check_answered(gateway, {its_health, its_readiness});
  gate.open();
  CHECK(client.read_answer()->status == 200);
}
