// What operators do while a run goes on: they hold a breaker open or have it let everything through
// for a while, and go on with what is parked. Like clients they repeat what got no answer.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/simulation/evidence.hpp"
#include "tests/simulation/node.hpp"

namespace welkin::simulation {

// One time that an operator takes a breaker over and lets go of it again.
struct Intervention {
  UnixUs pause_us = 0;  // before it
  std::string account;
  BreakerAction action = BreakerAction::force_open;
  std::optional<BreakerAction> changes_to;  // half-way
  UnixUs lasts_us = 0;
};
std::vector<Intervention> draw_interventions(const World& world, Dice& dice);

class Operator {
 public:
  // While `keeps_off` no intervention begins: service is being proven then.
  Operator(Stage& stage, Node& node, Evidence& evidence, std::vector<Intervention> interventions,
           std::function<bool()> keeps_off);
  Operator(const Operator&) = delete;
  Operator& operator=(const Operator&) = delete;

  void begin();
  std::size_t interventions() const { return interventions_.size(); }
  // No breaker is held any more, and none will be.
  bool is_done() const { return next_ == interventions_.size(); }

  // Once, whatever comes of it.
  void order(const std::string& account, BreakerAction action, Node::OnOrder then);

 private:
  const Intervention& now() const { return interventions_[next_]; }
  void next_intervention();
  void intervene_when_free();
  void insist(BreakerAction action, std::function<void()> then);
  void look_for_parked();
  void resume(const PaymentId& payment);
  void resume_settling(const PaymentId& payment);

  Stage& stage_;
  Node& node_;
  Evidence& evidence_;
  Dice dice_;
  const std::vector<Intervention> interventions_;
  const std::function<bool()> keeps_off_;
  std::size_t next_ = 0;
  std::set<PaymentId> resuming_;
};

}  // namespace welkin::simulation
