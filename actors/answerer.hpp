// Gives the answers that commits make due. Whoever writes the journal must not render answers, and
// an entity need not have a turn only to give one.
#pragma once

#include <caf/event_based_actor.hpp>

#include "actors/node_fate.hpp"

namespace welkin {

// As many share a node's answers; each gives those of one batch in their order.
constexpr int answerers_per_node = 2;

caf::behavior answerer(caf::event_based_actor* self, NodeFate* fate);

}  // namespace welkin
