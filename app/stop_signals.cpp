#include "app/stop_signals.hpp"

#include <cerrno>
#include <ctime>

#include <unistd.h>

namespace welkin {

StopSignals::StopSignals() {
  sigemptyset(&signals_);
  sigaddset(&signals_, SIGINT);
  sigaddset(&signals_, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals_, &before_);
}

// One that came meanwhile has nothing left to stop.
StopSignals::~StopSignals() {
  while (wait_for(0)) continue;
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

void StopSignals::send() { ::kill(::getpid(), SIGTERM); }

int StopSignals::wait() const {
  int signal = 0;
  while (sigwait(&signals_, &signal) != 0) continue;
  return signal;
}

bool StopSignals::wait_for(std::int64_t time_ms) const {
  const timespec patience{time_ms / 1'000, time_ms % 1'000 * 1'000'000};
  // Another signal's handler may interrupt the wait; waiting anew from the start does no harm here.
  int signal = 0;
  do {
    signal = sigtimedwait(&signals_, nullptr, &patience);
  } while (signal < 0 && errno == EINTR);
  return signal > 0;
}

}  // namespace welkin
