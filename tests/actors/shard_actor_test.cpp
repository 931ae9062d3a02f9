// The shard as supervisor: entities that sleep lose no message, entities that fail come back, those
// that keep failing are parked, and none takes its neighbours along.
#include "actors/shard_actor.hpp"

#include <catch2/catch.hpp>

#include "tests/support/step_system.hpp"

using namespace welkin;

namespace {

using V = ChannelVerdict;
using Kind = StepStoreIo::Kind;

class Shard : public StepSystem {
 public:
  Shard() {
    shard_count = 1;  // all are neighbours
    start();
  }
};

// An entity whose every message the test answers: it tells when it is asked whether it has nothing
// left to do, and offers to leave only when told.
struct Sleeper {
  caf::actor actor;
  std::vector<std::string> heard;
  bool assume_new = false;
};

class ShardOfSleepers : public StepSystem {
 public:
  ShardOfSleepers() {
    shard_count = 1;
    spawn = [this](caf::event_based_actor* shard, const PaymentId&, bool assume_new) {
      sleepers.push_back(std::make_unique<Sleeper>());
      Sleeper& sleeper = *sleepers.back();
      sleeper.assume_new = assume_new;
      sleeper.actor = shard->spawn([&sleeper](caf::event_based_actor* self) -> caf::behavior {
        return {
            [&sleeper](look_atom, const LookRequestPtr& request) {
              sleeper.heard.push_back(std::to_string(request->reply_to.token));
            },
            [&sleeper](wake_atom) { sleeper.heard.push_back("wake"); },
            [&sleeper](submit_atom, const CommandRequestPtr&) {
              sleeper.heard.push_back("submit");
            },
            [&sleeper](passivate_atom) { sleeper.heard.push_back("passivate"); },
            [&sleeper, self](bury_atom) {
              sleeper.heard.push_back("bury");
              self->quit();
            },
        };
      });
      return sleeper.actor;
    };
    start();
  }
  ~ShardOfSleepers() {
    // The shard has forgotten those that left.
    for (auto& sleeper : sleepers) caf::anon_send(sleeper->actor, bury_atom::value);
    crash();
  }

  // What the actor of `sleeper` says when it has heard that many messages and is idle.
  void offers_to_leave(const Sleeper& sleeper, std::uint64_t heard) {
    caf::anon_send(context().shard(id), settled_atom::value, id, sleeper.actor->id(), heard);
  }
  void fails(const std::string& what) {
    caf::anon_send(context().shard(id), failed_atom::value, id, what);
    settle();
  }

  std::vector<std::unique_ptr<Sleeper>> sleepers;
  const PaymentId id = payment_id_of("m_1", "order-1");
};

using Heard = std::vector<std::string>;

}  // namespace

TEST_CASE_METHOD(Shard, "an idle payment leaves memory and comes back as it was") {
  const PaymentId id = paid();
  CHECK(entities() == 1);
  pass(119 * us_per_s);
  CHECK(entities() == 1);
  pass(2 * us_per_s);
  CHECK(entities() == 0);
  const auto looked = look(id);
  settle();
  CHECK(answer(looked) == "PAID");
  CHECK(outcome(looked).view.seq == 4);
  CHECK(entities() == 1);
}

TEST_CASE_METHOD(Shard, "a payment that waits for the channel does not leave") {
  const auto created = submit(create());
  settle();
  pass(300 * us_per_s);
  CHECK(entities() == 1);
  channel.answer(V::accepted);
  settle();
  CHECK(answer(created) == "PAYING");
}

TEST_CASE_METHOD(Shard, "more payments in memory than there may be leave after a second of rest") {
  context().limits.active_entities = 2;
  for (int i = 0; i < 4; ++i) paid("order-" + std::to_string(i));
  CHECK(entities() == 4);
  pass(2 * us_per_s);
  CHECK(entities() == 0);
}

