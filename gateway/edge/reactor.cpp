#include "gateway/edge/reactor.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "gateway/problem_document.hpp"

namespace welkin {
namespace {

// Connections beyond the limit that may be open for as long as their refusal takes.
constexpr std::int64_t refusal_slots = 256;
// Requests of one connection a worker runs before others get their turn, and how often it looks at
// a connection that always has news before the reactor does.
constexpr int max_rounds = 4;
constexpr int max_looks = 8;
// How long those with more to do are given turns, and how many deadlines are served, before the
// reactor looks at all others again.
constexpr std::int64_t turns_ms = 5;
constexpr std::size_t max_expired_at_once = 256;
// How often those that are held up get a turn. What a refused client still sends is thrown away at
// this pace, so that one that goes on at full speed waits before its own full socket; and who never
// waits for an answer gets so many of them a turn.
constexpr std::int64_t pace_ms = 2;
constexpr int max_rounds_in_a_row = 16;

void read_peer(Connection& connection) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getpeername(connection.fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return;
  char text[INET6_ADDRSTRLEN] = "";
  if (address.ss_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(&address);
    ::inet_ntop(AF_INET, &v4->sin_addr, text, sizeof text);
    connection.peer_port = ntohs(v4->sin_port);
  } else if (address.ss_family == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&address);
    ::inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof text);
    connection.peer_port = ntohs(v6->sin6_port);
  }
  connection.peer_address = text;
}

// The default soft limit of 1024 files is below the default number of connections.
void raise_file_limit(std::size_t wanted) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) return;
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, wanted);
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

EdgeServer::Reactor::Reactor(EdgeConfig config, HttpHandler handler, LaneOf lane_of,
                             RefusalWords refusal)
    : config_(std::move(config)),
      lane_of_(std::move(lane_of)),
      refusal_(std::move(refusal)),
      handler_(std::move(handler)),
      shell_([this](int fd) { adopt(fd); },
             [this] { return draining_.load(std::memory_order_relaxed); }) {
  const std::int64_t shortest_ms =
      std::min({config_.head_timeout_ms, config_.request_timeout_ms, config_.idle_timeout_ms,
                config_.write_timeout_ms, config_.linger_timeout_ms});
  tick_ms_ = std::clamp<std::int64_t>(shortest_ms / 4, 5, 250);
}

EdgeServer::Reactor::~Reactor() {
  stop();
  for (auto& pool : pools_) pool.reset();  // joins
  while (outstanding_.load(std::memory_order_acquire) != 0)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  close_everything();
  if (epoll_fd_ >= 0) ::close(epoll_fd_);
  if (wake_fd_ >= 0) ::close(wake_fd_);
}

EdgeServer::Started EdgeServer::Reactor::start() {
  raise_file_limit(config_.max_connections + 512);
  epoll_fd_ = ::epoll_create1(EPOLL_CLOEXEC);
  wake_fd_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = nullptr;
  if (epoll_fd_ < 0 || wake_fd_ < 0 || ::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, wake_fd_, &event) != 0)
    return {0, std::string("epoll: ") + std::strerror(errno)};
  const int port = shell_.bind(config_.listen_host, config_.port, config_.listen_backlog);
  if (port == 0) {
    const std::string cause = errno != 0 ? std::strerror(errno) : "the address does not resolve";
    return {0, "cannot listen on " + config_.listen_host + ":" + std::to_string(config_.port) +
                   ": " + cause};
  }
  const auto run = [this](Connection* connection) { serve(connection); };
  const auto open_lane = [&](Lane lane, const char* name, std::size_t threads) {
    pools_[static_cast<std::size_t>(lane)] =
        std::make_unique<WorkerPool>(name, threads, config_.queue_limit, run);
  };
  open_lane(Lane::commands, "welkin.http", config_.workers);
  open_lane(Lane::reads, "welkin.http.get", config_.read_workers);
  open_lane(Lane::health, "welkin.health", config_.health_workers);
  open_lane(Lane::other, "welkin.http.any", config_.other_workers);
  reactor_thread_ = std::thread([this] { loop(); });
  accept_thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "welkin.accept");
    shell_.listen_after_bind();
  });
  // httplib's stop() does nothing before its loop runs, and the loop would then never end.
  while (!shell_.is_running()) std::this_thread::yield();
  started_ = true;
  return {port, {}};
}

