#include "actors/breaker_actor.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "actors/store_io.hpp"

namespace welkin {
namespace {

constexpr int max_conflicts_in_a_row = 3;
constexpr std::size_t max_waiting_orders = 16;
constexpr UnixUs try_again_us = us_per_s;
// An alarm is set again as long as it is needed: one that is far off would hold a stopped actor.
constexpr UnixUs longest_alarm_us = us_per_s;
constexpr UnixUs shortest_alarm_us = 10 * us_per_ms;

BreakerAnswerPtr pointer_to(BreakerAnswer answer) {
  return std::make_shared<const BreakerAnswer>(std::move(answer));
}

}  // namespace

StoreResult<LoadedBreaker> breaker_at_start(const JournalStore& store, std::string_view account) {
  const LoadResult result = load_breaker(store, breaker_id_of(account));
  if (const auto* failure = std::get_if<LoadFailure>(&result))
    return StoreError{failure->corrupt ? StoreErrorKind::corrupt : StoreErrorKind::unavailable,
                      "the breaker of " + std::string(account) + ": " + failure->what};
  return std::get<LoadedBreaker>(result);
}

BreakerActor::BreakerActor(caf::actor_config& config, RuntimeContextPtr context,
                           std::string account, const BreakerConfig& breaker_config,
                           caf::actor channel, LoadedBreaker start)
    : caf::event_based_actor(config),
      context_(std::move(context)),
      account_(std::move(account)),
      id_(breaker_id_of(account_)),
      config_(breaker_config),
      channel_(std::move(channel)),
      metrics_(context_->metrics->account(account_).breaker),
      breaker_(std::move(start.breaker)),
      seq_(start.seq),
      hash_(start.hash),
      meter_(config_) {
  show();
}

caf::behavior BreakerActor::make_behavior() {
  wake_when_due();
  return {
      [this](call_atom, const ChannelCallPtr& request) { call(request); },
      [this](outcome_atom, const CallPermit& permit, const CallOutcome& outcome) {
        if (meter_.take(breaker_, permit, outcome, now_us())) judge();
      },
      [this](tick_atom) {
        has_alarm_ = false;
        judge();
        wake_when_due();
      },
      [this](committed_atom, const CommitAck& ack) { committed(ack); },
      [this](loaded_atom, const LoadResultPtr& result) { loaded(*result); },
      [this](submit_atom, const BreakerCommandPtr& command) { return take(command); },
      [this](look_atom) { return pointer_to(view()); },
      [this](stop_atom) {
        send(channel_, stop_atom::value);
        channel_ = nullptr;
        orders_.clear();
        quit();
      },
  };
}

// ---- calls

void BreakerActor::call(const ChannelCallPtr& request) {
  const auto permit = meter_.admit(breaker_, now_us());
  if (!permit) return refuse(*request);
  send(channel_, call_atom::value, request, *permit);
}

void BreakerActor::refuse(const ChannelCall& request) {
  ++refused_;
  metrics_.refused.Increment();
  auto report = std::make_shared<ReportRequest>();
  report->report = report_not_taken(
      request, "breaker_open",
      "The circuit breaker of " + account_ + " is " + std::string(name_of(breaker_.state)) + ".");
  report->is_query = request.query;
  anon_send(context_->shard(request.payment), report_atom::value,
            ReportRequestPtr(std::move(report)));
}

// ---- changes

caf::response_promise BreakerActor::take(const BreakerCommandPtr& command) {
  auto promise = make_response_promise();
  if (orders_.size() >= max_waiting_orders) {
    promise.deliver(pointer_to(
        Problem{ProblemCode::overloaded, "Too many commands wait for this breaker.", ""}));
    return promise;
  }
  orders_.push_back({command, promise});
  judge();
  return promise;
}

void BreakerActor::judge() {
  if (phase_ == Phase::live) judge_orders();
  const UnixUs at_us = now_us();
  if (phase_ != Phase::live) return;
  // Further ahead it only is when the clock was set back.
  if (at_us < try_again_at_us_ && try_again_at_us_ - at_us <= try_again_us) return;
  try_again_at_us_ = 0;
  const BreakerFigures& figures = meter_.figures(breaker_, at_us);
  if (auto event = decide_due(breaker_, account_, config_, figures, at_us))
    return persist(std::move(*event), "timer");
  if (auto event = decide_outcome(breaker_, account_, config_, figures, at_us))
    persist(std::move(*event), "calls");
}

void BreakerActor::judge_orders() {
  while (phase_ == Phase::live && !orders_.empty()) {
    const BreakerCommand& command = *orders_.front().command;
    BreakerDecision decision = decide(breaker_, account_, command);
    if (auto* event = std::get_if<BreakerEvent>(&decision)) {
      is_ordered_ = true;
      persist(std::move(*event), command.request_id);
    } else if (auto* problem = std::get_if<Problem>(&decision)) {
      answer_order(std::move(*problem));
    } else {
      answer_order(view());
    }
  }
}

void BreakerActor::persist(BreakerEvent event, std::string causation_id) {
  auto request = std::make_shared<AppendRequest>();
  request->at_us = std::max(now_us(), breaker_.since_us);
  next_ = breaker_;
  std::string problem;
  if (!apply(next_, event, request->at_us, &problem)) {
    spdlog::critical("breaker {}: decided against the rules: {}", account_, problem);
    return give_up(ProblemCode::internal, "The breaker's rules contradict each other.");
  }
  request->stream = id_;
  request->shard = context_->shard_index(id_);
  request->epoch = context_->epochs[request->shard];
  request->expected_seq = seq_;
  request->prev_hash = hash_;
  request->causation_id = std::move(causation_id);
  request->correlation_id = request->causation_id;
  event_ = event;
  request->what = BreakerAppend{{std::move(event)}};
  request->reply_to = caf::actor_cast<caf::actor>(this);
  phase_ = Phase::persisting;
  anon_send(context_->journal, append_atom::value, AppendRequestPtr(std::move(request)));
}

void BreakerActor::committed(const CommitAck& ack) {
  if (phase_ != Phase::persisting) return;
  if (ack.status != CommitStatus::committed) return not_committed(ack.status);
  conflicts_ = 0;
  metrics_.changed_by(kind_of(event_));
  come_to({next_, ack.last_seq, ack.hash});
  const auto level = is_available(breaker_.state) ? spdlog::level::info : spdlog::level::warn;
  spdlog::log(level, "breaker {}: {}, {}{}{}", account_, name_of(breaker_.state), breaker_.reason,
              breaker_.by.empty() ? "" : ", by ", breaker_.by);
  if (std::exchange(is_ordered_, false)) answer_order(view());
  judge();
  wake_when_due();
}

void BreakerActor::not_committed(CommitStatus status) {
  switch (status) {
    case CommitStatus::conflict:
      context_->metrics->conflicts.Increment();
      if (++conflicts_ > max_conflicts_in_a_row)
        return give_up(ProblemCode::internal, "Another writer is at work on this breaker.");
      is_ordered_ = false;  // decided again when it is known how the breaker stands
      phase_ = Phase::reading;
      return context_->io->load(id_, caf::actor_cast<caf::actor>(this));
    case CommitStatus::stale_epoch:
      return give_up(ProblemCode::shard_moved, "Another node has taken this breaker over.");
    default:
      return give_up(ProblemCode::store_unavailable, "Nothing was written.");
  }
}

void BreakerActor::loaded(const LoadResult& result) {
  if (phase_ != Phase::reading) return;
  if (const auto* failure = std::get_if<LoadFailure>(&result)) {
    spdlog::error("breaker {}: its stream cannot be read: {}", account_, failure->what);
    is_ordered_ = !orders_.empty();
    return give_up(ProblemCode::store_unavailable, "The journal cannot be read now.");
  }
  come_to(std::get<LoadedBreaker>(result));
  judge();
  wake_when_due();
}

// What was asked for is decided again in a while, from what is counted then.
void BreakerActor::give_up(ProblemCode code, const char* detail) {
  phase_ = Phase::live;
  conflicts_ = 0;
  try_again_at_us_ = now_us() + try_again_us;
  if (std::exchange(is_ordered_, false)) answer_order(Problem{code, detail, ""});
  judge();
  wake_when_due();
}

void BreakerActor::come_to(const LoadedBreaker& now) {
  breaker_ = now.breaker;
  seq_ = now.seq;
  hash_ = now.hash;
  phase_ = Phase::live;
  try_again_at_us_ = 0;
  meter_.begin();
  show();
}

void BreakerActor::answer_order(BreakerAnswer answer) {
  orders_.front().answer.deliver(pointer_to(std::move(answer)));
  orders_.pop_front();
}

// ---- what others see of it

void BreakerActor::show() {
  metrics_.is_in(breaker_.state);
  if (context_->routes) context_->routes->set_available(account_, is_available(breaker_.state));
}

void BreakerActor::wake_when_due() {
  if (has_alarm_ || phase_ != Phase::live) return;
  UnixUs due_us = due_at_us(breaker_, config_);
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
  view.state = breaker_.state;
  view.since_us = breaker_.since_us;
  view.reason = breaker_.reason;
  view.by = breaker_.by;
  view.trips = trips_at(breaker_, config_, at_us);
  view.figures = meter_.figures(breaker_, at_us);
  view.next_probe_at_us = breaker_.open_until_us;
  view.refused = refused_;
  return view;
}

}  // namespace welkin
