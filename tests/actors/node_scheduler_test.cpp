// The node's own scheduler: nothing that is sent gets lost on its way through outboxes and sleeping
// workers, and the clock that is left alone still keeps its appointments.
#include "actors/node_scheduler.hpp"

#include <algorithm>
#include <atomic>
#include <caf/all.hpp>
#include <catch2/catch.hpp>
#include <future>
#include <thread>
#include <vector>

using namespace welkin;

namespace {

// Counts how often it was taken. The references of real actors are theirs to count.
class Job : public caf::resumable {
 public:
  resume_result resume(caf::execution_unit*, std::size_t) override {
    ++taken;
    return done;
  }
  void intrusive_ptr_add_ref_impl() override {}
  void intrusive_ptr_release_impl() override {}
  int taken = 0;  // each job is queued once, so one thread alone touches it at a time
};

// What a scheduler's worker does.
void work(RunQueue& queue) {
  Outbox outbox{&queue, {}};
  Outbox::current() = &outbox;
  while (caf::resumable* job = queue.pop(outbox.jobs)) job->resume(nullptr, 1);
  Outbox::current() = nullptr;
}

}  // namespace

TEST_CASE("every job is taken once, whoever hands it over and however") {
  const auto workers = GENERATE(std::size_t{1}, std::size_t{2}, std::size_t{8});
  constexpr std::size_t threads = 4;
  constexpr std::size_t jobs_each = 5'000;
  RunQueue queue;
  std::vector<Job> jobs(threads * jobs_each);
  std::vector<std::thread> running;
  for (std::size_t i = 0; i < workers; ++i) running.emplace_back([&] { work(queue); });
  std::vector<std::thread> senders;
  for (std::size_t t = 0; t < threads; ++t)
    senders.emplace_back([&, t] {
      Outbox outbox{&queue, {}};
      if (t % 2 == 0) Outbox::current() = &outbox;
      for (std::size_t i = 0; i < jobs_each; ++i) enqueue(queue, &jobs[t * jobs_each + i]);
      Outbox::current() = nullptr;
      queue.push_all(outbox.jobs);
    });
  for (std::thread& sender : senders) sender.join();
  queue.close();
  for (std::thread& worker : running) worker.join();
  CHECK(std::all_of(jobs.begin(), jobs.end(), [](const Job& job) { return job.taken == 1; }));
}

TEST_CASE("jobs are taken in the order in which they were handed over") {
  RunQueue queue;
  std::vector<Job> jobs(100);
  for (std::size_t i = 0; i < 50; ++i) queue.push(&jobs[i]);
  RunQueue::Jobs own;
  for (std::size_t i = 50; i < 100; ++i) own.push_back(&jobs[i]);
  for (Job& job : jobs) CHECK(queue.pop(own) == &job);
  queue.close();
  CHECK(queue.pop(own) == nullptr);
}

// The packaged CAF is not instrumented: the thread sanitizer cannot see that its mailboxes order
// what a sender wrote before what a receiver reads, and calls every message a race.
#ifndef WELKIN_THREAD_SANITIZER

namespace {

using hop_atom = caf::atom_constant<caf::atom("hop")>;
using end_atom = caf::atom_constant<caf::atom("end")>;

struct Config : caf::actor_system_config {
  explicit Config(std::size_t workers) {
    set("scheduler.max-threads", workers);
    NodeScheduler::choose(*this);
  }
};

constexpr auto patience = std::chrono::seconds(60);

// Counts down and fulfils a promise at the end.
class Countdown {
 public:
  explicit Countdown(int from) : left_(from) {}
  void step() {
    if (--left_ == 0) over_.set_value();
  }
  bool ends() { return over_.get_future().wait_for(patience) == std::future_status::ready; }

 private:
  std::atomic<int> left_;
  std::promise<void> over_;
};

// Passes each message on to the next until its count is used up.
caf::behavior hopper(caf::event_based_actor* self, const std::vector<caf::actor>* all,
                     Countdown* countdown) {
  return {
      [=](hop_atom, int at, int left) {
        if (left == 0) return countdown->step();
        const auto next = static_cast<std::size_t>(at + 1) % all->size();
        self->anon_send((*all)[next], hop_atom::value, static_cast<int>(next), left - 1);
      },
      [=](end_atom) { self->quit(); },
  };
}

}  // namespace