bool EdgeServer::Reactor::stop() {
  if (!started_) return stop_result_;
  started_ = false;
  const auto deadline =
      std::chrono::steady_clock::now() + std::chrono::milliseconds(config_.drain_timeout_ms);
  shell_.stop();
  accept_thread_.join();
  draining_ = true;
  wake();
  bool drained = false;
  {
    std::unique_lock lock(registry_mutex_);
    drained = registry_empty_.wait_until(lock, deadline, [&] { return registry_.empty(); });
  }
  stopping_ = true;
  wake();
  reactor_thread_.join();
  for (auto& pool : pools_) pool->stop();
  const bool ended = std::all_of(pools_.begin(), pools_.end(),
                                 [&](auto& pool) { return pool->wait_until(deadline); });
  stop_result_ = drained && ended;
  return stop_result_;
}

void EdgeServer::Reactor::close_everything() {
  std::lock_guard lock(registry_mutex_);
  for (Connection* connection : registry_) {
    ::close(connection->fd);
    delete connection;
  }
  registry_.clear();
}

void EdgeServer::Reactor::wake() {
  const std::uint64_t one = 1;
  // Fails only when the counter is full, and then the reactor is awake anyway.
  [[maybe_unused]] const auto written = ::write(wake_fd_, &one, sizeof one);
}

// ---- accepting

void EdgeServer::Reactor::adopt(int fd) {
  const auto limit = static_cast<std::int64_t>(config_.max_connections);
  const std::int64_t open = counters_.open.load(std::memory_order_relaxed);
  if (open >= limit + refusal_slots) {
    ::close(fd);
    return;
  }
  ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  ::fcntl(fd, F_SETFL, O_NONBLOCK);
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  auto connection = std::make_unique<Connection>();
  connection->fd = fd;
  read_peer(*connection);
  // The first request is given the head's time rather than a kept connection's patience.
  connection->deadline_ms = steady_now_ms() + config_.head_timeout_ms;
  if (open >= limit) refuse(*connection, {ProblemCode::overloaded, "too many connections", {}});

  std::lock_guard lock(registry_mutex_);
  connection->slot = registry_.size();
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = connection.get();
  if (::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event) != 0) {
    ::close(fd);
    return;
  }
  registry_.push_back(connection.release());
  counters_.accepted.fetch_add(1, std::memory_order_relaxed);
  counters_.open.fetch_add(1, std::memory_order_relaxed);
}

// ---- the reactor's thread

void EdgeServer::Reactor::loop() {
  pthread_setname_np(pthread_self(), "welkin.edge");
  std::array<epoll_event, 256> events;
  std::int64_t next_check_ms = 0;
  std::int64_t next_paced_ms = 0;
  bool was_draining = false;
  while (!stopping_.load(std::memory_order_acquire)) {
    const int count = ::epoll_wait(epoll_fd_, events.data(), static_cast<int>(events.size()),
                                   static_cast<int>(patience_ms()));
    for (int i = 0; i < count; ++i) {
      auto* connection = static_cast<Connection*>(events[static_cast<std::size_t>(i)].data.ptr);
      if (connection != nullptr) {
        on_event(*connection, events[static_cast<std::size_t>(i)].events);
      } else {
        std::uint64_t wakes = 0;
        [[maybe_unused]] const auto got = ::read(wake_fd_, &wakes, sizeof wakes);
      }
    }
    give_turns(turns_);
    const std::int64_t now = steady_now_ms();
    if (!paced_.empty() && now >= next_paced_ms) {
      give_turns(paced_);
      next_paced_ms = now + pace_ms;
    }
    submit_ready();
    take_returned();
    const bool draining = draining_.load(std::memory_order_acquire);
    if (now >= next_check_ms || draining != was_draining) {
      const bool all_served = check_deadlines(now);
      next_check_ms = all_served ? now + tick_ms_ : now;
      more_are_due_ = !all_served;
      was_draining = draining;
    }
  }
  take_returned();
  for (const auto* line : {&turns_, &paced_})
    for (Connection* connection : *line)
      if (connection->fd < 0) delete connection;
}

