#include "bench/turns_of_a_life.hpp"

#include <caf/scheduled_actor.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/support/step_system.hpp"

namespace welkin {
namespace {

class Counted : public StepSystem {
 public:
  Counted() {
    limits.lingering_entities = 0;
    start();
    channel.answers = [](const ChannelCall&) { return ChannelVerdict::accepted; };
  }

  void run() {
    auto& scheduler = dynamic_cast<caf::scheduler::test_coordinator&>(system().scheduler());
    do {
      while (scheduler.has_job()) {
        note(dynamic_cast<const caf::scheduled_actor*>(scheduler.jobs.front()));
        scheduler.run_once();
      }
    } while (io.step());
  }

  double turns = 0;
  double own = 0;

 private:
  void note(const caf::scheduled_actor* actor) {
    if (actor && actor->id() == desk().id()) return;  // the client's
    turns += 1;
    if (actor && std::string(actor->name()) == "payment") own += 1;
  }
};

}  // namespace

TurnsOfALife turns_of_a_life(std::size_t payments) {
  Counted node;
  std::vector<PaymentId> ids;
  for (std::size_t i = 0; i < payments; ++i) {
    const PaymentCommand wanted = node.create("order-" + std::to_string(i));
    ids.push_back(wanted.payment);
    node.submit(wanted);
  }
  node.run();
  for (const PaymentId& id : ids) node.callback(node.callback_report(id, ChannelVerdict::paid));
  node.run();
  for (const PaymentId& id : ids)
    if (node.story(id) != "created+started+channel_accepted+paid")
      throw std::logic_error("not a whole life: " + node.story(id));
  if (node.entities() != 0) throw std::logic_error("a payment stayed in memory");
  const auto count = static_cast<double>(payments);
  return {node.turns / count, node.own / count};
}

}  // namespace welkin
