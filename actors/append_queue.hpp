// Appends that wait to be written. Their actors put them in, without a message to anybody; whoever
// writes takes a batch when it is free for one and not before, so that batches grow with the load
// and no message lies between the end of one and the begin of the next.
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

// Filled and emptied by any thread.
class AppendQueue final : public AppendSource {
 public:
  explicit AppendQueue(std::size_t max_batch_appends) : max_batch_appends_(max_batch_appends) {}

  enum class Pushed : std::uint8_t {
    behind_others,  // somebody writes already, or has been told to
    first,          // the journal must be told to write
    overloaded,     // refused: new work, and `max_waiting` wait
    closed,         // refused: the store is not well
  };
  Pushed push(const AppendRequestPtr& request, std::size_t max_waiting);
  std::vector<AppendRequestPtr> take() override;
  // Whoever wrote has found nothing more. False: something has come meanwhile, to be written now.
  bool rest();
  // Refuses all that comes until it is opened, and hands out what waits.
  std::deque<AppendRequestPtr> close();
  void open();

 private:
  const std::size_t max_batch_appends_;
  std::mutex mutex_;
  std::deque<AppendRequestPtr> waiting_;
  bool is_closed_ = false;
  bool is_written_ = false;  // the journal writes, or has been told to
};

}  // namespace welkin
