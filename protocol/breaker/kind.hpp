// Circuit breakers as a kind of entity: the types that the runtime's machine is made for.
#pragma once

#include "protocol/breaker/breaker.hpp"
#include "protocol/breaker/event_codec.hpp"
#include "protocol/entity/recorded_events.hpp"

namespace welkin {

struct BreakerKind {
  static constexpr StreamKind stream_kind = StreamKind::breaker;
  static constexpr const char* noun = "breaker";
  using State = Breaker;
  using Event = BreakerEvent;
};
using BreakerEvents = EventsOf<BreakerKind>;

// No later event is older.
inline UnixUs last_event_at_us(const Breaker& breaker) { return breaker.since_us; }

}  // namespace welkin