// How long the kernel's news are waited for.
std::int64_t EdgeServer::Reactor::patience_ms() const {
  if (more_are_due_ || !turns_.empty()) return 0;
  return paced_.empty() ? tick_ms_ : std::min(tick_ms_, pace_ms);
}

void EdgeServer::Reactor::on_event(Connection& connection, std::uint32_t events) {
  const bool peer_shut = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
  const auto news =
      static_cast<std::uint8_t>(Connection::edge | (peer_shut ? Connection::peer_shut : 0));
  if ((connection.flags.fetch_or(news, std::memory_order_acq_rel) & Connection::busy) != 0)
    return;  // the worker sees the flag before it lets go
  connection.flags.store(0, std::memory_order_relaxed);
  connection.drained = false;
  if (peer_shut) connection.peer_closed = true;
  if (connection.waits_for_turn) return;
  if (connection.phase == ConnectionPhase::lingering)
    wait_for_turn(connection);
  else
    take_step(connection);
}

void EdgeServer::Reactor::take_step(Connection& connection) {
  switch (advance(connection)) {
    case Step::wait:
      return;
    case Step::again:
      wait_for_turn(connection);
      return;
    case Step::destroy:
      destroy(&connection);
      return;
    case Step::run:
      connection.flags.store(Connection::busy, std::memory_order_release);
      ready_[static_cast<std::size_t>(lane_of(connection))].push_back(&connection);
  }
}

void EdgeServer::Reactor::wait_for_turn(Connection& connection) {
  if (connection.waits_for_turn) return;
  connection.waits_for_turn = true;
  const bool is_held_up = connection.phase == ConnectionPhase::lingering ||
                          connection.rounds_in_a_row >= max_rounds_in_a_row;
  connection.rounds_in_a_row = 0;
  (is_held_up ? paced_ : turns_).push_back(&connection);
}

// One turn to each that waits for one, as far as there is time; the kernel says nothing more about
// bytes that have come already.
void EdgeServer::Reactor::give_turns(std::deque<Connection*>& line) {
  const std::int64_t until_ms = steady_now_ms() + turns_ms;
  for (std::size_t left = line.size(); left > 0; --left) {
    Connection* connection = line.front();
    line.pop_front();
    connection->waits_for_turn = false;
    if (connection->fd < 0)
      delete connection;
    else
      take_step(*connection);
    if (steady_now_ms() >= until_ms) return;
  }
}

void EdgeServer::Reactor::submit_ready() {
  for (std::size_t lane = 0; lane < lane_count; ++lane)
    if (!ready_[lane].empty()) submit_to(*pools_[lane], ready_[lane]);
}

void EdgeServer::Reactor::submit_to(WorkerPool& pool, std::vector<Connection*>& ready) {
  const std::size_t taken = pool.push(ready.data(), ready.size());
  for (std::size_t i = taken; i < ready.size(); ++i) {
    Connection& connection = *ready[i];
    connection.flags.store(0, std::memory_order_relaxed);
    connection.drained = false;  // an event may have come between the two stores
    refuse(connection, {ProblemCode::overloaded, {}, {}});
    take_step(connection);
  }
  ready.clear();
}

