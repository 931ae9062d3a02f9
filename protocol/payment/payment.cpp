// What a payment is after its events: apply, and the questions its state answers by itself.
#include "protocol/payment/payment.hpp"

#include <algorithm>
#include <iterator>

namespace welkin {
namespace {

// Folds one event's data in; the state itself is moved by `apply`, the only place that does.
class Folder {
 public:
  Folder(Payment& payment, UnixUs at_us) : p_(payment), at_us_(at_us) {}

  bool operator()(const PaymentCreated& e) {
    p_.merchant_id = e.merchant_id;
    p_.merchant_order_no = e.merchant_order_no;
    p_.amount_minor = e.amount_minor;
    p_.currency = e.currency;
    p_.channel = e.channel;
    p_.method = e.method;
    p_.payer = e.payer;
    p_.subject = e.subject;
    p_.capture_method = e.capture_method;
    p_.expires_at_us = e.expires_at_us;
    p_.return_url = e.return_url;
    p_.metadata = e.metadata;
    p_.request_fingerprint = e.request.fingerprint;
    p_.created_at_us = at_us_;
    return check(e.amount_minor > 0, "the amount is not positive");
  }
  bool operator()(const PaymentStarted& e) {
    const Attempt& before = p_.last_attempt();
    const bool first = p_.attempts.empty();
    if (!check(first || before.outcome == AttemptOutcome::not_taken,
               "the attempt before may still succeed") ||
        !check(e.attempt == before.number + 1, "the attempts are not in order"))
      return false;
    // Whoever waited before this attempt had asked every account.
    const bool waited = p_.pending && p_.pending->tries > 0;
    const int round = first || waited ? before.round + 1 : before.round;
    p_.channel = e.channel;
    p_.attempts.push_back(
        {e.attempt, round, e.account, e.channel_order_no, AttemptOutcome::asked, at_us_});
    p_.pending = ask(ChannelOperation::create, p_.amount_minor, e.next_query_at_us);
    return true;
  }
  bool operator()(const PaymentRouteRefused& e) {
    if (!check(!p_.attempts.empty() && p_.last_attempt().number == e.attempt &&
                   p_.last_attempt().outcome == AttemptOutcome::asked,
               "that attempt may still succeed"))
      return false;
    p_.attempts.back().outcome = AttemptOutcome::not_taken;
    return true;
  }
  bool operator()(const PaymentChannelAccepted& e) {
    answered();
    p_.channel_reference = e.channel_reference;
    p_.next_action = e.next_action;
    if (p_.pending && p_.pending->operation == ChannelOperation::create) {
      p_.pending->tries = 1;  // it was asked once, and has answered
      look_again(*p_.pending, e.next_query_at_us);
      p_.pending->heard_at_us = at_us_;
    }
    return true;
  }
  bool operator()(const PaymentUnsettled& e) {
    if (!e.refund_id.empty()) {
      Refund* refund = step(e.refund_id, PaymentEventKind::unsettled);
      if (!check(refund, "no such refund is pending")) return false;
      refund->tries = e.tries;
      look_again(*refund, e.next_query_at_us);
      refund->updated_at_us = at_us_;
      return true;
    }
    if (!check(p_.pending && p_.pending->operation == e.operation, "that operation is not pending"))
      return false;
    doubt();
    p_.pending->tries = e.tries;
    look_again(*p_.pending, e.next_query_at_us);
    p_.pending->heard_at_us = at_us_;
    return true;
  }
  bool operator()(const PaymentAuthorized& e) {
    p_.authorized_minor = e.authorized_minor;
    settle(e.channel_reference);
    return check(e.authorized_minor == p_.amount_minor, "authorized is not the amount");
  }
  bool operator()(const PaymentCaptureRequested& e) {
    p_.pending = ask(ChannelOperation::capture, e.amount_minor, e.next_query_at_us);
    ++p_.operations_asked;
    return check(e.amount_minor > 0 && e.amount_minor <= p_.authorized_minor,
                 "capture above what is authorized");
  }
  bool operator()(const PaymentCaptureRefused&) {
    p_.pending.reset();
    return true;
  }
  bool operator()(const PaymentPaid& e) {
    if (p_.authorized_minor == 0) p_.authorized_minor = e.captured_minor;
    p_.captured_minor = e.captured_minor;
    settle(e.channel_reference);
    return check(e.captured_minor > 0 && e.captured_minor <= p_.amount_minor &&
                     e.captured_minor <= p_.authorized_minor,
                 "captured above what is authorized") &&
           balanced(e.postings);
  }
  bool operator()(const PaymentFailed& e) {
    p_.failure_code = e.code;
    p_.failure_message = e.message;
    settle(p_.channel_reference);
    return true;
  }
  bool operator()(const PaymentCloseRequested& e) {
    const int refusals = p_.pending ? p_.pending->close_refusals : 0;
    p_.pending = ask(ChannelOperation::close, 0, e.next_query_at_us);
    p_.pending->close_reason = e.reason;
    p_.pending->close_refusals = refusals;
    if (e.reason == CloseReason::merchant) ++p_.operations_asked;
    return true;
  }
  bool operator()(const PaymentCloseRefused& e) {
    // Back to waiting for the payer; what was refused is counted, so that it does not go on for
    // ever. That it refuses does not say how the order stands.
    doubt();
    const int refusals = p_.pending ? p_.pending->close_refusals + 1 : 1;
    p_.pending = ask(ChannelOperation::create, p_.amount_minor, e.next_query_at_us);
    p_.pending->close_refusals = refusals;
    return true;
  }
  bool operator()(const PaymentVoidRequested& e) {
    p_.pending = ask(ChannelOperation::void_, 0, e.next_query_at_us);
    p_.pending->close_reason = CloseReason::voided;
    ++p_.operations_asked;
    return true;
  }
  bool operator()(const PaymentVoidRefused&) {
    p_.pending.reset();
    return true;
  }
  bool operator()(const PaymentClosed& e) {
    p_.close_reason = e.reason;
    settle(p_.channel_reference);
    return true;
  }
  bool operator()(const PaymentRefundRequested& e) {
    Refund* added = add(e.refund_id, RefundKind::asked_for, PaymentEventKind::refund_requested);
    if (!added) return false;
    Refund& refund = *added;
    refund.account = p_.last_attempt().account;
    refund.channel_order_no = p_.last_attempt().channel_order_no;
    refund.merchant_refund_no = e.merchant_refund_no;
    refund.amount_minor = e.amount_minor;
    refund.reason = e.reason;
    refund.next_query_at_us = e.next_query_at_us;
    p_.refund_pending_minor += e.amount_minor;
    return check(
        e.amount_minor > 0 && p_.refunded_minor + p_.refund_pending_minor <= p_.captured_minor,
        "refunds above what is captured");
  }
  bool operator()(const PaymentRefundSucceeded& e) {
    Refund* refund = step(e.refund_id, PaymentEventKind::refund_succeeded);
    if (!check(refund && refund->amount_minor == e.amount_minor, "no such refund is pending"))
      return false;
    settle(*refund, e.channel_reference);
    p_.refund_pending_minor -= e.amount_minor;
    p_.refunded_minor += e.amount_minor;
    return check(p_.refunded_minor <= p_.captured_minor, "refunds above what is captured") &&
           balanced(e.postings);
  }
  bool operator()(const PaymentRefundFailed& e) {
    Refund* refund = step(e.refund_id, PaymentEventKind::refund_failed);
    if (!check(refund, "no such refund is pending")) return false;
    settle(*refund, refund->channel_reference);
    refund->failure_code = e.code;
    refund->failure_message = e.message;
    if (!refund->surplus) p_.refund_pending_minor -= refund->amount_minor;
    return true;
  }
  bool operator()(const PaymentRefundReversed& e) {
    Refund* refund = step(e.refund_id, PaymentEventKind::refund_reversed);
    if (!check(refund && refund->amount_minor == e.amount_minor, "no such refund has succeeded"))
      return false;
    settle(*refund, refund->channel_reference);
    refund->failure_code = e.code;
    refund->failure_message = e.message;
    refund->reversed = true;
    if (!refund->surplus) p_.refunded_minor -= e.amount_minor;
    return balanced(e.postings);
  }
  bool operator()(const PaymentSurplusRecorded& e) {
    Refund* added = add(e.refund_id, RefundKind::surplus, PaymentEventKind::surplus_recorded);
    if (!added) return false;
    Refund& refund = *added;
    const bool named = !e.channel_order_no.empty();
    refund.account = named ? e.account : p_.last_attempt().account;
    refund.channel_order_no = named ? e.channel_order_no : p_.last_attempt().channel_order_no;
    refund.amount_minor = e.amount_minor;
    refund.reason = "surplus";
    refund.authorized_only = e.authorized_only;
    refund.channel_reference = e.channel_reference;
    refund.next_query_at_us = e.next_query_at_us;
    return balanced(e.postings);
  }
  bool operator()(const PaymentSurplusRefunded& e) {
    Refund* refund = step(e.refund_id, PaymentEventKind::surplus_refunded);
    if (!check(refund, "no such surplus is pending")) return false;
    // The reference stays that of the surplus charge, by which a repeated callback is recognised.
    settle(*refund, refund->channel_reference);
    return balanced(e.postings);
  }
  bool operator()(const PaymentReportRefused& e) {
    if (e.field == refused_callback_field) {  // anybody's word, from which nothing follows
      ++p_.refused_callbacks;
      return true;
    }
    // Whatever it names wrongly, it speaks of an order that was not to exist before the answer.
    if (e.field != "channel_order_no") doubt();
    return true;
  }
  bool operator()(const PaymentRequestRepeated&) {
    ++p_.repeated_requests;
    return true;
  }
  // Its part waits; what of it has settled meanwhile, or never was, has nothing to wait for.
  bool operator()(const PaymentParked& e) {
    if (e.refund_id.empty()) {
      if (p_.pending) park(*p_.pending, e.reason);
    } else if (Refund* refund = find(e.refund_id)) {
      park(*refund, e.reason);
    }
    return true;
  }
  bool operator()(const PaymentResumed& e) {
    if (p_.pending && p_.pending->parked) {
      p_.pending->close_refusals = 0;
      resume(*p_.pending, e.next_query_at_us);
    }
    for (Refund& refund : p_.refunds) {
      if (!refund.parked && !refund.needs_attention()) continue;
      const bool settled = refund.state != RefundState::pending;
      resume(refund, settled ? 0 : e.next_query_at_us);
      // If it still needs somebody, the channel says so again.
      refund.attention_code.clear();
      refund.attention_message.clear();
    }
    return true;
  }

