#include "actors/append_queue.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace welkin {

void AppendQueue::push(AppendRequestPtr request) {
  const std::lock_guard<std::mutex> lock(mutex_);
  waiting_.push_back(std::move(request));
}

std::size_t AppendQueue::size() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return waiting_.size();
}

std::vector<AppendRequestPtr> AppendQueue::take() {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto end =
      waiting_.begin() + static_cast<std::ptrdiff_t>(std::min(waiting_.size(), max_batch_appends_));
  std::vector<AppendRequestPtr> batch(std::make_move_iterator(waiting_.begin()),
                                      std::make_move_iterator(end));
  waiting_.erase(waiting_.begin(), end);
  return batch;
}

std::deque<AppendRequestPtr> AppendQueue::take_all() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return std::exchange(waiting_, {});
}

}  // namespace welkin
