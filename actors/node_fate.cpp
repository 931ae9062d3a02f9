#include "actors/node_fate.hpp"

#include <spdlog/spdlog.h>

#include <caf/all.hpp>
#include <utility>

namespace welkin {
namespace {

std::string words_of(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& known) {
    return known.what();
  } catch (...) {
    return "something that is no exception was thrown";
  }
}

}  // namespace

void NodeFate::end(std::string_view reason, const std::string& what) {
  std::function<void()> owner;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!reason_.empty()) return;
    reason_ = reason;
    what_ = what;
    has_ended_ = true;
    owner = std::exchange(owner_, nullptr);
  }
  spdlog::critical("this node must not go on and stops ({}): {}", reason, what);
  if (owner) owner();
}

std::string NodeFate::reason() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return reason_;
}

std::string NodeFate::what() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return what_;
}

void NodeFate::when_ended(std::function<void()> owner) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (reason_.empty()) {
      owner_ = std::move(owner);
      return;
    }
  }
  owner();
}

void supervise(caf::scheduled_actor& actor, NodeFate* fate) {
  if (!fate) return;
  const std::string name = actor.name();
  actor.set_exception_handler(
      [fate, name](caf::scheduled_actor*, std::exception_ptr& failure) -> caf::error {
        fate->end(part_failed_reason, name + ": " + words_of(failure));
        return caf::sec::runtime_error;
      });
  actor.attach_functor([fate, name](const caf::error& why) {
    if (why) fate->end(part_failed_reason, name + " ended");
  });
}

}  // namespace welkin