// False when more are due than are served at once.
bool EdgeServer::Reactor::check_deadlines(std::int64_t now) {
  const bool draining = draining_.load(std::memory_order_acquire);
  std::vector<Connection*> due;
  {
    std::lock_guard lock(registry_mutex_);
    for (Connection* connection : registry_) {
      if ((connection->flags.load(std::memory_order_acquire) & Connection::busy) != 0) continue;
      const bool idle =
          connection->phase == ConnectionPhase::reading && connection->request_started_ms == 0;
      if (now < connection->deadline_ms && !(draining && idle)) continue;
      due.push_back(connection);
      if (due.size() == max_expired_at_once) break;
    }
  }
  for (Connection* connection : due) expire(*connection);
  return due.size() < max_expired_at_once;
}

void EdgeServer::Reactor::expire(Connection& connection) {
  const bool mid_request =
      connection.phase == ConnectionPhase::reading && connection.request_started_ms != 0;
  if (!mid_request) {
    destroy(&connection);
    return;
  }
  refuse(connection, {ProblemCode::request_timeout, {}, {}});
  take_step(connection);
}

void EdgeServer::Reactor::take_returned() {
  std::vector<Returned> returned;
  {
    std::lock_guard lock(returned_mutex_);
    returned.swap(returned_);
  }
  for (const Returned& one : returned) {
    if (one.step == Step::destroy) {
      destroy(one.connection);
      continue;
    }
    const std::uint8_t news = one.connection->flags.exchange(0, std::memory_order_acq_rel);
    if ((news & Connection::peer_shut) != 0) one.connection->peer_closed = true;
    one.connection->drained = false;
    wait_for_turn(*one.connection);
  }
}

void EdgeServer::Reactor::destroy(Connection* connection) {
  // Closing alone is not enough: a child process between fork and exec holds the same socket, and
  // for as long as it does the kernel would go on telling of a connection that is gone.
  ::epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, connection->fd, nullptr);
  ::close(connection->fd);
  {
    std::lock_guard lock(registry_mutex_);
    registry_[connection->slot] = registry_.back();
    registry_[connection->slot]->slot = connection->slot;
    registry_.pop_back();
    if (registry_.empty()) registry_empty_.notify_all();
  }
  counters_.open.fetch_sub(1, std::memory_order_relaxed);
  connection->fd = -1;
  if (!connection->waits_for_turn) delete connection;
}

// ---- running requests

void EdgeServer::Reactor::serve(Connection* connection) {
  outstanding_.fetch_add(1, std::memory_order_relaxed);
  const Lane lane = lane_of(*connection);
  if (handle(*connection)) go_on(connection, lane, max_rounds);
}

// After the answer. Ends one outstanding request, and runs those that have come whole meanwhile
// while it may; those of another lane, and without rounds left all, go to a worker.
void EdgeServer::Reactor::go_on(Connection* connection, Lane lane, int rounds_left) {
  Step step = settle(*connection);
  while (step == Step::run && --rounds_left > 0 && lane_of(*connection) == lane) {
    if (!handle(*connection)) return;
    step = settle(*connection);
  }
  if (step == Step::run && connection->rounds_in_a_row >= max_rounds_in_a_row) {
    step = Step::again;
  } else if (step == Step::run && pool_of(lane_of(*connection)).push(&connection, 1) == 0) {
    refuse(*connection, {ProblemCode::overloaded, {}, {}});
    step = settle(*connection);
  }
  if (step == Step::destroy || step == Step::again) give_back(connection, step);
  outstanding_.fetch_sub(1, std::memory_order_release);
}

// Moves the connection on. After `wait` it is the reactor's again and must not be touched.
EdgeServer::Reactor::Step EdgeServer::Reactor::settle(Connection& connection) {
  Step step = advance(connection);
  int looks_left = max_looks;
  while (step == Step::wait && !release(connection))
    step = --looks_left > 0 ? advance(connection) : Step::again;
  return step;
}

