// What a request was answered with, found again under its idempotency key.
#pragma once

#include <vector>

#include "actors/payment_service.hpp"
#include "persistence/journal_store.hpp"

namespace welkin {

// `rows` is the payment's whole stream. Corrupt where it cannot hold what the key was bound to.
StoreResult<CommandOutcome> replay_of(const std::vector<EventRow>& rows, const IdempotencyHit& hit);

}  // namespace welkin
