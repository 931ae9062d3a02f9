// The right to write to a journal that several processes can reach: one node has it at a time. It
// is taken before anything is claimed, renewed while the node runs, and given up when it stops. A
// node that cannot renew it stops serving before it ends, and one that has lost it must not go on.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "actors/node_fate.hpp"
#include "persistence/journal_store.hpp"

namespace welkin {

struct LeaseTerms {
  std::int64_t length_ms = 5'000;
  // Waits so long; false: the start is to be given up. Empty: it waits whatever comes.
  std::function<bool(std::int64_t wait_ms)> wait;
};

// Where a process runs, as others read it: host, boot, pid namespace, pid and when it started.
std::string whereabouts_of_this_process();
// Whether the process that was there is dead for certain: it ran on this machine, since its last
// boot, among the processes we see. Else nothing is known, which is no.
bool is_certainly_dead(std::string_view whereabouts);

class NodeLease {
 public:
  // Takes the lease, or waits until the one of a node that has died is over. An error when the
  // holder lives.
  static StoreResult<std::unique_ptr<NodeLease>> take(JournalStore& store, const LeaseTerms& terms,
                                                      NodeFate& fate);
  ~NodeLease() { give_up(); }
  NodeLease(const NodeLease&) = delete;
  NodeLease& operator=(const NodeLease&) = delete;

  // False while the lease may be over before another answer goes out.
  bool is_held() const {
    return std::chrono::steady_clock::now().time_since_epoch().count() <
           serves_until_.load(std::memory_order_relaxed);
  }
  void give_up();

 private:
  using Clock = std::chrono::steady_clock;

  NodeLease(JournalStore& store, LeaseClaim claim, NodeFate& fate);
  void held_since(Clock::time_point asked_at);
  void keep_renewing();
  void renew();

  JournalStore& store_;
  const LeaseClaim claim_;
  NodeFate& fate_;
  std::atomic<Clock::rep> serves_until_;
  bool is_lapsed_ = false;  // of the renewing thread
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;  // none when no lease is needed
};

}  // namespace welkin
