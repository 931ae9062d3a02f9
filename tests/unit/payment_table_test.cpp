// Which event may follow in which state. The edges stand here a second time, as literals: the table
// in state.hpp cannot be its own witness.
#include <catch2/catch.hpp>
#include <map>
#include <set>

#include "protocol/payment/payment.hpp"
#include "tests/support/payment_script.hpp"

using namespace welkin;

namespace {

using S = PaymentState;
using K = PaymentEventKind;

struct LiteralEdge {
  S from;
  K on;
  S to;
  S to_when_nothing_is_left;
  S to_when_nothing_is_refunded;

  constexpr LiteralEdge(S f, K o, S t, S left) : LiteralEdge(f, o, t, left, t) {}
  constexpr LiteralEdge(S f, K o, S t, S left, S none)
      : from(f), on(o), to(t), to_when_nothing_is_left(left), to_when_nothing_is_refunded(none) {}
};

// clang-format off
constexpr LiteralEdge literal_edges[] = {
    {S::none, K::created, S::created, S::created},

    {S::created, K::started,         S::paying,  S::paying},
    {S::created, K::close_requested, S::created, S::created},
    {S::created, K::closed,          S::closed,  S::closed},

    {S::paying, K::route_refused,    S::paying,     S::paying},
    {S::paying, K::started,          S::paying,     S::paying},
    {S::paying, K::channel_accepted, S::paying,     S::paying},
    {S::paying, K::unsettled,        S::paying,     S::paying},
    {S::paying, K::authorized,       S::authorized, S::authorized},
    {S::paying, K::paid,             S::paid,       S::paid},
    {S::paying, K::failed,           S::failed,     S::failed},
    {S::paying, K::close_requested,  S::paying,     S::paying},
    {S::paying, K::close_refused,    S::paying,     S::paying},
    {S::paying, K::closed,           S::closed,     S::closed},
    {S::paying, K::surplus_recorded, S::paying,     S::paying},
    {S::paying, K::surplus_refunded, S::paying,     S::paying},
    {S::paying, K::refund_failed,    S::paying,     S::paying},
    {S::paying, K::refund_reversed,  S::paying,     S::paying},

    {S::authorized, K::unsettled,         S::authorized, S::authorized},
    {S::authorized, K::capture_requested, S::authorized, S::authorized},
    {S::authorized, K::capture_refused,   S::authorized, S::authorized},
    {S::authorized, K::paid,              S::paid,       S::paid},
    {S::authorized, K::void_requested,    S::authorized, S::authorized},
    {S::authorized, K::void_refused,      S::authorized, S::authorized},
    {S::authorized, K::closed,            S::closed,     S::closed},
    {S::authorized, K::surplus_recorded,  S::authorized, S::authorized},
    {S::authorized, K::surplus_refunded,  S::authorized, S::authorized},
    {S::authorized, K::refund_failed,     S::authorized, S::authorized},
    {S::authorized, K::refund_reversed,   S::authorized, S::authorized},

    {S::paid, K::unsettled,        S::paid,               S::paid},
    {S::paid, K::refund_requested, S::paid,               S::paid},
    {S::paid, K::refund_succeeded, S::partially_refunded, S::refunded},
    {S::paid, K::refund_failed,    S::paid,               S::paid},
    {S::paid, K::surplus_recorded, S::paid,               S::paid},
    {S::paid, K::surplus_refunded, S::paid,               S::paid},
    {S::paid, K::refund_reversed,  S::paid,               S::paid},

    {S::failed, K::unsettled,        S::failed,   S::failed},
    {S::failed, K::refund_failed,    S::failed,   S::failed},
    {S::failed, K::surplus_recorded, S::failed,   S::failed},
    {S::failed, K::surplus_refunded, S::refunded, S::refunded},
    {S::failed, K::refund_reversed,  S::failed,   S::failed},

    {S::closed, K::unsettled,        S::closed,   S::closed},
    {S::closed, K::refund_failed,    S::closed,   S::closed},
    {S::closed, K::surplus_recorded, S::closed,   S::closed},
    {S::closed, K::surplus_refunded, S::refunded, S::refunded},
    {S::closed, K::refund_reversed,  S::closed,   S::closed},

    {S::partially_refunded, K::unsettled,        S::partially_refunded, S::partially_refunded},
    {S::partially_refunded, K::refund_requested, S::partially_refunded, S::partially_refunded},
    {S::partially_refunded, K::refund_succeeded, S::partially_refunded, S::refunded},
    {S::partially_refunded, K::refund_failed,    S::partially_refunded, S::partially_refunded},
    {S::partially_refunded, K::surplus_recorded, S::partially_refunded, S::partially_refunded},
    {S::partially_refunded, K::surplus_refunded, S::partially_refunded, S::partially_refunded},
    {S::partially_refunded, K::refund_reversed,  S::partially_refunded, S::partially_refunded, S::paid},

    {S::refunded, K::unsettled,        S::refunded, S::refunded},
    {S::refunded, K::refund_failed,    S::refunded, S::refunded},
    {S::refunded, K::surplus_recorded, S::refunded, S::refunded},
    {S::refunded, K::surplus_refunded, S::refunded, S::refunded},
    {S::refunded, K::refund_reversed,  S::partially_refunded, S::refunded, S::paid},

    {S::paying, K::refund_needs_attention, S::paying, S::paying},
    {S::authorized, K::refund_needs_attention, S::authorized, S::authorized},
    {S::paid, K::refund_needs_attention, S::paid, S::paid},
    {S::paid, K::outside_refund_recorded, S::partially_refunded, S::refunded},
    {S::failed, K::refund_needs_attention, S::failed, S::failed},
    {S::closed, K::refund_needs_attention, S::closed, S::closed},
    {S::partially_refunded, K::refund_needs_attention, S::partially_refunded, S::partially_refunded},
    {S::partially_refunded, K::outside_refund_recorded, S::partially_refunded, S::refunded},
    {S::refunded, K::refund_needs_attention, S::refunded, S::refunded},
};
// clang-format on
constexpr K literal_remarks[] = {K::report_refused, K::request_repeated, K::parked, K::resumed};

struct LiteralRefundEdge {
  RefundKind kind;
  RefundState from;
  K on;
  RefundState to;
};
// clang-format off
constexpr LiteralRefundEdge literal_refund_edges[] = {
    {RefundKind::asked_for, RefundState::none,      K::refund_requested, RefundState::pending},
    {RefundKind::asked_for, RefundState::pending,   K::unsettled,        RefundState::pending},
    {RefundKind::asked_for, RefundState::pending,   K::refund_succeeded, RefundState::succeeded},
    {RefundKind::asked_for, RefundState::pending,   K::refund_failed,    RefundState::failed},
    {RefundKind::asked_for, RefundState::succeeded, K::refund_reversed,  RefundState::failed},
    {RefundKind::surplus,   RefundState::none,      K::surplus_recorded, RefundState::pending},
    {RefundKind::surplus,   RefundState::pending,   K::unsettled,        RefundState::pending},
    {RefundKind::surplus,   RefundState::pending,   K::surplus_refunded, RefundState::succeeded},
    {RefundKind::surplus,   RefundState::pending,   K::refund_failed,    RefundState::failed},
    {RefundKind::surplus,   RefundState::succeeded, K::refund_reversed,  RefundState::failed},
    {RefundKind::asked_for, RefundState::pending,   K::refund_needs_attention, RefundState::pending},
    {RefundKind::surplus,   RefundState::pending,   K::refund_needs_attention, RefundState::pending},
    {RefundKind::outside,   RefundState::none,      K::outside_refund_recorded, RefundState::succeeded},
    {RefundKind::outside,   RefundState::succeeded, K::refund_reversed,  RefundState::failed},
};
// clang-format on

const LiteralRefundEdge* find_literal(RefundKind kind, RefundState from, K on) {
  for (const LiteralRefundEdge& edge : literal_refund_edges)
    if (edge.kind == kind && edge.from == from && edge.on == on) return &edge;
  return nullptr;
}

const LiteralEdge* find_literal(S from, K on) {
  for (const LiteralEdge& edge : literal_edges)
    if (edge.from == from && edge.on == on) return &edge;
  return nullptr;
}

bool is_literal_remark(K kind) {
  for (const K remark : literal_remarks)
    if (remark == kind) return true;
  return false;
}

// A payment in `state` that has everything an event of `kind` could need: an attempt, a pending
// operation, a pending refund, one that was made, and a pending surplus. Whether the event may
// follow then depends on the state alone.
Payment furnished(S state, K kind) {
  Payment payment;
  payment.state = state;
  payment.merchant_id = "m_1";
  payment.amount_minor = 10'000;
  payment.authorized_minor = 10'000;
  payment.captured_minor = 10'000;
  payment.refunded_minor = 3'000;
  payment.refund_pending_minor = 1'000;
  const bool next = kind == K::started;
  payment.attempts = {{1, 1, "sandbox", "7K7T604EREW7S6X1G4YB6GPKBA01",
                       next ? AttemptOutcome::not_taken : AttemptOutcome::asked, 1}};
  payment.currency = currency_of("CNY");
  payment.pending.emplace();
  payment.pending->next_query_at_us = 1;
  Refund refund;
  refund.refund_id = "rfd_asked";
  refund.amount_minor = 1'000;
  Refund surplus;
  surplus.refund_id = "rfd_surplus";
  surplus.amount_minor = 10'000;
  surplus.surplus = true;
  Refund made;
  made.refund_id = "rfd_made";
  made.amount_minor = 2'000;
  made.state = RefundState::succeeded;
  payment.refunds = {refund, surplus, made};
  return payment;
}

std::vector<PaymentEvent> one_event_of_each_kind() {
  PaymentCreated created;
  created.amount_minor = 10'000;
  return {created,
          PaymentStarted{2, "sandbox", "sandbox", "7K7T604EREW7S6X1G4YB6GPKBA02", "", 1},
          PaymentRouteRefused{1, "sandbox", "breaker_open", ""},
          PaymentChannelAccepted{},
          PaymentUnsettled{},
          PaymentAuthorized{10'000, "ch_1", {}},
          PaymentCaptureRequested{10'000, 1, {}},
          PaymentCaptureRefused{},
          PaymentPaid{10'000, "ch_1", {}, {}},
          PaymentFailed{},
          PaymentCloseRequested{},
          PaymentCloseRefused{},
          PaymentVoidRequested{},
          PaymentVoidRefused{},
          PaymentClosed{},
          PaymentRefundRequested{"rfd_new", "r-2", 500, "", 1, {}},
          PaymentRefundSucceeded{"rfd_asked", 1'000, "chr_1", {}, {}},
          PaymentRefundFailed{"rfd_surplus", "no", "", {}},
          PaymentRefundReversed{"rfd_made", 2'000, "lost_or_stolen_card", "", {}, {}},
          PaymentSurplusRecorded{"rfd_new", "", "", "ch_9", 10'000, false, {}, 1, {}},
          PaymentSurplusRefunded{"rfd_surplus", 10'000, "chr_9", {}, {}},
          PaymentReportRefused{},
          PaymentRequestRepeated{},
          PaymentParked{},
          PaymentResumed{},
          PaymentRefundNeedsAttention{"rfd_asked", "ABNORMAL", "", {}, 1, 1},
          PaymentOutsideRefundRecorded{"rfd_new", "sandbox", "n", "chr_2", 500, {}, {}}};
}

}  // namespace

TEST_CASE("the table has the literal edges and no other") {
  std::set<std::pair<S, K>> in_table;
  for (const PaymentEdge& edge : payment_edges) {
    CAPTURE(name_of(edge.from), name_of(edge.on));
    in_table.insert({edge.from, edge.on});
    const LiteralEdge* literal = find_literal(edge.from, edge.on);
    REQUIRE(literal);
    CHECK(edge.to == literal->to);
    CHECK(edge.to_when_nothing_is_left == literal->to_when_nothing_is_left);
    CHECK(edge.to_when_nothing_is_refunded == literal->to_when_nothing_is_refunded);
  }
  CHECK(in_table.size() == std::size(literal_edges));
}

TEST_CASE("each state meets each event: a literal edge moves it or nothing does") {
  const auto events = one_event_of_each_kind();
  REQUIRE(events.size() == payment_event_kind_count);
  for (std::size_t s = 0; s < payment_state_count; ++s) {
    for (const PaymentEvent& event : events) {
      const S state = static_cast<S>(s);
      const K kind = kind_of(event);
      CAPTURE(name_of(state), name_of(kind));
      Payment payment = furnished(state, kind);
      std::string problem;
      const bool applied = apply(payment, event, 77, &problem);
      const LiteralEdge* edge = find_literal(state, kind);
      const bool remark = is_literal_remark(kind) && state != S::none;
      CHECK(applied == (edge != nullptr || remark));
      CHECK(may_follow(state, kind) == applied);
      CHECK(payment.state == (edge ? edge->to : state));
      CHECK(problem.empty() == applied);
      if (applied) {
        CHECK(payment.updated_at_us == 77);
      } else {
        CHECK(problem.find(name_of(state)) != std::string::npos);
        CHECK(problem.find(name_of(kind)) != std::string::npos);
      }
    }
  }
}

TEST_CASE("the table of refunds has the literal edges and no other") {
  std::size_t in_table = 0;
  for (const RefundEdge& edge : refund_edges) {
    CAPTURE(name_of(edge.from), name_of(edge.on));
    const LiteralRefundEdge* literal = find_literal(edge.kind, edge.from, edge.on);
    REQUIRE(literal);
    CHECK(edge.to == literal->to);
    ++in_table;
  }
  CHECK(in_table == std::size(literal_refund_edges));
}

// Every event about a refund that stands, of a merchant's and of a surplus, in every state.
TEST_CASE("each refund meets each event about it: a literal edge moves it or nothing does") {
  struct Row {
    K kind;
    PaymentEvent event;
  };
  const Row rows[] = {
      {K::unsettled, PaymentUnsettled{ChannelOperation::refund, "rfd", {}, "", {}, 1, 1}},
      {K::refund_succeeded, PaymentRefundSucceeded{"rfd", 1'000, "chr_1", {}, {}}},
      {K::refund_failed, PaymentRefundFailed{"rfd", "no", "", {}}},
      {K::refund_reversed, PaymentRefundReversed{"rfd", 1'000, "lost", "", {}, {}}},
      {K::surplus_refunded, PaymentSurplusRefunded{"rfd", 1'000, "chr_9", {}, {}}},
      {K::refund_requested, PaymentRefundRequested{"rfd", "r-1", 1'000, "", 1, {}}},
      {K::surplus_recorded, PaymentSurplusRecorded{"rfd", "", "", "c", 1'000, false, {}, 1, {}}},
      {K::refund_needs_attention, PaymentRefundNeedsAttention{"rfd", "ABNORMAL", "", {}, 1, 1}},
      {K::outside_refund_recorded, PaymentOutsideRefundRecorded{"rfd", "a", "n", "c", 1, {}, {}}},
  };
  for (const RefundKind kind : {RefundKind::asked_for, RefundKind::surplus, RefundKind::outside}) {
    for (const RefundState state :
         {RefundState::pending, RefundState::succeeded, RefundState::failed}) {
      for (const Row& row : rows) {
        CAPTURE(static_cast<int>(kind), name_of(state), name_of(row.kind));
        Payment payment = furnished(S::partially_refunded, row.kind);
        Refund refund;
        refund.refund_id = "rfd";
        refund.amount_minor = 1'000;
        refund.state = state;
        refund.surplus = kind == RefundKind::surplus;
        refund.outside = kind == RefundKind::outside;
        payment.refunds = {refund};
        const LiteralRefundEdge* edge = find_literal(kind, state, row.kind);
        CHECK(apply(payment, row.event, 77) == (edge != nullptr));
        if (edge) CHECK(payment.find_refund("rfd")->state == edge->to);
        CHECK(payment.refunds.size() == 1);
      }
    }
  }
}

TEST_CASE("the refund that gives back the last of the money ends the payment") {
  for (const S state : {S::paid, S::partially_refunded}) {
    Payment payment = furnished(state, K::refund_succeeded);
    payment.refunded_minor = 9'000;
    REQUIRE(apply(payment, PaymentRefundSucceeded{"rfd_asked", 1'000, "chr_1", {}, {}}, 1));
    CHECK(payment.state == S::refunded);
    CHECK(payment.refunded_minor == 10'000);
    CHECK(payment.refund_pending_minor == 0);
  }
}

TEST_CASE("a refund that comes back leads to where the payment stood without it") {
  const PaymentRefundReversed reversed{"rfd_made", 2'000, "lost_or_stolen_card", "", {}, {}};
  struct Row {
    S from;
    std::int64_t refunded_minor;
    S to;
  };
  const Row rows[] = {
      {S::refunded, 10'000, S::partially_refunded},
      {S::refunded, 2'000, S::paid},
      {S::partially_refunded, 5'000, S::partially_refunded},
      {S::partially_refunded, 2'000, S::paid},
  };
  for (const Row& row : rows) {
    CAPTURE(name_of(row.from), row.refunded_minor);
    Payment payment = furnished(row.from, K::refund_reversed);
    payment.refunded_minor = row.refunded_minor;
    REQUIRE(apply(payment, reversed, 1));
    CHECK(payment.state == row.to);
    CHECK(payment.refunded_minor == row.refunded_minor - 2'000);
    const Refund& refund = *payment.find_refund("rfd_made");
    CHECK(refund.state == RefundState::failed);
    CHECK(refund.failure_code == "lost_or_stolen_card");
    CHECK_FALSE(apply(payment, reversed, 2));
  }
}

TEST_CASE("a surplus that comes back moves neither the payment nor what was refunded of it") {
  for (const S state : {S::paying, S::authorized, S::paid, S::partially_refunded, S::refunded}) {
    CAPTURE(name_of(state));
    Payment payment = furnished(state, K::refund_reversed);
    payment.refunds.back().surplus = true;
    if (state == S::refunded) payment.captured_minor = payment.refunded_minor = 0;  // closed before
    const std::int64_t refunded_minor = payment.refunded_minor;
    REQUIRE(apply(payment, PaymentRefundReversed{"rfd_made", 2'000, "", "", {}, {}}, 1));
    CHECK(payment.state == state);
    CHECK(payment.refunded_minor == refunded_minor);
  }
}

TEST_CASE("an event that contradicts the payment is refused although its state would allow it") {
  struct Row {
    S state;
    PaymentEvent event;
    const char* why;
  };
  const PaymentPaid unbalanced{
      10'000, "ch_1", {}, {{"channel/sandbox", 10'000}, {"merchant/m_1", -9'999}}};
  const PaymentPaid wrapping{10'000, "ch_1", {}, {{"a", INT64_MAX}, {"b", INT64_MAX}, {"c", 2}}};
  const Row rows[] = {
      {S::none, PaymentCreated{}, "the amount is not positive"},
      {S::paying, PaymentUnsettled{ChannelOperation::capture, "", {}, "", {}, 1, 1},
       "that operation is not pending"},
      {S::paid, PaymentUnsettled{ChannelOperation::refund, "rfd_none", {}, "", {}, 1, 1},
       "no such refund is pending"},
      {S::paying, PaymentAuthorized{9'999, "ch_1", {}}, "authorized is not the amount"},
      {S::authorized, PaymentCaptureRequested{10'001, 1, {}}, "capture above what is authorized"},
      {S::authorized, PaymentCaptureRequested{0, 1, {}}, "capture above what is authorized"},
      {S::paying, PaymentPaid{10'001, "ch_1", {}, {}}, "captured above what is authorized"},
      {S::paying, PaymentPaid{0, "ch_1", {}, {}}, "captured above what is authorized"},
      {S::paying, unbalanced, "the postings do not balance"},
      {S::paying, wrapping, "the postings overflow"},
      {S::paid, PaymentRefundRequested{"rfd_new", "r", 6'001, "", 1, {}},
       "refunds above what is captured"},
      {S::paid, PaymentRefundRequested{"rfd_new", "r", 0, "", 1, {}},
       "refunds above what is captured"},
      {S::paid, PaymentRefundRequested{"rfd_asked", "r", 1, "", 1, {}}, "the refund stands twice"},
      {S::paid, PaymentRefundSucceeded{"rfd_asked", 999, "c", {}, {}}, "no such refund is pending"},
      {S::paid, PaymentRefundSucceeded{"rfd_surplus", 10'000, "c", {}, {}},
       "no such refund is pending"},
      {S::paid, PaymentRefundFailed{"rfd_none", "", "", {}}, "no such refund is pending"},
      {S::paid, PaymentSurplusRecorded{"rfd_surplus", "", "", "c", 1, false, {}, 1, {}},
       "the refund stands twice"},
      {S::paid, PaymentRefundReversed{"rfd_asked", 1'000, "", "", {}, {}},
       "no such refund has succeeded"},
      {S::paid, PaymentRefundReversed{"rfd_made", 1'999, "", "", {}, {}},
       "no such refund has succeeded"},
      {S::paying, PaymentRouteRefused{2, "sandbox", "", ""}, "that attempt may still succeed"},
      {S::created, PaymentStarted{1, "sandbox", "sandbox", "n", "", 1},
       "the attempts are not in order"},
      {S::paying, PaymentStarted{3, "sandbox", "sandbox", "n", "", 1},
       "the attempts are not in order"},
      {S::paid, PaymentSurplusRefunded{"rfd_asked", 1'000, "c", {}, {}},
       "no such surplus is pending"},
      {S::paid, PaymentRefundNeedsAttention{"rfd_made", "ABNORMAL", "", {}, 1, 1},
       "no such refund is pending"},
      {S::paid, PaymentRefundNeedsAttention{"rfd_asked", "", "", {}, 1, 1},
       "what needs attention is not said"},
      {S::paid, PaymentOutsideRefundRecorded{"rfd_made", "a", "n", "c", 1, {}, {}},
       "the refund stands twice"},
      {S::paid, PaymentOutsideRefundRecorded{"rfd_new", "a", "n", "c", 7'001, {}, {}},
       "refunds above what is captured"},
      {S::paid, PaymentOutsideRefundRecorded{"rfd_new", "a", "n", "c", 0, {}, {}},
       "refunds above what is captured"},
  };
  for (const Row& row : rows) {
    CAPTURE(name_of(row.state), name_of(kind_of(row.event)), row.why);
    Payment payment = furnished(row.state, kind_of(row.event));
    std::string problem;
    CHECK_FALSE(apply(payment, row.event, 1, &problem));
    CHECK(problem == std::string(name_of(kind_of(row.event))) + ": " + row.why);
    CHECK(payment.state == row.state);
  }
}

TEST_CASE("no attempt begins while the one before may still succeed, and none is refused then") {
  for (const AttemptOutcome outcome :
       {AttemptOutcome::asked, AttemptOutcome::doubtful, AttemptOutcome::answered}) {
    CAPTURE(name_of(outcome));
    Payment payment = furnished(S::paying, K::paid);
    payment.attempts.back().outcome = outcome;
    std::string problem;
    CHECK_FALSE(apply(payment, PaymentStarted{2, "s", "s", "n", "", 1}, 1, &problem));
    CHECK(problem == "payment_started: the attempt before may still succeed");
    if (outcome == AttemptOutcome::asked) continue;
    CHECK_FALSE(apply(payment, PaymentRouteRefused{1, "sandbox", "", ""}, 1, &problem));
    CHECK(problem == "payment_route_refused: that attempt may still succeed");
  }
}

TEST_CASE("states and events go by these names in journals, answers and filters") {
  const char* states[] = {"NONE",    "CREATED", "PAYING", "AUTHORIZED",
                          "PAID",    "FAILED",  "CLOSED", "PARTIALLY_REFUNDED",
                          "REFUNDED"};
  const char* events[] = {"payment_created",
                          "payment_started",
                          "payment_route_refused",
                          "payment_channel_accepted",
                          "payment_unsettled",
                          "payment_authorized",
                          "payment_capture_requested",
                          "payment_capture_refused",
                          "payment_paid",
                          "payment_failed",
                          "payment_close_requested",
                          "payment_close_refused",
                          "payment_void_requested",
                          "payment_void_refused",
                          "payment_closed",
                          "payment_refund_requested",
                          "payment_refund_succeeded",
                          "payment_refund_failed",
                          "payment_refund_reversed",
                          "payment_surplus_recorded",
                          "payment_surplus_refunded",
                          "payment_report_refused",
                          "payment_request_repeated",
                          "payment_parked",
                          "payment_resumed",
                          "payment_refund_needs_attention",
                          "payment_outside_refund_recorded"};
  REQUIRE(std::size(states) == payment_state_count);
  REQUIRE(std::size(events) == payment_event_kind_count);
  for (std::size_t i = 0; i < payment_state_count; ++i) {
    CHECK(name_of(static_cast<S>(i)) == states[i]);
    CHECK(parse_payment_state(states[i]) == static_cast<S>(i));
  }
  for (std::size_t i = 0; i < payment_event_kind_count; ++i) {
    CHECK(name_of(static_cast<K>(i)) == events[i]);
    CHECK(parse_payment_event_kind(events[i]) == static_cast<K>(i));
  }
  CHECK_FALSE(parse_payment_state("paid"));
  CHECK_FALSE(parse_payment_state(""));
  CHECK_FALSE(parse_payment_event_kind("paid"));
}

TEST_CASE("every state but the first can be reached, and money once taken never leads back") {
  std::map<S, std::set<S>> reach;
  for (const LiteralEdge& edge : literal_edges) {
    reach[edge.from].insert(edge.to);
    reach[edge.from].insert(edge.to_when_nothing_is_left);
    reach[edge.from].insert(edge.to_when_nothing_is_refunded);
  }
  for (std::size_t round = 0; round < payment_state_count; ++round)
    for (auto& [from, to] : reach)
      for (const S via : std::set<S>(to)) to.insert(reach[via].begin(), reach[via].end());
  CHECK(reach[S::none].size() == payment_state_count - 1);
  for (const S settled : {S::paid, S::partially_refunded, S::refunded})
    for (const S unsettled : {S::none, S::created, S::paying, S::authorized, S::failed, S::closed})
      CHECK(reach[settled].count(unsettled) == 0);
  // What was refunded may come back, and is the merchant's again.
  CHECK(reach[S::refunded] == std::set<S>{S::paid, S::partially_refunded, S::refunded});
}
