#include "actors/replay.hpp"

#include <utility>

#include "protocol/payment/event_codec.hpp"
#include "protocol/payment/first_answer.hpp"

namespace welkin {

StoreResult<CommandOutcome> replay_of(const std::vector<EventRow>& rows,
                                      const IdempotencyHit& hit) {
  const StoreError corrupt{StoreErrorKind::corrupt, hit.payment.text() + " cannot be replayed"};
  if (hit.seq == 0 || hit.seq > rows.size()) return corrupt;
  std::vector<RecordedEvent> events;
  events.reserve(rows.size());
  for (const EventRow& row : rows) {
    auto parsed = parse_event(row.type, row.version, row.payload);
    auto* event = std::get_if<PaymentEvent>(&parsed);
    if (!event) return corrupt;
    events.push_back({std::move(*event), row.causation_id, row.at_us});
  }
  const PaymentEvent& request = events[hit.seq - 1].event;
  CommandOutcome outcome;
  outcome.created = kind_of(request) == PaymentEventKind::created;
  if (const auto* refund = std::get_if<PaymentRefundRequested>(&request)) {
    outcome.created = true;
    outcome.refund_id = refund->refund_id;
  } else if (const auto* repeated = std::get_if<PaymentRequestRepeated>(&request)) {
    outcome.refund_id = repeated->refund_id;
  }
  auto answer = first_answer(events, hit.seq - 1);
  if (!answer) return corrupt;
  outcome.view = {hit.payment, answer->seq,
                  std::make_shared<const Payment>(std::move(answer->payment))};
  return outcome;
}

}  // namespace welkin
