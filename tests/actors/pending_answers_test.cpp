#include "actors/pending_answers.hpp"

#include <catch2/catch.hpp>
#include <vector>

using namespace welkin;
using namespace std::chrono_literals;

namespace {

struct Heard {
  std::vector<CommandAnswer> answers;
  Then<CommandAnswer> ear() {
    return [this](CommandAnswer answer) { answers.push_back(std::move(answer)); };
  }
};

const PaymentId payment = payment_id_of("m_1", "order-1");

}  // namespace

TEST_CASE("whoever waits is told once, and a second answer finds nobody") {
  PendingAnswers pending(10s);
  Heard heard;
  const ReplyTo to = pending.expect(payment, heard.ear());
  CommandOutcome outcome;
  outcome.created = true;
  answer_to(to, outcome);
  answer_to(to, Problem{ProblemCode::internal, "", ""});
  pending.expire(PendingAnswers::Clock::time_point::max());
  REQUIRE(heard.answers.size() == 1);
  CHECK(std::get<CommandOutcome>(heard.answers[0]).created);
}

TEST_CASE(
    "whoever is not told in time hears that the outcome is unknown, and a late answer is dropped") {
  PendingAnswers pending(10s);
  Heard heard;
  const ReplyTo to = pending.expect(payment, heard.ear());
  const auto now = PendingAnswers::Clock::now();
  pending.expire(now + 9s);
  CHECK(heard.answers.empty());
  pending.expire(now + 11s);
  REQUIRE(heard.answers.size() == 1);
  CHECK(std::get<Problem>(heard.answers[0]).code == ProblemCode::outcome_unknown);
  answer_to(to, CommandOutcome{});
  CHECK(heard.answers.size() == 1);
}

TEST_CASE("a drain cuts the waiting short") {
  PendingAnswers pending(10s);
  Heard heard;
  pending.expect(payment, heard.ear());
  const auto now = PendingAnswers::Clock::now();
  pending.wait_no_longer_than(now + 1s);
  pending.expire(now);
  CHECK(heard.answers.empty());
  pending.expire(now + 2s);
  CHECK(heard.answers.size() == 1);
}

TEST_CASE("who is told may wait again from within") {
  PendingAnswers pending(10s);
  Heard heard;
  ReplyTo second;
  const ReplyTo first = pending.expect(
      payment, [&](CommandAnswer) { second = pending.expect(payment, heard.ear()); });
  answer_to(first, CommandOutcome{});
  answer_to(second, CommandOutcome{});
  CHECK(heard.answers.size() == 1);
}