TEST_CASE_METHOD(ShardOfSleepers, "an entity that has heard everything leaves when it offers to") {
  const auto first = look(id);
  settle();
  pass(120 * us_per_s);
  REQUIRE(sleepers.at(0)->heard == Heard{std::to_string(first), "passivate"});
  offers_to_leave(*sleepers[0], 2);
  const auto second = look(id);
  settle();
  REQUIRE(sleepers.size() == 2);
  CHECK(sleepers[0]->heard.size() == 2);
  CHECK(sleepers[1]->heard == Heard{std::to_string(second)});
  CHECK_FALSE(sleepers[1]->assume_new);
}

TEST_CASE_METHOD(ShardOfSleepers,
                 "an entity stays that has something on its way to it when it offers to leave") {
  look(id);
  settle();
  const auto second = look(id);
  offers_to_leave(*sleepers.at(0), 1);  // it has heard the first alone
  const auto third = look(id);
  settle();
  CHECK(sleepers.size() == 1);
  CHECK(sleepers[0]->heard == Heard{"1", std::to_string(second), std::to_string(third)});
  SECTION("until it has heard that too") {
    offers_to_leave(*sleepers[0], 3);
    look(id);
    settle();
    CHECK(sleepers.size() == 2);
  }
  SECTION("and is asked again when it has been idle") {
    pass(121 * us_per_s);
    CHECK(sleepers[0]->heard.back() == "passivate");
  }
}

TEST_CASE_METHOD(ShardOfSleepers, "an offer of one that has left is for nobody") {
  look(id);
  settle();
  offers_to_leave(*sleepers.at(0), 1);
  offers_to_leave(*sleepers.at(0), 1);
  settle();
  look(id);
  settle();
  REQUIRE(sleepers.size() == 2);
  // The one after it has heard as many messages, and is another.
  offers_to_leave(*sleepers[0], 1);
  look(id);
  settle();
  CHECK(sleepers.size() == 2);
  CHECK(sleepers[1]->heard.size() == 2);
}

TEST_CASE_METHOD(ShardOfSleepers, "one that fails after its offer to leave is buried, not let go") {
  look(id);
  const auto second = look(id);
  settle();
  offers_to_leave(*sleepers.at(0), 1);
  fails("broken");
  CHECK(sleepers[0]->heard == Heard{"1", std::to_string(second), "bury"});
  CHECK(metrics().entity_restarts.Value() == 1);
}

