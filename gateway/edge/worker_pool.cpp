#include "gateway/edge/worker_pool.hpp"

#include <pthread.h>

#include <algorithm>

namespace welkin {

WorkerPool::WorkerPool(const char* name, std::size_t threads, std::size_t queue_limit, Run run)
    : queue_limit_(queue_limit), run_(std::move(run)), running_threads_(threads) {
  idle_.reserve(threads);
  for (std::size_t i = 0; i < threads; ++i) workers_.push_back(std::make_unique<Worker>());
  for (auto& worker : workers_)
    worker->thread = std::thread([this, name, &self = *worker] {
      pthread_setname_np(pthread_self(), name);
      work(self);
    });
}

WorkerPool::~WorkerPool() {
  stop();
  for (auto& worker : workers_) worker->thread.join();
}

// Called with the lock held. One wake-up at a time: the thread woken wakes the next if there is
// work.
WorkerPool::Worker* WorkerPool::pick_idle() {
  if (queue_.empty() || idle_.empty() || waking_) return nullptr;
  Worker* worker = idle_.back();
  idle_.pop_back();
  worker->awake = true;
  waking_ = true;
  return worker;
}

std::size_t WorkerPool::push(Connection* const* jobs, std::size_t count) {
  Worker* to_wake = nullptr;
  std::size_t taken = 0;
  {
    std::lock_guard lock(mutex_);
    if (stopping_) return 0;
    taken = std::min(count, queue_limit_ - std::min(queue_limit_, queue_.size()));
    queue_.insert(queue_.end(), jobs, jobs + taken);
    to_wake = pick_idle();
  }
  if (to_wake != nullptr) to_wake->wake.notify_one();
  return taken;
}

void WorkerPool::work(Worker& self) {
  std::unique_lock lock(mutex_);
  for (;;) {
    while (queue_.empty() && !stopping_) {
      self.awake = false;
      idle_.push_back(&self);
      self.wake.wait(lock, [&] { return self.awake; });
      waking_ = false;
    }
    if (stopping_) break;
    Connection* job = queue_.front();
    queue_.pop_front();
    Worker* to_wake = pick_idle();
    lock.unlock();
    if (to_wake != nullptr) to_wake->wake.notify_one();
    run_(job);
    lock.lock();
  }
  if (--running_threads_ == 0) ended_.notify_all();
}

void WorkerPool::stop() {
  std::lock_guard lock(mutex_);
  stopping_ = true;
  queue_.clear();
  idle_.clear();
  for (auto& worker : workers_) {
    worker->awake = true;
    worker->wake.notify_one();
  }
}

bool WorkerPool::wait_until(std::chrono::steady_clock::time_point deadline) {
  std::unique_lock lock(mutex_);
  return ended_.wait_until(lock, deadline, [&] { return running_threads_ == 0; });
}

}  // namespace welkin
