// What was answered is found again from events alone: over random lives each answer that was given
// to a request under a key is the one that the same key is shown later.
#include <catch2/catch.hpp>
#include <map>
#include <random>

#include "actors/views_actor.hpp"
#include "protocol/payment/event_codec.hpp"
#include "protocol/payment/first_answer.hpp"
#include "tests/support/step_system.hpp"

using namespace welkin;

namespace {

using V = ChannelVerdict;

// One payment, many requests each under a key of its own, and a channel that answers late, wrongly,
// or by a callback first.
class Life : public StepSystem {
 public:
  explicit Life(std::uint64_t seed) : random_(seed), capture_(pick(2) == 0) { start(); }

  void step() {
    switch (pick(6)) {
      case 0:
      case 1:
        ask();
        break;
      case 2:
        call_back();
        break;
      case 3:
        if (pick(4) == 0) pass(static_cast<UnixUs>(pick(40)) * us_per_s);
        break;
      default:
        if (channel.waiting() > 0) answer_one();
    }
    // Nobody waits for a message to arrive before the next is sent.
    if (pick(3) != 0) settle();
    clock.advance(1);
  }
  void end() {
    settle();
    while (channel.waiting() > 0) {
      channel.answer(V::unknown);
      settle();
      clock.advance(1);
    }
  }

  // How many answers were held against what is found for their keys.
  std::size_t compare() const {
    std::vector<RecordedEvent> events;
    std::map<std::string, std::size_t> by_key;
    for (const EventRow& row : rows(id_)) {
      events.push_back({std::get<PaymentEvent>(parse_event(row.type, row.version, row.payload)),
                        row.causation_id, row.at_us});
      const auto record =
          idempotency_of(id_, events.size(), row.at_us, "m_1", {events.back().event});
      if (record) by_key.emplace(record->key, events.size() - 1);
    }
    std::size_t compared = 0;
    for (const auto& [key, token] : asked_) {
      INFO(key << " was answered " << answer(token) << "; the journal: " << story(id_));
      REQUIRE_FALSE(answer(token).empty());
      const auto request = by_key.find(key);
      if (answer(token).front() == '!' || request == by_key.end()) continue;
      const auto found = first_answer(events, request->second);
      REQUIRE(found);
      CHECK(found->seq == outcome(token).view.seq);
      CHECK(encode_payment(found->payment) == encode_payment(*outcome(token).view.payment));
      ++compared;
    }
    return compared;
  }

 private:
  std::uint64_t pick(std::uint64_t bound) { return random_() % bound; }

  void ask() {
    PaymentCommand next = create();
    std::get<CreatePayment>(next.body).capture_method =
        capture_ ? CaptureMethod::manual : CaptureMethod::automatic;
    switch (pick(8)) {
      case 0:
        next.body = ClosePayment{};
        break;
      case 1:
        next.body = CapturePayment{};
        break;
      case 2:
        next.body = VoidPayment{};
        break;
      case 3:
      case 4:
        next.body = RefundPayment{"r-" + std::to_string(pick(3)), 100, ""};
        break;
      default:
        break;
    }
    const std::string key = "key-" + std::to_string(asked_.size());
    next.request.idempotency_key = key;
    next.cause = "request:" + key;
    asked_.emplace(key, submit(next));
  }

  void call_back() {
    const auto known = look(id_);
    settle();
    if (answer(known).front() == '!') return;
    constexpr V said[] = {V::paid, V::accepted, V::authorized, V::closed, V::unknown};
    const Payment payment = *outcome(known).view.payment;
    ChannelReport report = callback_report(id_, said[pick(std::size(said))]);
    report.id = "nonce-" + std::to_string(++reports_);
    if (pick(6) == 0) report.amount_minor += 1;
    if (!payment.refunds.empty() && pick(2) == 0) {
      const Refund& refund = payment.refunds[pick(payment.refunds.size())];
      constexpr V of_refunds[] = {V::refunded, V::refund_refused, V::refund_pending, V::unknown};
      report.operation = ChannelOperation::refund;
      report.verdict = of_refunds[pick(std::size(of_refunds))];
      report.refund_id = refund.refund_id;
      report.amount_minor = refund.amount_minor;
    }
    callback(report);
  }

  void answer_one() {
    const ChannelCall& call = channel.calls[channel.calls.size() - channel.waiting()];
    constexpr V of_orders[] = {V::accepted, V::paid,    V::authorized, V::closed,
                               V::refused,  V::unknown, V::not_found};
    constexpr V of_refunds[] = {V::refunded, V::refund_refused, V::refund_pending, V::unknown};
    const bool refund = !call.refund_id.empty();
    const V verdict =
        refund ? of_refunds[pick(std::size(of_refunds))] : of_orders[pick(std::size(of_orders))];
    const bool wrong = pick(6) == 0;
    channel.answer(verdict, [&](ChannelReport& report) {
      report.id = "call-" + std::to_string(++reports_);
      if (wrong) report.amount_minor += 1;
    });
  }

  std::mt19937_64 random_;
  const bool capture_;
  const PaymentId id_ = create().payment;
  int reports_ = 0;
  std::map<std::string, std::uint64_t> asked_;
};

}  // namespace

TEST_CASE("in random lives each key is shown what its request was answered") {
#ifdef WELKIN_SANITIZED
  constexpr std::uint64_t lives = 60;
#else
  constexpr std::uint64_t lives = 250;
#endif
  std::size_t compared = 0;
  for (std::uint64_t seed = 1; seed <= lives; ++seed) {
    INFO("seed " << seed);
    Life life(seed);
    for (int i = 0; i < 50; ++i) life.step();
    life.end();
    compared += life.compare();
  }
  CHECK(compared > lives);
}
