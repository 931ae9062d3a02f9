#include "actors/pending_answers.hpp"

#include <utility>

namespace welkin {

ReplyTo PendingAnswers::expect(const PaymentId& payment, Then<CommandAnswer> then) {
  const std::uint64_t token = next_token_.fetch_add(1, std::memory_order_relaxed);
  Shard& shard = shard_of(token);
  const std::lock_guard<std::mutex> lock(shard.mutex);
  // Entries of those who were answered long ago go as new ones come, so the list stays as long as
  // what can have come within one time-out.
  shard.by_deadline.emplace_back(Clock::now() + timeout_, token);
  shard.waiting.emplace(token, Pending{payment, std::move(then)});
  return {nullptr, token, this};
}

void PendingAnswers::deliver(std::uint64_t token, CommandAnswer answer) {
  Then<CommandAnswer> then;
  {
    Shard& shard = shard_of(token);
    const std::lock_guard<std::mutex> lock(shard.mutex);
    const auto found = shard.waiting.find(token);
    if (found == shard.waiting.end()) return;
    then = std::move(found->second.then);
    shard.waiting.erase(found);
    while (!shard.by_deadline.empty() && shard.waiting.count(shard.by_deadline.front().second) == 0)
      shard.by_deadline.pop_front();
  }
  then(std::move(answer));
}

std::deque<PendingAnswers::Pending> PendingAnswers::take_expired(Shard& shard,
                                                                 Clock::time_point now) {
  std::deque<Pending> expired;
  const bool nobody_waits = now >= limit_.load();
  const std::lock_guard<std::mutex> lock(shard.mutex);
  while (!shard.by_deadline.empty()) {
    const auto [deadline, token] = shard.by_deadline.front();
    if (deadline > now && !nobody_waits) break;
    shard.by_deadline.pop_front();
    const auto found = shard.waiting.find(token);
    if (found == shard.waiting.end()) continue;
    expired.push_back(std::move(found->second));
    shard.waiting.erase(found);
  }
  return expired;
}

void PendingAnswers::expire(Clock::time_point now) {
  for (Shard& shard : shards_)
    for (Pending& pending : take_expired(shard, now))
      pending.then(Problem{
          ProblemCode::outcome_unknown,
          "No answer in time for " + pending.payment.text() + "; repeat the same request.", ""});
}

}  // namespace welkin
