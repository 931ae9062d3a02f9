#include "tests/simulation/invariants.hpp"

#include <algorithm>
#include <type_traits>
#include <utility>

#include "actors/views_actor.hpp"
#include "app/journal_verifier.hpp"
#include "protocol/breaker/event_codec.hpp"
#include "protocol/payment/event_codec.hpp"
#include "tests/simulation/route_invariants.hpp"

namespace welkin::simulation {
namespace {

using Found = std::optional<Violation>;
constexpr std::size_t journal_page = 10'000;

Violation broken(const PaymentId& payment, std::string what) {
  return {"", std::move(what), payment};
}

PaymentEvent event_of(const EventRow& row) {
  return std::get<PaymentEvent>(parse_event(row.type, row.version, row.payload));
}

template <class Event, class = void>
struct has_postings : std::false_type {};
template <class Event>
struct has_postings<Event, std::void_t<decltype(Event::postings)>> : std::true_type {};

bool is_of(const EventRow& row, PaymentEventKind kind) { return row.type == name_of(kind); }

// The event that stands for the effect of a command that was acknowledged.
bool is_effect(const EventRow& row, const PaymentCommand& command) {
  const PaymentEventKind kind = first_event_of(command.body);
  if (!is_of(row, kind)) return false;
  const PaymentEvent event = event_of(row);
  if (const auto* created = std::get_if<PaymentCreated>(&event))
    return created->request.fingerprint == command.request.fingerprint;
  if (const auto* asked = std::get_if<RefundPayment>(&command.body)) {
    const auto& refund = std::get<PaymentRefundRequested>(event);
    return refund.merchant_refund_no == asked->merchant_refund_no &&
           refund.amount_minor == asked->amount_minor;
  }
  if (const auto* asked = std::get_if<CapturePayment>(&command.body))
    return std::get<PaymentCaptureRequested>(event).amount_minor == asked->amount_minor;
  return true;  // a close may find the payment closing for another reason
}

// May the same effect stand more than once, after the channel refused it?
bool may_stand_again(const PaymentCommand& command) {
  return !std::holds_alternative<CreatePayment>(command.body) &&
         !std::holds_alternative<RefundPayment>(command.body);
}

Found acknowledged_is_durable(const Findings& findings) {
  for (const Told& told : findings.evidence.told()) {
    const auto* outcome = std::get_if<CommandOutcome>(&told.answer);
    if (!told.command || !outcome) continue;
    const std::string what =
        told.command->cause + " (" + std::string(name_of(first_event_of(told.command->body))) + ")";
    const auto history = findings.journal.find(told.payment);
    if (history == findings.journal.end())
      return broken(told.payment,
                    what + " was acknowledged, and the journal knows no such payment");
    std::size_t effects = 0;
    std::size_t own = 0;
    for (const EventRow& row : history->second.rows) {
      if (!is_effect(row, *told.command)) continue;
      if (row.seq <= outcome->view.seq) ++effects;
      if (row.causation_id == told.command->cause) ++own;
    }
    if (effects == 0)
      return broken(told.payment, what + " was acknowledged, and its effect is not in the journal");
    if (own > 1 || (effects > 1 && !may_stand_again(*told.command)))
      return broken(told.payment, what + " was acknowledged, and has its effect more than once");
  }
  return std::nullopt;
}

Found answers_match_journal(const Findings& findings) {
  std::set<std::pair<const Payment*, std::uint64_t>> seen;
  for (const Told& told : findings.evidence.told()) {
    const auto* outcome = std::get_if<CommandOutcome>(&told.answer);
    if (!outcome) continue;
    const PaymentView& view = outcome->view;
    const std::string at = "an answer showed the payment after event " + std::to_string(view.seq);
    if (view.seq < told.known_seq)
      return broken(told.payment, at + " when " + std::to_string(told.known_seq) +
                                      " had been shown before it was asked");
    if (!seen.emplace(view.payment.get(), view.seq).second) continue;
    const auto history = findings.journal.find(told.payment);
    if (history == findings.journal.end() || view.seq == 0 ||
        view.seq > history->second.after.size())
      return broken(told.payment, at + ", which the journal does not have");
    if (encode_payment(*view.payment) != encode_payment(history->second.after[view.seq - 1]))
      return broken(told.payment, at + " otherwise than the journal has it");
  }
  return std::nullopt;
}

Found refusals_leave_no_trace(const Findings& findings) {
  for (const Told& told : findings.evidence.told()) {
    const auto* problem = std::get_if<Problem>(&told.answer);
    if (!told.command || !problem) continue;
    // These say that it is not known what became of the request.
    if (problem->code == ProblemCode::outcome_unknown || problem->code == ProblemCode::internal ||
        problem->code == ProblemCode::shard_moved)
      continue;
    const auto history = findings.journal.find(told.payment);
    if (history == findings.journal.end()) continue;
    for (const EventRow& row : history->second.rows)
      if (row.causation_id == told.command->cause)
        return broken(told.payment, told.command->cause + " was refused with " +
                                        std::string(spec_of(problem->code).name) +
                                        ", and the journal has an event of it");
  }
  return std::nullopt;
}

// What is given back at the channel's desk may leave less than a refund here had been asked for.
bool refunded_outside(const Payment& payment) {
  return std::any_of(payment.refunds.begin(), payment.refunds.end(),
                     [](const Refund& refund) { return refund.outside; });
}

Found amounts_in_bounds(const Findings& findings) {
  for (const auto& [payment, history] : findings.journal)
    for (const Payment& p : history.after)
      if (p.captured_minor > p.authorized_minor || p.authorized_minor > p.amount_minor ||
          p.refunded_minor > p.captured_minor || p.refunded_minor < 0 ||
          (!refunded_outside(p) && p.refunded_minor + p.refund_pending_minor > p.captured_minor))
        return broken(payment, "captured above authorized, or refunded above captured");
  return std::nullopt;
}

// What the channels have of a payment: an order for each attempt that reached one of them.
std::vector<const BookedOrder*> orders_of(const Findings& findings, const PaymentId& payment,
                                          const Payment& last) {
  std::vector<const BookedOrder*> orders;
  for (const Attempt& attempt : last.attempts)
    for (const LyingChannel* channel : findings.channels)
      if (const auto* order = channel->books().find(channel_order_no(payment, attempt.number)))
        orders.push_back(order);
  return orders;
}

template <class Minor>
std::int64_t sum_of(const std::vector<const BookedOrder*>& orders, Minor minor) {
  std::int64_t sum = 0;
  for (const BookedOrder* order : orders) sum += (order->*minor)();
  return sum;
}

const BookedRefund* booked_refund(const std::vector<const BookedOrder*>& orders,
                                  const Refund& refund) {
  if (refund.outside) {
    for (const BookedOrder* order : orders)
      for (const auto& [number, booked] : order->refunds)
        if (booked.wire.transaction_id == refund.channel_reference) return &booked;
    return nullptr;
  }
  const std::string refund_no = channel_refund_no(*RefundId::parse(refund.refund_id));
  for (const BookedOrder* order : orders) {
    const auto booked = order->refunds.find(refund_no);
    if (booked != order->refunds.end()) return &booked->second;
  }
  return nullptr;
}

// Money of a surplus that the channel, by its own books, refused to give back or that came back to
// it stays there until an operator acts.
std::int64_t stuck_surplus_minor(const std::vector<const BookedOrder*>& orders,
                                 const Payment& payment) {
  std::int64_t sum = 0;
  for (const Refund& refund : payment.refunds) {
    if (!refund.surplus || refund.authorized_only || refund.state != RefundState::failed) continue;
    const BookedRefund* booked = booked_refund(orders, refund);
    if (booked && booked->wire.status == sandbox_wire::RefundStatus::failed)
      sum += refund.amount_minor;
  }
  return sum;
}

Found one_effective_charge(const Findings& findings) {
  for (const auto& [payment, history] : findings.journal) {
    const auto orders = orders_of(findings, payment, history.last());
    const std::int64_t kept_minor = sum_of(orders, &BookedOrder::captured_minor) -
                                    sum_of(orders, &BookedOrder::refunded_minor) -
                                    stuck_surplus_minor(orders, history.last());
    if (kept_minor > history.last().amount_minor || kept_minor < 0)
      return broken(payment, "the channels keep " + std::to_string(kept_minor) +
                                 " of the payer's money for an order of " +
                                 std::to_string(history.last().amount_minor));
    const std::int64_t held_minor = sum_of(orders, &BookedOrder::held_minor);
    if (held_minor > 0)
      return broken(payment, "the channels still hold " + std::to_string(held_minor));
  }
  return std::nullopt;
}

// What the payment's events put into the channel's account in the ledger, and took out of it.
std::int64_t posted_to_channel_minor(const History& history) {
  std::int64_t sum = 0;
  for (const EventRow& row : history.rows) {
    // Most events post nothing, and reading JSON is what a run spends most of its time on.
    if (row.payload.find("\"postings\"") == std::string::npos) continue;
    std::visit(
        [&](const auto& event) {
          if constexpr (has_postings<std::decay_t<decltype(event)>>::value)
            for (const Posting& posting : event.postings)
              if (posting.account.rfind("channel/", 0) == 0) sum += posting.amount_minor;
        },
        event_of(row));
  }
  return sum;
}

Found refunds_agree(const PaymentId& payment, const Payment& p,
                    const std::vector<const BookedOrder*>& orders) {
  std::int64_t given_back_minor = 0;
  for (const Refund& refund : p.refunds) {
    if (refund.authorized_only) continue;
    const BookedRefund* booked = booked_refund(orders, refund);
    const bool done = booked && booked->wire.status == sandbox_wire::RefundStatus::succeeded;
    if (done != (refund.state == RefundState::succeeded))
      return broken(payment, "refund " + refund.refund_id + " is " +
                                 std::string(name_of(refund.state)) + " here, and " +
                                 (done ? "done" : "not done") + " at the channel");
    if (done && !refund.surplus) given_back_minor += booked->wire.amount_minor;
  }
  if (given_back_minor != p.refunded_minor)
    return broken(payment, "the channel has given back " + std::to_string(given_back_minor) +
                               ", and the payment says " + std::to_string(p.refunded_minor));
  return std::nullopt;
}

Found books_agree(const Findings& findings) {
  for (const auto& [payment, history] : findings.journal) {
    const Payment& p = history.last();
    const auto orders = orders_of(findings, payment, p);
    const std::int64_t theirs_minor =
        sum_of(orders, &BookedOrder::captured_minor) - sum_of(orders, &BookedOrder::refunded_minor);
    const std::int64_t ours_minor =
        p.captured_minor - p.refunded_minor + stuck_surplus_minor(orders, p);
    if (theirs_minor != ours_minor)
      return broken(payment, "by the channel's books " + std::to_string(theirs_minor) +
                                 " came in, by the journal " + std::to_string(ours_minor));
    const std::int64_t posted_minor = posted_to_channel_minor(history);
    if (theirs_minor != posted_minor)
      return broken(payment, "by the channel's books " + std::to_string(theirs_minor) +
                                 " came in, by the postings " + std::to_string(posted_minor));
    if (auto found = refunds_agree(payment, p, orders)) return found;
  }
  return std::nullopt;
}

Found unknown_is_not_failed(const Findings& findings) {
  for (const auto& [payment, history] : findings.journal)
    for (const EventRow& row : history.rows) {
      if (!is_of(row, PaymentEventKind::failed)) continue;
      const auto orders = orders_of(findings, payment, history.last());
      const bool said_no = std::any_of(orders.begin(), orders.end(), [](const BookedOrder* order) {
        return order->refused || order->ever_declined;
      });
      // Every account was asked, and it is certain that none has taken it.
      if (history.last().failure_code == "no_route" && orders.empty()) continue;
      if (!said_no) return broken(payment, "the payment failed, and no channel ever said no");
    }
  return std::nullopt;
}

Found lies_are_refused(const Findings& findings) {
  for (const LyingChannel* channel : findings.channels)
    for (const LyingChannel::BelievedLie& lie : channel->believed())
      return broken(parse_channel_order_no(lie.order_no)->payment, lie.what + " was acknowledged");
  return std::nullopt;
}

Found every_payment_ends(const Findings& findings) {
  for (const PaymentId& payment : findings.unfinished) {
    const auto history = findings.journal.find(payment);
    return broken(payment, "hours after the last fault it is " +
                               std::string(name_of(history->second.last().state)) +
                               (history->second.last().is_parked() ? ", parked" : "") +
                               " and not at rest");
  }
  return std::nullopt;
}

Found replay_equals_live(const Findings& findings) {
  for (const auto& [payment, history] : findings.journal) {
    const auto live = findings.live.find(payment);
    const auto* outcome =
        live == findings.live.end() ? nullptr : std::get_if<CommandOutcome>(&live->second);
    if (!outcome) return broken(payment, "the payment is in the journal and cannot be looked at");
    if (outcome->view.seq != history.rows.size() ||
        encode_payment(*outcome->view.payment) != encode_payment(history.last()))
      return broken(payment, "its events fold to another payment than its actor shows");
  }
  return std::nullopt;
}

Found every_promise_answered(const Findings& findings) {
  if (findings.unanswered == 0) return std::nullopt;
  return Violation{"", std::to_string(findings.unanswered) + " questions were never answered", {}};
}

Found nodes_go_on(const Findings& findings) {
  if (findings.ended.empty()) return std::nullopt;
  return Violation{"", "a node ended by itself: " + findings.ended, {}};
}

Found hash_chain_holds(const Findings& findings) {
  if (findings.broken_chain.empty()) return std::nullopt;
  return Violation{"", findings.broken_chain, findings.broken_payment};
}

bool same_card(const Card& a, const Card& b) {
  return a.position == b.position && a.state == b.state && a.merchant_id == b.merchant_id &&
         a.merchant_order_no == b.merchant_order_no && a.amount_minor == b.amount_minor &&
         a.captured_minor == b.captured_minor && a.refunded_minor == b.refunded_minor &&
         a.created_at_us == b.created_at_us && a.updated_at_us == b.updated_at_us &&
         a.open == b.open && a.due_at_us == b.due_at_us;
}

Found views_equal_journal(const Findings& findings) {
  for (const auto& [payment, history] : findings.journal) {
    const auto card = findings.cards.find(payment);
    if (card == findings.cards.end()) return broken(payment, "it has no card");
    const Card expected =
        card_of(payment, history.rows.back().position, card->second.shard, history.last());
    if (!same_card(card->second, expected))
      return broken(payment, "its card says something else than its events");
  }
  if (findings.cards.size() > findings.journal.size())
    return Violation{"", "there are cards of payments that are not in the journal", {}};
  return std::nullopt;
}

Found keys_hold(const Findings& findings) {
  for (const std::string& key : findings.evidence.strange_keys)
    return Violation{"", "key " + key + " was answered with another request", {}};
  for (const auto& [merchant_and_key, bound] : findings.evidence.keys()) {
    const auto record = findings.keys.find(merchant_and_key);
    if (record == findings.keys.end())
      return broken(bound.payment, "key " + merchant_and_key.second + " is not known any more");
    if (record->second.stream != bound.payment || record->second.fingerprint != bound.fingerprint)
      return broken(bound.payment, "key " + merchant_and_key.second + " leads elsewhere");
    const auto history = findings.journal.find(bound.payment);
    if (history == findings.journal.end() || record->second.seq > history->second.rows.size() ||
        history->second.rows[record->second.seq - 1].payload.find(merchant_and_key.second) ==
            std::string::npos)
      return broken(bound.payment,
                    "key " + merchant_and_key.second + " leads to an event without it");
  }
  return std::nullopt;
}

Found service_recovers(const Findings& findings) {
  for (const NoRecovery& none : findings.evidence.no_recoveries)
    return broken(none.payment, "after these were lifted, a new payment did not succeed in time (" +
                                    none.stands_at + "): " + none.after);
  return std::nullopt;
}

}  // namespace

const std::vector<Invariant>& invariants() {
  // Those that others build on come first: a broken chain makes nonsense of what follows.
  static const std::vector<Invariant> all = {
      {"hash_chain_holds", "every row follows from the one before", hash_chain_holds},
      {"nodes_go_on", "no part of a node fails, and no node is fenced that is the only one",
       nodes_go_on},
      {"acknowledged_is_durable", "an acknowledged command's effect is in the journal exactly once",
       acknowledged_is_durable},
      {"answers_match_journal",
       "what anybody was shown is what the journal has, and never goes back",
       answers_match_journal},
      {"refusals_leave_no_trace", "what was refused did not happen", refusals_leave_no_trace},
      {"amounts_in_bounds", "captured is within authorized, refunded within captured",
       amounts_in_bounds},
      {"unknown_is_not_failed", "a payment fails only when the channel said no",
       unknown_is_not_failed},
      {"lies_are_refused", "no callback that is forged or names a wrong amount is acknowledged",
       lies_are_refused},
      {"no_fallback_after_doubt",
       "another account is asked only while no channel can have the order",
       no_fallback_after_doubt},
      {"breakers_survive", "a breaker is after a restart what it was", breakers_survive},
      {"orders_are_durable", "what an operator was told of a breaker is in the journal",
       orders_are_durable},
      {"forced_open_refuses", "a breaker that an operator holds open lets nothing through",
       forced_open_refuses},
      {"trips_have_cause", "a breaker opens for failures that happened", trips_have_cause},
      {"few_probes", "half-open lets no more through than it says", few_probes},
      {"service_recovers", "after each fault a new payment succeeds", service_recovers},
      {"every_payment_ends", "once faults stop every payment comes to rest", every_payment_ends},
      {"one_effective_charge", "the channel keeps at most one charge for an order",
       one_effective_charge},
      {"books_agree", "the channel's books and the journal say the same", books_agree},
      {"calls_say_what_was_ordered", "each call for an order says what its merchant said",
       calls_say_what_was_ordered},
      {"replay_equals_live", "a stream's events fold to what its actor shows", replay_equals_live},
      {"every_promise_answered", "no question stays without an answer", every_promise_answered},
      {"views_equal_journal", "after a flush the cards are what the events say",
       views_equal_journal},
      {"keys_hold", "an idempotency key leads to the request it came with", keys_hold},
  };
  return all;
}

std::optional<Violation> first_violation(const Findings& findings) {
  for (const Invariant& invariant : invariants())
    if (auto violation = invariant.check(findings)) {
      violation->invariant = invariant.name;
      return violation;
    }
  return std::nullopt;
}

namespace {

void note_breaker(const EventRow& row, Findings& findings) {
  if (row.stream.kind != StreamKind::breaker) return;
  auto parsed = parse_breaker_event(row.type, row.version, row.payload);
  auto* event = std::get_if<BreakerEvent>(&parsed);
  if (!event) return;  // said by the check of the stream
  auto& steps = findings.breakers[std::visit([](const auto& e) { return e.account; }, *event)];
  const BreakerState before = steps.empty() ? BreakerState::closed : steps.back().state;
  const BreakerEdge* edge = find_edge(before, kind_of(*event));
  steps.push_back({std::move(*event), row.at_us, edge ? edge->to : before});
}

}  // namespace

void read_journal(const JournalStore& store, Findings& findings) {
  std::map<StreamId, StreamCheck> checks;
  std::uint64_t position = 0;
  for (;;) {
    auto page = std::get<std::vector<EventRow>>(store.read_all(position, journal_page));
    if (page.empty()) return;
    for (EventRow& row : page) {
      StreamCheck& check = checks[row.stream];
      std::string problem = check.take(row);
      if (problem.empty() && row.position != position + 1) problem = "leaves a gap of positions";
      if (!problem.empty() && findings.broken_chain.empty()) {
        findings.broken_chain = "seq " + std::to_string(row.seq) + " " + problem;
        findings.broken_payment = row.stream;
      }
      position = row.position;
      ++findings.rows;
      ++findings.rows_by_type[row.type];
      note_breaker(row, findings);
      const Payment* payment = check.payment();
      if (!payment) continue;
      History& history = findings.journal[row.stream];
      history.after.push_back(*payment);
      history.rows.push_back(std::move(row));
    }
  }
}

bool is_at_rest(const Payment& payment) {
  const bool final_state =
      payment.state == PaymentState::paid || payment.state == PaymentState::failed ||
      payment.state == PaymentState::closed || payment.state == PaymentState::partially_refunded ||
      payment.state == PaymentState::refunded;
  const auto may_wait = [](const ParkedPart& part) {
    return part.parked.reason.rfind("the channel refuses to give a surplus back", 0) == 0 ||
           part.parked.reason.rfind("a surplus that was given back has come back", 0) == 0;
  };
  const auto parts = payment.parked_parts();
  return final_state && std::all_of(parts.begin(), parts.end(), may_wait) && !payment.is_open() &&
         payment.due_at_us() == 0;
}

}  // namespace welkin::simulation
