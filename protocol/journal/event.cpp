#include "protocol/journal/event.hpp"

#include <iterator>

#include "protocol/event_family.hpp"
#include "protocol/name_table.hpp"

namespace welkin {
namespace {

constexpr std::string_view event_names[] = {"journal_truncation_accepted", "journal_restored",
                                            "journal_asked_after_restore"};
static_assert(std::size(event_names) == journal_event_kind_count);
static_assert(alternatives_follow_kinds<JournalEvent>(),
              "JournalEvent lists its structs in the order of JournalEventKind");

}  // namespace

std::string_view name_of(JournalEventKind kind) { return event_names[static_cast<int>(kind)]; }

std::optional<JournalEventKind> parse_journal_event_kind(std::string_view name) {
  return find_name<JournalEventKind>(event_names, name);
}

void write_event(const JournalEvent& event, std::string& out) { write_alternative(event, out); }

int version_of(const JournalEvent& event) { return version_of_alternative(event); }

std::variant<JournalEvent, CodecError> parse_journal_event(std::string_view type, int version,
                                                           std::string_view payload) {
  const auto kind = parse_journal_event_kind(type);
  if (!kind) return CodecError{"/", "is of an unknown type: " + std::string(type)};
  return read_alternative<JournalEvent>(static_cast<std::size_t>(*kind), version, payload);
}

void note(JournalHistory& history, const JournalEvent& event) {
  if (std::holds_alternative<JournalTruncationAccepted>(event)) ++history.truncations_accepted;
  if (const auto* restored = std::get_if<JournalRestored>(&event)) {
    ++history.restores;
    history.to_ask = *restored;
  }
  if (std::holds_alternative<JournalAskedAfterRestore>(event)) history.to_ask.reset();
}

std::string encode_history(const JournalHistory& history) {
  std::string out;
  EventFieldWriter(out).object(history);
  return out;
}

}  // namespace welkin
