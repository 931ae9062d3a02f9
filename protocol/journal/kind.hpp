// Remarks on the journal as what the runtime's machine writes.
#pragma once

#include "protocol/entity/recorded_events.hpp"
#include "protocol/journal/event.hpp"

namespace welkin {

struct JournalKind {
  static constexpr StreamKind stream_kind = StreamKind::journal;
  using State = JournalHistory;
  using Event = JournalEvent;
};
using JournalRemarks = EventsOf<JournalKind>;

}  // namespace welkin
