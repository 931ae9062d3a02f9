// The HTTP client against a server that speaks HTTP/2 and nothing else: Debian's nghttpd.
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <future>
#include <set>
#include <sstream>
#include <thread>
#include <vector>

#include "actors/http_client.hpp"
#include "tests/support/self_signed.hpp"

using namespace welkin;

namespace {

namespace fs = std::filesystem;
constexpr std::chrono::seconds patience{60};

int free_port() {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  socklen_t size = sizeof address;
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  close(fd);
  return ntohs(address.sin_port);
}

class Http2Server {
 public:
  Http2Server()
      : folder_(fs::temp_directory_path() / ("welkin-http2-" + std::to_string(getpid()))) {
    fs::create_directories(folder_);
    std::ofstream(folder_ / "greeting") << "over two";
    write_pem("key.pem", [&](std::FILE* file) {
      return PEM_write_PrivateKey(file, self_signed_.key, nullptr, nullptr, 0, nullptr, nullptr);
    });
    write_pem("certificate.pem",
              [&](std::FILE* file) { return PEM_write_X509(file, self_signed_.certificate); });
    start();
  }
  ~Http2Server() {
    kill(child_, SIGKILL);
    waitpid(child_, nullptr, 0);
    fs::remove_all(folder_);
  }
  std::string url() const { return "https://127.0.0.1:" + std::to_string(port_) + "/greeting"; }
  std::string ca_file() const { return folder_ / "certificate.pem"; }

  std::string log() const {
    std::ostringstream text;
    text << std::ifstream(folder_ / "log").rdbuf();
    return text.str();
  }
  // Connections over which a request has come, by the numbers that the log gives them.
  std::set<std::string> connections_used() const {
    std::set<std::string> numbers;
    std::istringstream lines(log());
    for (std::string line; std::getline(lines, line);)
      if (line.find(":path: /greeting") != std::string::npos)
        numbers.insert(line.substr(0, line.find(']')));
    return numbers;
  }

 private:
  template <class Write>
  void write_pem(const char* name, Write write) {
    std::FILE* file = std::fopen((folder_ / name).c_str(), "w");
    REQUIRE(file);
    REQUIRE(write(file) == 1);
    std::fclose(file);
  }

  void start() {
    const std::string port = std::to_string(port_);
    const std::string key = folder_ / "key.pem";
    const std::string log = folder_ / "log";
    child_ = fork();
    if (child_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      const int out = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
      dup2(out, 1);
      dup2(out, 2);
      execl("/usr/sbin/nghttpd", "nghttpd", "-v", "-a", "127.0.0.1", "-d", folder_.c_str(),
            port.c_str(), key.c_str(), ca_file().c_str(), nullptr);
      _exit(127);
    }
    const auto until = std::chrono::steady_clock::now() + patience;
    while (this->log().find("listen") == std::string::npos) {
      REQUIRE(waitpid(child_, nullptr, WNOHANG) == 0);  // else nghttp2-server is not installed
      REQUIRE(std::chrono::steady_clock::now() < until);
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }

  SelfSigned self_signed_;
  fs::path folder_;
  int port_ = free_port();
  pid_t child_ = 0;
};

}  // namespace

TEST_CASE("where a server offers HTTP/2, calls at the same time share one connection") {
  const Http2Server server;
  HttpClientOptions options;
  options.ca_file = server.ca_file();
  HttpClient client(options);
  constexpr int calls = 40;
  std::vector<std::promise<HttpResult>> results(calls);
  for (std::promise<HttpResult>& result : results) {
    HttpCall call;
    call.url = server.url();
    call.timeout_ms = 30'000;
    client.send(std::move(call),
                [&result](HttpResult answer) { result.set_value(std::move(answer)); });
  }
  for (std::promise<HttpResult>& result : results) {
    auto answer = result.get_future();
    REQUIRE(answer.wait_for(patience) == std::future_status::ready);
    const HttpResult got = answer.get();
    CHECK(got.detail == "");
    CHECK(got.status == 200);
    CHECK(got.body == "over two");
  }
  client.stop();
  CHECK(server.log().find("The negotiated protocol: h2") != std::string::npos);
  CHECK(server.connections_used().size() == 1);
}
