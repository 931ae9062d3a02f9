// Whether a node may go on. What cannot be mended while it runs (another node has taken over, a
// part that nothing restarts has ended) is said once, turns it not ready for good, and asks its
// owner to stop it: whoever started it starts it again, from what is durable.
#pragma once

#include <atomic>
#include <caf/fwd.hpp>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

namespace welkin {

// Reasons, as /readyz names them.
constexpr std::string_view fenced_reason = "fenced";
constexpr std::string_view part_failed_reason = "part_failed";

class NodeFate {
 public:
  // From any thread. The first word counts, and is logged.
  void end(std::string_view reason, const std::string& what);

  bool has_ended() const { return has_ended_.load(std::memory_order_relaxed); }
  // Empty while the node may go on.
  std::string reason() const;
  std::string what() const;

  // Called once, on the thread that ends the node; at once, if it has been ended already.
  void when_ended(std::function<void()> owner);

 private:
  std::atomic<bool> has_ended_{false};
  mutable std::mutex mutex_;
  std::string reason_, what_;
  std::function<void()> owner_;
};

// For an actor that nothing restarts: its end is the node's, unless it was told to stop. `fate`
// must outlive it; null leaves the actor to itself.
void supervise(caf::scheduled_actor& actor, NodeFate* fate);

}  // namespace welkin