  bool operator()(const PaymentRefundNeedsAttention& e) {
    Refund* refund = step(e.refund_id, PaymentEventKind::refund_needs_attention);
    if (!check(refund, "no such refund is pending")) return false;
    refund->attention_code = e.code;
    refund->attention_message = e.message;
    refund->tries = e.tries;
    look_again(*refund, e.next_query_at_us);
    refund->updated_at_us = at_us_;
    return check(!e.code.empty(), "what needs attention is not said");
  }
  bool operator()(const PaymentOutsideRefundRecorded& e) {
    Refund* added =
        add(e.refund_id, RefundKind::outside, PaymentEventKind::outside_refund_recorded);
    if (!added) return false;
    Refund& refund = *added;
    refund.account = e.account;
    refund.channel_order_no = e.channel_order_no;
    refund.amount_minor = e.amount_minor;
    refund.reason = "outside";
    refund.channel_reference = e.channel_reference;
    p_.refunded_minor += e.amount_minor;
    return check(e.amount_minor > 0 && p_.refunded_minor <= p_.captured_minor,
                 "refunds above what is captured") &&
           balanced(e.postings);
  }

  const char* what() const { return what_; }

 private:
  bool check(bool holds, const char* what) {
    if (!holds && !what_) what_ = what;
    return holds;
  }
  bool balanced(const std::vector<Posting>& postings) {
    std::int64_t sum = 0;
    for (const Posting& posting : postings) {
      const auto next = checked_add(sum, posting.amount_minor);
      if (!check(next.has_value(), "the postings overflow")) return false;
      sum = *next;
    }
    return check(sum == 0, "the postings do not balance");
  }
  Refund* find(std::string_view refund_id) {
    if (refund_id.empty()) return nullptr;
    for (Refund& refund : p_.refunds)
      if (refund.refund_id == refund_id) return &refund;
    return nullptr;
  }
  // Moves the refund along its table; null when there is none or it may not be moved so.
  Refund* step(std::string_view refund_id, PaymentEventKind on) {
    Refund* refund = find(refund_id);
    if (!refund) return nullptr;
    const RefundEdge* edge = find_edge(refund->kind(), refund->state, on);
    if (!edge) return nullptr;
    refund->state = edge->to;
    return refund;
  }
  // A refund that begins; null when it stands already.
  Refund* add(const std::string& refund_id, RefundKind kind, PaymentEventKind on) {
    if (!check(!p_.find_refund(refund_id), "the refund stands twice")) return nullptr;
    Refund& refund = p_.refunds.emplace_back();
    refund.refund_id = refund_id;
    refund.surplus = kind == RefundKind::surplus;
    refund.outside = kind == RefundKind::outside;
    refund.state = find_edge(kind, RefundState::none, on)->to;
    refund.created_at_us = at_us_;
    refund.updated_at_us = at_us_;
    return &refund;
  }
  void settle(Refund& refund, const std::string& reference) {
    refund.channel_reference = reference;
    refund.attention_code.clear();
    refund.attention_message.clear();
    refund.next_query_at_us = 0;
    refund.updated_at_us = at_us_;
    refund.parked = {};
  }
  static PendingOperation ask(ChannelOperation operation, std::int64_t amount_minor,
                              UnixUs next_query_at_us) {
    PendingOperation pending;
    pending.operation = operation;
    pending.amount_minor = amount_minor;
    pending.next_query_at_us = next_query_at_us;
    return pending;
  }
  void answered() {
    if (!p_.attempts.empty() && p_.last_attempt().outcome != AttemptOutcome::not_taken)
      p_.attempts.back().outcome = AttemptOutcome::answered;
  }
  void doubt() {
    if (!p_.attempts.empty() && p_.last_attempt().outcome == AttemptOutcome::asked)
      p_.attempts.back().outcome = AttemptOutcome::doubtful;
  }
  // The question put to the channel is answered; nothing is left for the payer to do.
  void settle(const std::string& reference) {
    answered();
    p_.channel_reference = reference;
    p_.next_action = {};
    p_.pending.reset();
  }
  // A part that waits for an operator is asked about no more, whatever is heard of it.
  template <class Part>
  static void look_again(Part& part, UnixUs at_us) {
    part.next_query_at_us = part.parked ? 0 : at_us;
  }
  template <class Part>
  void park(Part& part, const std::string& reason) {
    part.parked = {reason, at_us_};
    part.next_query_at_us = 0;
  }
  template <class Part>
  static void resume(Part& part, UnixUs next_query_at_us) {
    part.parked = {};
    part.tries = 0;
    part.next_query_at_us = next_query_at_us;
  }

