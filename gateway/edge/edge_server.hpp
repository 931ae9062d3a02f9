// The gateway's edge: it turns untrusted bytes into complete, well-framed requests and hands only
// those to workers. One thread accepts (httplib's own loop), one thread waits for sockets (epoll,
// edge-triggered, one registration for a connection's whole life), and workers run httplib's
// request processing over memory. Whoever has the answer, a worker or a thread of the runtime's,
// writes it. No worker ever waits for a client or for a payment, so slow, silent and half-open
// clients cost a file descriptor and a small buffer, nothing else.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/edge/http_message.hpp"
#include "gateway/edge/request_head.hpp"
#include "protocol/problem.hpp"

namespace welkin {

struct EdgeConfig {
  std::string listen_host = "127.0.0.1";
  int port = 0;  // 0: any free one
  HeadLimits limits;
  std::size_t workers = 4;  // of commands; none ever waits, for a client or for a payment
  std::size_t read_workers = 2;
  std::size_t health_workers = 1;
  std::size_t other_workers = 1;
  std::size_t queue_limit = 2048;  // complete requests waiting for a worker, in each lane
  std::size_t max_connections = 4096;
  std::int64_t head_timeout_ms = 10'000;
  std::int64_t request_timeout_ms = 10'000;
  std::int64_t idle_timeout_ms = 60'000;
  std::int64_t write_timeout_ms = 10'000;
  std::int64_t linger_timeout_ms = 1'000;
  std::int64_t drain_timeout_ms = 7'000;
  int listen_backlog = 1024;
};

// Requests of one kind have threads and a queue of their own, so that a flood of one leaves the
// others as they were.
enum class Lane : std::uint8_t { commands, reads, health, other };
constexpr std::size_t lane_count = 4;
// By the request line alone: asked before anything else of the request is looked at.
using LaneOf = std::function<Lane(std::string_view method, std::string_view path)>;

struct EdgeCounters {
  std::atomic<std::uint64_t> accepted{0};
  std::atomic<std::int64_t> open{0};
  std::atomic<std::int64_t> in_flight{0};
  std::array<std::atomic<std::uint64_t>, 64> refused{};  // by ProblemCode
};

// How somebody is refused who expects other words than a problem document, by the path he asked
// for; nothing: by that document. Called on the edge's own threads, so it must not block.
using RefusalWords =
    std::function<std::optional<HttpAnswer>(std::string_view path, const Problem& problem)>;

class EdgeServer {
 public:
  EdgeServer(EdgeConfig config, HttpHandler handler, LaneOf lane_of, RefusalWords refusal = {});
  ~EdgeServer();
  EdgeServer(const EdgeServer&) = delete;
  EdgeServer& operator=(const EdgeServer&) = delete;

  struct Started {
    int port = 0;
    std::string error;  // not empty: nothing listens
  };
  Started start();

  // Stops accepting, finishes what is in flight, closes what is idle. False when the drain time-out
  // passed first; the destructor then waits for the requests that still run.
  bool stop();

  const EdgeCounters& counters() const;

 private:
  class Reactor;
  std::unique_ptr<Reactor> reactor_;
};

}  // namespace welkin
