// Runs initdb and postgres as children. The server refuses to be root, so then they become the
// system user `postgres`, whom Debian's package creates.
#include "tests/support/private_postgres.hpp"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <pqxx/pqxx>
#include <sstream>
#include <stdexcept>
#include <thread>
#include <vector>

// libpqxx 6.4.5 loses one PGresult, a kilobyte, whenever a connection breaks under a statement.
// Those are not ours to find; the sanitizer asks for this function by name.
extern "C" __attribute__((weak)) const char* __lsan_default_suppressions() {
  return "leak:PQmakeEmptyPGresult\n";
}

namespace welkin::test {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds patience{60};
constexpr std::chrono::milliseconds poll_interval{10};

std::string read_text(const std::string& path) {
  std::ifstream in{path};
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::string find_binaries() {
  std::vector<std::string> found;
  std::error_code missing;
  for (const auto& version : fs::directory_iterator{"/usr/lib/postgresql", missing})
    if (fs::exists(version.path() / "bin/postgres")) found.push_back(version.path() / "bin");
  if (found.empty()) throw std::runtime_error("no PostgreSQL server under /usr/lib/postgresql");
  return *std::max_element(found.begin(), found.end());
}

// Socket paths hold 107 characters, so a deep TMPDIR is passed over.
std::string make_folder() {
  const char* configured = std::getenv("TMPDIR");
  const bool usable = configured != nullptr && std::strlen(configured) < 60;
  std::string path = std::string{usable ? configured : "/tmp"} + "/welkin-postgres-XXXXXX";
  if (mkdtemp(path.data()) == nullptr)
    throw std::runtime_error("cannot make a folder " + path + ": " + std::strerror(errno));
  return path;
}

// Whom the server runs as; null: as we are.
const passwd* server_user() {
  if (geteuid() != 0) return nullptr;
  const passwd* user = getpwnam("postgres");
  if (user == nullptr) throw std::runtime_error("the system user postgres is missing");
  return user;
}

// Between fork and exec only async-signal-safe calls are made, as tests have threads.
pid_t spawn(const std::vector<std::string>& command, const std::string& log_path) {
  const passwd* user = server_user();
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0) throw std::runtime_error(std::string{"fork: "} + std::strerror(errno));
  if (child > 0) return child;

  setpgid(0, 0);  // an interrupt from the keyboard is for the tests; they stop the server
  const int log = open(log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  const int nothing = open("/dev/null", O_RDONLY);
  if (log < 0 || nothing < 0) _exit(126);
  dup2(nothing, 0);
  dup2(log, 1);
  dup2(log, 2);
  if (user != nullptr &&
      (setgroups(0, nullptr) != 0 || setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0))
    _exit(126);
  // A crashed test leaves no server behind. The parent may have died before this was set.
  prctl(PR_SET_PDEATHSIG, SIGQUIT);
  if (getppid() != parent) _exit(126);
  execv(arguments[0], arguments.data());
  _exit(127);
}

int wait_for_end(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

}  // namespace

PrivatePostgres::PrivatePostgres(Options options)
    : options_(options), folder_(make_folder()), binaries_(find_binaries()) {
  try {
    initialise();
    start();
  } catch (...) {
    fs::remove_all(folder_);
    throw;
  }
}

PrivatePostgres::~PrivatePostgres() {
  if (server_ > 0) {
    kill(server_, SIGQUIT);  // nothing of it is needed any more, so it need not tidy up
    wait_for_end(server_);
  }
  std::error_code ignored;  // what cannot be removed is the temporary folder's own affair
  fs::remove_all(folder_, ignored);
}

PrivatePostgres& PrivatePostgres::shared() {
  static PrivatePostgres server;
  return server;
}

void PrivatePostgres::initialise() {
  if (const passwd* user = server_user())
    if (chown(folder_.c_str(), user->pw_uid, user->pw_gid) != 0)
      throw std::runtime_error("cannot give " + folder_ + " to the server's user");
  const std::string log_path = folder_ + "/initdb.log";
  const int status = wait_for_end(
      spawn({binaries_ + "/initdb", "--pgdata=" + folder_ + "/data", "--username=postgres",
             "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"},
            log_path));
  if (status != 0) throw std::runtime_error("initdb failed: " + read_text(log_path));
  // One role that must give a password, and has none that would do.
  std::ofstream{folder_ + "/data/pg_hba.conf", std::ios::trunc}
      << "local all locked scram-sha-256\nlocal all all trust\n";
}

void PrivatePostgres::start() {
  server_ =
      spawn({binaries_ + "/postgres", "-D", folder_ + "/data", "-c", "listen_addresses=", "-c",
             "unix_socket_directories=" + folder_, "-c", "port=5432", "-c", "max_connections=100",
             "-c", std::string{"fsync="} + (options_.fsync ? "on" : "off")},
            folder_ + "/server.log");
  wait_until_ready();
}

// The server writes its state into the eighth line of its pid file, and a former one's is gone.
void PrivatePostgres::wait_until_ready() const {
  for (const auto deadline = Clock::now() + patience; Clock::now() < deadline;) {
    std::istringstream lines{read_text(folder_ + "/data/postmaster.pid")};
    std::string line;
    std::vector<std::string> all;
    while (std::getline(lines, line)) all.push_back(line);
    if (all.size() >= 8 && all[0] == std::to_string(server_) && all[7].rfind("ready", 0) == 0)
      return;
    if (waitpid(server_, nullptr, WNOHANG) != 0) break;
    std::this_thread::sleep_for(poll_interval);
  }
  throw std::runtime_error("the server did not start: " + read_text(folder_ + "/server.log"));
}

void PrivatePostgres::stop() {
  kill(server_, SIGINT);
  wait_for_end(server_);
  server_ = 0;
}

std::string PrivatePostgres::url(const std::string& database) const {
  return "postgresql:///" + database + "?host=" + folder_ + "&user=postgres";
}

std::string PrivatePostgres::create_database() {
  const std::string name = "test_" + std::to_string(++databases_);
  pqxx::connection connection{url("postgres")};
  pqxx::nontransaction{connection}.exec("CREATE DATABASE " + name);
  return name;
}

void PrivatePostgres::terminate_backends(const std::string& database) {
  pqxx::connection connection{url("postgres")};
  pqxx::nontransaction statements{connection};
  const std::string theirs = " FROM pg_stat_activity WHERE datname = " + statements.quote(database);
  // With a time-out in milliseconds the server answers when the session is gone.
  statements.exec("SELECT pg_terminate_backend(pid, 30000)" + theirs);
}

}  // namespace welkin::test
