// Runs things later: a bounded heap of tasks by due time, and a few threads that take them from it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <queue>
#include <thread>
#include <vector>

namespace welkin::sandbox {

// Threads: everything may be called from any thread, but stop() not from within a task.
class Scheduler {
 public:
  using Task = std::function<void()>;

  Scheduler(std::size_t threads, std::size_t max_tasks);
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  // False when too much is scheduled already, or after stop(): the task will not run.
  bool after(std::int64_t delay_ms, Task task);

  // Drops what has not begun and waits for what has.
  void stop();

 private:
  using TimePoint = std::chrono::steady_clock::time_point;
  struct Entry {
    TimePoint due;
    std::uint64_t number;  // equal times run in the order they were scheduled in
    Task task;
    friend bool operator<(const Entry& a, const Entry& b) {
      return a.due != b.due ? a.due > b.due : a.number > b.number;
    }
  };
  void run();

  const std::size_t max_tasks_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::priority_queue<Entry> entries_;
  std::uint64_t last_number_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace welkin::sandbox
