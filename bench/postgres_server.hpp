// A PostgreSQL server of the benchmark's own in a scratch folder, with everything on that makes a
// commit durable. Reached through a Unix socket in that folder.
#pragma once

#include <memory>
#include <string>

#include "bench/bench_support.hpp"
#include "bench/child_process.hpp"

namespace welkin::bench {

class PostgresServer {
 public:
  PostgresServer();  // ends the benchmark when none can be started
  ~PostgresServer();

  // "postgresql://…" of a new, empty database.
  std::string create_database(const std::string& name);
  const std::string& folder() const { return folder_.path(); }
  std::string binary(const std::string& name) const { return binaries_ + "/" + name; }
  // Runs SQL that gives nothing back.
  void execute(const std::string& database, const std::string& sql);

 private:
  void make_old();

  ScratchFolder folder_;
  std::string binaries_;
  std::unique_ptr<ChildProcess> server_;
};

}  // namespace welkin::bench
