// When a channel is asked again by itself: only where that can do no harm, never for long, and not
// all at once.
#include "protocol/channel/retry.hpp"

#include <catch2/catch.hpp>
#include <set>

#include "tests/support/channel_calls.hpp"

using namespace welkin;
using F = CallFate;
using Op = ChannelOperation;
using V = ChannelVerdict;

namespace {

ChannelReport report_of(const ChannelCall& call, F fate, V verdict) {
  ChannelReport report = report_about(call);
  report.fate = fate;
  report.verdict = verdict;
  return report;
}

}  // namespace

TEST_CASE("whatever was certainly not sent may be sent") {
  for (const Op operation : {Op::create, Op::capture, Op::close, Op::void_, Op::refund})
    for (const bool query : {false, true}) {
      ChannelCall call = example_call(operation);
      call.query = query;
      CHECK(may_repeat(call, report_of(call, F::not_sent, V::not_taken)));
    }
}

TEST_CASE("what may have arrived is asked again only when it only asks") {
  for (const Op operation : {Op::create, Op::capture, Op::close, Op::void_, Op::refund})
    for (const F fate : {F::no_answer, F::unwell}) {
      const ChannelCall call = example_call(operation);
      const ChannelCall query = example_query(operation);
      CHECK_FALSE(may_repeat(call, report_of(call, fate, V::unknown)));
      CHECK(may_repeat(query, report_of(query, fate, V::unknown)));
      CHECK_FALSE(may_repeat(query, report_of(query, fate, V::paid)));
    }
}

TEST_CASE("an answer is an answer, even one that nobody can read") {
  for (const F fate : {F::answered, F::garbled, F::not_made})
    for (const V verdict : {V::unknown, V::not_taken, V::refused, V::paid}) {
      const ChannelCall query = example_query(Op::create);
      CHECK_FALSE(may_repeat(query, report_of(query, fate, verdict)));
    }
}

TEST_CASE("waits double up to their bound, and the draw leaves between a half and all of them") {
  RetryPolicy policy;
  policy.max_tries = 10;
  policy.deadline_us = 1'000 * us_per_s;
  const UnixUs wholes_ms[] = {100, 200, 400, 800, 1'600, 2'000, 2'000, 2'000, 2'000};
  int tries = 0;
  for (const UnixUs whole_ms : wholes_ms) {
    ++tries;
    CAPTURE(tries);
    std::set<UnixUs> seen;
    for (std::uint64_t draw = 0; draw < 2'000; ++draw) {
      const auto delay_us = retry_delay_us(policy, tries, 0, draw * 7'919'123);
      REQUIRE(delay_us);
      CHECK(*delay_us >= whole_ms * us_per_ms / 2);
      CHECK(*delay_us <= whole_ms * us_per_ms);
      seen.insert(*delay_us);
    }
    CHECK(seen.size() > 1'000);
  }
  CHECK_FALSE(retry_delay_us(policy, 10, 0, 0));
  CHECK_FALSE(retry_delay_us(policy, 11, 0, 0));
  CHECK_FALSE(retry_delay_us(policy, 0, 0, 0));
}

TEST_CASE("no try begins that could end beyond the deadline") {
  RetryPolicy policy;
  policy.try_us = 5 * us_per_s;
  policy.deadline_us = 10 * us_per_s;
  // Drawn zero, the first wait is 50 ms.
  const UnixUs last_us = policy.deadline_us - policy.try_us - 50 * us_per_ms;
  CHECK(retry_delay_us(policy, 1, last_us, 0) == 50 * us_per_ms);
  CHECK_FALSE(retry_delay_us(policy, 1, last_us + 1, 0));
  policy.max_tries = 1;
  CHECK_FALSE(retry_delay_us(policy, 1, 0, 0));
}
