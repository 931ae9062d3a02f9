// What must hold after every run, whatever broke: each a name, a promise and a check of what was
// found. A new promise of the runtime gets its line in `invariants()` here, and a deliberate bug
// that breaks it in planted_bugs.hpp.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "persistence/journal_store.hpp"
#include "protocol/breaker/breaker.hpp"
#include "protocol/payment/payment.hpp"
#include "tests/simulation/evidence.hpp"
#include "tests/simulation/lying_channel.hpp"

namespace welkin::simulation {

// One payment's rows and what it was after each.
struct History {
  std::vector<EventRow> rows;
  std::vector<Payment> after;
  const Payment& last() const { return after.back(); }
};

// One change of a breaker, as the journal has it.
struct BreakerStep {
  BreakerEvent event;
  UnixUs at_us = 0;
  BreakerState state = BreakerState::closed;  // after it
};

class WatchedChannel;

// All there is to judge a run by.
struct Findings {
  const Evidence& evidence;
  std::vector<const LyingChannel*> channels;
  std::uint64_t rows = 0;  // in the journal, of every kind of stream
  std::map<std::string, std::uint64_t> rows_by_type;
  std::map<StreamId, History> journal;
  std::string broken_chain;  // what does not follow, and where
  std::optional<PaymentId> broken_payment;
  // As the node answered after its last start.
  std::map<PaymentId, std::variant<CommandOutcome, Problem>> live;
  std::map<PaymentId, Card> cards;  // after a flush
  std::map<std::pair<std::string, std::string>, IdempotencyRecord> keys;
  std::map<std::string, std::vector<BreakerStep>> breakers;  // by account
  BreakerConfig breaker_config;                              // as the world has it
  std::vector<const WatchedChannel*> witnesses;
  std::vector<UnixUs> starts_at_us;
  UnixUs ended_at_us = 0;
  std::set<PaymentId> unfinished;
  std::size_t unanswered = 0;
  std::string ended;  // why a node said that it must not go on
};

// Reads the journal into `findings`, checking it row by row.
void read_journal(const JournalStore& store, Findings& findings);

struct Violation {
  std::string invariant;
  std::string what;
  std::optional<PaymentId> payment;
};

struct Invariant {
  std::string_view name;
  std::string_view promise;
  std::optional<Violation> (*check)(const Findings& findings);
};
const std::vector<Invariant>& invariants();
std::optional<Violation> first_violation(const Findings& findings);

// Settled, or waiting for an operator where the design says that it may.
bool is_at_rest(const Payment& payment);

}  // namespace welkin::simulation
