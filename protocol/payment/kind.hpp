// Payments as a kind of entity: the types that the runtime's machine is made for.
#pragma once

#include "protocol/entity/recorded_events.hpp"
#include "protocol/payment/event_codec.hpp"
#include "protocol/payment/payment.hpp"

namespace welkin {

struct PaymentKind {
  static constexpr StreamKind stream_kind = StreamKind::payment;
  static constexpr const char* noun = "payment";
  using State = Payment;
  using Event = PaymentEvent;
};
using PaymentEvents = EventsOf<PaymentKind>;

// No later event is older.
inline UnixUs last_event_at_us(const Payment& payment) { return payment.updated_at_us; }

}  // namespace welkin
