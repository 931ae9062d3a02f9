#include "actors/journal_remarks.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "persistence/journal_check.hpp"
#include "protocol/cause.hpp"

namespace welkin {
namespace {

StoreError corrupt(std::string what) { return {StoreErrorKind::corrupt, std::move(what)}; }

StoreResult<std::vector<EventRow>> sound_rows(const JournalStore& store) {
  auto read = store.read_stream(journal_stream_id());
  if (error_of(read)) return read;
  std::string fault = fault_in_stream(std::get<std::vector<EventRow>>(read));
  if (!fault.empty()) return corrupt(std::move(fault));
  return read;
}

}  // namespace

StoreResult<LoadedHistory> read_journal_history(const JournalStore& store) {
  auto read = sound_rows(store);
  if (const StoreError* error = error_of(read)) return *error;
  LoadedHistory loaded;
  for (const EventRow& row : std::get<std::vector<EventRow>>(read)) {
    auto parsed = parse_journal_event(row.type, row.version, row.payload);
    if (const auto* error = std::get_if<CodecError>(&parsed))
      return corrupt(row.stream.text() + " seq " + std::to_string(row.seq) + ": " + error->path +
                     " " + error->what);
    note(loaded.history, std::get<JournalEvent>(parsed));
    loaded.seq = row.seq;
    loaded.hash = row.hash;
  }
  return loaded;
}

StoreResult<Done> append_remark(JournalStore& store, const std::vector<std::uint64_t>& epochs,
                                const JournalEvent& remark, UnixUs at_us) {
  auto read = sound_rows(store);
  if (const StoreError* error = error_of(read)) return *error;
  const auto& before = std::get<std::vector<EventRow>>(read);
  EventRow row;
  row.stream = journal_stream_id();
  row.seq = before.size() + 1;
  row.type = name_of(kind_of(remark));
  row.version = version_of(remark);
  write_event(remark, row.payload);
  row.at_us = before.empty() ? at_us : std::max(at_us, before.back().at_us);
  row.causation_id = row.correlation_id = cause(CauseKind::tooling, row.at_us);
  if (!before.empty()) row.prev_hash = before.back().hash;
  row.hash = event_hash(row.prev_hash, row.stream.text(), row.seq, row.type, row.version, row.at_us,
                        row.causation_id, row.correlation_id, row.payload);
  const auto shard = shard_of(row.stream, static_cast<std::uint32_t>(epochs.size()));
  std::vector<StreamAppend> batch{{row.stream, shard, epochs[shard], before.size(), {row}}};
  auto appended = store.append(batch);
  if (const StoreError* error = error_of(appended)) return *error;
  if (std::get<std::vector<AppendResult>>(appended).front().status != AppendStatus::committed)
    return StoreError{StoreErrorKind::unavailable,
                      "another node has written the journal meanwhile"};
  return Done{};
}

StoreResult<std::optional<JournalEvent>> check_before_start(JournalStore& store, bool accept) {
  auto found = find_broken_mark(store);
  if (const StoreError* error = error_of(found)) return *error;
  const auto& broken = std::get<std::optional<BrokenMark>>(found);
  if (!broken && !accept) return std::optional<JournalEvent>();
  if (!broken) {
    spdlog::warn("journal: nothing is missing; --accept-truncated-journal is for one start only");
    JournalTruncationAccepted remark;
    remark.reason = "nothing was missing by what is still known";
    return std::optional<JournalEvent>(std::move(remark));
  }
  const std::string reason = broken->text();
  if (!accept) return corrupt(reason + "; " + way_out_of_a_truncated_journal);
  spdlog::warn("journal: {}; an operator accepts this", reason);
  auto accepted = store.accept_end();
  if (const StoreError* error = error_of(accepted)) return *error;
  JournalTruncationAccepted remark;
  remark.reason = reason;
  remark.last_position = static_cast<std::int64_t>(broken->last_position);
  remark.mark_position = static_cast<std::int64_t>(broken->mark.position);
  if (broken->mark.hash != Hash{}) remark.mark_hash = hex(broken->mark.hash);
  return std::optional<JournalEvent>(std::move(remark));
}

}  // namespace welkin
