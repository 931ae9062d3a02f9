// Rows of a breaker's stream: an event that is read is written as the same text for ever, folding
// any such rows ends in a breaker or in a refusal, and whatever the rules ask of that breaker may
// follow.
#include <charconv>

#include "protocol/breaker/call_meter.hpp"
#include "protocol/breaker/event_codec.hpp"
#include "protocol/utf8.hpp"
#include "tests/fuzz/claims.hpp"

namespace welkin::fuzz {
namespace {

constexpr std::size_t rows_max = 32;
constexpr UnixUs first_us = 1'900'000'000 * us_per_s;

std::string written(const BreakerEvent& event) {
  std::string out;
  write_event(event, out);
  return out;
}

// "breaker_opened 1 {…}"
std::optional<BreakerEvent> check_row(std::string_view row) {
  const std::size_t space = row.find(' ');
  const std::string_view type = row.substr(0, space);
  row.remove_prefix(std::min(space == std::string_view::npos ? space : space + 1, row.size()));
  int version = 0;
  const auto [end, ignored] = std::from_chars(row.data(), row.data() + row.size(), version);
  row.remove_prefix(static_cast<std::size_t>(end - row.data()));
  auto parsed = parse_breaker_event(type, version, row);
  if (const auto* error = std::get_if<CodecError>(&parsed)) {
    claim(!error->what.empty() && error->path.substr(0, 1) == "/", "a refusal names the field");
    return std::nullopt;
  }
  const auto& event = std::get<BreakerEvent>(parsed);
  const std::string text = written(event);
  claim(is_utf8(text), "what is written is UTF-8");
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
  UnixUs at_us = first_us;
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
