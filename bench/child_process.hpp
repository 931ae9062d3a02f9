// A program started by a benchmark, which ends with it at the latest.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace welkin::bench {

class ChildProcess {
 public:
  // Its output goes to the end of `log_path`. With a `user`, it runs as that system user when the
  // benchmark is root: servers that refuse to be root want that. Ends the benchmark when there is
  // no such program or user.
  ChildProcess(const std::vector<std::string>& command, std::string log_path,
               const std::string& user = "");
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  pid_t pid() const { return pid_; }
  bool runs();  // false once it has ended
  void signal(int number) const;
  int wait();  // its exit code; 128 and the number when a signal ended it
  std::string log() const;

 private:
  std::string log_path_;
  pid_t pid_ = 0;
  int status_ = -1;
};

// Runs a program to its end; its output. Ends the benchmark when it fails.
std::string output_of(const std::vector<std::string>& command, const std::string& log_path,
                      const std::string& user = "");

}  // namespace welkin::bench