  Payment& p_;
  UnixUs at_us_;
  const char* what_ = nullptr;
};

UnixUs earlier(UnixUs a, UnixUs b) {
  if (a == 0) return b;
  if (b == 0) return a;
  return std::min(a, b);
}

}  // namespace

bool apply(Payment& payment, const PaymentEvent& event, UnixUs at_us, std::string* problem) {
  const PaymentEventKind kind = kind_of(event);
  if (!may_follow(payment.state, kind)) {
    if (problem)
      *problem =
          std::string(name_of(kind)) + " may not follow in " + std::string(name_of(payment.state));
    return false;
  }
  Folder folder(payment, at_us);
  if (!std::visit(folder, event)) {
    if (problem) *problem = std::string(name_of(kind)) + ": " + folder.what();
    return false;
  }
  if (const PaymentEdge* edge = find_edge(payment.state, kind)) {
    payment.state = payment.captured_minor == payment.refunded_minor ? edge->to_when_nothing_is_left
                    : payment.refunded_minor == 0 ? edge->to_when_nothing_is_refunded
                                                  : edge->to;
  }
  payment.updated_at_us = at_us;
  return true;
}

const Refund* Payment::find_refund(std::string_view refund_id) const {
  for (const Refund& refund : refunds)
    if (refund.refund_id == refund_id) return &refund;
  return nullptr;
}

const Refund* Payment::find_refund_by_no(std::string_view merchant_refund_no) const {
  for (const Refund& refund : refunds)
    if (refund.kind() == RefundKind::asked_for && refund.merchant_refund_no == merchant_refund_no)
      return &refund;
  return nullptr;
}

const Attempt& Payment::last_attempt() const {
  static const Attempt none;
  return attempts.empty() ? none : attempts.back();
}

const Attempt* Payment::find_attempt(std::string_view channel_order_no) const {
  for (const Attempt& attempt : attempts)
    if (attempt.channel_order_no == channel_order_no) return &attempt;
  return nullptr;
}

bool Payment::waits_for_a_route() const {
  return state == PaymentState::paying && last_attempt().outcome == AttemptOutcome::not_taken;
}

bool Payment::is_open() const {
  if (state == PaymentState::created || state == PaymentState::paying ||
      state == PaymentState::authorized)
    return true;
  return std::any_of(refunds.begin(), refunds.end(),
                     [](const Refund& refund) { return refund.state == RefundState::pending; });
}

std::vector<ParkedPart> Payment::parked_parts() const {
  std::vector<ParkedPart> parts;
  if (pending && pending->parked) parts.push_back({pending->operation, "", pending->parked});
  for (const Refund& refund : refunds) {
    Parking parked = refund.parked;
    if (!parked && refund.needs_attention())
      parked = {"the refund needs attention: " + refund.attention_code +
                    (refund.attention_message.empty() ? "" : ": " + refund.attention_message),
                refund.updated_at_us};
    if (parked) parts.push_back({ChannelOperation::refund, refund.refund_id, std::move(parked)});
  }
  return parts;
}

bool Payment::waits_for_operator() const {
  return is_parked() || std::any_of(refunds.begin(), refunds.end(),
                                    [](const Refund& refund) { return refund.needs_attention(); });
}

bool Payment::is_parked() const {
  return (pending && pending->parked) ||
         std::any_of(refunds.begin(), refunds.end(),
                     [](const Refund& refund) { return static_cast<bool>(refund.parked); });
}

UnixUs Payment::due_at_us() const {
  UnixUs due = 0;
  const bool closing = pending && pending->operation == ChannelOperation::close;
  // After a refusal to close, the question about the order comes first, in its own time.
  const bool refused = pending && pending->close_refusals > 0 && pending->heard_at_us == 0;
  const bool expires =
      state == PaymentState::created || (state == PaymentState::paying && !closing && !refused);
  if (expires && !(pending && pending->parked)) due = expires_at_us;
  if (pending) due = earlier(due, pending->next_query_at_us);
  for (const Refund& refund : refunds)
    if (refund.state == RefundState::pending) due = earlier(due, refund.next_query_at_us);
  return due;
}

UnixUs query_delay_us(int times) {
  constexpr int seconds[] = {2, 5, 15, 30, 60, 120, 300, 600};
  const auto step =
      std::min<std::size_t>(static_cast<std::size_t>(std::max(times, 0)), std::size(seconds) - 1);
  return seconds[step] * us_per_s;
}

}  // namespace welkin
