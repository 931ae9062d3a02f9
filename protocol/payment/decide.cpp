// What a payment answers to a command: events to record, the news that it is so already, or why
// not.
#include "protocol/payment/decide.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "protocol/payment/first_answer.hpp"

namespace welkin {

std::vector<Posting> balanced_postings(std::string debit_account, std::string credit_account,
                                       std::int64_t amount_minor) {
  return {{std::move(debit_account), amount_minor}, {std::move(credit_account), -amount_minor}};
}

std::optional<PaymentStarted> next_attempt(const Payment& payment, const std::string& channel,
                                           Round round, const DecisionContext& context) {
  if (payment.attempts.size() >= static_cast<std::size_t>(max_attempts)) return std::nullopt;
  const int number = static_cast<int>(payment.attempts.size()) + 1;
  std::vector<std::string> tried;
  for (const Attempt& attempt : payment.attempts)
    if (round == Round::same && attempt.round == payment.last_attempt().round)
      tried.push_back(attempt.account);
  std::optional<RouteChoice> choice;
  if (context.routes && !context.routes->empty())
    choice = choose_route(*context.routes, context.payment, number, tried);
  else if (tried.empty())
    choice = RouteChoice{channel, ""};
  if (!choice) return std::nullopt;
  return PaymentStarted{number,
                        channel,
                        std::move(choice->account),
                        channel_order_no(context.payment, number),
                        std::move(choice->why),
                        context.now_us + answer_patience_us};
}

bool asks_before_closing(const PendingOperation& pending, UnixUs expires_at_us, UnixUs now_us) {
  const bool is_due = pending.next_query_at_us != 0 && pending.next_query_at_us <= now_us;
  return is_due || pending.heard_at_us < expires_at_us;
}

namespace {

Problem illegal(const Payment& payment, PaymentEventKind wanted) {
  Problem problem{ProblemCode::illegal_transition, {}, {}};
  problem.detail = "The payment is " + std::string(name_of(payment.state)) + "; " +
                   std::string(name_of(wanted)) + " is possible only from";
  const char* separator = " ";
  for (const PaymentEdge& edge : payment_edges) {
    if (edge.on != wanted) continue;
    problem.detail += separator + std::string(name_of(edge.from));
    separator = ", ";
  }
  problem.detail += ".";
  return problem;
}

// The answer stands already. A key that came with the repetition is bound to it, so that the key
// answers the same from now on.
Decision repeated(const Payment& payment, const PaymentCommand& command) {
  if (command.request.idempotency_key.empty() ||
      payment.repeated_requests >= max_repeated_requests_kept)
    return AlreadySo{};
  const auto awaited = awaited_by(command.payment, command.body);
  return std::vector<PaymentEvent>{
      PaymentRequestRepeated{awaited->operation, awaited->refund_id, command.request}};
}

class CommandJudge {
 public:
  CommandJudge(const Payment& payment, const PaymentCommand& command,
               const DecisionContext& context)
      : p_(payment), command_(command), context_(context) {}

  Decision operator()(const CreatePayment& c) {
    if (p_.state != PaymentState::none) {
      if (p_.request_fingerprint == command_.request.fingerprint) return repeated(p_, command_);
      return Problem{ProblemCode::order_exists_with_other_body,
                     "This order number belongs to a payment with other contents.",
                     "/merchant_order_no"};
    }
    PaymentCreated created{command_.merchant_id,
                           c.merchant_order_no,
                           c.amount_minor,
                           c.currency,
                           c.channel,
                           c.method,
                           c.payer,
                           c.subject,
                           c.capture_method,
                           context_.now_us + c.expires_in_s * us_per_s,
                           c.return_url,
                           c.metadata,
                           command_.request};
    std::vector<PaymentEvent> events;
    events.reserve(2);
    events.emplace_back(std::move(created));
    if (auto started = next_attempt(p_, c.channel, Round::next, context_))
      events.emplace_back(std::move(*started));
    return events;
  }

  Decision operator()(const ClosePayment&) {
    if (is_pending(ChannelOperation::close) || closed_because(CloseReason::merchant))
      return repeated(p_, command_);
    if (auto problem = refuse_unless(PaymentEventKind::close_requested)) return *problem;
    if (auto problem = refuse_once_too_many()) return *problem;
    PaymentCloseRequested asked{CloseReason::merchant, answer_due(), command_.request};
    if (p_.state == PaymentState::created || p_.waits_for_a_route())  // no account has it
      return std::vector<PaymentEvent>{std::move(asked), PaymentClosed{CloseReason::merchant, {}}};
    return std::vector<PaymentEvent>{std::move(asked)};
  }

  Decision operator()(const CapturePayment& c) {
    const std::int64_t amount_minor = c.amount_minor.value_or(p_.authorized_minor);
    if ((is_pending(ChannelOperation::capture) && p_.pending->amount_minor == amount_minor) ||
        (p_.captured_minor > 0 && p_.capture_method == CaptureMethod::manual &&
         p_.captured_minor == amount_minor))
      return repeated(p_, command_);
    if (auto problem = refuse_unless(PaymentEventKind::capture_requested)) return *problem;
    if (p_.pending) return in_progress();
    if (auto problem = refuse_once_too_many()) return *problem;
    if (amount_minor > p_.authorized_minor)
      return Problem{ProblemCode::amount_exceeds_authorized,
                     "Authorized is " + std::to_string(p_.authorized_minor) + ".", "/amount"};
    if (amount_minor <= 0)
      return Problem{ProblemCode::amount_out_of_range, "The amount must be positive.", "/amount"};
    return std::vector<PaymentEvent>{
        PaymentCaptureRequested{amount_minor, answer_due(), command_.request}};
  }

