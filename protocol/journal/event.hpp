// What can be recorded about the journal itself, in the one stream that is its own. The rules for
// changing these are those of payment events. None forbids another: they are remarks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "protocol/event_format.hpp"
#include "protocol/ids.hpp"

namespace welkin {

enum class JournalEventKind : std::uint8_t {
  truncation_accepted,
  restored,
  asked_after_restore,
};
constexpr std::size_t journal_event_kind_count = 3;

std::string_view name_of(JournalEventKind kind);  // "journal_restored", the type column
std::optional<JournalEventKind> parse_journal_event_kind(std::string_view name);

// An operator let the node start on a journal that is not what it was: from here on its end is
// where this stands.
struct JournalTruncationAccepted {
  static constexpr auto kind = JournalEventKind::truncation_accepted;
  static constexpr int version = 1;
  std::string reason;              // what did not hold, in words
  std::int64_t last_position = 0;  // what was found
  std::int64_t mark_position = 0;  // what it had once reached, and the hash there; 0: not known
  std::string mark_hash;

  template <class Self, class Visitor>
  static void visit_fields(Self& self, Visitor& v) {
    v("reason", self.reason);
    v("last_position", self.last_position);
    v("mark_position", self.mark_position);
    v("mark_hash", self.mark_hash);
  }
};

// What is behind this was laid down from a backup. Whatever happened after `backup_at_us` is not
// here, though the channels know of it.
struct JournalRestored {
  static constexpr auto kind = JournalEventKind::restored;
  static constexpr int version = 1;
  std::int64_t backup_position = 0;
  UnixUs backup_at_us = 0;
  UnixUs ask_since_us = 0;  // the channels are asked about payments begun since, and all open ones

  template <class Self, class Visitor>
  static void visit_fields(Self& self, Visitor& v) {
    v("backup_position", self.backup_position);
    v("backup_at_us", self.backup_at_us);
    v("ask_since_us", self.ask_since_us);
  }
};

// The channels have said of each of these payments how it stands.
struct JournalAskedAfterRestore {
  static constexpr auto kind = JournalEventKind::asked_after_restore;
  static constexpr int version = 1;
  std::int64_t payments = 0;
  std::int64_t unanswered = 0;  // asked in vain again and again: for an operator

  template <class Self, class Visitor>
  static void visit_fields(Self& self, Visitor& v) {
    v("payments", self.payments);
    v("unanswered", self.unanswered);
  }
};

// In the order of JournalEventKind, which event.cpp asserts.
using JournalEvent =
    std::variant<JournalTruncationAccepted, JournalRestored, JournalAskedAfterRestore>;
static_assert(std::variant_size_v<JournalEvent> == journal_event_kind_count);

inline JournalEventKind kind_of(const JournalEvent& event) {
  return static_cast<JournalEventKind>(event.index());
}

void write_event(const JournalEvent& event, std::string& out);
int version_of(const JournalEvent& event);
std::variant<JournalEvent, CodecError> parse_journal_event(std::string_view type, int version,
                                                           std::string_view payload);

// What the journal's own stream folds to.
struct JournalHistory {
  std::int64_t truncations_accepted = 0;
  std::int64_t restores = 0;
  std::optional<JournalRestored> to_ask;  // a restore after which nobody has been asked yet

  template <class Self, class Visitor>
  static void visit_fields(Self& self, Visitor& v) {
    v("truncations_accepted", self.truncations_accepted);
    v("restores", self.restores);
    v("to_ask", self.to_ask);
  }
};
void note(JournalHistory& history, const JournalEvent& event);
std::string encode_history(const JournalHistory& history);

}  // namespace welkin
