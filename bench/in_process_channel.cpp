#include "bench/in_process_channel.hpp"

#include <utility>

namespace welkin::bench {

void InProcessChannel::call(const ChannelCall& call, Done done) {
  ChannelReport report;
  report.payment = call.payment;
  report.operation = call.operation;
  report.channel_order_no = call.channel_order_no;
  report.refund_id = call.refund_id;
  report.merchant_id = call.merchant_id;
  report.amount_minor = call.amount_minor;
  report.currency = call.currency;
  report.channel_reference = "T" + call.channel_order_no;
  if (call.operation == ChannelOperation::refund) {
    report.verdict = ChannelVerdict::refunded;
    return done(std::move(report));
  }
  if (call.operation != ChannelOperation::create) {
    report.verdict =
        call.operation == ChannelOperation::capture ? ChannelVerdict::paid : ChannelVerdict::closed;
    return done(std::move(report));
  }
  report.verdict = ChannelVerdict::accepted;
  report.next_action = {"qr_code", "welkin-sandbox://pay/" + call.channel_order_no};
  ChannelReport paid = report;
  done(std::move(report));
  if (!callback_) return;
  paid.source = ReportSource::callback;
  paid.verdict = ChannelVerdict::paid;
  paid.id = paid.channel_order_no;
  paid.next_action = {};
  callback_(std::move(paid));
}

CheckedCallback InProcessChannel::verify(const RawCallback&, UnixUs) {
  return CallbackRefused{{ProblemCode::bad_signature, "The in-process channel signs nothing.", ""},
                         {}};
}

}  // namespace welkin::bench
