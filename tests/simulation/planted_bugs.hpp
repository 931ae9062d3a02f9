// Bugs put in on purpose, to show that the simulation finds them. They wrap the interfaces between
// the actors and the world, so that the product holds no trace of them, and are to be had from
// tests only.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "actors/channel_port.hpp"
#include "actors/store_io.hpp"
#include "persistence/journal_store.hpp"
#include "protocol/breaker/config.hpp"

namespace welkin::simulation {

enum class PlantedBug : std::uint8_t {
  none,
  reply_before_commit,
  timeout_is_failure,
  amount_not_checked,  // of callbacks
  timers_forgotten,    // at a restart
  callbacks_not_deduplicated,
  fallback_after_timeout,  // another account is asked though the first may have the order
  refusals_trip_breaker,   // a definite no counts as a failure
  half_open_lets_all_through,
  breakers_forgotten,         // at a restart
  breaker_changes_unwritten,  // and acknowledged
  calls_behind_breaker,       // an adapter asks again by itself
  payer_forgotten,            // when an order is asked for again
  second_charge_unseen,
  reversals_ignored,     // of refunds that were made
  desk_refunds_ignored,  // acknowledged and not recorded
};
std::string_view name_of(PlantedBug bug);
std::optional<PlantedBug> parse_planted_bug(std::string_view name);
const std::vector<PlantedBug>& planted_bugs();  // without none

// Each gives the part that the node is to use instead, or null when the bug is not in that part.
std::unique_ptr<JournalStore> with_bug(PlantedBug bug, JournalStore& store);
std::unique_ptr<StoreIo> with_bug(PlantedBug bug, StoreIo& io, JournalStore& store);
std::unique_ptr<ChannelPort> with_bug(PlantedBug bug, ChannelPort& channel);
BreakerConfig with_bug(PlantedBug bug, BreakerConfig breaker);

}  // namespace welkin::simulation
