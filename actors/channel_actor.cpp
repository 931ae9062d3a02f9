#include "actors/channel_actor.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <optional>
#include <utility>

#include "actors/trouble_log.hpp"

namespace welkin {
namespace {

constexpr auto upkeep_look = std::chrono::minutes(1);

CallHealth health_of(const ChannelReport& report) {
  switch (report.fate) {
    case CallFate::answered:
      return CallHealth::success;
    case CallFate::not_made:
      return CallHealth::not_made;
    case CallFate::garbled:
    case CallFate::unwell:
    case CallFate::no_answer:
    case CallFate::not_sent:
      break;
  }
  return CallHealth::failure;
}

std::optional<Trouble> trouble_of(const ChannelReport& report) {
  switch (report.fate) {
    case CallFate::answered:
      break;
    case CallFate::garbled:
      return Trouble::garbled;
    case CallFate::unwell:
      return Trouble::unwell;
    case CallFate::no_answer:
      return Trouble::no_answer;
    case CallFate::not_sent:
      return Trouble::not_sent;
    case CallFate::not_made:
      return Trouble::not_made;
  }
  if (report.verdict == ChannelVerdict::not_taken) return Trouble::not_taken;
  return std::nullopt;
}

}  // namespace

struct CallUnderWay {
  ChannelCallPtr call;
  caf::actor breaker;  // null when none stands before the channel
  CallPermit permit;
  UnixUs began_at_us = 0;
  int tries = 0;
  ChannelReport report;  // of the last try
};

// What the actor shares with the answers of calls under way, which come on other threads and may
// come after its end. The context outlives every call: the node stops its channels before its
// actors.
struct ChannelActor::Desk {
  Desk(RuntimeContextPtr of, std::string account_name)
      : context(std::move(of)),
        account(std::move(account_name)),
        metrics(context->metrics->account(account)),
        log(account) {}

  UnixUs now_us() const { return context->clock->now_us(); }

  void note(Trouble trouble, const ChannelCall& call, std::string_view code) {
    const std::string what = (call.query ? "query of " : "") + std::string(name_of(call.operation));
    log.note(trouble, what, call.channel_order_no, code, now_us());
  }

  // The report to the payment, the outcome to the breaker.
  void finish(const CallUnderWay& under_way, ChannelReport report) {
    const ChannelCall& call = *under_way.call;
    const UnixUs duration_us = std::max<UnixUs>(0, now_us() - under_way.began_at_us);
    if (const auto trouble = trouble_of(report)) note(*trouble, call, report.code);
    metrics.call_ended(report.verdict, duration_us);
    if (under_way.breaker)
      caf::anon_send(under_way.breaker, outcome_atom::value, under_way.permit,
                     CallOutcome{health_of(report), duration_us});
    report.source = call.query ? ReportSource::query : ReportSource::answer;
    report.account = account;
    report.payment = call.payment;
    report.operation = call.operation;
    report.refund_id = call.refund_id;
    auto request = std::make_shared<ReportRequest>();
    request->report = std::move(report);
    request->is_query = call.query;
    caf::anon_send(context->shard(call.payment), report_atom::value,
                   ReportRequestPtr(std::move(request)));
  }

  // For a call that has had its place.
  void end(const CallUnderWay& under_way, ChannelReport report) {
    in_flight.fetch_sub(1, std::memory_order_relaxed);
    metrics.in_flight.Decrement();
    finish(under_way, std::move(report));
  }

  const RuntimeContextPtr context;
  const std::string account;
  AccountMetrics& metrics;
  TroubleLog log;
  std::atomic<std::size_t> in_flight{0};
};

ChannelActor::ChannelActor(caf::actor_config& config, RuntimeContextPtr context, ChannelPort& port,
                           ChannelActorOptions options)
    : caf::event_based_actor(config),
      port_(port),
      options_(std::move(options)),
      desk_(std::make_shared<Desk>(std::move(context), std::string(port.name()))) {}

caf::behavior ChannelActor::make_behavior() {
  supervise(*this, desk_->context->fate);
  if (port_.needs_upkeep()) anon_send(this, tick_atom::value);
  return {
      [this](call_atom, const ChannelCallPtr& call) { take(call, nullptr, {}); },
      [this](call_atom, const ChannelCallPtr& call, const CallPermit& permit) {
        take(call, caf::actor_cast<caf::actor>(current_sender()), permit);
      },
      [this](retry_atom, const CallUnderWayPtr& under_way) { judge_try(under_way); },
      [this](call_atom, const CallUnderWayPtr& under_way) { attempt(under_way); },
      [this](tick_atom) {
        port_.upkeep();
        delayed_send(this, upkeep_look, tick_atom::value);
      },
      [this](stop_atom) { quit(); },
  };
}

void ChannelActor::take(const ChannelCallPtr& call, caf::actor breaker, CallPermit permit) {
  auto under_way = std::make_shared<CallUnderWay>();
  under_way->call = call;
  under_way->breaker = std::move(breaker);
  under_way->permit = permit;
  under_way->began_at_us = desk_->now_us();
  desk_->metrics.calls.Increment();
  if (desk_->in_flight.load(std::memory_order_relaxed) >= options_.max_in_flight) {
    desk_->metrics.bulkhead_refusals.Increment();
    desk_->note(Trouble::bulkhead_full, *call, "bulkhead_full");
    return desk_->finish(
        *under_way,
        report_not_taken(*call, "bulkhead_full", "Too many calls to this account are under way."));
  }
  desk_->in_flight.fetch_add(1, std::memory_order_relaxed);
  desk_->metrics.in_flight.Increment();
  attempt(under_way);
}

void ChannelActor::attempt(const CallUnderWayPtr& under_way) {
  ++under_way->tries;
  // Most calls end here, on the thread that carried them, without another message to this actor.
  port_.call(*under_way->call, [desk = desk_, under_way,
                                self = caf::actor_cast<caf::actor>(this)](ChannelReport report) {
    if (!may_repeat(*under_way->call, report)) return desk->end(*under_way, std::move(report));
    under_way->report = std::move(report);
    caf::anon_send(self, retry_atom::value, under_way);
  });
}

void ChannelActor::judge_try(const CallUnderWayPtr& under_way) {
  const auto delay_us =
      retry_delay_us(options_.retry, under_way->tries, desk_->now_us() - under_way->began_at_us,
                     options_.draw ? options_.draw() : 0);
  if (!delay_us) return desk_->end(*under_way, std::move(under_way->report));
  desk_->metrics.retries.Increment();
  delayed_send(this, std::chrono::microseconds(*delay_us), call_atom::value, under_way);
}

}  // namespace welkin
