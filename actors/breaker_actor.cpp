#include "actors/breaker_actor.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "actors/store_io.hpp"
#include "protocol/cause.hpp"

namespace welkin {
namespace {

constexpr std::size_t max_waiting_orders = 16;
constexpr UnixUs try_again_us = us_per_s;
// An alarm is set again as long as it is needed: one that is far off would hold a stopped actor.
constexpr UnixUs longest_alarm_us = us_per_s;
constexpr UnixUs shortest_alarm_us = 10 * us_per_ms;

BreakerAnswerPtr pointer_to(BreakerAnswer answer) {
  return std::make_shared<const BreakerAnswer>(std::move(answer));
}

void answer(const BreakerOrder& order, BreakerAnswer what) {
  caf::response_promise promise = order.answer;
  promise.deliver(pointer_to(std::move(what)));
}

}  // namespace

StoreResult<LoadedBreaker> breaker_at_start(const JournalStore& store, std::string_view account) {
  const LoadResult result = load_breaker(store, breaker_id_of(account));
  if (const auto* failure = std::get_if<LoadFailure>(&result))
    return StoreError{failure->corrupt ? StoreErrorKind::corrupt : StoreErrorKind::unavailable,
                      "the breaker of " + std::string(account) + ": " + failure->what +
                          (failure->corrupt ? "; restore a backup (docs/backup.md)" : "")};
  return std::get<LoadedBreaker>(result);
}

BreakerActor::BreakerActor(caf::actor_config& config, RuntimeContextPtr context,
                           std::string account, const BreakerConfig& breaker_config,
                           caf::actor channel, LoadedBreaker start)
    : EntityActor(config, std::move(context), breaker_id_of(account), std::move(start)),
      account_(std::move(account)),
      config_(breaker_config),
      channel_(std::move(channel)),
      metrics_(context_->metrics->account(account_).breaker),
      meter_(config_) {
  stash_limit_ = max_waiting_orders;
  show();
}

caf::behavior BreakerActor::make_behavior() {
  supervise(*this, context_->fate);
  wake_when_due();
  return caf::message_handler{
      [this](call_atom, const ChannelCallPtr& request) { call(request); },
      [this](outcome_atom, const CallPermit& permit, const CallOutcome& outcome) {
        if (meter_.take(state(), permit, outcome, now_us()) && phase() == Phase::live)
          guarded([&] { take(LookAgain{}); });
      },
      [this](tick_atom) { guarded([&] { tick(); }); },
      [this](submit_atom, const BreakerCommandPtr& command) {
        const BreakerOrder order{command, make_response_promise()};
        guarded([&] { take(order); });
        return order.answer;
      },
      [this](look_atom) { return pointer_to(view()); },
      [this](stop_atom) { end(); },
  }
      .or_else(own_messages());
}

void BreakerActor::on_exit() { anon_send(std::exchange(channel_, nullptr), stop_atom::value); }

// ---- calls

void BreakerActor::call(const ChannelCallPtr& request) {
  const auto permit = meter_.admit(state(), now_us());
  if (!permit) return give_back(*request);
  send(channel_, call_atom::value, request, *permit);
}

void BreakerActor::give_back(const ChannelCall& request) {
  ++refused_;
  metrics_.refused.Increment();
  auto report = std::make_shared<ReportRequest>();
  report->report = report_not_taken(
      request, "breaker_open",
      "The circuit breaker of " + account_ + " is " + std::string(name_of(state().state)) + ".");
  report->is_query = request.query;
  anon_send(context_->shard(request.payment), report_atom::value,
            ReportRequestPtr(std::move(report)));
}

// ---- changes

void BreakerActor::judge(const Work& work) {
  std::visit([this](const auto& w) { handle(w); }, work);
}

void BreakerActor::handle(const BreakerOrder& order) {
  BreakerDecision decision = decide(state(), account_, *order.command);
  if (auto* event = std::get_if<BreakerEvent>(&decision))
    return persist_one(std::move(*event), order.command->cause, order);
  if (auto* problem = std::get_if<Problem>(&decision)) return answer(order, std::move(*problem));
  answer(order, view());
}

void BreakerActor::handle(const LookAgain&) {
  const UnixUs at_us = now_us();
  // Further ahead it only is when the clock was set back.
  if (at_us < try_again_at_us_ && try_again_at_us_ - at_us <= try_again_us) return;
  try_again_at_us_ = 0;
  const BreakerFigures& figures = meter_.figures(state(), at_us);
  if (auto event = decide_due(state(), account_, config_, figures, at_us))
    return persist_one(std::move(*event), cause(CauseKind::timer, at_us), LookAgain{});
  if (auto event = decide_outcome(state(), account_, config_, figures, at_us))
    persist_one(std::move(*event), cause(CauseKind::calls, at_us), LookAgain{});
}

// Each change has a cause of its own, and nothing else that belongs to it.
void BreakerActor::persist_one(BreakerEvent event, const std::string& causation_id, Work cause) {
  Decided decided;
  decided.events.push_back(std::move(event));
  decided.causation_id = decided.correlation_id = causation_id;
  decided.wakes = true;
  persist(std::move(decided), std::move(cause));
}

void BreakerActor::refuse(const Work& work, ProblemCode code, const std::string& detail) {
  if (const auto* order = std::get_if<BreakerOrder>(&work))
    answer(*order, Problem{code, detail, ""});
}

void BreakerActor::committed(const BreakerEvents& events, const Work& cause) {
  for (const BreakerEvent& event : events.events) metrics_.changed_by(kind_of(event));
  show();
  const Breaker& now = state();
  const auto level = is_available(now.state) ? spdlog::level::info : spdlog::level::warn;
  spdlog::log(level, "breaker {}: {}, {}{}{}", account_, name_of(now.state), now.reason,
              now.by.empty() ? "" : ", by ", now.by);
  if (const auto* order = std::get_if<BreakerOrder>(&cause)) answer(*order, view());
}

void BreakerActor::came_to_rest() {
  take(LookAgain{});
  wake_when_due();
}

// Its calls go on as they did; its stream is read again in a while.
void BreakerActor::report_failure(const std::string& what) {
  if (!what.empty()) spdlog::error("breaker {}: {}", account_, what);
  try_again_later();
  wake_when_due();
}

// Read again it would be the same: its calls go on as they did, until a restore.
void BreakerActor::report_corruption(const std::string& what) {
  spdlog::error("breaker {}: {}", account_, what);
}

void BreakerActor::fenced(const Work& cause) {
  refuse(cause, ProblemCode::shard_moved, "Another node has taken this breaker over.");
  fail("");  // the node ends; whoever waits is told
}

void BreakerActor::tick() {
  has_alarm_ = false;
  if (phase() == Phase::failed && !has_given_up()) recover();
  if (phase() == Phase::live) take(LookAgain{});
  wake_when_due();
}

// What was asked for is decided again in a while, from what is counted then.
void BreakerActor::try_again_later() { try_again_at_us_ = now_us() + try_again_us; }

// ---- what others see of it

// It has come to a state: what was counted before says nothing about it.
void BreakerActor::show() {
  meter_.begin();
  try_again_at_us_ = 0;
  metrics_.is_in(state().state);
  if (context_->routes) context_->routes->set_available(account_, is_available(state().state));
}

void BreakerActor::wake_when_due() {
  if (has_alarm_ || phase() == Phase::persisting || phase() == Phase::recovering) return;
  UnixUs due_us = due_at_us(state(), config_);
  if (try_again_at_us_ != 0) due_us = std::max(due_us, try_again_at_us_);
  if (due_us == 0) return;
  has_alarm_ = true;
  const UnixUs delay_us = std::clamp(due_us - now_us(), shortest_alarm_us, longest_alarm_us);
  delayed_send(this, std::chrono::microseconds(delay_us), tick_atom::value);
}

BreakerView BreakerActor::view() {
  BreakerView view;
  const UnixUs at_us = now_us();
  view.account = account_;
  view.state = state().state;
  view.since_us = state().since_us;
  view.reason = state().reason;
  view.by = state().by;
  view.trips = trips_at(state(), config_, at_us);
  view.figures = meter_.figures(state(), at_us);
  view.next_probe_at_us = state().open_until_us;
  view.refused = refused_;
  return view;
}

}  // namespace welkin
