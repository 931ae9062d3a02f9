// SIGINT and SIGTERM as something to wait for, so that no work is done in a signal handler.
#pragma once

#include <csignal>
#include <cstdint>

namespace welkin {

// Made before the first thread is: threads inherit the mask, and the signals wait for this object.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  static void send();                         // to this process, from any thread
  int wait() const;                           // the signal that came
  bool wait_for(std::int64_t time_ms) const;  // true: one came

 private:
  sigset_t signals_;
  sigset_t before_;
};

}  // namespace welkin
