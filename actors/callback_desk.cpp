#include "actors/callback_desk.hpp"

#include <algorithm>
#include <cstdint>
#include <mutex>
#include <utility>

#include "actors/messages.hpp"
#include "actors/trouble_log.hpp"

namespace welkin {

namespace {

// Whether a refusal is to be kept with its payment costs a look at the payment, which anybody could
// ask for: so many at once, and one a second in the long run.
constexpr UnixUs look_interval_us = us_per_s;
constexpr std::int64_t looks_at_once = 20;

}  // namespace

struct CallbackDesk::Account {
  Account(ChannelPort& its_port, AccountMetrics& its_metrics)
      : port(its_port), metrics(its_metrics), log(std::string(its_port.name())) {}

  bool may_look(UnixUs now_us) {
    const std::lock_guard lock(looks_mutex);
    const UnixUs from_us = std::max(next_look_us, now_us);
    if (from_us - now_us >= looks_at_once * look_interval_us) return false;
    next_look_us = from_us + look_interval_us;
    return true;
  }

  ChannelPort& port;
  AccountMetrics& metrics;
  TroubleLog log;

 private:
  std::mutex looks_mutex;
  UnixUs next_look_us = 0;
};

CallbackDesk::CallbackDesk(RuntimeContextPtr context, PendingAnswers& answers)
    : context_(std::move(context)), answers_(answers) {}
CallbackDesk::~CallbackDesk() = default;

void CallbackDesk::add(ChannelPort& port) {
  const std::string name(port.name());
  accounts_.emplace(name, std::make_shared<Account>(port, context_->metrics->account(name)));
}

bool CallbackDesk::knows(std::string_view account) const {
  return accounts_.find(account) != accounts_.end();
}

CallbackAck CallbackDesk::refuse(Account& account, const CallbackRefused& refused, UnixUs now_us) {
  account.metrics.callback_refused(refused.problem.code);
  // The number may be anybody's invention: only one of ours stands in the log.
  const bool is_ours = parse_channel_order_no(refused.channel_order_no).has_value();
  account.log.note(Trouble::callback_refused, "callback", is_ours ? refused.channel_order_no : "-",
                   spec_of(refused.problem.code).name, now_us);
  return account.port.refusal(refused.problem);
}

CallbackAck CallbackDesk::pass_by(Account& account, const VerifiedCallback& callback,
                                  UnixUs now_us) {
  account.metrics.callback_ignored(IgnoredFor::unknown_payment);
  account.log.note(Trouble::callback_of_no_payment, "callback", callback.report.channel_order_no,
                   name_of(IgnoredFor::unknown_payment), now_us);
  return callback.ack;
}

std::optional<CallbackAck> CallbackDesk::refuse(std::string_view account, const Problem& why) {
  const auto found = accounts_.find(account);
  if (found == accounts_.end()) return std::nullopt;
  return refuse(*found->second, {why, {}}, context_->wall_now_us());
}

void CallbackDesk::keep(Account& account, const CallbackRefused& refused, UnixUs now_us) const {
  const auto order = parse_channel_order_no(refused.channel_order_no);
  if (!order || !account.may_look(now_us)) return;
  auto request = std::make_shared<ReportRequest>();
  request->report.payment = order->payment;
  request->report.account = std::string(account.port.name());
  request->report.source = ReportSource::callback;
  request->report.id = "refused";
  request->refused = refused.problem;
  caf::anon_send(context_->shard(order->payment), report_atom::value,
                 ReportRequestPtr(std::move(request)));
}

void CallbackDesk::take(const RawCallback& callback, Then<PaymentService::TakenCallback> then) {
  const auto found = accounts_.find(callback.channel);
  if (found == accounts_.end())
    return then(Problem{ProblemCode::unknown_channel, "There is no such channel account.", ""});
  const AccountPtr& account = found->second;
  const UnixUs now_us = context_->wall_now_us();
  CheckedCallback checked = account->port.verify(callback, now_us);
  if (const auto* refused = std::get_if<CallbackRefused>(&checked)) {
    keep(*account, *refused, now_us);
    return then(refuse(*account, *refused, now_us));
  }
  if (auto* ignored = std::get_if<IgnoredCallback>(&checked)) {
    account->metrics.callback_ignored(ignored->reason);
    return then(std::move(ignored->ack));
  }
  const auto good =
      std::make_shared<const VerifiedCallback>(std::get<VerifiedCallback>(std::move(checked)));
  auto request = std::make_shared<ReportRequest>();
  request->report = good->report;
  request->report.account = found->first;
  request->report.source = ReportSource::callback;
  request->reply_to = answers_.expect(
      good->report.payment,
      [context = context_, account, good, then = std::move(then)](CommandAnswer answer) {
        auto* problem = std::get_if<Problem>(&answer);
        if (problem && problem->code == ProblemCode::not_found && good->may_be_a_strangers)
          return then(pass_by(*account, *good, context->wall_now_us()));
        // Judged and recorded, or judged and refused for good: either way the same bytes need not
        // come again.
        const bool judged = !problem || problem->code == ProblemCode::report_mismatch;
        if (judged) account->port.settle(*good, problem ? Settled::refused : Settled::taken);
        if (problem)
          return then(refuse(*account, {std::move(*problem), good->report.channel_order_no},
                             context->wall_now_us()));
        account->metrics.callbacks_taken.Increment();
        then(good->ack);
      });
  const caf::actor& shard = context_->shard(good->report.payment);
  caf::anon_send(shard, report_atom::value, ReportRequestPtr(std::move(request)));
}

}  // namespace welkin
