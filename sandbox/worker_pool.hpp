// The sandbox's HTTP workers: a fixed number of threads with a bounded queue in front. cpp-httplib
// hands over one job a connection and cannot take a refusal, so a full queue holds the accepting
// thread back and the kernel's backlog does the rest.
#pragma once

#include <httplib.h>

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace welkin::sandbox {

class WorkerPool final : public httplib::TaskQueue {
 public:
  // `waiting` shows, to handlers, how many connections have no thread yet.
  WorkerPool(std::size_t threads, std::size_t max_waiting,
             std::shared_ptr<std::atomic<std::size_t>> waiting)
      : max_waiting_(max_waiting), waiting_(std::move(waiting)) {
    for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
  }

  void enqueue(std::function<void()> job) override {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [this] { return jobs_.size() < max_waiting_; });
    jobs_.push_back(std::move(job));
    *waiting_ = jobs_.size();
    work_.notify_one();
  }

  // What is queued is still run: each job closes its connection.
  void shutdown() override {
    {
      std::lock_guard lock(mutex_);
      ending_ = true;
      work_.notify_all();
    }
    for (std::thread& thread : threads_) thread.join();
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    while (true) {
      work_.wait(lock, [this] { return ending_ || !jobs_.empty(); });
      if (jobs_.empty()) return;
      const std::function<void()> job = std::move(jobs_.front());
      jobs_.pop_front();
      *waiting_ = jobs_.size();
      room_.notify_one();
      lock.unlock();
      job();
      lock.lock();
    }
  }

  const std::size_t max_waiting_;
  const std::shared_ptr<std::atomic<std::size_t>> waiting_;
  std::mutex mutex_;
  std::condition_variable work_;
  std::condition_variable room_;
  std::deque<std::function<void()>> jobs_;
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace welkin::sandbox
