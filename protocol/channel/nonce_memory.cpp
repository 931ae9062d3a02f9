#include "protocol/channel/nonce_memory.hpp"

namespace welkin {
namespace {

Id128 nonce_hash(std::string_view nonce) { return stable_hash("welkin.nonce", {nonce}); }

}  // namespace

NonceMemory::Judgement NonceMemory::judge(std::string_view nonce, UnixUs now_us) {
  forget_before(now_us);
  if (known_.count(nonce_hash(nonce)) > 0) return Judgement::repeated;
  return known_.size() >= capacity_ ? Judgement::full : Judgement::fresh;
}

const NonceMemory::Note* NonceMemory::note_of(std::string_view nonce) const {
  const auto found = known_.find(nonce_hash(nonce));
  return found == known_.end() ? nullptr : &found->second;
}

void NonceMemory::remember(std::string_view nonce, UnixUs now_us, const Note& note) {
  forget_before(now_us);
  // A timestamp may lie a tolerance ahead and stays fresh for another behind it. The second more is
  // for the fraction that a timestamp in whole seconds lost.
  constexpr UnixUs window_us = (2 * timestamp_tolerance_s + 1) * us_per_s;
  const Id128 hash = nonce_hash(nonce);
  if (known_.emplace(hash, note).second) by_age_.push_back({now_us + window_us, hash});
}

void NonceMemory::forget_before(UnixUs now_us) {
  while (!by_age_.empty() && by_age_.front().until_us < now_us) {
    known_.erase(by_age_.front().nonce);
    by_age_.pop_front();
  }
}

}  // namespace welkin
