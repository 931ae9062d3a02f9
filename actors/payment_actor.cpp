#include "actors/payment_actor.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "protocol/payment/refused_callback.hpp"

namespace welkin {
namespace {

constexpr int max_conflicts_in_a_row = 3;

const PaymentPtr& no_payment() {
  static const PaymentPtr none = std::make_shared<const Payment>();
  return none;
}

// The operation a command's answer waits for; nothing for commands that only write.
std::optional<ChannelOperation> operation_of(const PaymentCommandBody& body) {
  switch (first_event_of(body)) {
    case PaymentEventKind::created:
      return ChannelOperation::create;
    case PaymentEventKind::close_requested:
      return ChannelOperation::close;
    case PaymentEventKind::capture_requested:
      return ChannelOperation::capture;
    case PaymentEventKind::void_requested:
      return ChannelOperation::void_;
    case PaymentEventKind::refund_requested:
      return ChannelOperation::refund;
    default:
      return std::nullopt;
  }
}

std::string refund_id_in(const PaymentId& id, const PaymentCommandBody& body) {
  const auto* refund = std::get_if<RefundPayment>(&body);
  return refund ? refund_id_of(id, refund->merchant_refund_no).text() : std::string();
}

std::string causation_of(const ChannelReport& report) {
  std::string causation(name_of(report.source));
  causation += ':';
  causation += report.id.empty() ? std::string(name_of(report.operation)) : report.id;
  return causation;
}

}  // namespace

PaymentActor::PaymentActor(caf::actor_config& config, RuntimeContextPtr context, PaymentId id,
                           caf::actor shard, bool assume_new)
    : caf::event_based_actor(config),
      context_(std::move(context)),
      id_(id),
      shard_(std::move(shard)),
      phase_(assume_new ? Phase::live : Phase::recovering),
      payment_(no_payment()) {
  context_->metrics->active.fetch_add(1, std::memory_order_relaxed);
}

caf::behavior PaymentActor::make_behavior() {
  if (phase_ == Phase::recovering) recover();
  return behavior_in(payment_->state);
}

// ---- behaviour

// A throwing handler must not take messages down with it: the payment answers what it has, tells
// its shard, and answers the rest until it is buried.
template <class Function>
void PaymentActor::guarded(Function function) {
  try {
    function();
  } catch (const std::exception& error) {
    fail(error.what());
  }
}

caf::behavior PaymentActor::behavior_in(PaymentState state) {
  // A state that nothing can settle or expire in sleeps through its timers; one that does not exist
  // has no channel to hear from.
  const bool exists = state != PaymentState::none;
  const bool has_timers = may_follow(state, PaymentEventKind::unsettled) ||
                          may_follow(state, PaymentEventKind::close_requested);
  return {
      [this](submit_atom, const CommandRequestPtr& request) {
        ++heard_;
        guarded([&] { take(request); });
      },
      [this, exists](report_atom, const ReportRequestPtr& request) {
        ++heard_;
        guarded([&] {
          if (!exists && phase_ == Phase::live)
            answer_to(request->reply_to,
                      Problem{ProblemCode::not_found, "There is no such payment.", ""});
          else
            take(request);
        });
      },
      [this](look_atom, const LookRequestPtr& request) {
        ++heard_;
        guarded([&] { take(request); });
      },
      [this, has_timers](wake_atom) {
        ++heard_;
        guarded([&] {
          if (has_timers || phase_ != Phase::live) take(Wake{});
        });
      },
      [this](committed_atom, const CommitAck& ack) { guarded([&] { committed(ack); }); },
      [this](loaded_atom, const LoadResultPtr& result) { guarded([&] { loaded(*result); }); },
      [this](passivate_atom) {
        ++heard_;
        if (is_idle()) offer_to_leave();
      },
      [this](bury_atom) {
        append_ = nullptr;  // it holds this actor
        quit();
      },
  };
}

// ---- taking work

void PaymentActor::take(Work work) {
  switch (phase_) {
    case Phase::live:
      return judge(std::move(work));
    case Phase::failed:
      return refuse(work, ProblemCode::internal, "This payment is being restarted; try again.");
    case Phase::recovering:
    case Phase::persisting:
      if (stash_.size() >= context_->limits.stash_per_entity) {
        context_->metrics->stash_overflows.Increment();
        return refuse(work, ProblemCode::overloaded, "Too much waits for this payment.");
      }
      stash_.push_back(std::move(work));
  }
}

void PaymentActor::judge(Work work) {
  judging_ = std::move(work);
  std::visit([this](const auto& w) { handle(w); }, *judging_);
  judging_.reset();
}

void PaymentActor::work_off_stash() {
  while (phase_ == Phase::live && !stash_.empty()) {
    Work work = std::move(stash_.front());
    stash_.pop_front();
    judge(std::move(work));
  }
}

void PaymentActor::handle(const CommandRequestPtr& request) {
  DecisionContext context = decision_context();
  std::vector<Route> routes;
  if (const auto* create = std::get_if<CreatePayment>(&request->command.body)) {
    if (payment_->state == PaymentState::none) routes = routes_for(create->channel);
    context.routes = &routes;
  }
  const Decision decision = decide(*payment_, request->command, context);
  if (const auto* problem = std::get_if<Problem>(&decision))
    return answer_to(request->reply_to, *problem);
  if (const auto* events = std::get_if<std::vector<PaymentEvent>>(&decision))
    return persist(*events, request, request->command.request_id, /*new_work=*/true);
  if (!wait_for_channel(request, /*created=*/false)) answer(request, /*created=*/false);
}

// Anybody can send a callback that is not believed: no one is released by it, and nothing asked.
void PaymentActor::keep_refusal(const ReportRequestPtr& request) {
  const Decision decision = decide_refused_callback(*payment_, *request->refused);
  if (const auto* events = std::get_if<std::vector<PaymentEvent>>(&decision))
    persist(*events, Wake{}, causation_of(request->report), /*new_work=*/true);
}

void PaymentActor::handle(const ReportRequestPtr& request) {
  if (request->refused) return keep_refusal(request);
  DecisionContext context = decision_context();
  std::vector<Route> routes;
  if (request->report.verdict == ChannelVerdict::not_taken) {
    routes = routes_for(payment_->channel);
    context.routes = &routes;
  }
  const Decision decision = decide(*payment_, request->report, context);
  if (const auto* events = std::get_if<std::vector<PaymentEvent>>(&decision))
    return persist(*events, request, causation_of(request->report), /*new_work=*/false);
  forget_in_flight(*request);
  release_waiters(request.get());
  if (const auto* problem = std::get_if<Problem>(&decision))
    return answer_to(request->reply_to, *problem);
  for (ChannelCall& repeated : calls_to_repeat(*payment_, request->report, id_))
    call(std::move(repeated));
  answer_to(request->reply_to, outcome());
}

void PaymentActor::handle(const LookRequestPtr& request) {
  if (payment_->state == PaymentState::none)
    return answer_to(request->reply_to,
                     Problem{ProblemCode::not_found, "There is no such payment.", ""});
  answer_to(request->reply_to, outcome());
}

void PaymentActor::handle(const Wake&) {
  DecisionContext context = decision_context();
  std::vector<Route> routes;
  if (payment_->waits_for_a_route()) {
    routes = routes_for(payment_->channel);
    context.routes = &routes;
  }
  auto events = decide_due(*payment_, context);
  if (!events.empty()) return persist(std::move(events), Wake{}, "timer", /*new_work=*/false);
  for (ChannelCall& query : calls_due(*payment_, id_, now_us()))
    if (!has_in_flight(query)) call(std::move(query));
}

std::vector<Route> PaymentActor::routes_for(const std::string& channel) const {
  return context_->routes ? context_->routes->routes(channel) : std::vector<Route>{};
}

void PaymentActor::refuse(const Work& work, ProblemCode code, const char* detail) {
  const Problem problem{code, detail, ""};
  if (const auto* command = std::get_if<CommandRequestPtr>(&work))
    answer_to((*command)->reply_to, problem);
  if (const auto* look = std::get_if<LookRequestPtr>(&work)) answer_to((*look)->reply_to, problem);
  if (const auto* report = std::get_if<ReportRequestPtr>(&work)) {
    // An answer nobody waits for is not lost: its operation is still due and will be queried.
    forget_in_flight(**report);
    answer_to((*report)->reply_to, problem);
  }
}

// ---- making events durable

void PaymentActor::persist(std::vector<PaymentEvent> events, Work cause, std::string causation_id,
                           bool new_work) {
  auto request = std::make_shared<AppendRequest>();
  auto next = std::make_shared<Payment>(*payment_);
  const UnixUs at_us = std::max(now_us(), payment_->updated_at_us);
  std::string problem;
  for (const PaymentEvent& event : events)
    if (!apply(*next, event, at_us, &problem))
      throw std::logic_error("decided against the rules: " + problem);
  if (correlation_id_.empty()) correlation_id_ = causation_id;
  request->stream = id_;
  request->shard = context_->shard_index(id_);
  request->epoch = context_->epochs[request->shard];
  request->expected_seq = seq_;
  request->prev_hash = hash_;
  request->at_us = at_us;
  request->causation_id = std::move(causation_id);
  request->correlation_id = correlation_id_;
  request->what = PaymentAppend{std::move(events), std::move(next)};
  request->reply_to = caf::actor_cast<caf::actor>(this);
  request->new_work = new_work;
  append_ = std::move(request);
  append_cause_ = std::move(cause);
  phase_ = Phase::persisting;
  anon_send(context_->journal, append_atom::value, append_);
}

void PaymentActor::committed(const CommitAck& ack) {
  if (phase_ != Phase::persisting) return;
  if (ack.status != CommitStatus::committed) return not_committed(ack.status);
  const PaymentState before = payment_->state;
  payment_ = append_->payment()->after;
  seq_ = ack.last_seq;
  hash_ = ack.hash;
  conflicts_ = 0;
  phase_ = Phase::live;
  if (payment_->state != before) become(behavior_in(payment_->state));
  act_on_committed();
  work_off_stash();
  if (is_crowded() && is_idle() && !payment_->is_open()) offer_to_leave();
}

void PaymentActor::act_on_committed() {
  const AppendRequestPtr append = std::move(append_);
  const Work cause = std::exchange(append_cause_, Wake{});
  const std::vector<PaymentEvent>& events = append->payment()->events;
  for (const PaymentEvent& event : events) {
    context_->metrics->recorded(kind_of(event));
    const auto* refused = std::get_if<PaymentReportRefused>(&event);
    if (refused && refused->field != refused_callback_field)
      context_->metrics->reports_refused.Increment();
    for (ChannelCall& wanted : calls_after(*payment_, event, id_)) call(std::move(wanted));
  }
  if (const auto* command = std::get_if<CommandRequestPtr>(&cause)) {
    const PaymentEventKind first = kind_of(events.front());
    const bool created =
        first == PaymentEventKind::created || first == PaymentEventKind::refund_requested;
    if (!wait_for_channel(*command, created)) answer(*command, created);
    if (std::holds_alternative<ResumePayment>((*command)->command.body)) handle(Wake{});
  } else if (const auto* report = std::get_if<ReportRequestPtr>(&cause)) {
    forget_in_flight(**report);
    for (ChannelCall& repeated : calls_to_repeat(*payment_, (*report)->report, id_))
      call(std::move(repeated));
    if (kind_of(events.front()) == PaymentEventKind::report_refused)
      answer_to((*report)->reply_to,
                Problem{ProblemCode::report_mismatch, "The report does not fit the payment.", ""});
    else
      answer_to((*report)->reply_to, outcome());
    // Whoever waits for the channel's word waits on when another account is asked.
    const bool asks_on = kind_of(events.back()) == PaymentEventKind::started;
    release_waiters(asks_on ? nullptr : report->get());
    return;
  }
  release_waiters(nullptr);
}

void PaymentActor::not_committed(CommitStatus status) {
  append_ = nullptr;
  const Work cause = std::exchange(append_cause_, Wake{});
  switch (status) {
    case CommitStatus::conflict:
      context_->metrics->conflicts.Increment();
      if (++conflicts_ > max_conflicts_in_a_row) {
        refuse(cause, ProblemCode::internal, "This payment is being restarted; try again.");
        throw std::runtime_error("another writer is at work on this stream");
      }
      stash_.push_front(cause);
      return recover();
    case CommitStatus::stale_epoch:
      refuse(cause, ProblemCode::shard_moved, "Another node has taken this payment over.");
      return fail("the shard has a higher epoch");
    case CommitStatus::overloaded:
      refuse(cause, ProblemCode::overloaded, "Too much waits to be written.");
      break;
    default:
      refuse(cause, ProblemCode::store_unavailable, "Nothing was written.");
  }
  phase_ = Phase::live;
  work_off_stash();
}

// ---- recovery

void PaymentActor::recover() {
  phase_ = Phase::recovering;
  context_->io->load(id_, caf::actor_cast<caf::actor>(this));
}

void PaymentActor::loaded(const LoadResult& result) {
  if (phase_ != Phase::recovering) return;
  if (const auto* failure = std::get_if<LoadFailure>(&result)) {
    if (failure->corrupt) throw std::runtime_error(failure->what);
    // The store is not well now, which says nothing about this payment: whoever asks may ask again.
    for (const Work& work : std::exchange(stash_, {}))
      refuse(work, ProblemCode::store_unavailable, "The journal cannot be read now.");
    return fail("");
  }
  const auto& payment = std::get<LoadedPayment>(result);
  payment_ = payment.payment;
  seq_ = payment.seq;
  hash_ = payment.hash;
  correlation_id_ = payment.correlation_id;
  phase_ = Phase::live;
  become(behavior_in(payment_->state));
  work_off_stash();
}

// ---- channel and answers

void PaymentActor::call(ChannelCall call) {
  in_flight_.push_back({call.operation, call.refund_id, call.query});
  const auto channel = context_->channels.find(call.account);
  if (channel != context_->channels.end())
    return anon_send(channel->second, call_atom::value,
                     std::make_shared<const ChannelCall>(std::move(call)));
  // Configured away: stays due, and settles when it is back.
  auto request = std::make_shared<ReportRequest>();
  request->report =
      report_not_taken(call, "no_such_account", "No account of this name is configured.");
  request->is_query = call.query;
  anon_send(shard_, report_atom::value, ReportRequestPtr(std::move(request)));
}

bool PaymentActor::has_in_flight(const ChannelCall& call) const {
  return std::any_of(in_flight_.begin(), in_flight_.end(), [&](const InFlight& other) {
    return other.operation == call.operation && other.refund_id == call.refund_id;
  });
}

void PaymentActor::forget_in_flight(const ReportRequest& request) {
  if (request.report.source == ReportSource::callback) return;
  const auto found = std::find_if(in_flight_.begin(), in_flight_.end(), [&](const InFlight& other) {
    return other.operation == request.report.operation &&
           other.refund_id == request.report.refund_id && other.query == request.is_query;
  });
  if (found != in_flight_.end()) in_flight_.erase(found);
}

bool PaymentActor::wait_for_channel(const CommandRequestPtr& request, bool created) {
  const auto operation = operation_of(request->command.body);
  if (!operation) return false;
  const std::string refund_id = refund_id_in(id_, request->command.body);
  const bool asked = std::any_of(in_flight_.begin(), in_flight_.end(), [&](const InFlight& other) {
    return other.operation == *operation && other.refund_id == refund_id && !other.query;
  });
  if (!asked) return false;
  waiters_.push_back({request, *operation, refund_id, created});
  return true;
}

// It speaks of an attempt after which another account was asked.
bool PaymentActor::is_old_news(const ChannelReport& report) const {
  const Attempt* attempt = payment_->find_attempt(report.channel_order_no);
  return report.refund_id.empty() && attempt && attempt->number != payment_->last_attempt().number;
}

// Answers those whose operation the channel has just spoken about, or which is over by other news.
void PaymentActor::release_waiters(const ReportRequest* report) {
  for (std::size_t i = 0; i < waiters_.size();) {
    const Waiter& waiter = waiters_[i];
    const bool heard = report && report->report.operation == waiter.operation &&
                       report->report.refund_id == waiter.refund_id && !is_old_news(report->report);
    const Refund* refund = payment_->find_refund(waiter.refund_id);
    const bool is_over =
        waiter.refund_id.empty()
            ? !payment_->pending || payment_->pending->operation != waiter.operation
            : !refund || refund->state != RefundState::pending;
    if (!heard && !is_over) {
      ++i;
      continue;
    }
    const Waiter released = std::move(waiters_[i]);
    waiters_.erase(waiters_.begin() + static_cast<std::ptrdiff_t>(i));
    answer(released.request, released.created);
  }
}

void PaymentActor::answer(const CommandRequestPtr& request, bool created) {
  CommandOutcome value = outcome();
  value.created = created;
  value.refund_id = refund_id_in(id_, request->command.body);
  answer_to(request->reply_to, std::move(value));
}

CommandOutcome PaymentActor::outcome() const {
  CommandOutcome value;
  value.view = {id_, seq_, payment_};
  return value;
}

// ---- leaving

bool PaymentActor::is_idle() const {
  return phase_ == Phase::live && stash_.empty() && waiters_.empty() && in_flight_.empty();
}

bool PaymentActor::is_crowded() const {
  return context_->metrics->active.load(std::memory_order_relaxed) >
         static_cast<std::int64_t>(context_->limits.lingering_entities);
}

// Says how much it has heard, so that the shard knows whether something is on its way here. If
// nothing is, the shard lets go of this actor, and with nobody left to know it, it ends.
void PaymentActor::offer_to_leave() {
  anon_send(shard_, settled_atom::value, id_, this->id(), heard_);
}

void PaymentActor::on_exit() { context_->metrics->active.fetch_sub(1, std::memory_order_relaxed); }

void PaymentActor::fail(const std::string& what) {
  if (phase_ == Phase::failed) return;
  phase_ = Phase::failed;
  constexpr const char* detail = "This payment is being restarted; repeat the same request.";
  if (append_) refuse(append_cause_, ProblemCode::outcome_unknown, detail);
  if (judging_) refuse(*std::exchange(judging_, std::nullopt), ProblemCode::internal, detail);
  for (const Work& work : std::exchange(stash_, {})) refuse(work, ProblemCode::internal, detail);
  for (const Waiter& waiter : std::exchange(waiters_, {}))
    answer_to(waiter.request->reply_to, Problem{ProblemCode::outcome_unknown, detail, ""});
  anon_send(shard_, failed_atom::value, id_, what);
}

}  // namespace welkin
