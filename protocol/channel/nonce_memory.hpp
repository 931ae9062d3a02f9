// Which signed messages have been used up, for as long as their timestamps would still let them in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string_view>
#include <unordered_map>

#include "protocol/ids.hpp"

namespace welkin {

// A value without a lock: who holds it guards it. When it is full of nonces that still matter it
// admits no new ones: refusing a genuine message, which will be sent again, is better than
// forgetting one that could be replayed.
class NonceMemory {
 public:
  enum class Judgement : std::uint8_t { fresh, repeated, full };
  // How far from now every channel's timestamps may be.
  static constexpr std::int64_t timestamp_tolerance_s = 300;

  explicit NonceMemory(std::size_t capacity) : capacity_(capacity) {}

  // What is kept with a nonce, so that the same message is told from another one under its nonce.
  struct Note {
    Id128 content;
    bool taken = true;  // false: it was refused for good
  };

  Judgement judge(std::string_view nonce, UnixUs now_us);
  const Note* note_of(std::string_view nonce) const;
  // Marks it as used. What `judge` let through is always kept, so the memory may exceed its
  // capacity by the number of messages that are between the two calls.
  void remember(std::string_view nonce, UnixUs now_us, const Note& note);
  void remember(std::string_view nonce, UnixUs now_us) { remember(nonce, now_us, Note()); }

  std::size_t size() const { return known_.size(); }

 private:
  void forget_before(UnixUs now_us);

  // Nonces are kept as hashes: of one size, however long the nonce was.
  struct Entry {
    UnixUs until_us;
    Id128 nonce;
  };
  std::size_t capacity_;
  std::deque<Entry> by_age_;
  std::unordered_map<Id128, Note> known_;
};

}  // namespace welkin
