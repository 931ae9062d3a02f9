#include "actors/node_scheduler.hpp"

#include <caf/detail/set_thread_name.hpp>
#include <caf/execution_unit.hpp>
#include <caf/logger.hpp>

namespace welkin {

// ---- the clock

void QuietClock::note(const caf::abstract_actor* self) {
  const std::lock_guard<std::mutex> lock(mutex_);
  set_one_.insert(self->id());
  set_one_count_ = set_one_.size();
}

void QuietClock::set_ordinary_timeout(time_point at, caf::abstract_actor* self,
                                      caf::atom_value type, std::uint64_t id) {
  note(self);
  thread_safe_actor_clock::set_ordinary_timeout(at, self, type, id);
}

void QuietClock::set_request_timeout(time_point at, caf::abstract_actor* self, caf::message_id id) {
  note(self);
  thread_safe_actor_clock::set_request_timeout(at, self, id);
}

void QuietClock::set_multi_timeout(time_point at, caf::abstract_actor* self, caf::atom_value type,
                                   std::uint64_t id) {
  note(self);
  thread_safe_actor_clock::set_multi_timeout(at, self, type, id);
}

// Only an actor sets time-outs for itself, and this is called when it ends: one that has set any is
// counted by then.
void QuietClock::cancel_timeouts(caf::abstract_actor* self) {
  if (set_one_count_ == 0) return;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (set_one_.erase(self->id()) == 0) return;
    set_one_count_ = set_one_.size();
  }
  thread_safe_actor_clock::cancel_timeouts(self);
}

// ---- the scheduler

class NodeScheduler::Worker final : public caf::execution_unit {
 public:
  explicit Worker(NodeScheduler& scheduler)
      : caf::execution_unit(&scheduler.system()),
        queue_(scheduler.queue_),
        max_throughput_(scheduler.max_throughput()),
        thread_([this] { run(); }) {}

  void exec_later(caf::resumable* job) override { welkin::enqueue(queue_, job); }
  void join() { thread_.join(); }

 private:
  void run() {
    caf::detail::set_thread_name("welkin.actors");
    system().thread_started();
    Outbox outbox{&queue_, {}};
    Outbox::current() = &outbox;
    while (caf::resumable* job = queue_.pop(outbox.jobs)) {
      // Spawning sets it, and each activation then notes its actor in a table all threads share.
      caf::logger::set_current_actor_system(nullptr);
      if (job->resume(this, max_throughput_) == caf::resumable::resume_later)
        exec_later(job);  // it keeps its reference
      else
        caf::intrusive_ptr_release(job);
    }
    Outbox::current() = nullptr;
    system().thread_terminates();
  }

  RunQueue& queue_;
  const std::size_t max_throughput_;
  std::thread thread_;  // last: it uses the others
};

NodeScheduler::NodeScheduler(caf::actor_system& system) : abstract_coordinator(system) {}
NodeScheduler::~NodeScheduler() = default;

void NodeScheduler::choose(caf::actor_system_config& config) {
  config.module_factories.emplace_back([](caf::actor_system& system) -> caf::actor_system::module* {
    return new NodeScheduler(system);  // the system owns its modules
  });
}

void NodeScheduler::start() {
  for (std::size_t i = 0; i < num_workers(); ++i)
    workers_.push_back(std::make_unique<Worker>(*this));
  clock_thread_ = std::thread([this] {
    caf::detail::set_thread_name("welkin.clock");
    system().thread_started();
    clock_.run_dispatch_loop();
    system().thread_terminates();
  });
  abstract_coordinator::start();
}

void NodeScheduler::stop() {
  queue_.close();
  stop_actors();
  for (const auto& worker : workers_) worker->join();
  // What was made ready after the workers had gone is let go of.
  RunQueue::Jobs none;
  while (caf::resumable* job = queue_.pop(none)) cleanup_and_release(job);
  clock_.cancel_dispatch_loop();
  clock_thread_.join();
}

void NodeScheduler::enqueue(caf::resumable* job) { welkin::enqueue(queue_, job); }

// ---- sending together

SendTogether::SendTogether(caf::actor_system& system) {
  auto* scheduler = dynamic_cast<NodeScheduler*>(&system.scheduler());
  if (!scheduler || Outbox::current()) return;
  outbox_.queue = &scheduler->queue();
  Outbox::current() = &outbox_;
}

SendTogether::~SendTogether() {
  if (!outbox_.queue) return;
  Outbox::current() = nullptr;
  outbox_.queue->push_all(outbox_.jobs);
}

}  // namespace welkin
