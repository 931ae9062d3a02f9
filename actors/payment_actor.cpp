#include "actors/payment_actor.hpp"

#include <utility>

#include "protocol/cause.hpp"
#include "protocol/payment/refused_callback.hpp"

namespace welkin {
namespace {

std::string causation_of(const ChannelReport& report) {
  std::string causation(name_of(report.source));
  causation += ':';
  causation += report.id.empty() ? std::string(name_of(report.operation)) : report.id;
  return causation;
}

Problem nothing_said() {
  return {ProblemCode::outcome_unknown, "The channel has not said how it stands.", ""};
}

Problem no_such_payment() { return {ProblemCode::not_found, "There is no such payment.", ""}; }

}  // namespace

PaymentActor::PaymentActor(caf::actor_config& config, RuntimeContextPtr context,
                           const PaymentId& id, caf::actor shard, bool assume_new)
    : EntityActor(config, std::move(context), id, assume_new), shard_(std::move(shard)) {
  context_->metrics->active.fetch_add(1, std::memory_order_relaxed);
}

caf::behavior PaymentActor::make_behavior() {
  if (phase() == Phase::recovering) recover();
  const auto take_message = [this](Work work) {
    ++heard_;
    guarded([&] { take(std::move(work)); });
  };
  return caf::message_handler{
      [=](submit_atom, const CommandRequestPtr& request) { take_message(request); },
      [=](report_atom, const ReportRequestPtr& request) { take_message(request); },
      [=](look_atom, const LookRequestPtr& request) { take_message(request); },
      [=](wake_atom) { take_message(Wake{}); },
      [this](passivate_atom) {
        ++heard_;
        guarded([&] {
          take_note_of_commit();
          if (!is_idle()) return;
          const Aftermath::Parcel offer = offer_to_leave();
          anon_send(offer.to, offer.what);
        });
      },
  }
      .or_else(own_messages());
}

// ---- judging

void PaymentActor::judge(const Work& work) {
  std::visit([this](const auto& w) { handle(w); }, work);
}

void PaymentActor::handle(const CommandRequestPtr& request) {
  DecisionContext context = decision_context();
  std::vector<Route> routes;
  if (const auto* create = std::get_if<CreatePayment>(&request->command.body)) {
    if (state().state == PaymentState::none) routes = routes_for(create->channel);
    context.routes = &routes;
  }
  Decision decision = decide(state(), request->command, context);
  if (const auto* problem = std::get_if<Problem>(&decision))
    return answer_to(request->reply_to, *problem);
  if (auto* events = std::get_if<std::vector<PaymentEvent>>(&decision)) {
    const bool resumes = std::holds_alternative<ResumePayment>(request->command.body);
    return persist({std::move(*events), request->command.cause, /*new_work=*/true,
                    /*wakes=*/resumes},
                   request);
  }
  const ChannelConversation::Waiter asker = asker_of(request, /*created=*/false);
  if (!conversation_.hold_answer(asker, state()))
    answer_to(request->reply_to, outcome_of(state_ptr(), seq(), &asker));
}

// Anybody can send a callback that is not believed: no one is released by it, and nothing asked.
void PaymentActor::keep_refusal(const ReportRequestPtr& request) {
  Decision decision = decide_refused_callback(state(), *request->refused);
  if (auto* events = std::get_if<std::vector<PaymentEvent>>(&decision))
    persist({std::move(*events), causation_of(request->report), /*new_work=*/true}, Wake{});
}

void PaymentActor::handle(const ReportRequestPtr& request) {
  if (state().state == PaymentState::none) return answer_to(request->reply_to, no_such_payment());
  if (request->refused) return keep_refusal(request);
  DecisionContext context = decision_context();
  std::vector<Route> routes;
  if (request->report.verdict == ChannelVerdict::not_taken) {
    routes = routes_for(state().channel);
    context.routes = &routes;
  }
  Decision decision = decide(state(), request->report, context);
  if (auto* events = std::get_if<std::vector<PaymentEvent>>(&decision))
    return persist({std::move(*events), causation_of(request->report), /*new_work=*/false,
                    /*wakes=*/!askers_.empty()},
                   request);
  conversation_.heard(*request);
  answer_askers(*request, true);
  for (const auto& waiter : conversation_.release(state(), {}))
    answer_to(waiter.request->reply_to, outcome_of(state_ptr(), seq(), &waiter));
  if (const auto* problem = std::get_if<Problem>(&decision))
    return answer_to(request->reply_to, *problem);
  for (ChannelCall& repeated : calls_to_repeat(state(), request->report, id_))
    call(std::move(repeated));
  answer_to(request->reply_to, outcome());
}

void PaymentActor::handle(const LookRequestPtr& request) {
  if (state().state == PaymentState::none) return answer_to(request->reply_to, no_such_payment());
  if (request->ask_channel) return ask(*request);
  answer_to(request->reply_to, outcome());
}

void PaymentActor::ask(const LookRequest& request) {
  std::vector<ChannelCall> queries = calls_to_ask(state(), id_);
  if (queries.empty()) return answer_to(request.reply_to, outcome());
  askers_.push_back({queries.front().operation, request.reply_to});
  for (ChannelCall& query : queries)
    if (!conversation_.waits_for(query)) call(std::move(query));
}

void PaymentActor::answer_askers(const ReportRequest& request, bool recorded) {
  const ChannelReport& report = request.report;
  if (askers_.empty() || report.source == ReportSource::callback || !report.refund_id.empty())
    return;
  const bool said = recorded && report.verdict != ChannelVerdict::unknown &&
                    report.verdict != ChannelVerdict::not_taken;
  for (const Asker& asker : std::exchange(askers_, {}))
    if (asker.operation != report.operation)
      askers_.push_back(asker);
    else
      answer_to(asker.reply_to, said ? CommandAnswer(outcome()) : CommandAnswer(nothing_said()));
}

// A state that nothing can settle or expire in has nothing due.
void PaymentActor::handle(const Wake&) {
  DecisionContext context = decision_context();
  std::vector<Route> routes;
  if (state().waits_for_a_route()) {
    routes = routes_for(state().channel);
    context.routes = &routes;
  }
  auto events = decide_due(state(), context);
  if (!events.empty())
    return persist({std::move(events), cause(CauseKind::timer, context.now_us)}, Wake{});
  for (ChannelCall& query : calls_due(state(), id_, now_us()))
    if (!conversation_.waits_for(query)) call(std::move(query));
}

std::vector<Route> PaymentActor::routes_for(const std::string& channel) const {
  return context_->routes ? context_->routes->routes(channel) : std::vector<Route>{};
}

void PaymentActor::refuse(const Work& work, ProblemCode code, const std::string& detail) {
  const Problem problem{code, detail, ""};
  if (const auto* command = std::get_if<CommandRequestPtr>(&work))
    answer_to((*command)->reply_to, problem);
  if (const auto* look = std::get_if<LookRequestPtr>(&work)) answer_to((*look)->reply_to, problem);
  if (const auto* report = std::get_if<ReportRequestPtr>(&work)) {
    // An answer nobody waits for is not lost: its operation is still due and will be queried.
    conversation_.heard(**report);
    next_conversation_.heard(**report);
    answer_askers(**report, false);
    answer_to((*report)->reply_to, problem);
  }
}

// ---- what follows on a commit

Aftermath PaymentActor::aftermath_of(const PaymentPtr& next,
                                     const std::vector<PaymentEvent>& events, const Work& cause) {
  Aftermath aftermath;
  next_conversation_ = conversation_;
  for (const PaymentEvent& event : events)
    for (ChannelCall& wanted : calls_after(*next, event, id_)) {
      next_conversation_.asked(wanted);
      aftermath.parcels.push_back(parcel_of(std::move(wanted)));
    }
  if (const auto* command = std::get_if<CommandRequestPtr>(&cause))
    follow(*command, next, events, aftermath);
  else if (const auto* report = std::get_if<ReportRequestPtr>(&cause))
    follow(*report, next, events, aftermath);
  const std::uint64_t next_seq = seq() + events.size();
  for (const auto& waiter : next_conversation_.release(*next, events))
    aftermath.answers.push_back({waiter.request->reply_to, outcome_of(next, next_seq, &waiter)});
  if (is_crowded() && next_conversation_.is_over() && askers_.empty() && is_at_rest() &&
      !next->is_open())
    aftermath.parcels.push_back(offer_to_leave());
  return aftermath;
}

void PaymentActor::follow(const CommandRequestPtr& request, const PaymentPtr& next,
                          const std::vector<PaymentEvent>& events, Aftermath& aftermath) {
  const PaymentEventKind first = kind_of(events.front());
  const bool created =
      first == PaymentEventKind::created || first == PaymentEventKind::refund_requested;
  const ChannelConversation::Waiter asker = asker_of(request, created);
  if (!next_conversation_.hold_answer(asker, *next))
    aftermath.answers.push_back(
        {request->reply_to, outcome_of(next, seq() + events.size(), &asker)});
}

void PaymentActor::follow(const ReportRequestPtr& request, const PaymentPtr& next,
                          const std::vector<PaymentEvent>& events, Aftermath& aftermath) {
  next_conversation_.heard(*request);
  for (ChannelCall& repeated : calls_to_repeat(*next, request->report, id_)) {
    next_conversation_.asked(repeated);
    aftermath.parcels.push_back(parcel_of(std::move(repeated)));
  }
  if (!request->reply_to.is_awaited()) return;
  if (kind_of(events.front()) == PaymentEventKind::report_refused)
    aftermath.answers.push_back(
        {request->reply_to,
         Problem{ProblemCode::report_mismatch, "The report does not fit the payment.", ""}});
  else
    aftermath.answers.push_back({request->reply_to, outcome_of(next, seq() + events.size())});
}

void PaymentActor::committed(const PaymentEvents&, const Work& cause) {
  conversation_ = std::move(next_conversation_);
  if (const auto* report = std::get_if<ReportRequestPtr>(&cause)) answer_askers(**report, true);
  // What was parked is looked at again as soon as an operator says so.
  const auto* command = std::get_if<CommandRequestPtr>(&cause);
  if (command && std::holds_alternative<ResumePayment>((*command)->command.body)) take(Wake{});
}

void PaymentActor::not_committed() { next_conversation_ = {}; }

void PaymentActor::report_failure(const std::string& what) {
  const Problem problem{ProblemCode::outcome_unknown,
                        "This payment is being restarted; repeat the same request.", ""};
  for (const auto& waiter : conversation_.release_all())
    answer_to(waiter.request->reply_to, problem);
  for (const Asker& asker : std::exchange(askers_, {})) answer_to(asker.reply_to, nothing_said());
  anon_send(shard_, failed_atom::value, id_, what);
}

void PaymentActor::report_corruption(const std::string& what) {
  const Problem problem{ProblemCode::entity_parked, "Parked: " + what, ""};
  for (const auto& waiter : conversation_.release_all())
    answer_to(waiter.request->reply_to, problem);
  for (const Asker& asker : std::exchange(askers_, {})) answer_to(asker.reply_to, problem);
  anon_send(shard_, parked_atom::value, id_, what);
}

void PaymentActor::fenced(const Work& cause) {
  refuse(cause, ProblemCode::shard_moved, "Another node has taken this payment over.");
  fail("");  // it says nothing about the payment, and is no failure of it
}

// ---- channel and answers

Aftermath::Parcel PaymentActor::parcel_of(ChannelCall call) const {
  const auto channel = context_->channels.find(call.account);
  if (channel != context_->channels.end())
    return {
        channel->second,
        caf::make_message(call_atom::value,
                          ChannelCallPtr(std::make_shared<const ChannelCall>(std::move(call))))};
  // Configured away: stays due, and settles when it is back.
  auto request = std::make_shared<ReportRequest>();
  request->report =
      report_not_taken(call, "no_such_account", "No account of this name is configured.");
  request->is_query = call.query;
  return {shard_, caf::make_message(report_atom::value, ReportRequestPtr(std::move(request)))};
}

void PaymentActor::call(ChannelCall call) {
  conversation_.asked(call);
  const Aftermath::Parcel parcel = parcel_of(std::move(call));
  anon_send(parcel.to, parcel.what);
}

ChannelConversation::Waiter PaymentActor::asker_of(const CommandRequestPtr& request,
                                                   bool created) const {
  return {request, awaited_by(id_, request->command.body), created};
}

CommandOutcome PaymentActor::outcome_of(const PaymentPtr& payment, std::uint64_t seq,
                                        const ChannelConversation::Waiter* waiter) const {
  CommandOutcome value;
  value.view = {id_, seq, payment};
  if (waiter) {
    value.created = waiter->created;
    if (waiter->awaited) value.refund_id = waiter->awaited->refund_id;
  }
  return value;
}

// ---- leaving

bool PaymentActor::is_idle() const {
  return is_at_rest() && conversation_.is_over() && askers_.empty();
}

bool PaymentActor::is_crowded() const {
  return context_->metrics->active.load(std::memory_order_relaxed) >
         static_cast<std::int64_t>(context_->limits.lingering_entities);
}

// Says how much it has heard, so that the shard knows whether something is on its way here. If
// nothing is, the shard lets go of this actor, and with nobody left to know it, it ends.
Aftermath::Parcel PaymentActor::offer_to_leave() {
  return {shard_, caf::make_message(settled_atom::value, id_, this->id(), heard_)};
}

void PaymentActor::on_exit() { context_->metrics->active.fetch_sub(1, std::memory_order_relaxed); }

}  // namespace welkin
