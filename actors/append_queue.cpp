#include "actors/append_queue.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace welkin {

AppendQueue::Pushed AppendQueue::push(const AppendRequestPtr& request, std::size_t max_waiting) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (is_closed_) return Pushed::closed;
  if (request->new_work && waiting_.size() >= max_waiting) return Pushed::overloaded;
  waiting_.push_back(request);
  return std::exchange(is_written_, true) ? Pushed::behind_others : Pushed::first;
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

bool AppendQueue::rest() {
  const std::lock_guard<std::mutex> lock(mutex_);
  is_written_ = !waiting_.empty();
  return !is_written_;
}

std::deque<AppendRequestPtr> AppendQueue::close() {
  const std::lock_guard<std::mutex> lock(mutex_);
  is_closed_ = true;
  is_written_ = false;
  return std::exchange(waiting_, {});
}

void AppendQueue::open() {
  const std::lock_guard<std::mutex> lock(mutex_);
  is_closed_ = false;
}

}  // namespace welkin
