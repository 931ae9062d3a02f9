// Rows of a breaker's stream: an event that is read is written as the same text for ever, folding
// any such rows ends in a breaker or in a refusal, and whatever the rules ask of that breaker may
// follow.
#include "protocol/breaker/call_meter.hpp"
#include "protocol/breaker/event_codec.hpp"
#include "protocol/utf8.hpp"
#include "tests/fuzz/journal_rows.hpp"

namespace welkin::fuzz {
namespace {

std::optional<BreakerEvent> check_row(std::string_view line) {
  const auto [type, version, payload] = row_of(line);
  auto parsed = parse_breaker_event(type, version, payload);
  if (const auto* error = std::get_if<CodecError>(&parsed)) {
    claim_names_field(*error);
    return std::nullopt;
  }
  const auto& event = std::get<BreakerEvent>(parsed);
  const std::string text = written(event);
  claim(is_utf8(text), "what is written is UTF-8");
  claim_every_byte_judged(payload, [&row_type = type, &row_version = version](auto other) {
    return std::holds_alternative<BreakerEvent>(parse_breaker_event(row_type, row_version, other));
  });
  const auto again = parse_breaker_event(type, version_of(event), text);
  claim(std::holds_alternative<BreakerEvent>(again), "what is written can be read");
  claim_same(written(std::get<BreakerEvent>(again)), text, "and is written the same again");
  return event;
}

void check_rules(const Breaker& breaker, UnixUs now_us) {
  const BreakerConfig config;
  CallMeter meter(config);
  if (const auto permit = meter.admit(breaker, now_us))
    meter.take(breaker, *permit, {CallHealth::failure, us_per_s}, now_us);
  else
    claim(!is_available(breaker.state), "a breaker that is available lets a first call through");
  const BreakerFigures bad{100, 100, 100};
  for (const auto& event : {decide_due(breaker, breaker.account, config, bad, now_us),
                            decide_outcome(breaker, breaker.account, config, bad, now_us)}) {
    if (!event) continue;
    Breaker next = breaker;
    std::string why;
    apply(next, *event, std::max(now_us, breaker.since_us), &why);
    claim_same(why, "", "what the rules ask for may follow");
  }
}

void check(std::string_view rows) {
  Breaker breaker;
  UnixUs at_us = first_row_us;
  for (std::size_t count = 0; !rows.empty() && count < rows_max; ++count) {
    const auto event = check_row(take_line(rows));
    if (!event) continue;
    const std::string before = encode_breaker(breaker);
    std::string why;
    if (!apply(breaker, *event, at_us += us_per_s, &why)) {
      claim(!why.empty(), "a row that does not fit says why");
      claim_same(encode_breaker(breaker), before, "and leaves the breaker as it was");
      continue;
    }
    check_rules(breaker, at_us);
    check_rules(breaker, at_us + 60 * us_per_s);
  }
}

}  // namespace
}  // namespace welkin::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  welkin::fuzz::check(welkin::fuzz::view_of(data, size));
  return 0;
}
