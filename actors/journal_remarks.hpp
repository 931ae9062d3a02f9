// The journal's own stream: what happened to the journal, written by a node that starts and by
// `welkin journal restore`, and read at each start. Blocking.
#pragma once

#include <vector>

#include "persistence/journal_store.hpp"
#include "protocol/journal/event.hpp"

namespace welkin {

struct LoadedHistory {
  JournalHistory history;
  std::uint64_t seq = 0;
  Hash hash{};
};
StoreResult<LoadedHistory> read_journal_history(const JournalStore& store);

// Whoever appends has claimed the epochs.
StoreResult<Done> append_remark(JournalStore& store, const std::vector<std::uint64_t>& epochs,
                                const JournalEvent& remark, UnixUs at_us);

// What a node does about a journal that is not what it was, before it claims anything: refuses it
// with the place and the way out or, if `accept`, takes its end for the end and returns the remark
// to append. Nothing when the journal holds.
StoreResult<std::optional<JournalEvent>> check_before_start(JournalStore& store, bool accept);

}  // namespace welkin
