// Threads that run complete requests. The queue is bounded, and idle threads are woken last-in
// first-out and one at a time, so that short requests are served by few warm threads while blocking
// ones still bring in all of them.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace welkin {

struct Connection;

class WorkerPool {
 public:
  using Run = std::function<void(Connection*)>;

  // `name` is what the system shows the threads as: at most 15 characters.
  WorkerPool(const char* name, std::size_t threads, std::size_t queue_limit, Run run);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // How many of them, from the first on, found room.
  std::size_t push(Connection* const* jobs, std::size_t count);

  // What still waits in the queue is dropped; what runs is finished.
  void stop();
  // True when every thread has ended by then.
  bool wait_until(std::chrono::steady_clock::time_point deadline);

 private:
  struct Worker {
    std::thread thread;
    std::condition_variable wake;
    bool awake = false;
  };

  void work(Worker& self);
  Worker* pick_idle();

  const std::size_t queue_limit_;
  const Run run_;
  std::mutex mutex_;
  std::condition_variable ended_;
  std::deque<Connection*> queue_;
  std::vector<Worker*> idle_;
  bool waking_ = false;
  bool stopping_ = false;
  std::size_t running_threads_ = 0;
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace welkin
