// Plays one order's script as a client of the gateway does: waits for each answer, gives up waiting
// after ten seconds, and repeats the same request when it was told to or told nothing.
#pragma once

#include <cstdint>
#include <optional>

#include "tests/simulation/evidence.hpp"
#include "tests/simulation/node.hpp"
#include "tests/simulation/workloads.hpp"

namespace welkin::simulation {

class Shopper {
 public:
  Shopper(Stage& stage, Node& node, Evidence& evidence, OrderScript script);
  Shopper(const Shopper&) = delete;
  Shopper& operator=(const Shopper&) = delete;

  void begin();
  bool is_done() const { return done_; }
  const OrderScript& script() const { return script_; }
  // The state last heard of.
  PaymentState last_state() const { return last_state_; }

 private:
  const Act& act() const { return script_.acts[act_]; }
  void next_act();
  void perform();
  void look();
  void look_up_key_first(PaymentCommand command);
  void submit(PaymentCommand command);
  void heard(std::uint64_t attempt, const Node::Answer& answer);
  void try_again();
  void give_up_waiting_later();
  PaymentCommand command_of(const Act& act) const;
  PaymentCommandBody body_of(const Act& act) const;

  Stage& stage_;
  Node& node_;
  Evidence& evidence_;
  const OrderScript script_;
  Dice dice_;
  std::size_t act_ = 0;
  std::uint64_t attempt_ = 0;  // an answer to an earlier one is recorded, and drives nothing
  int tries_ = 0;
  bool done_ = false;
  PaymentState last_state_ = PaymentState::none;
};

}  // namespace welkin::simulation
