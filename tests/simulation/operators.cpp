#include "tests/simulation/operators.hpp"

#include <utility>

namespace welkin::simulation {
namespace {

constexpr std::uint64_t most_interventions = 3;
// No longer than the proof that service has resumed can wait.
constexpr UnixUs longest_hold_us = 15 * us_per_s;
constexpr std::string_view the_operator = "op_night";

}  // namespace

std::vector<Intervention> draw_interventions(const World& world, Dice& dice) {
  std::vector<Intervention> interventions(dice.below(most_interventions + 1));
  for (Intervention& one : interventions) {
    one.pause_us = dice.between(us_per_s, 60 * us_per_s);
    one.account = dice.pick(world.accounts).name;
    constexpr BreakerAction holds[] = {BreakerAction::force_open, BreakerAction::disable};
    one.action = holds[dice.below(2)];
    if (dice.percent(25)) one.changes_to = holds[dice.below(2)];
    one.lasts_us = dice.between(100 * us_per_ms, longest_hold_us);
  }
  return interventions;
}

Operator::Operator(Stage& stage, Node& node, Evidence& evidence,
                   std::vector<Intervention> interventions, std::function<bool()> keeps_off)
    : stage_(stage),
      node_(node),
      evidence_(evidence),
      dice_(stage.dice.fork(6)),
      interventions_(std::move(interventions)),
      keeps_off_(std::move(keeps_off)) {}

void Operator::begin() {
  next_intervention();
  look_for_parked();
}

// ---- breakers

void Operator::next_intervention() {
  if (!is_done()) stage_.after(now().pause_us, [this] { intervene_when_free(); });
}

void Operator::intervene_when_free() {
  if (keeps_off_()) return stage_.after(us_per_s, [this] { intervene_when_free(); });
  const auto later = [this](std::function<void()> then) {
    stage_.after(now().lasts_us / 2, std::move(then));
  };
  const auto let_go = [this] {
    insist(BreakerAction::release, [this] {
      ++next_;
      next_intervention();
    });
  };
  const auto change = [this, later, let_go] {
    insist(now().changes_to.value_or(now().action), [later, let_go] { later(let_go); });
  };
  insist(now().action, [later, change] { later(change); });
}

void Operator::order(const std::string& account, BreakerAction action, Node::OnOrder then) {
  ++stage_.activity;
  BreakerOrder order{account,
                     {action, std::string(the_operator), "to see", evidence_.new_cause()},
                     stage_.now_us(),
                     0,
                     {}};
  stage_.note([&] {
    return "operator: " + order.command.cause + " orders " + account + " to " +
           std::string(name_of(action));
  });
  const std::size_t index = evidence_.orders.size();
  evidence_.orders.push_back(order);
  node_.order_breaker(account, order.command,
                      [this, index, then](const std::optional<BreakerAnswer>& answer) {
                        BreakerOrder& given = evidence_.orders[index];
                        given.answered_at_us = stage_.now_us();
                        given.answer = answer;
                        then(answer);
                      });
}

// Until it is so. That there is nothing to release is an answer too: an order whose answer was lost
// may have been the one.
void Operator::insist(BreakerAction action, std::function<void()> then) {
  order(now().account, action,
        [this, action, then = std::move(then)](const std::optional<BreakerAnswer>& answer) {
          const auto* problem = answer ? std::get_if<Problem>(&*answer) : nullptr;
          const bool is_so =
              answer && (!problem || problem->code == ProblemCode::illegal_transition);
          if (is_so) return then();
          stage_.after(dice_.between(300 * us_per_ms, 2 * us_per_s),
                       [this, action, then] { insist(action, then); });
        });
}

// ---- what is parked

void Operator::look_for_parked() {
  stage_.after(dice_.between(10 * us_per_s, 300 * us_per_s), [this] {
    node_.look_at_parked([this](const std::vector<ParkedEntity>& parked) {
      for (const ParkedEntity& one : parked)
        if (resuming_.insert(one.payment).second) resume(one.payment);
    });
    look_for_parked();
  });
}

// As the runtime does with the one command there is for both: the actor that kept failing, else the
// settling that the payment records.
void Operator::resume(const PaymentId& payment) {
  ++stage_.activity;
  node_.resume_actor(payment, [this, payment](const Node::Answer& answer) {
    const auto* problem = answer ? std::get_if<Problem>(&*answer) : nullptr;
    if (problem && problem->code == ProblemCode::not_parked) return resume_settling(payment);
    resuming_.erase(payment);
  });
}

void Operator::resume_settling(const PaymentId& payment) {
  PaymentCommand command;
  command.payment = payment;
  command.cause = evidence_.new_cause();
  command.body = ResumePayment{std::string(the_operator)};
  stage_.note([&] { return "operator: " + command.cause + " resumes " + payment.text(); });
  const std::uint64_t known_seq = evidence_.known_seq(payment);
  node_.submit(command, [this, command, known_seq](const Node::Answer& answer) {
    resuming_.erase(command.payment);
    if (answer) evidence_.add({command, command.payment, *answer, known_seq});
  });
}

}  // namespace welkin::simulation