TEST_CASE("every message arrives, from workers, from threads outside and from many at once") {
  const auto workers = GENERATE(std::size_t{1}, std::size_t{2}, std::size_t{8});
  constexpr int actors = 50;
  constexpr int threads = 4;
  constexpr int messages = 500;
  constexpr int hops = 20;
  Config config(workers);
  caf::actor_system system(config);
  Countdown countdown(threads * messages);
  std::vector<caf::actor> all;
  for (int i = 0; i < actors; ++i) all.push_back(system.spawn(hopper, &all, &countdown));
  std::vector<std::thread> senders;
  for (int t = 0; t < threads; ++t)
    senders.emplace_back([&, t] {
      const auto send_some = [&](int from, int to) {
        for (int i = from; i < to; ++i)
          caf::anon_send(all[static_cast<std::size_t>(i) % all.size()], hop_atom::value, i % actors,
                         hops);
      };
      if (t % 2 == 0) return send_some(0, messages);
      for (int i = 0; i < messages; i += 100) {
        const SendTogether together(system);
        send_some(i, i + 100);
      }
    });
  for (std::thread& sender : senders) sender.join();
  CHECK(countdown.ends());
  for (const caf::actor& actor : all) caf::anon_send(actor, end_atom::value);
  all.clear();
}

TEST_CASE("what is sent together is handed over by the end of the scope, in order") {
  Config config(2);
  caf::actor_system system(config);
  std::vector<int> heard;
  std::promise<void> over;
  const caf::actor listener = system.spawn([&](caf::event_based_actor* self) -> caf::behavior {
    return {[&, self](int number) {
      heard.push_back(number);
      if (number < 99) return;
      over.set_value();
      self->quit();
    }};
  });
  {
    const SendTogether together(system);
    const SendTogether inner(system);  // changes nothing
    for (int i = 0; i < 100; ++i) caf::anon_send(listener, i);
  }
  REQUIRE(over.get_future().wait_for(patience) == std::future_status::ready);
  REQUIRE(heard.size() == 100);
  CHECK(std::is_sorted(heard.begin(), heard.end()));
}

TEST_CASE("sending together to a system under CAF's own scheduler changes nothing") {
  caf::actor_system_config config;
  caf::actor_system system(config);
  std::promise<void> heard;
  const caf::actor listener = system.spawn([&](caf::event_based_actor* self) -> caf::behavior {
    return {[&, self](end_atom) {
      heard.set_value();
      self->quit();
    }};
  });
  const SendTogether together(system);
  caf::anon_send(listener, end_atom::value);
  CHECK(heard.get_future().wait_for(patience) == std::future_status::ready);
}

TEST_CASE("delayed messages and the time-outs of requests come") {
  Config config(2);
  caf::actor_system system(config);
  std::promise<void> delayed;
  system.spawn([&](caf::event_based_actor* self) -> caf::behavior {
    self->delayed_send(self, std::chrono::milliseconds(5), end_atom::value);
    return {[&, self](end_atom) {
      delayed.set_value();
      self->quit();
    }};
  });
  CHECK(delayed.get_future().wait_for(patience) == std::future_status::ready);

  const caf::actor silent = system.spawn([](caf::event_based_actor* self) -> caf::behavior {
    return {[self](hop_atom) { return self->make_response_promise(); },
            [self](end_atom) { self->quit(); }};
  });
  caf::error failure;
  {
    caf::scoped_actor asker(system);
    asker->request(silent, std::chrono::milliseconds(5), hop_atom::value)
        .receive([] {}, [&](const caf::error& error) { failure = error; });
  }
  CHECK(failure == caf::sec::request_timeout);
  caf::anon_send(silent, end_atom::value);
}

TEST_CASE("a time-out that is still to come does not keep the actor that has ended") {
  // Asks, and ends before the answer or the time-out.
  class Asker : public caf::event_based_actor {
   public:
    Asker(caf::actor_config& config, caf::actor silent, std::promise<void>& gone)
        : caf::event_based_actor(config), silent_(std::move(silent)), gone_(gone) {}
    ~Asker() override { gone_.set_value(); }
    caf::behavior make_behavior() override {
      request(silent_, std::chrono::seconds(3600), hop_atom::value).then([] {});
      quit();
      return {};
    }

   private:
    caf::actor silent_;
    std::promise<void>& gone_;
  };
  Config config(2);
  caf::actor_system system(config);
  const caf::actor silent = system.spawn([](caf::event_based_actor* self) -> caf::behavior {
    return {[](hop_atom) {}, [self](end_atom) { self->quit(); }};
  });
  std::promise<void> gone;
  system.spawn<Asker>(silent, gone);
  CHECK(gone.get_future().wait_for(patience) == std::future_status::ready);
  caf::anon_send(silent, end_atom::value);
}

#endif
