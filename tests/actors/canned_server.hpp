// An HTTP server in the test's process that keeps what it is asked and answers as the test says.
#pragma once

#include <httplib.h>

#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "protocol/channels/exchange.hpp"

namespace welkin {

class CannedServer {
 public:
  using Answer = std::function<WireAnswer(const WireRequest&)>;

  explicit CannedServer(Answer answer) : answer_(std::move(answer)) {
    server_.set_tcp_nodelay(true);
    server_.set_keep_alive_timeout(1);
    // A kept connection holds a worker: more of them than connections.
    server_.new_task_queue = [] { return new httplib::ThreadPool(64); };
    const auto handler = [this](const httplib::Request& request, httplib::Response& response) {
      handle(request, response);
    };
    server_.Get(".*", handler);
    server_.Post(".*", handler);
    port_ = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::yield();
  }
  ~CannedServer() {
    server_.stop();
    thread_.join();
  }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  std::vector<WireRequest> requests() {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  void answer_with(Answer answer) {
    const std::lock_guard lock(mutex_);
    answer_ = std::move(answer);
  }

 private:
  void handle(const httplib::Request& request, httplib::Response& response) {
    WireRequest wire{request.method, request.target, {}, request.body};
    for (const auto& [name, value] : request.headers) {
      std::string lower = name;
      for (char& c : lower)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
      wire.headers.emplace_back(std::move(lower), value);
    }
    const std::lock_guard lock(mutex_);
    const WireAnswer answer = answer_(wire);
    requests_.push_back(std::move(wire));
    response.status = answer.status;
    for (const auto& [name, value] : answer.headers) response.set_header(name.c_str(), value);
    response.set_content(answer.body, "application/json");
  }

  std::mutex mutex_;
  Answer answer_;
  std::vector<WireRequest> requests_;
  int port_ = 0;
  httplib::Server server_;
  std::thread thread_;
};

}  // namespace welkin
