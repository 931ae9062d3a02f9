// What the runtime is made of, for its own three files: lifecycle, commands and reads.
#pragma once

#include <algorithm>
#include <atomic>
#include <caf/all.hpp>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "actors/journal_clock.hpp"
#include "actors/listed_payments.hpp"
#include "actors/node_scheduler.hpp"
#include "actors/pending_answers.hpp"
#include "actors/runtime.hpp"
#include "actors/store_threads.hpp"

namespace welkin {

using SteadyClock = std::chrono::steady_clock;

constexpr auto wait_slice = std::chrono::milliseconds(500);
// What blocks has threads and a bounded queue of its own by who waits for it, so that no reader
// keeps a command waiting, and nobody an operator.
constexpr int key_threads = 2;
constexpr std::size_t max_queued_keys = 2'000;
constexpr int query_threads = 2;
constexpr std::size_t max_queued_queries = 500;
constexpr int operator_threads = 1;
constexpr std::size_t max_queued_operators = 50;
// A page costs a hundred times what a create does: where processors are short, who reads waits.
constexpr int query_niceness = 10;

// The clock a node starts from: the configuration's, or the system's.
const WallClock& wall_of(const RuntimeConfig& config);

class SystemConfig : public caf::actor_system_config {
 public:
  explicit SystemConfig(const RuntimeConfig& config) {
    set("scheduler.max-threads", static_cast<std::size_t>(config.scheduler_threads));
    if (config.scheduler_policy == "own")
      NodeScheduler::choose(*this);
    else
      set("scheduler.policy",
          config.scheduler_policy == "stealing" ? caf::atom("stealing") : caf::atom("sharing"));
    set("scheduler.max-throughput", config.max_throughput);
  }
};

struct Runtime::Standing {
  std::unique_ptr<NodeFate> fate = std::make_unique<NodeFate>();
  std::unique_ptr<NodeLease> lease;
  UnixUs last_event_us = 0;
};

struct Runtime::Parts {
  Parts(const RuntimeConfig& config, JournalStore& store, Standing before)
      : standing(std::move(before)),
        clock(wall_of(config), standing.last_event_us, metrics),
        answers(std::chrono::milliseconds(config.command_timeout_ms)),
        system_config(config),
        system(system_config),
        io(store, metrics, standing.fate.get()),
        keys("welkin.keys", key_threads, standing.fate.get()),
        queries("welkin.queries", query_threads, standing.fate.get(), query_niceness),
        operators("welkin.operator", operator_threads, standing.fate.get()) {}

  Standing standing;
  RuntimeMetrics metrics;
  JournalClock clock;
  RouteTable routes;
  std::map<std::string, std::vector<const ChannelPort*>, std::less<>> ports;  // by channel
  PendingAnswers answers;  // before the actors, which refer to it
  SystemConfig system_config;
  caf::actor_system system;
  StoreThreads io;
  TaskThreads keys;       // idempotency keys and replays: of commands
  TaskThreads queries;    // lists and events
  TaskThreads operators;  // what only operators ask for
  ListedPayments listed;
  caf::actor timekeeper;
  caf::actor asker;  // after a restore
  RuntimeContextPtr context = std::make_shared<RuntimeContext>();

  std::mutex desks_mutex;
  std::vector<std::unique_ptr<caf::scoped_actor>> desks;
  std::atomic<std::uint64_t> next_token{1};
  // Set by a drain: who still waits then is told that the outcome is unknown, so that the node can
  // end.
  std::atomic<SteadyClock::time_point> no_wait_after{SteadyClock::time_point::max()};
};

// The actors that wait for replies belong to the runtime and are lent to the threads that read.
class Runtime::Desk {
 public:
  explicit Desk(Parts& parts) : parts_(parts), token_(parts.next_token.fetch_add(1)) {
    const std::lock_guard<std::mutex> lock(parts_.desks_mutex);
    if (!parts_.desks.empty()) {
      self_ = std::move(parts_.desks.back());
      parts_.desks.pop_back();
    } else {
      self_ = std::make_unique<caf::scoped_actor>(parts_.system);
    }
  }
  ~Desk() {
    const std::lock_guard<std::mutex> lock(parts_.desks_mutex);
    parts_.desks.push_back(std::move(self_));
  }
  Desk(const Desk&) = delete;
  Desk& operator=(const Desk&) = delete;

  ReplyTo reply_to() const { return {caf::actor_cast<caf::actor>(*self_), token_}; }

  // The reply under this desk's token, or null when the deadline passes. Late ones of earlier calls
  // are dropped.
  template <class Pointer>
  Pointer wait(std::chrono::milliseconds timeout) {
    const auto deadline = SteadyClock::now() + timeout;
    Pointer result;
    while (!result) {
      const auto now = SteadyClock::now();
      if (now >= deadline || now >= parts_.no_wait_after.load()) break;
      // In slices, so that a drain which begins meanwhile is noticed.
      const auto slice = std::min<SteadyClock::duration>(deadline - now, wait_slice);
      (*self_)->receive(
          [&](reply_atom, const ReplyPtr& reply) {
            if constexpr (std::is_same_v<Pointer, ReplyPtr>)
              if (reply->token == token_) result = reply;
          },
          [&](reply_atom, const IdempotencyAnswerPtr& reply) {
            if constexpr (std::is_same_v<Pointer, IdempotencyAnswerPtr>)
              if (reply->token == token_) result = reply;
          },
          caf::after(std::chrono::duration_cast<std::chrono::microseconds>(slice)) >> [] {});
    }
    return result;
  }

  caf::scoped_actor& self() { return *self_; }

 private:
  Parts& parts_;
  const std::uint64_t token_;
  std::unique_ptr<caf::scoped_actor> self_;
};

}  // namespace welkin
