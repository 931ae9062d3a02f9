// One client connection. It has exactly one owner at any time: the reactor, the worker that runs
// its request, or whoever holds the request's Responder. `flags` and `turn` are the only members
// two may touch.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "gateway/edge/http_message.hpp"
#include "gateway/edge/request_head.hpp"

namespace welkin {

inline std::int64_t steady_now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

enum class ConnectionPhase : std::uint8_t {
  reading,    // collecting one whole request
  writing,    // an answer is on its way out
  lingering,  // refused and half closed: what still comes is thrown away, because closing over
              // unread bytes resets the connection, and the refusal would be lost
};

struct Connection {
  static constexpr std::uint8_t busy = 1;  // a worker owns it
  static constexpr std::uint8_t edge = 2;  // the kernel had news while a worker owned it
  static constexpr std::uint8_t peer_shut =
      4;  // part of that news: the peer has sent its last byte

  // Who goes on with the connection once its request is answered: the worker, when the answer came
  // before the handler returned, else whoever answered.
  enum class Turn : std::uint8_t { handler_runs, handler_left, answered };

  std::atomic<std::uint8_t> flags{0};
  std::atomic<Turn> turn{Turn::handler_runs};
  int fd = -1;
  std::size_t slot = 0;  // in the registry
  ConnectionPhase phase = ConnectionPhase::reading;
  bool close_after_write = false;
  bool was_refused = false;
  bool continue_sent = false;
  bool drained = false;  // the last read emptied the socket; the kernel will tell of more
  bool peer_closed = false;
  std::int64_t request_started_ms = 0;  // of its first byte; 0: none yet
  std::int64_t deadline_ms = 0;
  std::size_t discarded_bytes = 0;
  int rounds_in_a_row = 0;      // requests run since the client last let us wait for one
  bool waits_for_turn = false;  // in the reactor's line of those with more to do
  std::string in;
  std::size_t in_begin = 0;  // of the request in hand; what stands before it is over
  std::string out;
  std::size_t out_sent = 0;
  RequestHead head;
  HttpRequest request;  // views into `in`
  std::string peer_address;
  int peer_port = 0;

  bool has_unread() const { return in.size() > in_begin; }
};

}  // namespace welkin
