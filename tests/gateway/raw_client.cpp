#include "tests/gateway/raw_client.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace welkin::test {
namespace {

RawAnswer parse_head(const std::string& head) {
  RawAnswer answer;
  std::size_t line_end = head.find("\r\n");
  answer.status = std::atoi(head.substr(0, line_end).substr(9, 3).c_str());
  for (std::size_t begin = line_end + 2; begin < head.size(); begin = line_end + 2) {
    line_end = head.find("\r\n", begin);
    const std::string line = head.substr(begin, line_end - begin);
    const std::size_t colon = line.find(": ");
    std::string name = line.substr(0, colon);
    for (char& c : name)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
    answer.headers[name] = line.substr(colon + 2);
  }
  return answer;
}

}  // namespace

std::string RawAnswer::header(const std::string& lower_name) const {
  const auto found = headers.find(lower_name);
  return found == headers.end() ? std::string() : found->second;
}

RawClient::RawClient(int port) {
  fd_ = ::socket(AF_INET, SOCK_STREAM, 0);
  const int on = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  timeval patience{20, 0};  // only a broken server lets this pass
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  ::inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
  if (::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    ::close(fd_);
    fd_ = -1;
  }
}

RawClient::~RawClient() {
  if (fd_ >= 0) ::close(fd_);
}

bool RawClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

void RawClient::finish_sending() { ::shutdown(fd_, SHUT_WR); }

std::optional<RawAnswer> RawClient::read_answer(bool without_body) {
  std::size_t end = 0;
  while ((end = kept_.find("\r\n\r\n")) == std::string::npos)
    if (!fill()) return std::nullopt;
  RawAnswer answer = parse_head(kept_.substr(0, end + 2));
  kept_.erase(0, end + 4);
  const std::size_t length =
      without_body ? 0 : std::strtoul(answer.header("content-length").c_str(), nullptr, 10);
  while (kept_.size() < length)
    if (!fill()) return std::nullopt;
  answer.body = kept_.substr(0, length);
  kept_.erase(0, length);
  return answer;
}

bool RawClient::fill() {
  char chunk[16 * 1024];
  const ssize_t count = ::recv(fd_, chunk, sizeof chunk, 0);
  if (count <= 0) {
    ended_ = count == 0 || errno == ECONNRESET;
    return false;
  }
  kept_.append(chunk, static_cast<std::size_t>(count));
  return true;
}

}  // namespace welkin::test
