// When a command is answered: one rule for the live payment and for whoever looks up later, from
// the events alone, what was answered. Nobody stores answers.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "protocol/payment/payment.hpp"

namespace welkin {

// What a command's answer waits for: the channel's first word about an operation, or its end.
struct Awaited {
  ChannelOperation operation = ChannelOperation::create;
  std::string refund_id;  // for refunds, else empty
};

// Nothing for commands that only write.
std::optional<Awaited> awaited_by(const PaymentId& payment, const PaymentCommandBody& body);
// Of the event that carries the command's mark.
std::optional<Awaited> awaited_by(const PaymentEvent& request);

// The command need not wait: `payment`, with the command's own events, knows how the operation
// ended or what the channel has said about it.
bool is_answered(const Awaited& awaited, const Payment& payment);
// `events`, recorded at once and folded into `payment`, bring what was waited for.
bool brings_answer(const Awaited& awaited, const PaymentEvent* begin, const PaymentEvent* end,
                   const Payment& payment);

struct RecordedEvent {
  PaymentEvent event;
  std::string causation_id;
  UnixUs at_us = 0;
};

struct FirstAnswer {
  Payment payment;
  std::size_t seq = 0;  // of the last event the answer knew of
};

// `events` is the stream from its beginning, `request` the index of the event that carries the
// request's mark. How the operation went is asked, and time strikes, only where nobody waits any
// more: then the answer, if there was one, knew of the request's own events only. Nothing when an
// event is out of place.
std::optional<FirstAnswer> first_answer(const std::vector<RecordedEvent>& events,
                                        std::size_t request);

}  // namespace welkin
