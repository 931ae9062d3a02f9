// Actors that nothing restarts: when one of them fails, the node says so and wants to be stopped.
// Each is made to fail by an interface that throws.
#include <catch2/catch.hpp>

#include "actors/node_fate.hpp"
#include "tests/support/step_system.hpp"

using namespace welkin;

namespace {

class BrokenClock : public WallClock {
 public:
  UnixUs now_us() const override { throw std::runtime_error("no time"); }
};

class BrokenIo : public StoreIo {
 public:
  void write(AppendSourcePtr, const JournalEars&) override { fail(); }
  void probe(const caf::actor&) override { fail(); }
  void load(const StreamId&, const caf::actor&) override { fail(); }
  void checkpoint(std::shared_ptr<const ViewDelta>, const caf::actor&) override { fail(); }
  void read_missed(std::uint64_t, std::uint64_t, const caf::actor&) override { fail(); }

 private:
  [[noreturn]] static void fail() { throw std::runtime_error("no disk"); }
};

class Supervised : public StepSystem {
 public:
  Supervised() { start(); }
  ~Supervised() { crash(); }  // before what is broken goes

  // "reason: what", or nothing.
  std::string end() {
    const NodeFate& fate = *context().fate;
    return fate.has_ended() ? fate.reason() + ": " + fate.what() : "";
  }
  void break_clock() { context().clock = &broken_clock_; }
  void break_io() { context().io = &broken_io_; }

 private:
  BrokenClock broken_clock_;
  BrokenIo broken_io_;
};

}  // namespace

TEST_CASE_METHOD(Supervised, "a node whose parts are well, started and stopped, has not ended") {
  paid();
  pass(5 * us_per_s);
  const NodeFate& fate = *context().fate;
  CHECK_FALSE(fate.has_ended());
}

TEST_CASE_METHOD(Supervised, "a shard that throws ends the node, and its payments with it") {
  paid();
  break_clock();
  look(create().payment);
  settle();
  CHECK(entities() == 0);
  CHECK(end() == "part_failed: shard: no time");
}

TEST_CASE_METHOD(Supervised, "views that throw end the node") {
  break_clock();
  caf::anon_send(context().views, tick_atom::value);
  settle();
  CHECK(end() == "part_failed: views: no time");
}

TEST_CASE_METHOD(Supervised, "a journal that throws ends the node") {
  break_io();
  submit(create());
  settle();
  CHECK(end() == "part_failed: journal: no disk");
}

TEST_CASE_METHOD(Supervised, "a breaker that throws ends the node") {
  break_clock();
  caf::anon_send(context().channels.at("sandbox"), call_atom::value,
                 std::make_shared<const ChannelCall>());
  settle();
  CHECK(end() == "part_failed: breaker: no time");
}

TEST_CASE_METHOD(Supervised, "a channel that throws ends the node") {
  channel.answers = [](const ChannelCall&) -> ChannelVerdict {
    throw std::runtime_error("no channel");
  };
  submit(create());
  settle();
  CHECK(end() == "part_failed: channel: no channel");
}

TEST_CASE_METHOD(Supervised, "an actor that is ended by somebody else ends the node") {
  caf::anon_send_exit(context().views, caf::exit_reason::kill);
  settle();
  CHECK(end() == "part_failed: views ended");
}

TEST_CASE_METHOD(Supervised, "an epoch that is over ends the node, and parks no payment") {
  const PaymentId id = paid();
  REQUIRE_FALSE(error_of(memory->claim_epochs(shard_count)));
  for (int i = 0; i < 2 * limits.restarts_before_parking; ++i) {
    const auto closing = submit(command(id, RefundPayment{"r-" + std::to_string(i), 1'000, ""}));
    settle();
    CHECK(answer(closing) == "!shard_moved");
  }
  CHECK(parked_actors().empty());
  CHECK(end().find("fenced: its epochs are over") == 0);
}

TEST_CASE_METHOD(Supervised,
                 "views that a newer node has written are not written over, and end the node") {
  submit(create());
  settle();
  REQUIRE_FALSE(error_of(memory->claim_epochs(shard_count)));
  const auto before = std::get<std::uint64_t>(memory->view_position());
  pass(2 * us_per_s);
  CHECK(std::get<std::uint64_t>(memory->view_position()) == before);
  CHECK(end().find("fenced: ") == 0);
}

TEST_CASE("the first word about a node's end counts, and its owner hears it once") {
  NodeFate fate;
  fate.end(part_failed_reason, "one");
  fate.end(fenced_reason, "two");
  CHECK(fate.reason() == "part_failed");
  CHECK(fate.what() == "one");
  int heard = 0;
  fate.when_ended([&heard] { ++heard; });  // also when it came too early
  fate.end(fenced_reason, "three");
  CHECK(heard == 1);
}