// False when the kernel had news meanwhile: then the worker still owns the connection and looks
// again.
bool EdgeServer::Reactor::release(Connection& connection) {
  connection.rounds_in_a_row = 0;
  std::uint8_t expected = Connection::busy;
  if (connection.flags.compare_exchange_strong(expected, 0, std::memory_order_acq_rel)) return true;
  const std::uint8_t news = connection.flags.exchange(Connection::busy, std::memory_order_acq_rel);
  connection.drained = false;
  if ((news & Connection::peer_shut) != 0) connection.peer_closed = true;
  return false;
}

void EdgeServer::Reactor::give_back(Connection* connection, Step step) {
  {
    std::lock_guard lock(returned_mutex_);
    returned_.push_back({connection, step});
  }
  wake();
}

// True when the request is answered; else somebody else will answer it and go on.
bool EdgeServer::Reactor::handle(Connection& connection) {
  const std::string_view bytes = connection.in;
  const RequestHead& head = connection.head;
  HttpRequest& request = connection.request;
  request.method = head.method().in(bytes);
  request.target = head.target().in(bytes);
  request.path = path_of_target(request.target);
  request.query = request.target.substr(std::min(request.path.size() + 1, request.target.size()));
  request.body = bytes.substr(head.head_end(), head.content_length());
  request.peer = connection.peer_address;
  request.headers.clear();
  for (const RequestHead::Line& line : head.lines())
    request.headers.push_back({line.name.in(bytes), line.value.in(bytes)});

  ++connection.rounds_in_a_row;
  counters_.in_flight.fetch_add(1, std::memory_order_relaxed);
  connection.turn.store(Connection::Turn::handler_runs, std::memory_order_relaxed);
  try {
    handler_(request, Responder(*this, connection));
  } catch (...) {
    // Its responder has answered when it was dropped.
  }
  return connection.turn.exchange(Connection::Turn::handler_left, std::memory_order_acq_rel) ==
         Connection::Turn::answered;
}

void EdgeServer::Reactor::answered(Connection& connection, HttpAnswer answer) {
  const RequestHead& head = connection.head;
  const bool keep = shell_.write(connection, std::move(answer), !head.keep_alive());
  counters_.in_flight.fetch_sub(1, std::memory_order_relaxed);
  connection.in_begin = head.head_end() + head.content_length();
  connection.phase = ConnectionPhase::writing;
  connection.close_after_write = !keep;
  connection.deadline_ms = steady_now_ms() + config_.write_timeout_ms;
  if (connection.turn.exchange(Connection::Turn::answered, std::memory_order_acq_rel) ==
      Connection::Turn::handler_left)
    go_on(&connection, Lane::other, 0);
}

void EdgeServer::Reactor::dropped(Connection& connection) {
  HttpAnswer answer;
  const std::string request_id = request_id_for(connection.request.header("x-request-id"));
  answer.headers.emplace_back("X-Request-Id", request_id);
  answer_problem({ProblemCode::internal, {}, {}}, request_id, answer);
  answered(connection, std::move(answer));
}

Lane EdgeServer::Reactor::lane_of(const Connection& connection) const {
  const std::string_view bytes = connection.in;
  return lane_of_(connection.head.method().in(bytes),
                  path_of_target(connection.head.target().in(bytes)));
}

// ---- the public face

EdgeServer::EdgeServer(EdgeConfig config, HttpHandler handler, LaneOf lane_of, RefusalWords refusal)
    : reactor_(std::make_unique<Reactor>(std::move(config), std::move(handler), std::move(lane_of),
                                         std::move(refusal))) {}
EdgeServer::~EdgeServer() = default;
EdgeServer::Started EdgeServer::start() { return reactor_->start(); }
bool EdgeServer::stop() { return reactor_->stop(); }
const EdgeCounters& EdgeServer::counters() const { return reactor_->counters(); }

}  // namespace welkin
