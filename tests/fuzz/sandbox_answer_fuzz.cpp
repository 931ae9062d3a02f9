// The sandbox channel's answer to a call or a query: never more than its bytes and its HTTP status
// say for certain, always about what was asked, and fit to be recorded as it is.
#include <charconv>

#include "protocol/channel/sandbox_wire.hpp"
#include "protocol/payment/event_codec.hpp"
#include "tests/fuzz/claims.hpp"
#include "tests/fuzz/report_claims.hpp"

namespace welkin::fuzz {
namespace {

// The input's first line: "create 200", or "query create 200".
struct Asked {
  ChannelCall call;
  int http_status = 200;
};

Asked asked_by(std::string_view line) {
  Asked out;
  ChannelCall& call = out.call;
  constexpr std::string_view query = "query ";
  call.query = line.substr(0, query.size()) == query;
  if (call.query) line.remove_prefix(query.size());
  const std::size_t space = std::min(line.find(' '), line.size());
  call.operation =
      parse_channel_operation(line.substr(0, space)).value_or(ChannelOperation::create);
  line.remove_prefix(std::min(space + 1, line.size()));
  int status = 0;
  std::from_chars(line.data(), line.data() + line.size(), status);
  if (status >= 100 && status <= 599) out.http_status = status;
  call.payment = *PaymentId::parse("pay_00000000000000000000000001");
  call.merchant_id = "m_1";
  call.channel_order_no = channel_order_no(call.payment, 1);
  call.amount_minor = call.order_amount_minor = 1000;
  call.currency = *Currency::parse("CNY");
  if (call.operation == ChannelOperation::refund) {
    const RefundId refund = *RefundId::parse("rfd_00000000000000000000000002");
    call.refund_id = refund.text();
    call.channel_refund_no = channel_refund_no(refund);
  }
  return out;
}

void check(std::string_view input) {
  const Asked asked = asked_by(take_line(input));
  const ChannelReport report = sandbox_wire::parse_answer(asked.call, asked.http_status, input);
  claim_report(report);
  claim(report.payment == asked.call.payment && report.operation == asked.call.operation,
        "an answer is about what was asked");
  claim(report.source == (asked.call.query ? ReportSource::query : ReportSource::answer),
        "an answer is reported as what it is");
  if (asked.http_status != 200)
    claim(!moves_money(report.verdict) && report.verdict != ChannelVerdict::accepted,
          "only a 200 says that something was done");
  if (asked.http_status == 200 && report.verdict == ChannelVerdict::refused)
    claim(report.code == "PAYER_DECLINED", "a 200 refuses a payment in the payer's name alone");
  if (asked.http_status >= 500)
    claim(report.verdict == ChannelVerdict::unknown, "after a 5xx nothing is known");
  if (report.verdict != ChannelVerdict::unknown)
    claim_every_byte_judged(input, [&asked](std::string_view other) {
      return sandbox_wire::parse_answer(asked.call, asked.http_status, other).verdict !=
             ChannelVerdict::unknown;
    });
  if (report.verdict == ChannelVerdict::unknown)
    claim(!report.code.empty() && !report.message.empty(), "what is unknown says why");
  if (report.verdict == ChannelVerdict::not_found)
    claim(asked.http_status == 404, "only a 404 says that there is none");

  // A refusal's words are recorded, and what is recorded must be read again after a crash.
  std::string recorded;
  write_event(PaymentFailed{report.code, report.message, report.source}, recorded);
  claim(std::holds_alternative<PaymentEvent>(parse_event("payment_failed", 1, recorded)),
        "what a channel said can be recorded and read again");
}

}  // namespace
}  // namespace welkin::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  welkin::fuzz::check(welkin::fuzz::view_of(data, size));
  return 0;
}
