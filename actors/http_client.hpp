// Outgoing HTTP for every channel: one thread drives all calls through libcurl's multi interface,
// so that a thousand slow calls cost a thousand sockets and no thread each.
//
// The result keeps apart what money depends on: `not_sent` means for certain that no byte of the
// request left this machine; `no_answer` means that the other side may have done what was asked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace welkin {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

struct HttpCall {
  std::string method = "GET";
  std::string url;  // http and https only
  HttpHeaders headers;
  std::string body;
  std::int64_t connect_timeout_ms = 2'000;
  std::int64_t timeout_ms = 5'000;  // from send() to the last byte, waiting in the queue included
  std::string ca_file;              // who may vouch for the server; empty: the client's own choice
};

enum class HttpOutcome : std::uint8_t { not_sent, no_answer, answered };

struct HttpResult {
  HttpOutcome outcome = HttpOutcome::not_sent;
  int status = 0;       // answered only
  HttpHeaders headers;  // names in lower case
  std::string body;
  std::string code;    // "queue_full", "stopped", "bad_request", "connect_failed", "deadline",
                       // "connection_broken", "answer_too_large"; empty when answered
  std::string detail;  // for a person
};

struct HttpClientOptions {
  std::size_t max_in_flight = 2'000;
  std::size_t max_queued = 10'000;
  std::size_t max_answer_bytes = 1 << 20;  // headers and body each
  std::size_t max_idle_connections = 256;
  std::string ca_file;  // empty: the system's
};

// Threads: send() and stop() may be called from any thread. `done` is called exactly once: from the
// client's thread, or from within send() when the request is refused at once. It must not throw and
// must not block, for every other call waits meanwhile.
class HttpClient {
 public:
  using Done = std::function<void(HttpResult)>;

  explicit HttpClient(HttpClientOptions options = {});
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  void send(HttpCall request, Done done);

  // Refuses new requests, gives the running ones `grace_ms` to end and fails the rest. Returns when
  // every callback has been called. From within a callback it only starts the stopping.
  void stop(std::int64_t grace_ms = 2'000);

 private:
  class Loop;
  std::unique_ptr<Loop> loop_;
};

}  // namespace welkin
