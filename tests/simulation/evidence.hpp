// What clients were told while the run went on. The invariants hold it against the journal.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "actors/payment_service.hpp"
#include "persistence/journal_store.hpp"
#include "protocol/breaker/breaker.hpp"
#include "protocol/payment/payment.hpp"

namespace welkin::simulation {

struct Told {
  std::optional<PaymentCommand> command;  // absent: somebody looked
  PaymentId payment;
  std::variant<CommandOutcome, Problem> answer;
  // The last event anybody had been told of when the question went out.
  std::uint64_t known_seq = 0;
};

struct BoundKey {
  std::string fingerprint;
  PaymentId payment;
};

// An episode after which a new payment did not succeed in time.
struct NoRecovery {
  std::string after;
  PaymentId payment;
  std::string stands_at;
};

// An operator's command for a breaker.
struct BreakerOrder {
  std::string account;
  BreakerCommand command;
  UnixUs asked_at_us = 0;
  UnixUs answered_at_us = 0;            // 0: the run ended first
  std::optional<BreakerAnswer> answer;  // empty: the connection broke

  const BreakerView* acknowledged() const {
    return answer ? std::get_if<BreakerView>(&*answer) : nullptr;
  }
};

// A breaker as a node showed it that had just started.
struct BreakerAtStart {
  std::string account;
  std::uint64_t start = 0;      // which of the node's starts
  std::uint64_t known_seq = 0;  // of the breaker's events that were durable then
  BreakerState shown = BreakerState::closed;
  UnixUs shown_at_us = 0;
};

class Evidence {
 public:
  std::string new_cause() { return "request:" + std::to_string(++requests_); }
  std::uint64_t known_seq(const PaymentId& payment) const {
    const auto found = known_.find(payment);
    return found == known_.end() ? 0 : found->second;
  }
  void add(Told told) {
    if (const auto* outcome = std::get_if<CommandOutcome>(&told.answer)) {
      std::uint64_t& known = known_[told.payment];
      known = std::max(known, outcome->view.seq);
      if (told.command && !told.command->request.idempotency_key.empty())
        keys_[{told.command->merchant_id, told.command->request.idempotency_key}] = {
            told.command->request.fingerprint, told.payment};
    }
    told_.push_back(std::move(told));
  }

  const std::vector<Told>& told() const { return told_; }
  // By merchant and key: those under which something was acknowledged.
  const std::map<std::pair<std::string, std::string>, BoundKey>& keys() const { return keys_; }

  std::vector<NoRecovery> no_recoveries;
  std::vector<BreakerOrder> orders;  // as they were given
  std::vector<BreakerAtStart> breakers_at_starts;
  // Keys that were looked up and answered with somebody else's request.
  std::vector<std::string> strange_keys;

 private:
  std::uint64_t requests_ = 0;
  std::map<PaymentId, std::uint64_t> known_;
  std::vector<Told> told_;
  std::map<std::pair<std::string, std::string>, BoundKey> keys_;
};

}  // namespace welkin::simulation
