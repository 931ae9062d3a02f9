// A PostgreSQL server of the tests' own, in a temporary folder, reached through a Unix socket in
// it. It needs no installed cluster, no port and no password, and goes away with the process.
#pragma once

#include <sys/types.h>

#include <string>

namespace welkin::test {

class PrivatePostgres {
 public:
  struct Options {
    // Off for tests of behaviour, which survive a server's restart without it; on to measure.
    bool fsync = false;
  };

  // Throws std::runtime_error with the reason when no server can be started.
  explicit PrivatePostgres(Options options);
  PrivatePostgres() : PrivatePostgres(Options{}) {}
  ~PrivatePostgres();
  PrivatePostgres(const PrivatePostgres&) = delete;
  PrivatePostgres& operator=(const PrivatePostgres&) = delete;

  // One server for all tests of a process, since a start takes seconds.
  static PrivatePostgres& shared();

  // A fresh, empty database; its name.
  std::string create_database();
  std::string url(const std::string& database) const;
  // For a proxy that speaks TCP to its clients.
  std::string socket_path() const { return folder_ + "/.s.PGSQL.5432"; }

  void start();
  void stop();  // ends every session at once
  void restart() {
    stop();
    start();
  }
  // Ends every session in `database`; returns when they are gone.
  void terminate_backends(const std::string& database);

 private:
  void initialise();
  void wait_until_ready() const;

  Options options_;
  std::string folder_;
  std::string binaries_;
  pid_t server_ = 0;
  int databases_ = 0;
};

}  // namespace welkin::test
