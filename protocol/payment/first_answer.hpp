// What was answered to a request, found again from the events alone: nobody stores answers.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "protocol/payment/payment.hpp"

namespace welkin {

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
// request's mark. A command is answered once the channel has spoken about its operation, in answer
// or by a callback that overtook the answer, or once other news has ended the operation. A query is
// asked only when nobody waits any more: then the answer, if there was one, knew of the request's
// own events only. Nothing when an event is out of place.
std::optional<FirstAnswer> first_answer(const std::vector<RecordedEvent>& events,
                                        std::size_t request);

}  // namespace welkin
