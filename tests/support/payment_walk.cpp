#include "tests/support/payment_walk.hpp"

#include <algorithm>
#include <utility>

#include "protocol/payment/event_codec.hpp"
#include "protocol/payment/refused_callback.hpp"

namespace welkin {
namespace {

const std::vector<Route> two_accounts = {{"sandbox_a", 1, 1, true}, {"sandbox_b", 2, 1, true}};

constexpr std::size_t verdict_count = static_cast<std::size_t>(ChannelVerdict::unknown) + 1;
constexpr std::size_t operation_count = static_cast<std::size_t>(ChannelOperation::refund) + 1;
constexpr std::size_t source_count = static_cast<std::size_t>(ReportSource::callback) + 1;

enum Group : std::size_t { commands, passings, others, right_reports, bent_reports, group_count };

// In what a report may be bent. Each is genuine and names one thing that does not fit, or leaves it
// out.
enum Bend : std::size_t {
  amount_wrong,
  amount_partial,
  amount_zero,
  currency_wrong,
  merchant_wrong,
  order_strange,
  order_of_first_attempt,
  order_unnamed,
  account_wrong,
  reference_other,
  reference_unnamed,
  made_outside,
  made_outside_in_all,
  bend_count
};

PaymentCommandBody command_body(const PaymentScript& script, std::size_t n) {
  const std::int64_t all = script_amount_minor;
  const PaymentCommandBody bodies[] = {script.create_body(),
                                       ClosePayment{},
                                       CapturePayment{},
                                       CapturePayment{all / 4},
                                       CapturePayment{all + 1},
                                       CapturePayment{0},
                                       VoidPayment{},
                                       RefundPayment{"r-1", all, "why"},
                                       RefundPayment{"r-2", all / 4, "why"},
                                       RefundPayment{"r-3", all - all / 4, "why"},
                                       RefundPayment{"r-4", all + 1, "why"},
                                       RefundPayment{"r-5", 0, "why"},
                                       ResumePayment{"ops"}};
  return bodies[n];
}
constexpr std::size_t command_bodies = 13;
// As it is, under a key, from somebody else, and with another content.
constexpr std::size_t command_ways = 4;

PaymentCommand command_of(const PaymentScript& script, std::size_t n) {
  PaymentCommand command = script.command(command_body(script, n / command_ways));
  switch (n % command_ways) {
    case 1:
      command.request.idempotency_key = "key-1";
      break;
    case 2:
      command.merchant_id = "m_2";
      break;
    case 3:
      command.request.fingerprint = "f2";
      break;
    default:
      break;
  }
  return command;
}

constexpr std::size_t said_of_one = verdict_count * source_count;
constexpr std::size_t said_of_the_order = said_of_one * operation_count;

// A verdict by a source: of each operation on the order, of each refund, and of one that is none.
ChannelReport right_report(const PaymentScript& script, std::size_t n) {
  const Payment& payment = script.payment;
  const std::size_t subject = n / said_of_one;
  ChannelReport report = script.report(static_cast<ChannelVerdict>(n % verdict_count));
  report.source = static_cast<ReportSource>(n / verdict_count % source_count);
  report.account = payment.last_attempt().account;
  if (subject < operation_count) {
    report.operation = static_cast<ChannelOperation>(subject);
    if (report.operation == ChannelOperation::capture && payment.pending)
      report.amount_minor = payment.pending->amount_minor;
    return report;
  }
  report.operation = ChannelOperation::refund;
  report.refund_id = "rfd_none";
  if (subject - operation_count < payment.refunds.size()) {
    const Refund& refund = payment.refunds[subject - operation_count];
    report.refund_id = refund.refund_id;
    report.amount_minor = refund.amount_minor;
    report.channel_order_no = refund.channel_order_no;
    report.account = refund.account;
    if (!refund.channel_reference.empty()) report.channel_reference = refund.channel_reference;
  }
  return report;
}

std::size_t right_reports_of(const Payment& payment) {
  return said_of_the_order + said_of_one * (payment.refunds.size() + 1);
}

void bend(ChannelReport& report, const PaymentScript& script, std::size_t n) {
  switch (n) {
    case amount_wrong:
      report.amount_minor += 1;
      break;
    case amount_partial:
      report.amount_minor = script_amount_minor / 4;
      break;
    case amount_zero:
      report.amount_minor = 0;
      break;
    case currency_wrong:
      report.currency = currency_of("USD");
      break;
    case merchant_wrong:
      report.merchant_id = "m_2";
      break;
    case order_strange:
      report.channel_order_no = channel_order_no(script.id, 99);
      break;
    case order_of_first_attempt:
      if (!script.payment.attempts.empty()) {
        report.channel_order_no = script.payment.attempts.front().channel_order_no;
        report.account = script.payment.attempts.front().account;
      }
      break;
    case order_unnamed:
      report.channel_order_no.clear();
      break;
    case account_wrong:
      report.account = "sandbox_c";
      break;
    case reference_other:
      report.channel_reference = "ch_2";
      break;
    case made_outside_in_all:
      report.amount_is_total = true;
      [[fallthrough]];
    case made_outside:
      report.operation = ChannelOperation::refund;
      report.refund_id.clear();
      report.outside_refund = true;
      if (report.amount_minor == script_amount_minor) report.amount_minor /= 4;
      break;
    default:
      report.channel_reference.clear();
  }
}

ChannelReport bent_report(const PaymentScript& script, std::size_t n) {
  ChannelReport report = right_report(script, n / bend_count);
  bend(report, script, n % bend_count);
  return report;
}

using Step = WalkStep<PaymentWalk::State>;

Step record(const PaymentScript& script, const std::vector<PaymentEvent>& events) {
  if (events.empty()) return {{}, "it decided on no event at all"};
  Step step{PaymentWalk::State{script}, ""};
  PaymentScript& next = step.next->script;
  std::string problem;
  for (const PaymentEvent& event : events) {
    if (!apply(next.payment, event, next.now_us, &problem))
      return {{},
              std::string(name_of(script.payment.state)) + " decided " + in_short(events) +
                  " and does not take it: " + problem};
    for (const ChannelCall& call : calls_after(next.payment, event, next.id)) {
      const Attempt* attempt = next.payment.find_attempt(call.channel_order_no);
      if (!attempt || call.account != attempt->account || call.amount_minor <= 0)
        return {{}, "it calls for what fits none of its attempts after " + in_short(events)};
    }
  }
  return step;
}

Step record(const PaymentScript& script, const Decision& decision) {
  if (const auto* events = std::get_if<std::vector<PaymentEvent>>(&decision))
    return record(script, *events);
  return {};
}

Step pass(PaymentScript script, PaymentWalk::Passing passing) {
  if (passing == PaymentWalk::Passing::a_second) script.now_us += us_per_s;
  if (passing == PaymentWalk::Passing::until_due)
    script.now_us = std::max(script.now_us, script.payment.due_at_us());
  if (passing == PaymentWalk::Passing::past_expiry)
    script.now_us = std::max(script.now_us, script.payment.expires_at_us + us_per_s);
  const auto events = decide_due(script.payment, script.context());
  if (!events.empty()) return record(script, events);
  return {PaymentWalk::State{std::move(script)}, ""};
}

Step ask_in_vain(const PaymentScript& script) {
  const Payment& p = script.payment;
  std::vector<PaymentEvent> events;
  const auto in_vain = [&](ChannelOperation operation, const std::string& refund_id) {
    events.emplace_back(PaymentUnsettled{operation, refund_id, Outcome::unknown, "",
                                         ReportSource::query, max_settle_tries - 1,
                                         script.now_us + us_per_s});
  };
  if (p.pending && !p.waits_for_a_route()) in_vain(p.pending->operation, "");
  for (const Refund& refund : p.refunds)
    if (refund.state == RefundState::pending) in_vain(ChannelOperation::refund, refund.refund_id);
  if (events.empty()) return {};
  Step step = record(script, events);
  auto& pending = step.next->script.payment.pending;
  if (pending && pending->close_refusals > 0) pending->close_refusals = max_settle_tries - 1;
  return step;
}

struct Taker {
  const PaymentScript& script;

