// The thread that waits for all sockets, and the steps a connection moves by. See edge_server.hpp
// for the picture and connection.hpp for who owns what.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "gateway/edge/connection.hpp"
#include "gateway/edge/edge_server.hpp"
#include "gateway/edge/httplib_shell.hpp"
#include "gateway/edge/worker_pool.hpp"

namespace welkin {

class EdgeServer::Reactor final : private Responder::Line {
 public:
  Reactor(EdgeConfig config, HttpHandler handler, LaneOf lane_of, RefusalWords refusal);
  ~Reactor();

  Started start();
  bool stop();
  const EdgeCounters& counters() const { return counters_; }

 private:
  // `again`: there is more to do than one turn allows.
  enum class Step : std::uint8_t { wait, run, again, destroy };

  // On the accept thread.
  void adopt(int fd);

  // On the reactor's thread.
  void loop();
  void on_event(Connection& connection, std::uint32_t events);
  void take_step(Connection& connection);
  void wait_for_turn(Connection& connection);
  void give_turns(std::deque<Connection*>& line);
  std::int64_t patience_ms() const;
  bool check_deadlines(std::int64_t now_ms);
  void expire(Connection& connection);
  void submit_ready();
  void submit_to(WorkerPool& pool, std::vector<Connection*>& ready);
  void take_returned();
  void destroy(Connection* connection);

  // On a worker.
  void serve(Connection* connection);
  bool handle(Connection& connection);

  // By whoever answers: within the handler, or later on a thread of the caller's.
  void answered(Connection& connection, HttpAnswer answer) override;
  void dropped(Connection& connection) override;

  // By the worker or whoever answered after the handler had returned.
  void go_on(Connection* connection, Lane lane, int rounds_left);
  Step settle(Connection& connection);
  void give_back(Connection* connection, Step step);
  bool release(Connection& connection);

  // By whoever owns the connection, in connection_steps.cpp. `advance` moves it as far as it goes
  // without waiting, and without moving more bytes than a turn has: however fast a client is,
  // others and the deadlines come next.
  Step advance(Connection& connection);
  Step advance_reading(Connection& connection, std::size_t& bytes_left);
  bool read_some(Connection& connection, std::size_t& bytes_left, Step& stop);
  bool send_continue(Connection& connection);
  Step linger(Connection& connection, std::size_t& bytes_left);
  enum class Flush : std::uint8_t { done, blocked, unfinished, failed };
  Flush flush(Connection& connection, std::size_t& bytes_left);
  void expect_next_request(Connection& connection);
  void refuse(Connection& connection, const Problem& problem);

  void wake();
  Lane lane_of(const Connection& connection) const;
  WorkerPool& pool_of(Lane lane) { return *pools_[static_cast<std::size_t>(lane)]; }
  void close_everything();

  const EdgeConfig config_;
  const LaneOf lane_of_;
  const RefusalWords refusal_;
  EdgeCounters counters_;
  const HttpHandler handler_;
  // Requests that a handler has and that are not over. Others may still answer them when everything
  // else has stopped.
  std::atomic<std::int64_t> outstanding_{0};
  HttplibShell shell_;
  int epoll_fd_ = -1;
  int wake_fd_ = -1;
  std::int64_t tick_ms_ = 250;
  std::atomic<bool> draining_{false};
  std::atomic<bool> stopping_{false};
  bool started_ = false;
  bool stop_result_ = true;

  std::mutex registry_mutex_;
  std::condition_variable registry_empty_;
  std::vector<Connection*> registry_;

  std::mutex returned_mutex_;
  struct Returned {
    Connection* connection;
    Step step;
  };
  std::vector<Returned> returned_;

  // One that is destroyed meanwhile has no descriptor and is deleted when its turn comes.
  std::deque<Connection*> turns_;
  bool more_are_due_ = false;      // of the deadlines, than one look serves
  std::deque<Connection*> paced_;  // they get a turn now and then only
  std::array<std::vector<Connection*>, lane_count> ready_;  // by lane

  std::thread accept_thread_;
  std::thread reactor_thread_;
  std::array<std::unique_ptr<WorkerPool>, lane_count> pools_;  // by lane
};

}  // namespace welkin
