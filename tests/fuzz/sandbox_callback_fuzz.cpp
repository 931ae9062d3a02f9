// A callback of the sandbox channel, after its signature held: what is taken names a payment, moves
// no amount out of range, and says the same however the JSON is laid out.
#include <nlohmann/json.hpp>

#include "protocol/channel/sandbox_wire.hpp"
#include "tests/fuzz/claims.hpp"
#include "tests/fuzz/report_claims.hpp"

namespace welkin::fuzz {
namespace {

constexpr std::string_view nonce = "nonce-0123456789";

void check(std::string_view body) {
  const auto parsed = sandbox_wire::parse_callback(body, nonce);
  if (const auto* problem = std::get_if<Problem>(&parsed)) return claim_problem(*problem);
  const auto& report = std::get<ChannelReport>(parsed);
  claim_report(report);
  claim(report.source == ReportSource::callback, "a callback is reported as one");
  claim(report.id == nonce, "a callback is known by its nonce");
  claim(report.verdict != ChannelVerdict::unknown, "a callback that says nothing is refused");
  claim(report.verdict != ChannelVerdict::accepted && report.verdict != ChannelVerdict::not_found,
        "a callback tells an end, or money held");
  const auto order = parse_channel_order_no(report.channel_order_no);
  claim(order && order->payment == report.payment, "a callback names its payment");
  claim_names_refund(report);

  claim_every_byte_judged(body, [](std::string_view other) {
    return std::holds_alternative<ChannelReport>(sandbox_wire::parse_callback(other, nonce));
  });
  const std::string laid_out =
      nlohmann::ordered_json::parse(body.begin(), body.end()).dump(2, ' ', true);
  const auto again = sandbox_wire::parse_callback(laid_out, nonce);
  claim(std::holds_alternative<ChannelReport>(again), "another layout is taken too");
  claim_same_report(std::get<ChannelReport>(again), report);
}

}  // namespace
}  // namespace welkin::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  welkin::fuzz::check(welkin::fuzz::view_of(data, size));
  return 0;
}
