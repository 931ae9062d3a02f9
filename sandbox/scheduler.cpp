// The sandbox's timer threads; see the header.
#include "sandbox/scheduler.hpp"

#include <utility>

namespace welkin::sandbox {

Scheduler::Scheduler(std::size_t threads, std::size_t max_tasks) : max_tasks_(max_tasks) {
  for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
}

Scheduler::~Scheduler() { stop(); }

bool Scheduler::after(std::int64_t delay_ms, Task task) {
  const TimePoint due = std::chrono::steady_clock::now() + std::chrono::milliseconds(delay_ms);
  std::lock_guard lock(mutex_);
  if (stopping_ || entries_.size() >= max_tasks_) return false;
  entries_.push({due, ++last_number_, std::move(task)});
  changed_.notify_one();
  return true;
}

void Scheduler::stop() {
  std::vector<std::thread> threads;
  std::priority_queue<Entry> dropped;  // destroyed after the lock is given back
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    threads.swap(threads_);
    dropped.swap(entries_);
    changed_.notify_all();
  }
  for (std::thread& thread : threads) thread.join();
}

void Scheduler::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (entries_.empty()) {
      changed_.wait(lock);
      continue;
    }
    const TimePoint due = entries_.top().due;
    if (std::chrono::steady_clock::now() < due) {
      changed_.wait_until(lock, due);
      continue;
    }
    const Task task = entries_.top().task;
    entries_.pop();
    lock.unlock();
    task();
    lock.lock();
  }
}

}  // namespace welkin::sandbox
