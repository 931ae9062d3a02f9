// The sandbox channel when it misbehaves, as it is told to: each way in which a channel can lie or
// be silent, and what the runtime's port makes of it.
#include "tests/actors/sandbox_channel_world.hpp"

using namespace welkin;
using namespace welkin::sandbox_channel_test;

TEST_CASE("timing out after the work: the call is unknown, the query finds the order") {
  World world;
  auto options = world.options();
  options.timeout_ms = 150;
  const auto channel = sandbox_channel(options, world.http, wall_clock_us);
  HttpChannel& impatient = *channel;
  const PaymentId payment = next_payment();
  ChannelCall call = call_for(payment, ChannelOperation::create);
  call.subject = "[sandbox:timeout_after_work][sandbox:no_auto_pay]";
  const auto report = World::ask(impatient, call);
  CHECK(report.verdict == V::unknown);
  CHECK(report.code == "no_answer");
  CHECK(world.query(payment).verdict == V::accepted);
}

TEST_CASE("a 5xx before the work: unknown, then not found, then done by the repetition") {
  World world;
  const PaymentId payment = next_payment();
  const std::string subject = "[sandbox:error_5xx]";
  const auto failed = world.create(payment, subject);
  CHECK(failed.verdict == V::unknown);
  CHECK(failed.code == "SYSTEM_ERROR");
  CHECK(world.query(payment).verdict == V::not_found);
  CHECK(world.create(payment, subject).verdict == V::accepted);
}

TEST_CASE("a garbage body: unknown, though the work is done") {
  World world;
  const PaymentId payment = next_payment();
  const auto report = world.create(payment, "[sandbox:garbage][sandbox:no_auto_pay]");
  CHECK(report.verdict == V::unknown);
  CHECK(report.code == "unreadable_answer");
  CHECK(world.query(payment).verdict == V::accepted);
}

TEST_CASE("a delayed answer is an answer") {
  World world;
  const auto begun = SteadyClock::now();
  CHECK(world.create(next_payment(), "[sandbox:delay=80]").verdict == V::accepted);
  CHECK(SteadyClock::now() - begun >= std::chrono::milliseconds(80));
}

TEST_CASE("a duplicated callback is believed anew, and its replay is recognised") {
  World world;
  world.create(next_payment(), "[sandbox:callback_duplicate]");
  const auto first = world.notify.next();
  const auto second = world.notify.next();
  const auto replay = world.notify.next();
  REQUIRE(first.believed());
  REQUIRE(second.believed());
  CHECK(first.raw.body == second.raw.body);
  CHECK(first.report().id != second.report().id);
  CHECK(replay.code() == "repeated");
  // Three were sent, and each was acknowledged.
  while (world.stats()["callbacks_delivered"] < 3) std::this_thread::yield();
  CHECK(world.stats()["callbacks_refused"] == 0);
}

TEST_CASE("a forged callback is refused, and the true one behind it believed") {
  World world;
  world.create(next_payment(), "[sandbox:callback_forged]");
  CHECK(world.notify.next().code() == "bad_signature");
  CHECK(world.notify.next().code() == "believed");
}

TEST_CASE("a wrong-amount callback shows the wrong amount, and the true one comes behind it") {
  World world;
  world.create(next_payment(), "[sandbox:callback_wrong_amount]");
  CHECK(world.notify.next().report().amount_minor == 999);
  CHECK(world.notify.next().report().amount_minor == 1000);
}

TEST_CASE("a late callback is late") {
  World world;
  const auto begun = SteadyClock::now();
  world.create(next_payment(), "[sandbox:callback_late=120]");
  CHECK(world.notify.next().at - begun >= std::chrono::milliseconds(120));
}

TEST_CASE("a reordered callback is overtaken by what happened after it") {
  World world;
  const PaymentId payment = next_payment();
  world.create(payment, "[sandbox:callback_reorder]");
  while (world.query(payment).verdict != V::paid) std::this_thread::yield();
  world.refund(payment, "r1", 10);
  CHECK(world.notify.next().report().verdict == V::refunded);
  CHECK(world.notify.next().report().verdict == V::paid);
}

TEST_CASE("a missing callback never comes; the query finds the order paid") {
  World world;
  const PaymentId silent = next_payment();
  world.create(silent, "[sandbox:callback_missing]");
  while (world.query(silent).verdict != V::paid) std::this_thread::yield();
  // Whatever had been sent for it would have been sent before this one.
  const PaymentId spoken = world.paid_payment();
  CHECK(world.query(spoken).verdict == V::paid);
  CHECK(world.notify.waiting() == 0);
  // The count follows the receiver's answer, so it may lag behind the callback.
  while (world.stats()["callbacks_delivered"] == 0) std::this_thread::yield();
  CHECK(world.stats()["callbacks_delivered"] == 1);
}

TEST_CASE("a callback that is not acknowledged comes again, signed anew") {
  World world;
  world.notify.refuse_next(3);
  world.create(next_payment());
  const auto first = world.notify.next();
  const auto second = world.notify.next();
  const auto third = world.notify.next();
  const auto fourth = world.notify.next();
  for (const auto* received : {&first, &second, &third, &fourth}) CHECK(received->believed());
  CHECK(first.raw.body == fourth.raw.body);
  CHECK(first.report().id != fourth.report().id);
  while (world.stats()["callbacks_delivered"] == 0) std::this_thread::yield();
  CHECK(world.stats()["callbacks_refused"] == 3);
}

TEST_CASE("misbehaviour is told as a rate for all, or for one order") {
  World world;
  const PaymentId payment = next_payment();
  world.create(payment, "[sandbox:no_auto_pay]");
  CHECK(world.control("PUT", "/misbehave", R"({"garbage_rate":1})") == 200);
  CHECK(world.query(payment).code == "unreadable_answer");
  CHECK(world.control("PUT", "/misbehave", R"({"garbage_rate":0})") == 200);
  CHECK(world.query(payment).verdict == V::accepted);

  const std::string path = "/orders/" + channel_order_no(payment, 1) + "/misbehave";
  CHECK(world.control("PUT", path, R"({"error_5xx_rate":1})") == 200);
  CHECK(world.query(payment).code == "SYSTEM_ERROR");
  CHECK(world.paid_payment() != payment);
  CHECK(world.control("PUT", path, R"({"error_5xx_rate":0})") == 200);
  CHECK(world.query(payment).verdict == V::accepted);

  CHECK(world.control("PUT", "/misbehave", R"({"garbage_rate":2})") == 400);
  CHECK(world.control("PUT", "/misbehave", "{") == 400);
  CHECK(world.control("PUT", "/orders/NOSUCHORDER/misbehave", "{}") == 404);
  json control;
  CHECK(world.control("GET", "/misbehave", "", &control) == 200);
  CHECK(control["auto_pay"]["enabled"] == true);
}
