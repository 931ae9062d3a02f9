#include "persistence/journal_check.hpp"

#include <algorithm>

#include "protocol/event_format.hpp"

namespace welkin {
namespace {

// The last position that has a row, by halving: only a journal whose end is in doubt is asked.
StoreResult<std::uint64_t> last_row_before(const JournalStore& store, std::uint64_t missing) {
  std::uint64_t there = 0;
  while (there + 1 < missing) {
    const std::uint64_t middle = there + (missing - there) / 2;
    auto read = store.read_all(middle - 1, 1);
    if (const StoreError* error = error_of(read)) return *error;
    if (std::get<std::vector<EventRow>>(read).empty())
      missing = middle;
    else
      there = middle;
  }
  return there;
}

StoreResult<std::optional<BrokenMark>> check(const JournalStore& store, const JournalMark& mark) {
  auto read = store.read_all(mark.position - 1, 1);
  if (const StoreError* error = error_of(read)) return *error;
  const auto& rows = std::get<std::vector<EventRow>>(read);
  if (!rows.empty() && rows.front().position == mark.position) {
    if (mark.hash == Hash{} || rows.front().hash == mark.hash) return std::optional<BrokenMark>();
    return std::optional<BrokenMark>({mark, mark.position, false});
  }
  auto last = last_row_before(store, mark.position);
  if (const StoreError* error = error_of(last)) return *error;
  return std::optional<BrokenMark>({mark, std::get<std::uint64_t>(last), true});
}

}  // namespace

const char* const way_out_of_a_truncated_journal =
    "put back what was taken away, restore a backup (docs/backup.md), or, if what is gone is known "
    "to be lost, start once with `welkin serve --accept-truncated-journal`, which notes it in the "
    "journal";

std::string BrokenMark::text() const {
  const std::string reached = std::to_string(mark.position);
  if (ends_before)
    return "the journal ends at position " + std::to_string(last_position) + ", but " +
           mark.source + " had seen it reach position " + reached + ": events were cut off";
  return "the journal was changed: the row at position " + reached + " is not the one that " +
         mark.source + " had seen there (hash " + hex(mark.hash) + ")";
}

StoreResult<std::optional<BrokenMark>> find_broken_mark(const JournalStore& store) {
  auto read = store.marks();
  if (const StoreError* error = error_of(read)) return *error;
  auto& marks = std::get<std::vector<JournalMark>>(read);
  std::sort(marks.begin(), marks.end(),
            [](const JournalMark& a, const JournalMark& b) { return a.position > b.position; });
  for (const JournalMark& mark : marks) {
    if (mark.position == 0) continue;
    auto checked = check(store, mark);
    if (error_of(checked) || std::get<std::optional<BrokenMark>>(checked)) return checked;
  }
  return std::optional<BrokenMark>();
}

std::string ChainCheck::take(const EventRow& row) {
  if (row.seq != seq_ + 1) return "an event is missing before it";
  if (row.prev_hash != hash_) return "the hash chain is broken";
  if (row.hash != event_hash(row.prev_hash, row.stream.text(), row.seq, row.type, row.version,
                             row.at_us, row.causation_id, row.correlation_id, row.payload))
    return "it does not match its own hash: a column was changed";
  seq_ = row.seq;
  hash_ = row.hash;
  return {};
}

std::string fault_in_stream(const std::vector<EventRow>& rows) {
  ChainCheck chain;
  for (const EventRow& row : rows) {
    const std::string fault = chain.take(row);
    if (!fault.empty())
      return row.stream.text() + " seq " + std::to_string(row.seq) + " at position " +
             std::to_string(row.position) + ": " + fault;
  }
  return {};
}

}  // namespace welkin
