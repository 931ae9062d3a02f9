// A journal as a node leaves it behind when it is killed, made quickly: the rules, the journal's
// committer and the views' checkpoints, without actors.
#pragma once

#include <cstdint>
#include <string>

#include "persistence/journal_store.hpp"

namespace welkin::bench {

struct JournalPlan {
  std::uint64_t payments = 1'000'000;
  // So many of them are not paid yet, spread evenly: the channel was asked about them whenever they
  // were due, and timers wait for the next question and for their expiry.
  std::uint64_t open_payments = 100'000;
  // At the least so many events behind the last checkpoint of the views.
  std::uint64_t events_behind_views = 0;
  UnixUs end_us = 0;  // of the last event; the payments were created in the 25 minutes before
};

struct BuiltJournal {
  std::uint64_t events = 0;
  std::uint64_t view_position = 0;
};

// Every payment carries an idempotency key. Ends the process when the store does not take it.
BuiltJournal build_journal(JournalStore& store, const JournalPlan& plan);

}  // namespace welkin::bench
