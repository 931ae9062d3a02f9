#include "bench/child_process.hpp"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <utility>

namespace welkin::bench {
namespace {

void exit_with(const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  std::exit(1);
}

int exit_code_of(int status) {
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace

ChildProcess::ChildProcess(const std::vector<std::string>& command, std::string log_path,
                           const std::string& user)
    : log_path_(std::move(log_path)) {
  const passwd* account = nullptr;
  if (!user.empty() && geteuid() == 0 && !(account = getpwnam(user.c_str())))
    exit_with("there is no system user " + user);
  std::vector<char*> arguments;
  arguments.reserve(command.size() + 1);
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ < 0) exit_with("cannot start " + command.front());
  if (pid_ > 0) return;

  setpgid(0, 0);  // an interrupt from the keyboard is for the benchmark; it ends its children
  const int log = open(log_path_.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  const int nothing = open("/dev/null", O_RDONLY);
  if (log < 0 || nothing < 0) _exit(126);
  dup2(nothing, 0);
  dup2(log, 1);
  dup2(log, 2);
  if (account != nullptr &&
      (setgroups(0, nullptr) != 0 || setgid(account->pw_gid) != 0 || setuid(account->pw_uid) != 0))
    _exit(126);
  // The parent may have died before this was set.
  prctl(PR_SET_PDEATHSIG, SIGQUIT);
  if (getppid() != parent) _exit(126);
  execv(arguments[0], arguments.data());
  _exit(127);
}

ChildProcess::~ChildProcess() {
  if (!runs()) return;
  signal(SIGKILL);
  wait();
}

bool ChildProcess::runs() {
  if (pid_ > 0 && waitpid(pid_, &status_, WNOHANG) == pid_) pid_ = 0;
  return pid_ > 0;
}

void ChildProcess::signal(int number) const {
  if (pid_ > 0) kill(pid_, number);
}

int ChildProcess::wait() {
  while (pid_ > 0) {
    if (waitpid(pid_, &status_, 0) < 0 && errno == EINTR) continue;
    pid_ = 0;
  }
  return exit_code_of(status_);
}

std::string ChildProcess::log() const {
  std::ifstream in{log_path_};
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::string output_of(const std::vector<std::string>& command, const std::string& log_path,
                      const std::string& user) {
  ChildProcess process(command, log_path, user);
  const int code = process.wait();
  if (code != 0)
    exit_with(command.front() + " ended with " + std::to_string(code) + ": " + process.log());
  return process.log();
}

}  // namespace welkin::bench