  Decision operator()(const VoidPayment&) {
    if (is_pending(ChannelOperation::void_) || closed_because(CloseReason::voided))
      return repeated(p_, command_);
    if (auto problem = refuse_unless(PaymentEventKind::void_requested)) return *problem;
    if (p_.pending) return in_progress();
    if (auto problem = refuse_once_too_many()) return *problem;
    return std::vector<PaymentEvent>{PaymentVoidRequested{answer_due(), command_.request}};
  }

  Decision operator()(const RefundPayment& c) {
    if (const Refund* refund = p_.find_refund_by_no(c.merchant_refund_no)) {
      if (refund->amount_minor == c.amount_minor && refund->reason == c.reason)
        return repeated(p_, command_);
      return Problem{ProblemCode::refund_exists_with_other_body,
                     "This refund number belongs to a refund with other contents.",
                     "/merchant_refund_no"};
    }
    if (auto problem = refuse_unless(PaymentEventKind::refund_requested)) return *problem;
    if (c.amount_minor <= 0)
      return Problem{ProblemCode::amount_out_of_range, "The amount must be positive.", "/amount"};
    const std::int64_t left_minor = p_.captured_minor - p_.refunded_minor - p_.refund_pending_minor;
    if (c.amount_minor > left_minor)
      return Problem{
          ProblemCode::amount_exceeds_refundable,
          "Left to refund is " + std::to_string(std::max<std::int64_t>(left_minor, 0)) + ".",
          "/amount"};
    if (p_.refunds.size() >= max_refunds)
      return Problem{ProblemCode::limit_reached,
                     "A payment has at most " + std::to_string(max_refunds) + " refunds.",
                     "/merchant_refund_no"};
    return std::vector<PaymentEvent>{PaymentRefundRequested{
        refund_id_of(context_.payment, c.merchant_refund_no).text(), c.merchant_refund_no,
        c.amount_minor, c.reason, answer_due(), command_.request}};
  }

  Decision operator()(const ResumePayment& c) {
    if (!p_.waits_for_operator())
      return Problem{ProblemCode::not_parked, "Nothing waits for an operator here.", ""};
    return std::vector<PaymentEvent>{
        PaymentResumed{c.by, context_.now_us, command_.request.request_id}};
  }

 private:
  UnixUs answer_due() const { return context_.now_us + answer_patience_us; }
  bool is_pending(ChannelOperation operation) const {
    return p_.pending && p_.pending->operation == operation;
  }
  bool closed_because(CloseReason reason) const {
    return p_.state == PaymentState::closed && p_.close_reason == reason;
  }
  std::optional<Problem> refuse_unless(PaymentEventKind kind) const {
    if (may_follow(p_.state, kind)) return std::nullopt;
    return illegal(p_, kind);
  }
  std::optional<Problem> refuse_once_too_many() const {
    if (p_.operations_asked < max_operations_asked) return std::nullopt;
    return Problem{ProblemCode::limit_reached,
                   "Captures, voids and closes of one payment may be asked for " +
                       std::to_string(max_operations_asked) + " times in all.",
                   ""};
  }
  Problem in_progress() const {
    return {ProblemCode::operation_in_progress,
            "The " + std::string(name_of(p_.pending->operation)) + " asked before is not settled.",
            ""};
  }

  const Payment& p_;
  const PaymentCommand& command_;
  const DecisionContext& context_;
};

}  // namespace

PaymentEventKind first_event_of(const PaymentCommandBody& body) {
  constexpr PaymentEventKind kinds[] = {
      PaymentEventKind::created,           PaymentEventKind::close_requested,
      PaymentEventKind::capture_requested, PaymentEventKind::void_requested,
      PaymentEventKind::refund_requested,  PaymentEventKind::resumed};
  static_assert(std::size(kinds) == std::variant_size_v<PaymentCommandBody>);
  return kinds[body.index()];
}

Decision decide(const Payment& payment, const PaymentCommand& command,
                const DecisionContext& context) {
  const bool creates = std::holds_alternative<CreatePayment>(command.body);
  const bool foreign = !command.merchant_id.empty() && command.merchant_id != payment.merchant_id;
  if (!creates && (payment.state == PaymentState::none || foreign))
    return Problem{ProblemCode::not_found, "There is no such payment.", ""};
  return std::visit(CommandJudge(payment, command, context), command.body);
}

std::vector<PaymentEvent> decide_due(const Payment& payment, const DecisionContext& context) {
  const auto& pending = payment.pending;
  const bool closing = pending && pending->operation == ChannelOperation::close;
  if (closing || (pending && pending->parked)) return {};
  const bool waits_for_a_route = payment.waits_for_a_route();
  if (context.now_us >= payment.expires_at_us) {
    PaymentCloseRequested asked{CloseReason::expired, context.now_us + answer_patience_us, {}};
    if (payment.state == PaymentState::created || waits_for_a_route)  // no account has it
      return {std::move(asked), PaymentClosed{CloseReason::expired, {}}};
    if (payment.state != PaymentState::paying) return {};
    if (pending && asks_before_closing(*pending, payment.expires_at_us, context.now_us)) return {};
    return {std::move(asked)};
  }
  if (!waits_for_a_route || !pending || pending->next_query_at_us > context.now_us) return {};
  auto started = next_attempt(payment, payment.channel, Round::next, context);
  if (!started) return {};
  return {std::move(*started)};
}

}  // namespace welkin
