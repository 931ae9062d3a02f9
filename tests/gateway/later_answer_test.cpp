// Answers that come after the handler has returned, from threads that are not the gateway's.
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "tests/gateway/gateway_fixture.hpp"

using namespace welkin;
using namespace welkin::test;

namespace {

// Keeps what is to be answered until the test lets it go.
class Shelf {
 public:
  void put(std::function<void()> answering) {
    const std::lock_guard<std::mutex> lock(mutex_);
    waiting_.push_back(std::move(answering));
    changed_.notify_all();
  }
  std::deque<std::function<void()>> take(std::size_t count) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return waiting_.size() >= count; });
    return std::exchange(waiting_, {});
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> waiting_;
};

std::string create_text(const std::string& order_no, HeaderList headers = {}) {
  headers.emplace_back("Authorization", "Bearer key-1");
  headers.emplace_back("Content-Type", "application/json");
  return request_text("POST", "/v1/payments", GatewayFixture::create_body(order_no).dump(),
                      headers);
}

void run_elsewhere(std::deque<std::function<void()>> answerings) {
  std::thread([&] {
    for (const auto& answering : answerings) answering();
  }).join();
}

}  // namespace

TEST_CASE(
    "an answer given later by another thread reaches its client, and what came behind it too") {
  Shelf shelf;
  GatewayFixture gateway;
  gateway.service.answer_later = [&](auto answering) { shelf.put(std::move(answering)); };
  RawClient client(gateway.port);
  // More behind it than one worker takes in a row.
  std::string bytes = create_text("later");
  for (int i = 0; i < 10; ++i) bytes += "GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n";
  REQUIRE(client.send(bytes));
  run_elsewhere(shelf.take(1));
  const auto created = client.read_answer();
  REQUIRE(created.has_value());
  CHECK(created->status == 201);
  for (int i = 0; i < 10; ++i) {
    const auto healthy = client.read_answer();
    REQUIRE(healthy.has_value());
    CHECK(healthy->status == 200);
  }
}

TEST_CASE("commands that wait hold no worker") {
  Shelf shelf;
  GatewayConfig config;
  config.edge.workers = 1;
  GatewayFixture gateway(config);
  const std::string known = gateway.create("known");
  gateway.service.answer_later = [&](auto answering) { shelf.put(std::move(answering)); };
  std::deque<RawClient> clients;
  for (int i = 0; i < 50; ++i)
    REQUIRE(clients.emplace_back(gateway.port).send(create_text("waits-" + std::to_string(i))));
  auto answerings = shelf.take(1);
  while (answerings.size() < clients.size())
    for (auto& more : shelf.take(1)) answerings.push_back(std::move(more));
  CHECK(gateway.call("GET", "/v1/payments/" + known).status == 200);
  run_elsewhere(std::move(answerings));
  for (RawClient& client : clients) {
    const auto answer = client.read_answer();
    REQUIRE(answer.has_value());
    CHECK(answer->status == 201);
  }
}

TEST_CASE("a request that nobody answers any more is told so, and its key is free again") {
  GatewayFixture gateway;
  gateway.service.answer_later = [](auto) {};
  RawClient client(gateway.port);
  const HeaderList key{{"Idempotency-Key", "k-1"}};
  REQUIRE(client.send(create_text("dropped", key)));
  const auto answer = client.read_answer();
  REQUIRE(answer.has_value());
  CHECK(answer->status == 500);
  CHECK(code_of(*answer) == "internal");
  gateway.service.answer_later = {};
  CHECK(gateway.call("POST", "/v1/payments", GatewayFixture::create_body("dropped").dump(), key)
            .status == 201);
}

TEST_CASE("an idempotency key is held until its late answer") {
  Shelf shelf;
  GatewayFixture gateway;
  gateway.service.answer_later = [&](auto answering) { shelf.put(std::move(answering)); };
  const HeaderList key{{"Idempotency-Key", "k-2"}};
  RawClient first(gateway.port);
  REQUIRE(first.send(create_text("held", key)));
  auto answerings = shelf.take(1);
  const RawAnswer twin =
      gateway.call("POST", "/v1/payments", GatewayFixture::create_body("held").dump(), key);
  CHECK(twin.status == 409);
  CHECK(code_of(twin) == "idempotency_in_flight");
  run_elsewhere(std::move(answerings));
  CHECK(first.read_answer()->status == 201);
}

TEST_CASE("a gateway that stops lets late answers come in") {
  Shelf shelf;
  GatewayFixture gateway;
  gateway.service.answer_later = [&](auto answering) { shelf.put(std::move(answering)); };
  RawClient client(gateway.port);
  REQUIRE(client.send(create_text("stopping")));
  auto answerings = shelf.take(1);
  bool clean = false;
  std::thread stopping([&] { clean = gateway.gateway->stop(); });
  run_elsewhere(std::move(answerings));
  const auto answer = client.read_answer();
  stopping.join();
  REQUIRE(answer.has_value());
  CHECK(answer->status == 201);
  CHECK(clean);
}
