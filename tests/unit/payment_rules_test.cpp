// What a payment answers to commands: each situation against each command, spelled out.
#include <catch2/catch.hpp>

#include "protocol/payment/decide.hpp"
#include "protocol/payment/event_codec.hpp"
#include "tests/support/payment_script.hpp"

using namespace welkin;

namespace {

constexpr auto manual = CaptureMethod::manual;

PaymentScript nothing() { return PaymentScript(); }
PaymentScript created() {
  PaymentScript script;
  auto events = std::get<std::vector<PaymentEvent>>(script.ask(script.create_body()));
  script.apply_all({events.front()});  // as if the journal ended before the intent to start
  return script;
}
PaymentScript started() {
  PaymentScript script;
  script.take(script.create_body());
  return script;
}
PaymentScript paying() { return PaymentScript().start(); }
PaymentScript closing() {
  PaymentScript script = paying();
  script.take(ClosePayment{});
  return script;
}
PaymentScript expiring() {
  PaymentScript script = paying();
  script.expire();
  return script;
}
PaymentScript parked() {
  PaymentScript script = paying();
  script.apply_all({PaymentParked{ChannelOperation::create, "", "tried enough"}});
  return script;
}
PaymentScript authorized() { return PaymentScript(manual).authorize(); }
PaymentScript capturing() {
  PaymentScript script = authorized();
  script.take(CapturePayment{});
  return script;
}
PaymentScript capturing_a_part() {
  PaymentScript script = authorized();
  script.take(CapturePayment{4'000});
  return script;
}
PaymentScript voiding() {
  PaymentScript script = authorized();
  script.take(VoidPayment{});
  return script;
}
PaymentScript paid() { return PaymentScript().pay(); }
PaymentScript paid_by_capture() { return PaymentScript(manual).pay(); }
PaymentScript refunding() {
  PaymentScript script = paid();
  script.refund(1'000, "r-1");
  return script;
}
PaymentScript refunding_all() {
  PaymentScript script = paid();
  script.refund(9'000, "r-1");
  script.refund(1'000, "r-2");
  return script;
}
PaymentScript partially_refunded() { return PaymentScript().pay().refunded(1'000, "r-1"); }
PaymentScript refunded() {
  return PaymentScript().pay().refunded(9'000, "r-2").refunded(1'000, "r-1");
}
PaymentScript failed() { return PaymentScript().fail(); }
PaymentScript closed() { return PaymentScript().close(); }
PaymentScript expired() {
  PaymentScript script = expiring();
  script.take(script.report(ChannelVerdict::closed));
  return script;
}
PaymentScript voided() {
  PaymentScript script = voiding();
  script.take(script.report(ChannelVerdict::closed));
  return script;
}
PaymentScript given_back_late() {
  PaymentScript script = closed();
  script.take(script.report(ChannelVerdict::paid));
  script.take(
      script.refund_report(ChannelVerdict::refunded, script.payment.refunds.back().refund_id));
  return script;
}

struct Row {
  const char* situation;
  PaymentScript (*reach)();
  PaymentState state;
  // What each command is answered.
  const char* create;
  const char* close;
  const char* capture;  // all that is authorized
  const char* void_;
  const char* refund_r1;  // 1 000 as "r-1"
  const char* resume;
};

using S = PaymentState;
constexpr const char* too_much = "!amount_exceeds_refundable";
// The answers that fill most of the matrix.
constexpr const char* A = "already";
constexpr const char* X = "!illegal_transition";
constexpr const char* N = "!not_found";
constexpr const char* W = "!operation_in_progress";
constexpr const char* P = "!not_parked";
constexpr const char* close_asked = "close_requested";
constexpr const char* capture_asked = "capture_requested";
constexpr const char* void_asked = "void_requested";
constexpr const char* refund_asked = "refund_requested";
constexpr const char* other_refund = "!refund_exists_with_other_body";

// clang-format off
const Row matrix[] = {
    // answers to: create, close, capture, void, refund, resume
    {"nothing recorded", nothing, S::none, "created+started", N, N, N, N, N},
    {"created", created, S::created, A, "close_requested+closed", X, X, X, P},
    {"started",            started,            S::paying,             A, close_asked, X, X, X, P},
    {"paying",             paying,             S::paying,             A, close_asked, X, X, X, P},
    {"closing",            closing,            S::paying,             A, A, X, X, X, P},
    {"expiring",           expiring,           S::paying,             A, A, X, X, X, P},
    {"paying, parked", parked, S::paying, A, close_asked, X, X, X, "resumed"},
    {"authorized", authorized, S::authorized, A, X, capture_asked, void_asked, X, P},
    {"capturing",          capturing,          S::authorized,         A, X, A, W, X, P},
    {"capturing a part",   capturing_a_part,   S::authorized,         A, X, W, W, X, P},
    {"voiding",            voiding,            S::authorized,         A, X, W, A, X, P},
    {"paid",               paid,               S::paid,               A, X, X, X, refund_asked, P},
    {"paid by capture",    paid_by_capture,    S::paid,               A, X, A, X, refund_asked, P},
    {"refunding",          refunding,          S::paid,               A, X, X, X, A, P},
    {"refunding all",      refunding_all,      S::paid,               A, X, X, X, other_refund, P},
    {"partially refunded", partially_refunded, S::partially_refunded, A, X, X, X, A, P},
    {"refunded",           refunded,           S::refunded,           A, X, X, X, A, P},
    {"failed",             failed,             S::failed,             A, X, X, X, X, P},
    {"closed by merchant", closed,             S::closed,             A, A, X, X, X, P},
    {"closed by expiry",   expired,            S::closed,             A, X, X, X, X, P},
    {"voided",             voided,             S::closed,             A, X, X, A, X, P},
    {"given back late",    given_back_late,    S::refunded,           A, X, X, X, X, P},
};
// clang-format on

PaymentCommandBody body_of(const PaymentScript& script, int command) {
  switch (command) {
    case 0:
      return script.create_body();
    case 1:
      return ClosePayment{};
    case 2:
      return CapturePayment{};
    case 3:
      return VoidPayment{};
    case 4:
      return RefundPayment{"r-1", 1'000, "broken cup"};
    default:
      return ResumePayment{"ops"};
  }
}

const char* cell_of(const Row& row, int command) {
  const char* cells[] = {row.create, row.close, row.capture, row.void_, row.refund_r1, row.resume};
  return cells[command];
}

}  // namespace

TEST_CASE("each situation answers each command as the matrix says, and judging changes nothing") {
  std::size_t states_seen = 0;
  for (const Row& row : matrix) {
    const PaymentScript script = row.reach();
    REQUIRE(script.payment.state == row.state);
    states_seen |= std::size_t{1} << static_cast<std::size_t>(row.state);
    const std::string before = encode_payment(script.payment);
    for (int command = 0; command < 6; ++command) {
      CAPTURE(row.situation, command);
      const Decision decision = script.ask(body_of(script, command));
      CHECK(in_short(decision) == cell_of(row, command));
      CHECK(encode_payment(script.payment) == before);
      if (const auto* events = std::get_if<std::vector<PaymentEvent>>(&decision)) {
        CHECK(kind_of(events->front()) == first_event_of(body_of(script, command)));
        PaymentScript next = script;
        CHECK_NOTHROW(next.apply_all(*events));
      }
    }
  }
  CHECK(states_seen == (std::size_t{1} << payment_state_count) - 1);
}

TEST_CASE("an illegal transition names the payment's state and the states that would allow it") {
  for (const Row& row : matrix) {
    const PaymentScript script = row.reach();
    for (int command = 0; command < 6; ++command) {
      if (cell_of(row, command) != std::string_view(X)) continue;
      CAPTURE(row.situation, command);
      const auto problem = std::get<Problem>(script.ask(body_of(script, command)));
      CHECK(problem.detail.find(name_of(row.state)) != std::string::npos);
      for (const PaymentEdge& edge : payment_edges)
        if (edge.on == first_event_of(body_of(script, command)))
          CHECK(problem.detail.find(name_of(edge.from)) != std::string::npos);
    }
  }
  const PaymentScript script = paid();
  CHECK(std::get<Problem>(script.ask(ClosePayment{})).detail ==
        "The payment is PAID; payment_close_requested is possible only from CREATED, PAYING.");
}

TEST_CASE("somebody else's payment is not found, whatever is asked, and operators see all") {
  for (const Row& row : matrix) {
    if (row.state == S::none) continue;
    const PaymentScript script = row.reach();
    for (int command = 1; command < 6; ++command) {
      CAPTURE(row.situation, command);
      PaymentCommand foreign = script.command(body_of(script, command));
      foreign.merchant_id = "m_2";
      CHECK(in_short(decide(script.payment, foreign, script.context())) == "!not_found");
      foreign.merchant_id.clear();
      CHECK(in_short(decide(script.payment, foreign, script.context())) == cell_of(row, command));
    }
  }
}

TEST_CASE(
    "a repetition under an idempotency key is recorded, so that the key answers from now on") {
  for (const Row& row : matrix) {
    PaymentScript script = row.reach();
    for (int command = 0; command < 6; ++command) {
      if (cell_of(row, command) != std::string_view(A)) continue;
      CAPTURE(row.situation, command);
      PaymentCommand again = script.command(body_of(script, command));
      again.request.idempotency_key = "key-2";
      const Decision decision = decide(script.payment, again, script.context());
      REQUIRE(in_short(decision) == "request_repeated");
      const auto& event =
          std::get<PaymentRequestRepeated>(std::get<std::vector<PaymentEvent>>(decision).front());
      CHECK(event.request.idempotency_key == "key-2");
      CHECK(event.request.fingerprint == "f1");
    }
  }
}

TEST_CASE("creating records who asked for what, and the intent before the channel hears of it") {
  PaymentScript script;
  const auto events = script.take(script.create_body());
  const auto& first = std::get<PaymentCreated>(events[0]);
  CHECK(first.merchant_id == "m_1");
  CHECK(first.merchant_order_no == "order-1");
  CHECK(first.amount_minor == script_amount_minor);
  CHECK(first.currency.code() == "CNY");
  CHECK(first.expires_at_us == script_start_us + 1'800 * us_per_s);
  CHECK(first.request.fingerprint == "f1");
  const auto& second = std::get<PaymentStarted>(events[1]);
  CHECK(second.attempt == 1);
  CHECK(second.channel_order_no == channel_order_no(script.id, 1));
  CHECK(second.next_query_at_us == script_start_us + answer_patience_us);
  const auto calls = calls_after(script.payment, events[1], script.id);
  REQUIRE(calls.size() == 1);
  CHECK(calls[0].operation == ChannelOperation::create);
  CHECK_FALSE(calls[0].query);
  CHECK(calls[0].amount_minor == script_amount_minor);
  CHECK(calls[0].channel_order_no == channel_order_no(script.id, 1));
  CHECK(calls[0].expires_at_us == first.expires_at_us);
  CHECK(calls[0].order_created_at_us == script_start_us);
  CHECK_FALSE(calls[0].order_accepted);
  CHECK(calls_after(script.payment, events[0], script.id).empty());
}

TEST_CASE("the same order number with another body is a conflict") {
  for (const Row& row : matrix) {
    if (row.state == S::none) continue;
    CAPTURE(row.situation);
    const PaymentScript script = row.reach();
    PaymentCommand other = script.command(script.create_body());
    other.request.fingerprint = "f2";
    const Decision decision = decide(script.payment, other, script.context());
    REQUIRE(in_short(decision) == "!order_exists_with_other_body");
    CHECK(std::get<Problem>(decision).field == "/merchant_order_no");
  }
}

TEST_CASE("capture takes from one minor unit up to what is authorized, and nothing else") {
  const PaymentScript script = authorized();
  CHECK(in_short(script.ask(CapturePayment{1})) == "capture_requested");
  CHECK(in_short(script.ask(CapturePayment{10'000})) == "capture_requested");
  CHECK(in_short(script.ask(CapturePayment{10'001})) == "!amount_exceeds_authorized");
  CHECK(in_short(script.ask(CapturePayment{INT64_MAX})) == "!amount_exceeds_authorized");
  CHECK(in_short(script.ask(CapturePayment{0})) == "!amount_out_of_range");
  CHECK(in_short(script.ask(CapturePayment{-1})) == "!amount_out_of_range");
  CHECK(in_short(script.ask(CapturePayment{INT64_MIN})) == "!amount_out_of_range");
}

TEST_CASE("a part is captured, the rest cannot be refunded") {
  PaymentScript script = capturing_a_part();
  CHECK(in_short(script.ask(CapturePayment{4'000})) == "already");
  ChannelReport taken = script.report(ChannelVerdict::paid);
  taken.operation = ChannelOperation::capture;
  taken.amount_minor = 4'000;
  script.take(taken);
  CHECK(script.payment.state == S::paid);
  CHECK(script.payment.captured_minor == 4'000);
  CHECK(script.payment.authorized_minor == 10'000);
  CHECK(in_short(script.ask(CapturePayment{4'000})) == "already");
  CHECK(in_short(script.ask(CapturePayment{4'001})) == "!illegal_transition");
  CHECK(in_short(script.ask(RefundPayment{"r-1", 4'001, ""})) == "!amount_exceeds_refundable");
  script.refunded(4'000, "r-1");
  CHECK(script.payment.state == S::refunded);
}

TEST_CASE("refunds reach the captured amount to the minor unit, pending ones included") {
  PaymentScript script = paid();
  CHECK(in_short(script.ask(RefundPayment{"r", 10'001, ""})) == "!amount_exceeds_refundable");
  CHECK(in_short(script.ask(RefundPayment{"r", INT64_MAX, ""})) == "!amount_exceeds_refundable");
  CHECK(in_short(script.ask(RefundPayment{"r", 0, ""})) == "!amount_out_of_range");
  CHECK(in_short(script.ask(RefundPayment{"r", -1, ""})) == "!amount_out_of_range");
  CHECK(in_short(script.ask(RefundPayment{"r", INT64_MIN, ""})) == "!amount_out_of_range");
  const std::string first = script.refund(9'999, "r-1");
  CHECK(in_short(script.ask(RefundPayment{"r-2", 2, ""})) == too_much);
  const std::string second = script.refund(1, "r-2");
  CHECK(in_short(script.ask(RefundPayment{"r-3", 1, ""})) == too_much);
  script.take(script.refund_report(ChannelVerdict::refund_refused, first));
  CHECK(in_short(script.ask(RefundPayment{"r-3", 10'000, ""})) == too_much);
  CHECK(in_short(script.ask(RefundPayment{"r-3", 9'999, ""})) == "refund_requested");
  script.take(script.refund_report(ChannelVerdict::refunded, second));
  CHECK(script.payment.state == S::partially_refunded);
  script.refunded(9'999, "r-3");
  CHECK(script.payment.state == S::refunded);
  CHECK(script.payment.refunded_minor == script.payment.captured_minor);
}

TEST_CASE("a refund number stands for one refund with one content") {
  PaymentScript script = paid();
  script.refund(1'000, "r-1");
  CHECK(in_short(script.ask(RefundPayment{"r-1", 1'000, "broken cup"})) == "already");
  CHECK(in_short(script.ask(RefundPayment{"r-1", 1'001, "broken cup"})) ==
        "!refund_exists_with_other_body");
  CHECK(in_short(script.ask(RefundPayment{"r-1", 1'000, "other"})) ==
        "!refund_exists_with_other_body");
  CHECK(script.payment.refunds.back().refund_id == refund_id_of(script.id, "r-1").text());
  // A failed one keeps its number: trying again is a new refund.
  script.take(
      script.refund_report(ChannelVerdict::refund_refused, refund_id_of(script.id, "r-1").text()));
  CHECK(in_short(script.ask(RefundPayment{"r-1", 1'000, "broken cup"})) == "already");
}

TEST_CASE("a payment has at most a thousand refunds") {
  PaymentScript script = paid();
  for (int i = 0; i < 1'000; ++i) script.refund(1, "r-" + std::to_string(i));
  const Decision decision = script.ask(RefundPayment{"r-1000", 1, ""});
  REQUIRE(in_short(decision) == "!limit_reached");
  CHECK(std::get<Problem>(decision).field == "/merchant_refund_no");
  CHECK(std::get<Problem>(decision).detail == "A payment has at most 1000 refunds.");
}

TEST_CASE("keys of repetitions are remembered up to a bound, and answered the same beyond it") {
  PaymentScript script = paying();
  PaymentCommand again = script.command(script.create_body());
  for (int i = 0; i < max_repeated_requests_kept; ++i) {
    again.request.idempotency_key = "key-" + std::to_string(i);
    const Decision decision = decide(script.payment, again, script.context());
    REQUIRE(in_short(decision) == "request_repeated");
    script.apply_all(std::get<std::vector<PaymentEvent>>(decision));
  }
  again.request.idempotency_key = "key-more";
  CHECK(in_short(decide(script.payment, again, script.context())) == "already");
}

TEST_CASE("captures, voids and closes that the channel refuses are asked for up to a bound") {
  const auto refuse_all = [](PaymentScript script, const PaymentCommandBody& body,
                             ChannelOperation operation) {
    int times = 0;
    for (; times <= max_operations_asked; ++times) {
      const Decision decision = script.ask(body);
      if (in_short(decision) == "!limit_reached") break;
      script.apply_all(std::get<std::vector<PaymentEvent>>(decision));
      ChannelReport no = script.report(ChannelVerdict::refused);
      no.operation = operation;
      script.take(no);
    }
    return times;
  };
  CHECK(refuse_all(authorized(), CapturePayment{}, ChannelOperation::capture) == 250);
  CHECK(refuse_all(authorized(), VoidPayment{}, ChannelOperation::void_) == 250);
  CHECK(refuse_all(paying(), ClosePayment{}, ChannelOperation::close) == 250);
}

TEST_CASE(
    "a refund's call says when order and refund were asked for, and that the order was taken") {
  PaymentScript script = paid();
  const auto events = script.take(RefundPayment{"r-1", 1, ""});
  const auto calls = calls_after(script.payment, events.front(), script.id);
  REQUIRE(calls.size() == 1);
  CHECK(calls[0].order_created_at_us == script.payment.created_at_us);
  CHECK(calls[0].refund_created_at_us == script.payment.refunds.front().created_at_us);
  CHECK(calls[0].refund_created_at_us > 0);
  CHECK(calls[0].order_accepted);
}

TEST_CASE("voiding lets the authorized money go") {
  PaymentScript script = authorized();
  const auto events = script.take(VoidPayment{});
  const auto calls = calls_after(script.payment, events[0], script.id);
  REQUIRE(calls.size() == 1);
  CHECK(calls[0].operation == ChannelOperation::void_);
  script.take(script.report(ChannelVerdict::closed));
  CHECK(script.payment.state == S::closed);
  CHECK(script.payment.close_reason == CloseReason::voided);
  CHECK(script.payment.captured_minor == 0);
}

TEST_CASE("a refused capture or void leaves the authorization as it was, to be tried again") {
  PaymentScript script = capturing();
  ChannelReport no = script.report(ChannelVerdict::refused);
  no.operation = ChannelOperation::capture;
  CHECK(in_short(script.take(no)) == "capture_refused");
  CHECK(script.payment.state == S::authorized);
  CHECK(in_short(script.ask(CapturePayment{})) == "capture_requested");
  script = voiding();
  no.operation = ChannelOperation::void_;
  CHECK(in_short(script.take(no)) == "void_refused");
  CHECK(in_short(script.ask(VoidPayment{})) == "void_requested");
}
