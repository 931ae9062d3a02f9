#include "protocol/breaker/breaker.hpp"

#include <algorithm>

namespace welkin {
namespace {

constexpr int max_trips = 1'000'000;

bool are_sound(const BreakerFigures& figures) {
  return figures.failures >= 0 && figures.slow >= 0 && figures.failures <= figures.calls &&
         figures.slow <= figures.calls;
}

// Folds one event's data in; the state itself is moved by `apply`, the only place that does. Says
// what contradicts the breaker, or null.
class Folder {
 public:
  Folder(Breaker& breaker, UnixUs at_us) : b_(breaker), at_us_(at_us) {}

  const char* operator()(const BreakerOpened& e) {
    b_.trips = e.trips;
    b_.open_until_us = e.open_until_us;
    by_itself(words_of(e.cause, e.figures));
    if (!are_sound(e.figures)) return "the figures are not possible";
    if (e.trips < 1 || e.trips > max_trips) return "the trips are not possible";
    return e.open_until_us > at_us_ ? nullptr : "it would be open until before it opened";
  }
  const char* operator()(const BreakerHalfOpened& e) {
    by_itself("the time is up");
    return e.probes > 0 ? nullptr : "no probe is let through";
  }
  const char* operator()(const BreakerRecovering& e) {
    by_itself("the probes came back well");
    return are_sound(e.figures) ? nullptr : "the figures are not possible";
  }
  const char* operator()(const BreakerClosed& e) {
    by_itself("it has recovered");
    return are_sound(e.figures) ? nullptr : "the figures are not possible";
  }
  const char* operator()(const BreakerForcedOpen& e) { return by_operator(e.by, e.reason); }
  const char* operator()(const BreakerDisabled& e) { return by_operator(e.by, e.reason); }
  const char* operator()(const BreakerReleased& e) {
    b_.trips = 0;
    return by_operator(e.by, e.reason);
  }

 private:
  void by_itself(std::string reason) {
    b_.by.clear();
    b_.reason = std::move(reason);
  }
  const char* by_operator(const std::string& by, const std::string& reason) {
    b_.by = by;
    b_.reason = reason;
    return by.empty() ? "it does not say by whom" : nullptr;
  }

