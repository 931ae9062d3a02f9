// The steps by which a connection moves, by whoever owns it: the reactor, or a worker. Each is
// bounded in bytes, and with them in time.
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "gateway/edge/reactor.hpp"
#include "gateway/problem_document.hpp"

namespace welkin {
namespace {

constexpr std::size_t read_chunk_bytes = 64 * 1024;
// What one connection may move, in both directions, before others get their turn. More than one
// whole request, less than a tenth of a millisecond.
constexpr std::size_t turn_bytes = 128 * 1024;
// A buffer that grew beyond this is given back between requests, so that idle connections stay
// small.
constexpr std::size_t kept_buffer_bytes = 8 * 1024;
constexpr std::size_t max_discarded_bytes = 16 * 1024 * 1024;

}  // namespace

EdgeServer::Reactor::Step EdgeServer::Reactor::advance(Connection& connection) {
  std::size_t bytes_left = turn_bytes;
  for (;;) {
    if (connection.phase == ConnectionPhase::reading) {
      const Step step = advance_reading(connection, bytes_left);
      if (connection.phase == ConnectionPhase::reading) return step;
    }
    if (connection.phase == ConnectionPhase::writing) {
      const Flush result = flush(connection, bytes_left);
      if (result == Flush::failed) return Step::destroy;
      if (result == Flush::blocked) return Step::wait;
      if (result == Flush::unfinished) return Step::again;
      if (!connection.close_after_write) {
        expect_next_request(connection);
        const bool idle = connection.request_started_ms == 0;
        if (idle && draining_.load(std::memory_order_relaxed)) return Step::destroy;
        continue;
      }
      const bool nothing_unread = !connection.has_unread() && connection.drained;
      if (!connection.was_refused && nothing_unread) return Step::destroy;
      ::shutdown(connection.fd, SHUT_WR);
      connection.phase = ConnectionPhase::lingering;
      connection.deadline_ms = steady_now_ms() + config_.linger_timeout_ms;
    }
    return linger(connection, bytes_left);
  }
}

EdgeServer::Reactor::Step EdgeServer::Reactor::advance_reading(Connection& connection,
                                                               std::size_t& bytes_left) {
  for (;;) {
    const auto progress = connection.head.feed(connection.in, config_.limits);
    if (progress == RequestHead::Progress::refused) {
      refuse(connection, connection.head.refusal());
      return Step::wait;
    }
    if (progress == RequestHead::Progress::complete) {
      const std::size_t whole = connection.head.head_end() + connection.head.content_length();
      if (connection.in.size() >= whole) return Step::run;
      connection.deadline_ms = connection.request_started_ms + config_.request_timeout_ms;
      if (!send_continue(connection)) return Step::destroy;
    }
    Step stop = Step::wait;
    if (!read_some(connection, bytes_left, stop)) return stop;
  }
}

bool EdgeServer::Reactor::read_some(Connection& connection, std::size_t& bytes_left, Step& stop) {
  // Every thread reads into one buffer of its own; connections hold only what arrived.
  thread_local std::array<char, read_chunk_bytes> chunk;
  if (connection.drained && !connection.peer_closed) return false;
  const std::size_t wanted = std::min(chunk.size(), bytes_left);
  if (wanted == 0) {
    stop = Step::again;
    return false;
  }
  const ssize_t count = ::recv(connection.fd, chunk.data(), wanted, 0);
  if (count > 0) {
    bytes_left -= static_cast<std::size_t>(count);
    connection.drained = static_cast<std::size_t>(count) < wanted;
    if (connection.request_started_ms == 0) {
      connection.request_started_ms = steady_now_ms();
      connection.deadline_ms = connection.request_started_ms + config_.head_timeout_ms;
    }
    connection.in.append(chunk.data(), static_cast<std::size_t>(count));
    return true;
  }
  if (count < 0 && errno == EINTR) return true;
  const bool nothing_yet = count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
  connection.drained = nothing_yet;
  if (!nothing_yet) stop = Step::destroy;
  return false;
}

bool EdgeServer::Reactor::send_continue(Connection& connection) {
  if (!connection.head.expects_continue() || connection.continue_sent) return true;
  connection.continue_sent = true;
  if (connection.in.size() > connection.head.head_end()) return true;  // it did not wait
  constexpr std::string_view line = "HTTP/1.1 100 Continue\r\n\r\n";
  return ::send(connection.fd, line.data(), line.size(), MSG_NOSIGNAL) ==
         static_cast<ssize_t>(line.size());
}

EdgeServer::Reactor::Flush EdgeServer::Reactor::flush(Connection& connection,
                                                      std::size_t& bytes_left) {
  while (connection.out_sent < connection.out.size()) {
    const std::size_t wanted = std::min(connection.out.size() - connection.out_sent, bytes_left);
    if (wanted == 0) return Flush::unfinished;
    const ssize_t count =
        ::send(connection.fd, connection.out.data() + connection.out_sent, wanted, MSG_NOSIGNAL);
    if (count > 0) {
      connection.out_sent += static_cast<std::size_t>(count);
      bytes_left -= static_cast<std::size_t>(count);
    } else if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      return Flush::blocked;
    } else if (!(count < 0 && errno == EINTR)) {
      return Flush::failed;
    }
  }
  connection.out.clear();
  connection.out_sent = 0;
  if (connection.out.capacity() > kept_buffer_bytes) connection.out.shrink_to_fit();
  return Flush::done;
}

