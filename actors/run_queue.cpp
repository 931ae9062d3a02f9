#include "actors/run_queue.hpp"

namespace welkin {
namespace {

// A handler that goes on and on must not keep what it sends to itself while other workers sleep.
constexpr std::size_t outbox_limit = 16;

}  // namespace

// Called with the lock held.
bool RunQueue::should_wake() {
  if (sleeping_ == 0 || waking_ || jobs_.empty()) return false;
  waking_ = true;
  return true;
}

void RunQueue::push(caf::resumable* job) {
  bool wake = false;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    jobs_.push_back(job);
    wake = should_wake();
  }
  if (wake) wake_.notify_one();
}

void RunQueue::push_all(Jobs& jobs) {
  if (jobs.empty()) return;
  bool wake = false;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    jobs_.insert(jobs_.end(), jobs.begin(), jobs.end());
    wake = should_wake();
  }
  jobs.clear();
  if (wake) wake_.notify_one();
}

caf::resumable* RunQueue::pop(Jobs& own) {
  bool wake = false;
  caf::resumable* job = nullptr;
  {
    std::unique_lock<std::mutex> lock(mutex_);
    jobs_.insert(jobs_.end(), own.begin(), own.end());
    while (jobs_.empty() && !closed_) {
      ++sleeping_;
      wake_.wait(lock);
      --sleeping_;
      waking_ = false;
    }
    if (!jobs_.empty()) {
      job = jobs_.front();
      jobs_.pop_front();
    }
    wake = should_wake();
  }
  own.clear();
  if (wake) wake_.notify_one();
  return job;
}

void RunQueue::close() {
  const std::lock_guard<std::mutex> lock(mutex_);
  closed_ = true;
  wake_.notify_all();
}

Outbox*& Outbox::current() {
  thread_local Outbox* outbox = nullptr;
  return outbox;
}

void enqueue(RunQueue& queue, caf::resumable* job) {
  Outbox* outbox = Outbox::current();
  if (!outbox || outbox->queue != &queue) return queue.push(job);
  outbox->jobs.push_back(job);
  if (outbox->jobs.size() >= outbox_limit) queue.push_all(outbox->jobs);
}

}  // namespace welkin
