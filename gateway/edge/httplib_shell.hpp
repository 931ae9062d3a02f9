// httplib's server with its two ends replaced: accepted sockets go to the caller instead of a
// thread each, and requests are run from memory. What httplib 0.11 reads without a bound or trusts
// too much (header lines, chunked bodies, Range, Accept-Encoding, REMOTE_ADDR) never reaches it: it
// is shown a request line and nothing else, and everything it would parse has been parsed and
// checked before.
#pragma once

#include <httplib.h>

#include <functional>
#include <string>
#include <string_view>

#include "gateway/edge/connection.hpp"
#include "gateway/edge/http_message.hpp"

namespace welkin {

class HttplibShell : public httplib::Server {
 public:
  HttplibShell(std::function<void(int fd)> adopt, std::function<bool()> is_draining);

  // The port, or 0 with errno set.
  int bind(const std::string& host, int port, int backlog);

  // Lets httplib write the answer to the connection's request and appends the response to the
  // connection's output. True when the connection may be kept.
  bool write(Connection& connection, HttpAnswer answer, bool close);

 private:
  bool process_and_close_socket(socket_t fd) override;

  std::function<void(int)> adopt_;
  std::function<bool()> is_draining_;
};

}  // namespace welkin
