// Whether a journal is still the one that was written down: what a node asks before it acts on one,
// and `welkin journal verify` before it calls one good.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "persistence/journal_store.hpp"

namespace welkin {

// Where a journal is not what it was: the mark that does not hold and the last position that is
// there.
struct BrokenMark {
  JournalMark mark;
  std::uint64_t last_position = 0;
  bool ends_before = false;  // else another row stands at the mark

  std::string text() const;
};

// The mark that reaches furthest of those that do not hold, if any. Reads one row a mark.
StoreResult<std::optional<BrokenMark>> find_broken_mark(const JournalStore& store);

// What an operator can do about it, behind the reason.
extern const char* const way_out_of_a_truncated_journal;

// Follows the rows of one stream from its first: numbers, chain and each row's own hash.
class ChainCheck {
 public:
  ChainCheck() = default;
  ChainCheck(std::uint64_t seq, const Hash& hash) : seq_(seq), hash_(hash) {}

  // Empty when `row` is the next one.
  std::string take(const EventRow& row);

 private:
  std::uint64_t seq_ = 0;
  Hash hash_{};
};

// What is wrong with a stream's rows, read from the first on, with its place; empty when nothing.
std::string fault_in_stream(const std::vector<EventRow>& rows);

}  // namespace welkin
