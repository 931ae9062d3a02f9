#include "bench/payment_life.hpp"

#include <cstdio>
#include <cstdlib>

#include "bench/workload.hpp"

namespace welkin::bench {
namespace {

// Every shard's first epoch, which a fresh journal gives out.
constexpr std::uint64_t first_epoch = 1;

}  // namespace

AppendRequestPtr PaymentLife::create(UnixUs at_us) {
  return append(decide(payment_, command_, {command_.payment, at_us}), at_us, nullptr);
}

AppendRequestPtr PaymentLife::accepted(UnixUs at_us) {
  const ChannelReport accepted = report(ReportSource::answer, ChannelVerdict::accepted);
  return append(decide(payment_, accepted, {command_.payment, at_us}), at_us, "answer:create");
}

AppendRequestPtr PaymentLife::paid(UnixUs at_us) {
  const ChannelReport paid = report(ReportSource::callback, ChannelVerdict::paid);
  return append(decide(payment_, paid, {command_.payment, at_us}), at_us,
                "callback:0123456789abcdef");
}

AppendRequestPtr PaymentLife::still_open(UnixUs at_us) {
  const ChannelReport open = report(ReportSource::query, ChannelVerdict::accepted);
  return append(decide(payment_, open, {command_.payment, at_us}), at_us, "query:create");
}

ChannelReport PaymentLife::report(ReportSource source, ChannelVerdict verdict) const {
  ChannelReport report = accepted_report(command_, payment_.last_attempt().channel_order_no);
  report.source = source;
  report.verdict = verdict;
  return report;
}

AppendRequestPtr PaymentLife::append(Decision decision, UnixUs at_us, const char* causation_id) {
  auto* events = std::get_if<std::vector<PaymentEvent>>(&decision);
  auto request = std::make_shared<AppendRequest>();
  request->stream = command_.payment;
  request->shard = shard_;
  request->epoch = first_epoch;
  request->expected_seq = seq_;
  request->prev_hash = hash_;
  request->at_us = at_us;
  request->causation_id = causation_id ? causation_id : command_.cause;
  request->correlation_id = command_.cause;
  bool applied = events != nullptr;
  for (std::size_t i = 0; applied && i < events->size(); ++i)
    applied = apply(payment_, (*events)[i], at_us);
  if (!applied) {
    std::fprintf(stderr, "%s: the rules refuse the benchmark's step\n",
                 command_.payment.text().c_str());
    std::exit(1);
  }
  request->recorded = std::make_shared<const PaymentEvents>(std::move(*events), nullptr);
  return request;
}

}  // namespace welkin::bench
