// The one main of every test executable; Catch2 is slow to compile, so it is compiled here alone.
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>

#ifdef WELKIN_THREAD_SANITIZER
#include <httplib.h>

#include <thread>

namespace {

// cpp-httplib is the distribution's and not instrumented. It makes its static tables at their first
// use behind a guard that the sanitizer does not see, so that another thread that reads them later
// looks like a race. Here they are made before the first test, and their makers are waited for.
class HttpTablesAreMade : public Catch::TestEventListenerBase {
 public:
  using Catch::TestEventListenerBase::TestEventListenerBase;
  void testRunStarting(const Catch::TestRunInfo&) override {
    httplib::Server server;
    const auto answer = [](const httplib::Request&, httplib::Response& response) {
      response.set_content("{}", "application/json");
    };
    server.Get("/.*", answer);
    server.Post("/.*", answer);
    const int port = server.bind_to_any_port("127.0.0.1");
    std::thread serving([&server] { server.listen_after_bind(); });
    httplib::Client client("127.0.0.1", port);
    client.Get("/a?b=c");
    client.Post("/a", "b=c", "application/x-www-form-urlencoded");
    client.stop();
    server.stop();
    serving.join();
  }
};
CATCH_REGISTER_LISTENER(HttpTablesAreMade)

}  // namespace
#endif
