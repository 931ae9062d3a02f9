// See the header.
#include "sandbox/kept_answers.hpp"

#include "sandbox/stripe_objects.hpp"

namespace welkin::sandbox {

std::optional<DeskAnswer> KeptAnswers::find_or_begin(const std::string& key,
                                                     const std::string& fingerprint) {
  std::lock_guard lock(mutex_);
  const auto [it, is_new] = kept_.emplace(key, Kept{fingerprint, true, {}});
  if (is_new) {
    by_age_.push_back(key);
    for (; by_age_.size() > capacity_; by_age_.pop_front()) kept_.erase(by_age_.front());
    return std::nullopt;
  }
  const Kept& kept = it->second;
  if (kept.fingerprint != fingerprint)
    return stripe_objects::error(400, "idempotency_error", "",
                                 "Keys for idempotent requests can only be used with the same "
                                 "parameters they were first used with.");
  if (kept.running)
    return stripe_objects::error(409, "invalid_request_error", "idempotency_key_in_use",
                                 "Another request is in progress under this Idempotency-Key.");
  DeskAnswer answer = kept.answer;
  answer.headers.emplace_back("idempotent-replayed", "true");
  return answer;
}

void KeptAnswers::keep(const std::string& key, const DeskAnswer& answer) {
  std::lock_guard lock(mutex_);
  const auto it = kept_.find(key);
  if (it == kept_.end()) return;
  it->second.running = false;
  it->second.answer = answer;
}

void KeptAnswers::forget(const std::string& key) {
  std::lock_guard lock(mutex_);
  kept_.erase(key);
}

}  // namespace welkin::sandbox