void EdgeServer::Reactor::expect_next_request(Connection& connection) {
  connection.phase = ConnectionPhase::reading;
  // What is over is taken out when it is at least as much as what is left: a client that sends many
  // requests at once does not make each of them move all the others.
  if (2 * connection.in_begin >= connection.in.size()) {
    connection.in.erase(0, connection.in_begin);
    connection.in_begin = 0;
  }
  connection.head.reset(connection.in_begin);
  connection.continue_sent = false;
  const std::int64_t now = steady_now_ms();
  const bool has_begun = connection.has_unread();
  connection.request_started_ms = has_begun ? now : 0;
  connection.deadline_ms = now + (has_begun ? config_.head_timeout_ms : config_.idle_timeout_ms);
  if (!has_begun && connection.in.capacity() > kept_buffer_bytes) connection.in.shrink_to_fit();
}

// Sends a problem that no handler sees, and closes: after a doubt about framing nothing that
// follows on this connection can be trusted.
void EdgeServer::Reactor::refuse(Connection& connection, const Problem& problem) {
  counters_.refused[static_cast<std::size_t>(problem.code)].fetch_add(1, std::memory_order_relaxed);
  const std::string_view path = path_of_target(connection.head.target().in(connection.in));
  const auto words = refusal_ ? refusal_(path, problem) : std::nullopt;
  connection.out = words ? canned_response(problem, *words) : canned_problem_response(problem);
  connection.out_sent = 0;
  connection.in.clear();
  connection.in_begin = 0;
  connection.phase = ConnectionPhase::writing;
  connection.close_after_write = true;
  connection.was_refused = true;
  connection.deadline_ms = steady_now_ms() + config_.write_timeout_ms;
}

EdgeServer::Reactor::Step EdgeServer::Reactor::linger(Connection& connection,
                                                      std::size_t& bytes_left) {
  thread_local std::array<char, read_chunk_bytes> discard;
  for (;;) {
    if (connection.drained && !connection.peer_closed) return Step::wait;
    const std::size_t wanted = std::min(discard.size(), bytes_left);
    if (wanted == 0) return Step::again;
    const ssize_t count = ::recv(connection.fd, discard.data(), wanted, 0);
    if (count > 0) {
      bytes_left -= static_cast<std::size_t>(count);
      connection.discarded_bytes += static_cast<std::size_t>(count);
      if (connection.discarded_bytes > max_discarded_bytes) return Step::destroy;
      continue;
    }
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      connection.drained = true;
      return Step::wait;
    }
    return Step::destroy;
  }
}

}  // namespace welkin
