// What a payment's life costs in messages: counted by the tests (tests/support), on a stepped node,
// where each message is a turn of its own.
#pragma once

#include <cstddef>

namespace welkin {

struct TurnsOfALife {
  double messages = 0;  // of all actors of the node, those of whole batches shared out
  double own = 0;       // of them the payment actor's own
};
// Of payments that are created, accepted and paid by callback, all of them side by side, and leave
// memory then, as they do under load.
TurnsOfALife turns_of_a_life(std::size_t payments);

}  // namespace welkin
