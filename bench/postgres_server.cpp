#include "bench/postgres_server.hpp"

#include <pwd.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <pqxx/pqxx>
#include <thread>
#include <vector>

namespace welkin::bench {
namespace {

namespace fs = std::filesystem;

constexpr const char* system_user = "postgres";  // whom Debian's package makes
constexpr std::chrono::seconds patience{60};
constexpr int log_files = 160;  // of 16 MB; a run of the benchmark needs fewer

std::string find_binaries() {
  std::vector<std::string> found;
  std::error_code missing;
  for (const auto& version : fs::directory_iterator{"/usr/lib/postgresql", missing})
    if (fs::exists(version.path() / "bin/postgres")) found.push_back(version.path() / "bin");
  if (!found.empty()) return *std::max_element(found.begin(), found.end());
  std::fprintf(stderr, "there is no PostgreSQL server under /usr/lib/postgresql\n");
  std::exit(1);
}

// The server writes its state into the eighth line of its pid file.
bool is_ready(const std::string& data_folder, pid_t server) {
  std::ifstream in{data_folder + "/postmaster.pid"};
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines.size() >= 8 && lines[0] == std::to_string(server) && lines[7].rfind("ready", 0) == 0;
}

}  // namespace

PostgresServer::PostgresServer() : binaries_(find_binaries()) {
  const std::string data = folder() + "/data";
  if (const passwd* account = geteuid() == 0 ? getpwnam(system_user) : nullptr)
    if (chown(folder().c_str(), account->pw_uid, account->pw_gid) != 0) std::perror("chown");
  output_of({binary("initdb"), "--pgdata=" + data, "--username=postgres", "--auth=trust",
             "--encoding=UTF8", "--locale=C"},
            folder() + "/initdb.log", system_user);
  // Memory and log space as for a server of this size; nothing that loosens durability. One setting
  // for both sides of the comparison.
  server_ =
      std::make_unique<ChildProcess>(std::vector<std::string>{binary("postgres"),
                                                              "-D",
                                                              data,
                                                              "-c",
                                                              "listen_addresses=",
                                                              "-c",
                                                              "unix_socket_directories=" + folder(),
                                                              "-c",
                                                              "fsync=on",
                                                              "-c",
                                                              "synchronous_commit=on",
                                                              "-c",
                                                              "full_page_writes=on",
                                                              "-c",
                                                              "shared_buffers=1GB",
                                                              "-c",
                                                              "max_wal_size=8GB",
                                                              "-c",
                                                              "min_wal_size=4GB",
                                                              "-c",
                                                              "max_connections=100"},
                                     folder() + "/server.log", system_user);
  const auto deadline = Clock::now() + patience;
  while (server_->runs() && Clock::now() < deadline) {
    if (is_ready(data, server_->pid())) {
      make_old();
      return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  std::fprintf(stderr, "the server did not start: %s\n", server_->log().c_str());
  std::exit(1);
}

// A server that has run for a while writes into log files it used before; a new one makes each of
// them as it goes, at twice the writing.
void PostgresServer::make_old() {
  pqxx::connection connection{"dbname=postgres host=" + folder() + " user=postgres"};
  pqxx::nontransaction statements{connection};
  statements.exec("CREATE TABLE filler (n integer)");
  for (int file = 0; file < log_files; ++file) {
    statements.exec("INSERT INTO filler VALUES (1)");
    statements.exec("SELECT pg_switch_wal()");
  }
  statements.exec("DROP TABLE filler");
  statements.exec("CHECKPOINT");
}

PostgresServer::~PostgresServer() {
  server_->signal(SIGQUIT);  // nothing of it is needed any more, so it need not tidy up
  server_->wait();
}

std::string PostgresServer::create_database(const std::string& name) {
  execute("postgres", "CREATE DATABASE " + name);
  return "postgresql:///" + name + "?host=" + folder() + "&user=postgres";
}

void PostgresServer::execute(const std::string& database, const std::string& sql) {
  pqxx::connection connection{"dbname=" + database + " host=" + folder() + " user=postgres"};
  pqxx::nontransaction{connection}.exec(sql);
}

}  // namespace welkin::bench
