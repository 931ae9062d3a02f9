// One payment taken through the rules step by step, as its actor would, for what needs the rows of
// payments and no actors: each step is an append to the journal and leaves the payment as it is
// after it.
#pragma once

#include <cstdint>
#include <utility>

#include "actors/messages.hpp"
#include "protocol/payment/payment.hpp"

namespace welkin::bench {

class PaymentLife {
 public:
  PaymentLife(PaymentCommand command, std::uint32_t shard)
      : command_(std::move(command)), shard_(shard) {}

  AppendRequestPtr create(UnixUs at_us);  // two events: created, and the intent to ask the channel
  AppendRequestPtr accepted(UnixUs at_us);  // the channel's order is open
  AppendRequestPtr paid(UnixUs at_us);
  AppendRequestPtr still_open(UnixUs at_us);  // the channel, asked again, says no more than before
  // What the journal answered to the step before, so that the next one is chained to it.
  void committed(const CommitAck& ack) {
    seq_ = ack.last_seq;
    hash_ = ack.hash;
  }

  const StreamId& stream() const { return command_.payment; }
  std::uint32_t shard() const { return shard_; }
  const Payment& payment() const { return payment_; }

 private:
  ChannelReport report(ReportSource source, ChannelVerdict verdict) const;
  AppendRequestPtr append(Decision decision, UnixUs at_us, const char* causation_id);

  PaymentCommand command_;
  std::uint32_t shard_;
  Payment payment_;
  std::uint64_t seq_ = 0;
  Hash hash_{};
};

}  // namespace welkin::bench
