// The scheduler a node's actors run on, in CAF's terms a coordinator: workers over one queue (see
// run_queue.hpp), and a clock that is left alone when an actor ends. CAF's own workers look up the
// actor's id for the log, with a dynamic_cast and a lock, at every activation, and CAF's clock
// thread is told of every actor's end, so that time-outs it may have set are forgotten. Nothing is
// logged here, and a payment sets no time-out.
#pragma once

#include <atomic>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/detail/thread_safe_actor_clock.hpp>
#include <caf/scheduler/abstract_coordinator.hpp>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_set>
#include <vector>

#include "actors/run_queue.hpp"

namespace welkin {

// Hears nothing of the end of an actor that never set a time-out.
class QuietClock final : public caf::detail::thread_safe_actor_clock {
 public:
  void set_ordinary_timeout(time_point at, caf::abstract_actor* self, caf::atom_value type,
                            std::uint64_t id) override;
  void set_request_timeout(time_point at, caf::abstract_actor* self, caf::message_id id) override;
  void set_multi_timeout(time_point at, caf::abstract_actor* self, caf::atom_value type,
                         std::uint64_t id) override;
  void cancel_timeouts(caf::abstract_actor* self) override;

 private:
  void note(const caf::abstract_actor* self);

  std::mutex mutex_;
  std::unordered_set<caf::actor_id> set_one_;  // and have not ended
  std::atomic<std::size_t> set_one_count_{0};
};

class NodeScheduler final : public caf::scheduler::abstract_coordinator {
 public:
  explicit NodeScheduler(caf::actor_system& system);
  ~NodeScheduler() override;
  // To be called before the system is made from `config`.
  static void choose(caf::actor_system_config& config);

  void start() override;
  void stop() override;
  void enqueue(caf::resumable* job) override;
  caf::actor_clock& clock() noexcept override { return clock_; }
  RunQueue& queue() { return queue_; }

 private:
  class Worker;

  RunQueue queue_;
  QuietClock clock_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::thread clock_thread_;
};

// While one lives, what the calling thread sends to actors of `system` is handed to their workers
// in large parts, the rest of it at the end. For a thread outside of the system that sends much at
// a time; under another scheduler, and on a worker, it changes nothing.
class SendTogether {
 public:
  explicit SendTogether(caf::actor_system& system);
  ~SendTogether();
  SendTogether(const SendTogether&) = delete;
  SendTogether& operator=(const SendTogether&) = delete;

 private:
  Outbox outbox_;
};

}  // namespace welkin
