#include "bench/raw_limit.hpp"

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "actors/store_io.hpp"
#include "bench/bench_support.hpp"
#include "bench/workload.hpp"

namespace welkin::bench {
namespace {

// One payment's three appends, as its actor would make them.
class RowMaker {
 public:
  void add_all(std::uint64_t number, std::vector<AppendRequestPtr>& created,
               std::vector<AppendRequestPtr>& accepted, std::vector<AppendRequestPtr>& paid) const {
    const PaymentCommand command = create_command(number);
    Payment payment;
    const DecisionContext context{command.payment, 1'800'000'000 * us_per_s};
    add(created, payment, command.payment, 0, events_of(decide(payment, command, context)));
    ChannelReport report = accepted_report(command, payment.channel_order_no);
    add(accepted, payment, command.payment, 2, events_of(decide(payment, report, context)));
    report.verdict = ChannelVerdict::paid;
    report.source = ReportSource::callback;
    add(paid, payment, command.payment, 3, events_of(decide(payment, report, context)));
  }

 private:
  static std::vector<PaymentEvent> events_of(Decision decision) {
    return std::move(std::get<std::vector<PaymentEvent>>(decision));
  }
  static void add(std::vector<AppendRequestPtr>& to, Payment& payment, const PaymentId& id,
                  std::uint64_t expected_seq, std::vector<PaymentEvent> events) {
    auto request = std::make_shared<AppendRequest>();
    request->stream = id;
    request->epoch = 1;
    request->expected_seq = expected_seq;
    request->at_us = 1'800'000'000 * us_per_s;
    request->causation_id = "req_00000000000000000000000000";
    request->correlation_id = request->causation_id;
    for (const PaymentEvent& event : events) apply(payment, event, request->at_us);
    request->events = std::move(events);
    to.push_back(std::move(request));
  }
};

}  // namespace

double raw_payments_per_s(std::uint64_t payments, std::uint64_t payments_per_batch) {
  const ScratchFolder folder;
  const auto store = open_or_exit("sqlite:" + folder.path() + "/raw");
  store->claim_epochs(1);
  JournalCommitter committer(*store);
  const RowMaker maker;
  double spent_s = 0;
  std::vector<AppendRequestPtr> steps[3];
  for (std::uint64_t done = 0; done < payments; done += payments_per_batch) {
    for (auto& step : steps) step.clear();
    for (std::uint64_t i = 0; i < payments_per_batch; ++i)
      maker.add_all(done + i, steps[0], steps[1], steps[2]);
    // Only the journal's share is timed: making the events is the actors' work.
    const auto start = Clock::now();
    for (const auto& step : steps) {
      if (committer.commit(step) == JournalCommitter::Verdict::settled) continue;
      std::fprintf(stderr, "raw limit: %s\n", committer.error().detail.c_str());
      std::exit(1);
    }
    spent_s += seconds_since(start);
  }
  return static_cast<double>(payments) / spent_s;
}

}  // namespace welkin::bench
