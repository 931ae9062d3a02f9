// Appends that wait to be written. The journal's actor puts them in; whoever writes takes a batch
// when it is free for one and not before, so that batches grow with the load and no message lies
// between the end of one and the begin of the next.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "actors/messages.hpp"

namespace welkin {

class AppendSource {
 public:
  virtual ~AppendSource() = default;
  // The next batch, oldest first; empty when nothing waits.
  virtual std::vector<AppendRequestPtr> take() = 0;
};
using AppendSourcePtr = std::shared_ptr<AppendSource>;

// Filled by one thread, emptied by another.
class AppendQueue final : public AppendSource {
 public:
  explicit AppendQueue(std::size_t max_batch_appends) : max_batch_appends_(max_batch_appends) {}

  void push(AppendRequestPtr request);
  std::size_t size() const;
  std::vector<AppendRequestPtr> take() override;
  std::deque<AppendRequestPtr> take_all();

 private:
  const std::size_t max_batch_appends_;
  mutable std::mutex mutex_;
  std::deque<AppendRequestPtr> waiting_;
};

}  // namespace welkin
