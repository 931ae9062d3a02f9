// A client that sends exactly the bytes it is told to, which no decent HTTP library would.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace welkin::test {

struct RawAnswer {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
  std::string header(const std::string& lower_name) const;
};

class RawClient {
 public:
  explicit RawClient(int port);
  RawClient(RawClient&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), kept_(std::move(other.kept_)) {}
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;
  ~RawClient();

  bool connected() const { return fd_ >= 0; }
  int fd() const { return fd_; }

  bool send(std::string_view bytes);
  void finish_sending();

  // The next answer on the connection; none when it ends first.
  std::optional<RawAnswer> read_answer(bool without_body = false);

  // True when the server ends the connection and sends nothing more.
  bool ends() { return kept_.empty() && !fill() && ended_; }

 private:
  bool fill();

  int fd_ = -1;
  bool ended_ = false;
  std::string kept_;
};

}  // namespace welkin::test