  Breaker& b_;
  const UnixUs at_us_;
};

// A clock that was set back must not make a breaker's past lie in its future.
UnixUs moment_of(const Breaker& breaker, UnixUs now_us) {
  return std::max(now_us, breaker.since_us);
}

std::optional<TripCause> cause_to_trip(const BreakerConfig& config, const BreakerFigures& figures,
                                       int calls) {
  const auto reaches = [calls](int count, int percent) {
    return std::int64_t{count} * 100 >= std::int64_t{calls} * percent;
  };
  if (reaches(figures.failures, config.failure_percent)) return TripCause::failures;
  if (reaches(figures.slow, config.slow_percent)) return TripCause::slow_calls;
  return std::nullopt;
}

BreakerEvent opened(const Breaker& breaker, std::string_view account, const BreakerConfig& config,
                    TripCause cause, const BreakerFigures& figures, UnixUs now_us) {
  const int trips = std::min(trips_at(breaker, config, now_us) + 1, max_trips);
  const UnixUs open_us = open_time_ms(config, trips) * us_per_ms;
  return BreakerOpened{std::string(account), cause, figures, trips,
                       moment_of(breaker, now_us) + open_us};
}

}  // namespace

bool apply(Breaker& breaker, const BreakerEvent& event, UnixUs at_us, std::string* problem) {
  const BreakerEventKind kind = kind_of(event);
  const BreakerEdge* edge = find_edge(breaker.state, kind);
  if (!edge) {
    if (problem)
      *problem =
          std::string(name_of(kind)) + " may not follow in " + std::string(name_of(breaker.state));
    return false;
  }
  const std::string& account =
      std::visit([](const auto& e) -> const std::string& { return e.account; }, event);
  Breaker next = breaker;
  const char* what = std::visit(Folder(next, at_us), event);
  if (!breaker.account.empty() && breaker.account != account) what = "it names another account";
  if (account.empty()) what = "it names no account";
  if (at_us < breaker.since_us) what = "it is older than the one before it";
  if (what) {
    if (problem) *problem = std::string(name_of(kind)) + ": " + what;
    return false;
  }
  next.account = account;
  next.state = edge->to;
  next.since_us = at_us;
  if (next.state != BreakerState::open) next.open_until_us = 0;
  breaker = std::move(next);
  return true;
}

std::optional<BreakerEvent> decide_outcome(const Breaker& breaker, std::string_view account,
                                           const BreakerConfig& config,
                                           const BreakerFigures& figures, UnixUs now_us) {
  switch (breaker.state) {
    case BreakerState::closed:
    case BreakerState::recovering: {
      const int enough = breaker.state == BreakerState::closed
                             ? config.minimum_calls
                             : std::min(config.minimum_calls, config.probes);
      if (figures.calls < enough) return std::nullopt;
      if (const auto cause = cause_to_trip(config, figures, figures.calls))
        return opened(breaker, account, config, *cause, figures, now_us);
      return std::nullopt;
    }
    case BreakerState::half_open:
      // Judged against all the probes: what is lost already need not wait for the rest.
      if (const auto cause = cause_to_trip(config, figures, config.probes))
        return opened(breaker, account, config, *cause, figures, now_us);
      if (figures.calls < config.probes) return std::nullopt;
      return BreakerRecovering{std::string(account), figures};
    case BreakerState::open:
    case BreakerState::forced_open:
    case BreakerState::disabled:
      return std::nullopt;
  }
  return std::nullopt;
}

std::optional<BreakerEvent> decide_due(const Breaker& breaker, std::string_view account,
                                       const BreakerConfig& config, const BreakerFigures& figures,
                                       UnixUs now_us) {
  const UnixUs due_us = due_at_us(breaker, config);
  if (due_us == 0) return std::nullopt;
  // Nothing lies further ahead than this, unless the clock was set back meanwhile.
  const UnixUs furthest_us = std::max(config.max_open_ms, config.ramp_ms) * us_per_ms;
  if (now_us < due_us && due_us - now_us <= furthest_us) return std::nullopt;
  if (breaker.state == BreakerState::open)
    return BreakerHalfOpened{std::string(account), config.probes};
  return BreakerClosed{std::string(account), figures};
}

UnixUs due_at_us(const Breaker& breaker, const BreakerConfig& config) {
  switch (breaker.state) {
    case BreakerState::open:
      return breaker.open_until_us;
    case BreakerState::recovering:
      return breaker.since_us + config.ramp_ms * us_per_ms;
    case BreakerState::closed:
    case BreakerState::half_open:
    case BreakerState::forced_open:
    case BreakerState::disabled:
      return 0;
  }
  return 0;
}

BreakerDecision decide(const Breaker& breaker, std::string_view account,
                       const BreakerCommand& command) {
  std::string name(account);
  switch (command.action) {
    case BreakerAction::force_open:
      if (breaker.state == BreakerState::forced_open) return std::monostate{};
      return BreakerForcedOpen{std::move(name), command.by, command.reason, command.request_id};
    case BreakerAction::disable:
      if (breaker.state == BreakerState::disabled) return std::monostate{};
      return BreakerDisabled{std::move(name), command.by, command.reason, command.request_id};
    case BreakerAction::release:
      break;
  }
  if (!may_follow(breaker.state, BreakerEventKind::released))
    return Problem{
        ProblemCode::illegal_transition,
        "The breaker is " + std::string(name_of(breaker.state)) + ": there is nothing to release.",
        "/action"};
  return BreakerReleased{std::move(name), command.by, command.reason, command.request_id};
}

std::int64_t open_time_ms(const BreakerConfig& config, int trips) {
  std::int64_t time_ms = config.open_ms;
  if (config.open_growth_percent <= 100) return time_ms;
  // Grows by at least a hundredth a step, so that it ends; small times grow by one.
  for (int trip = 1; trip < trips && time_ms < config.max_open_ms; ++trip)
    time_ms = std::max(time_ms + 1, time_ms * config.open_growth_percent / 100);
  return std::min(time_ms, config.max_open_ms);
}

int trips_at(const Breaker& breaker, const BreakerConfig& config, UnixUs now_us) {
  const bool is_forgotten = breaker.state == BreakerState::closed &&
                            now_us - breaker.since_us >= config.forget_trips_ms * us_per_ms;
  return is_forgotten ? 0 : breaker.trips;
}

int ramp_percent(const Breaker& breaker, const BreakerConfig& config, UnixUs now_us) {
  const UnixUs ramp_us = config.ramp_ms * us_per_ms;
  const UnixUs gone_us = std::clamp<UnixUs>(now_us - breaker.since_us, 0, ramp_us);
  if (gone_us == ramp_us) return 100;
  return config.ramp_start_percent +
         static_cast<int>((100 - config.ramp_start_percent) * gone_us / ramp_us);
}

std::string words_of(TripCause cause, const BreakerFigures& figures) {
  const int count = cause == TripCause::failures ? figures.failures : figures.slow;
  return std::to_string(count) + " of " + std::to_string(figures.calls) + " calls " +
         (cause == TripCause::failures ? "failed" : "were slow");
}

}  // namespace welkin
