// Actors that are ready to run, in order of arrival, and the workers that wait for one. Made for
// many short activations: what one activation or one committed batch makes ready is handed over
// under one lock, and workers are woken one at a time, outside of it. Waking a thread costs more
// than most activations.
#pragma once

#include <caf/resumable.hpp>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <vector>

namespace welkin {

class RunQueue {
 public:
  using Jobs = std::vector<caf::resumable*>;  // each with a reference, which goes along

  void push(caf::resumable* job);
  void push_all(Jobs& jobs);  // empties it
  // Hands over `own` first, then takes the oldest, waiting for one if need be. Null when the queue
  // is closed and empty.
  caf::resumable* pop(Jobs& own);
  void close();

 private:
  bool should_wake();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<caf::resumable*> jobs_;
  std::size_t sleeping_ = 0;
  bool waking_ = false;  // one has been told and is not up yet; it tells the next
  bool closed_ = false;
};

// What the calling thread has made ready for one queue and not handed over yet. While one is in
// place, `enqueue` puts into it.
struct Outbox {
  RunQueue* queue = nullptr;
  RunQueue::Jobs jobs;

  // The calling thread's; null when it hands over each job by itself.
  static Outbox*& current();
};

void enqueue(RunQueue& queue, caf::resumable* job);

}  // namespace welkin
