#include "sandbox/http_server.hpp"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace welkin::sandbox {
namespace {

using NameOf = int (*)(int, sockaddr*, socklen_t*);

bool wait_for(socket_t socket, short events, time_t timeout_s) {
  pollfd watched{socket, events, 0};
  int ready = 0;
  do ready = ::poll(&watched, 1, static_cast<int>(timeout_s * 1'000));
  while (ready < 0 && errno == EINTR);
  return ready > 0 && (watched.revents & POLLNVAL) == 0;
}

// Keeps what was received beyond one request for the next.
class SocketStream final : public httplib::Stream {
 public:
  SocketStream(socket_t socket, time_t read_timeout_s, time_t write_timeout_s)
      : socket_(socket), read_timeout_s_(read_timeout_s), write_timeout_s_(write_timeout_s) {}

  bool comes_within(time_t timeout_s) const {
    return begin_ < end_ || wait_for(socket_, POLLIN, timeout_s);
  }

  bool is_readable() const override { return comes_within(read_timeout_s_); }
  bool is_writable() const override { return wait_for(socket_, POLLOUT, write_timeout_s_); }

  ssize_t read(char* to, std::size_t size) override {
    if (begin_ == end_) {
      if (!is_readable()) return -1;
      const ssize_t got = receive();
      if (got <= 0) return got;
      begin_ = 0;
      end_ = static_cast<std::size_t>(got);
    }
    const std::size_t count = std::min(size, end_ - begin_);
    std::memcpy(to, buffer_.data() + begin_, count);
    begin_ += count;
    return static_cast<ssize_t>(count);
  }

  ssize_t write(const char* from, std::size_t size) override {
    if (!is_writable()) return -1;
    ssize_t sent = 0;
    do sent = ::send(socket_, from, size, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent;
  }

  void get_remote_ip_and_port(std::string& ip, int& port) const override {
    read_name(::getpeername, ip, port);
  }
  void get_local_ip_and_port(std::string& ip, int& port) const override {
    read_name(::getsockname, ip, port);
  }
  socket_t socket() const override { return socket_; }

 private:
  ssize_t receive() {
    ssize_t got = 0;
    do got = ::recv(socket_, buffer_.data(), buffer_.size(), 0);
    while (got < 0 && errno == EINTR);
    return got;
  }

  void read_name(NameOf name_of, std::string& ip, int& port) const {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    auto* const name = reinterpret_cast<sockaddr*>(&address);
    std::array<char, NI_MAXHOST> host{};
    std::array<char, NI_MAXSERV> service{};
    if (name_of(socket_, name, &size) != 0 ||
        ::getnameinfo(name, size, host.data(), host.size(), service.data(), service.size(),
                      NI_NUMERICHOST | NI_NUMERICSERV) != 0)
      return;
    ip = host.data();
    port = std::atoi(service.data());
  }

  const socket_t socket_;
  const time_t read_timeout_s_;
  const time_t write_timeout_s_;
  std::array<char, 4'096> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace

bool HttpServer::process_and_close_socket(socket_t socket) {
  SocketStream stream(socket, read_timeout_sec_, write_timeout_sec_);
  bool answered = true;
  bool closed = false;
  for (std::size_t left = keep_alive_max_count_; left > 0 && answered && !closed; --left) {
    if (svr_sock_ == INVALID_SOCKET || !stream.comes_within(keep_alive_timeout_sec_)) break;
    answered = process_request(stream, left == 1, closed, nullptr);
  }
  ::shutdown(socket, SHUT_RDWR);
  ::close(socket);
  return answered;
}

}  // namespace welkin::sandbox