  Step operator()(const PaymentCommand& command) const {
    return record(script, decide(script.payment, command, script.context()));
  }
  Step operator()(const ChannelReport& report) const {
    Step step = record(script, decide(script.payment, report, script.context()));
    const Payment& after = step.next ? step.next->script.payment : script.payment;
    for (const ChannelCall& call : calls_to_repeat(after, report, script.id))
      if (call.query || !after.find_attempt(call.channel_order_no))
        step.wrong = "it repeats what fits none of its attempts";
    return step;
  }
  Step operator()(PaymentWalk::Passing passing) const { return pass(script, passing); }
  Step operator()(const PaymentWalk::AskedInVain&) const { return ask_in_vain(script); }
  Step operator()(const PaymentWalk::RefusedCallback&) const {
    const Problem why{ProblemCode::bad_signature, "", ""};
    return record(script, decide_refused_callback(script.payment, why));
  }
};

struct Teller {
  std::string operator()(const PaymentCommand& command) const {
    std::string words(name_of(first_event_of(command.body)));
    if (const auto* refund = std::get_if<RefundPayment>(&command.body))
      words += " " + refund->merchant_refund_no + " " + std::to_string(refund->amount_minor);
    if (const auto* capture = std::get_if<CapturePayment>(&command.body))
      words += capture->amount_minor ? " " + std::to_string(*capture->amount_minor) : " all";
    return "command " + words + " key '" + command.request.idempotency_key + "'";
  }
  std::string operator()(const ChannelReport& report) const {
    return "report " + std::string(name_of(report.source)) + " " +
           std::string(name_of(report.operation)) + " " + std::string(name_of(report.verdict)) +
           " order " + report.channel_order_no + " of " + report.account + " refund '" +
           report.refund_id + "' " + std::to_string(report.amount_minor) + " " +
           std::string(report.currency.code()) + " reference '" + report.channel_reference + "'" +
           (report.outside_refund ? " from outside" : "") +
           (report.amount_is_total ? " in all" : "");
  }
  std::string operator()(PaymentWalk::Passing passing) const {
    constexpr const char* words[] = {"a second passes", "it comes due", "it expires"};
    return words[static_cast<std::size_t>(passing)];
  }
  std::string operator()(const PaymentWalk::AskedInVain&) const { return "asked often, in vain"; }
  std::string operator()(const PaymentWalk::RefusedCallback&) const {
    return "a callback that is not believed";
  }
};

// ---- what must be so in every state

std::string judge_money(const Payment& p) {
  std::int64_t refunded_minor = 0;
  std::int64_t pending_minor = 0;
  for (const Refund& refund : p.refunds) {
    if (refund.surplus) continue;
    if (refund.state == RefundState::succeeded) refunded_minor += refund.amount_minor;
    if (refund.state == RefundState::pending) pending_minor += refund.amount_minor;
  }
  if (refunded_minor != p.refunded_minor || pending_minor != p.refund_pending_minor)
    return "the refunds do not add up";
  // What is given back at the channel's desk may leave less than is asked for already.
  const bool outside = std::any_of(p.refunds.begin(), p.refunds.end(),
                                   [](const Refund& refund) { return refund.outside; });
  if (p.refunded_minor + (outside ? 0 : p.refund_pending_minor) > p.captured_minor)
    return "more is refunded than was captured";
  if (p.captured_minor > p.authorized_minor || p.authorized_minor > p.amount_minor)
    return "more is captured than the order is for";
  return {};
}

// What is asked of the channel and not decided is either asked about again or waits for an
// operator, each part of the payment by itself.
std::string judge_parts(const Payment& p) {
  const auto goes_on = [](const auto& part) {
    return (part.next_query_at_us != 0) != static_cast<bool>(part.parked);
  };
  if (p.pending && !goes_on(*p.pending)) return "nobody will see to what is pending";
  for (const Refund& refund : p.refunds)
    if (refund.state == RefundState::pending && !goes_on(refund))
      return "nobody will see to a refund";
  return {};
}

// The order's own half ends by its time, whatever waits for an operator elsewhere.
std::string judge_expiry(const PaymentScript& script) {
  const Payment& p = script.payment;
  const bool open = p.state == PaymentState::created || p.state == PaymentState::paying;
  if (!open || (p.pending && p.pending->parked)) return {};
  DecisionContext late = script.context();
  late.now_us = std::max(script.now_us, p.expires_at_us) + 86'400 * us_per_s;
  const bool goes_on =
      !decide_due(p, late).empty() || !calls_due(p, script.id, late.now_us).empty();
  return goes_on ? "" : "it does not expire";
}

// Whoever is woken finds something to do: else it would be woken for ever, and nobody would look.
std::string judge_timers(const PaymentScript& script) {
  const Payment& p = script.payment;
  const UnixUs due_us = p.due_at_us();
  if (due_us == 0) {
    const bool pays = p.state == PaymentState::created || p.state == PaymentState::paying;
    return pays && !p.is_parked() ? "it is open and nothing will wake it" : "";
  }
  DecisionContext context = script.context();
  context.now_us = std::max(script.now_us, due_us);
  if (!decide_due(p, context).empty()) return {};
  if (!calls_due(p, script.id, context.now_us).empty()) return {};
  if (p.waits_for_a_route()) return {};  // no account may be asked now; it is looked at again
  return "it is due, and woken it does nothing";
}

std::string judge_snapshot(const Payment& p) {
  if (p.state == PaymentState::none) return {};
  const std::string text = encode_payment(p);
  const auto parsed = parse_payment(text);
  const auto* again = std::get_if<Payment>(&parsed);
  return again && encode_payment(*again) == text ? "" : "its snapshot does not come back the same";
}

// ---- likeness

// What decides which events may follow, and no more: else there would be no end of states.
constexpr char once_more(int count, int most) { return count < most - 1 ? '-' : 'M'; }
char parked_or_not(const Parking& parked) { return parked ? 'P' : '-'; }

std::string likeness_of(const Refund& refund) {
  std::string words = refund.surplus ? "s" : refund.outside ? "o" : "r";
  words += std::to_string(static_cast<int>(refund.state));
  words += refund.authorized_only ? 'v' : '-';
  words += parked_or_not(refund.parked);
  if (refund.state != RefundState::pending) return words + (refund.reversed ? 'b' : '-');
  words += refund.needs_attention() ? 'a' : '-';
  return words + once_more(refund.tries, max_settle_tries);
}

std::string likeness_of(const PendingOperation& pending) {
  std::string words(name_of(pending.operation));
  words += once_more(pending.tries, max_settle_tries);
  words += once_more(pending.close_refusals, max_settle_tries);
  return words + parked_or_not(pending.parked);
}

}  // namespace

std::vector<PaymentWalk::State> PaymentWalk::beginnings() const {
  std::vector<State> beginnings;
  for (const CaptureMethod capture : {CaptureMethod::automatic, CaptureMethod::manual}) {
    beginnings.push_back({PaymentScript(capture)});
    beginnings.back().script.routes = &two_accounts;
  }
  return beginnings;
}

std::vector<std::size_t> PaymentWalk::groups(const State& state) const {
  std::vector<std::size_t> sizes(group_count);
  const std::size_t reports = right_reports_of(state.script.payment);
  sizes[commands] = command_bodies * command_ways;
  sizes[passings] = 3;
  sizes[others] = 2;
  sizes[right_reports] = reports;
  sizes[bent_reports] = reports * bend_count;
  return sizes;
}

PaymentWalk::Input PaymentWalk::input(const State& state, std::size_t group, std::size_t n) const {
  switch (group) {
    case commands:
      return command_of(state.script, n);
    case passings:
      return static_cast<Passing>(n);
    case others:
      if (n == 0) return AskedInVain{};
      return RefusedCallback{};
    case right_reports:
      return right_report(state.script, n);
    default:
      return bent_report(state.script, n);
  }
}

std::size_t PaymentWalk::stride(std::size_t group) const { return group == bent_reports ? 29 : 1; }

std::string PaymentWalk::words(const Input& input) const { return std::visit(Teller{}, input); }

Step PaymentWalk::take(const State& state, const Input& input) const {
  return std::visit(Taker{state.script}, input);
}

std::string PaymentWalk::judge(const State& state) const {
  std::string wrong = judge_money(state.script.payment);
  if (wrong.empty()) wrong = judge_parts(state.script.payment);
  if (wrong.empty()) wrong = judge_timers(state.script);
  if (wrong.empty()) wrong = judge_expiry(state.script);
  if (wrong.empty()) wrong = judge_snapshot(state.script.payment);
  if (!wrong.empty())
    wrong += " (" + std::string(name_of(state.script.payment.state)) + ", " +
             likeness(state).value_or("beyond the bounds") + ")";
  return wrong;
}

std::optional<std::string> PaymentWalk::likeness(const State& state) const {
  const Payment& p = state.script.payment;
  if (p.attempts.size() > bounds_.attempts || p.refunds.size() > bounds_.refunds)
    return std::nullopt;
  std::string words(name_of(p.state));
  words += name_of(p.capture_method);
  for (const Attempt& attempt : p.attempts)
    words += std::to_string(static_cast<int>(attempt.outcome));
  if (p.pending) words += likeness_of(*p.pending);
  words += state.script.now_us >= p.expires_at_us ? " late " : " ";
  words += p.captured_minor == 0 ? '0' : p.captured_minor == p.amount_minor ? 'a' : 'p';
  std::vector<std::string> refunds;
  for (const Refund& refund : p.refunds) refunds.push_back(likeness_of(refund));
  std::sort(refunds.begin(), refunds.end());
  for (const std::string& refund : refunds) words += "," + refund;
  return words;
}

}  // namespace welkin
