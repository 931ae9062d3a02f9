// cpp-httplib's server with a wait of its own for a kept connection's next request. The library's
// looks every 11 ms whether one has come: 2,000 idle connections wake threads 180,000 times a
// second, which leaves nothing of two processors to those that have work.
#pragma once

#include <httplib.h>

namespace welkin::sandbox {

class HttpServer final : public httplib::Server {
 private:
  // Answers the connection's requests one after another, then closes it.
  bool process_and_close_socket(socket_t socket) override;
};

}  // namespace welkin::sandbox