TEST_CASE_METHOD(Shard, "under load a settled payment leaves at once, an open one stays") {
  context().limits.lingering_entities = 1;
  submit(create("order-1"));
  settle();
  channel.answer(V::accepted);
  settle();
  const PaymentId id = paid("order-2");
  CHECK(entities() == 1);
  const auto open = look(create("order-1").payment);
  settle();
  CHECK(answer(open) == "PAYING");
  CHECK(entities() == 1);
  // It comes back for a refund, and leaves again when that is settled.
  const auto refunded = submit(command(id, RefundPayment{"r-1", 10'000, ""}));
  settle();
  CHECK(entities() == 2);
  channel.answer(V::refunded);
  settle();
  CHECK(answer(refunded) == "REFUNDED");
  CHECK(entities() == 1);
}

TEST_CASE_METHOD(ShardOfSleepers,
                 "only the first message that creates may take a payment for new") {
  submit(create());
  settle();
  CHECK(sleepers.at(0)->assume_new);
  look(payment_id_of("m_1", "order-2"));
  settle();
  CHECK_FALSE(sleepers.at(1)->assume_new);
  fails("broken");
  pass(200 * us_per_ms);
  submit(create());
  settle();
  CHECK_FALSE(sleepers.at(2)->assume_new);
}

TEST_CASE_METHOD(ShardOfSleepers,
                 "a failed entity is buried and restarted with a doubling back-off") {
  UnixUs backoff_us = 100 * us_per_ms;
  for (std::size_t failures = 1; failures < 5; ++failures) {
    look(id);
    settle();
    REQUIRE(sleepers.size() == failures);
    fails("broken");
    CHECK(sleepers.back()->heard.back() == "bury");
    CHECK(metrics().entity_restarts.Value() == failures);
    pass(backoff_us - 1);
    const auto early = look(id);
    settle();
    CHECK(answer(early) == "!store_unavailable");
    pass(1);
    backoff_us *= 2;
  }
  look(id);
  settle();
  REQUIRE(sleepers.size() == 5);
  fails("broken again");
  const auto refused = look(id);
  settle();
  CHECK(answer(refused) == "!entity_parked");
  const auto parked = parked_actors();
  REQUIRE(parked.size() == 1);
  CHECK(parked[0].payment == id);
  CHECK(parked[0].reason == "broken again");
  CHECK(parked[0].since_us == clock.now_us());
  CHECK(metrics().entities_parked.Value() == 1);
  // Time does not free it; an operator does.
  pass(600 * us_per_s);
  const auto still = look(id);
  settle();
  CHECK(answer(still) == "!entity_parked");
  resume_actor(id);
  settle();
  REQUIRE(sleepers.size() == 6);
  CHECK(sleepers[5]->heard.size() == 1);  // the look that shows it works
  CHECK(parked_actors().empty());
  CHECK(metrics().entities_parked.Value() == 0);
}

TEST_CASE_METHOD(ShardOfSleepers, "failures far apart are no series") {
  for (int i = 0; i < 10; ++i) {
    look(id);
    settle();
    fails("broken");
    pass(61 * us_per_s);
  }
  CHECK(parked_actors().empty());
  look(id);
  settle();
  CHECK(sleepers.size() == 11);
}

TEST_CASE_METHOD(ShardOfSleepers, "resuming what is not parked is refused") {
  const auto unknown = resume_actor(id);
  look(id);
  const auto healthy = resume_actor(id);
  settle();
  CHECK(answer(unknown) == "!not_parked");
  CHECK(answer(healthy) == "!not_parked");
}

TEST_CASE_METHOD(
    Shard, "a payment whose journal is corrupt is parked with the reason, its neighbours work on") {
  const PaymentId sick = paid("order-1");
  const PaymentId well = paid("order-2");
  crash();
  store.corrupt.insert(sick);
  start();
  // At once, and the first who asks is told why: reading the rows again does not mend them.
  for (int i = 0; i < 2; ++i) {
    const auto looked = look(sick);
    const auto neighbour = look(well);
    settle();
    CHECK(answer(looked) == "!entity_parked");
    CHECK(answer(neighbour) == "PAID");
  }
  REQUIRE(parked_actors().size() == 1);
  CHECK(parked_actors()[0].reason ==
        corrupt_reason + sick.text() + " seq 1: the hash chain is broken");
  CHECK(entities() == 1);

  store.corrupt.clear();
  const auto resumed = resume_actor(sick);
  settle();
  CHECK(answer(resumed) == "PAID");
  CHECK(parked_actors().empty());
}

TEST_CASE_METHOD(Shard,
                 "a store that cannot be read is not the payment's fault and counts for nothing") {
  const PaymentId id = paid();
  crash();
  start();
  store.reads_down = true;
  for (int i = 0; i < 8; ++i) {
    const auto looked = look(id);
    settle();
    CHECK(answer(looked) == "!store_unavailable");
  }
  store.reads_down = false;
  const auto looked = look(id);
  settle();
  CHECK(answer(looked) == "PAID");
  CHECK(parked_actors().empty());
}

TEST_CASE_METHOD(
    Shard, "everything that waits for a recovering payment is answered when it is back, in order") {
  const PaymentId id = paid();
  crash();
  start();
  io.hold(Kind::load);
  const auto looked = look(id);
  const auto refunding = submit(command(id, RefundPayment{"r-1", 10'000, ""}));
  const auto too_late = submit(command(id, RefundPayment{"r-2", 1, ""}));
  settle();
  CHECK(answer(looked) == "");
  io.release(Kind::load);
  settle();
  CHECK(answer(looked) == "PAID");
  CHECK(answer(too_late) == "!amount_exceeds_refundable");
  channel.answer(V::refunded);
  settle();
  CHECK(answer(refunding) == "REFUNDED");
}
