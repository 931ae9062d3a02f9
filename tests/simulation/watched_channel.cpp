#include "tests/simulation/watched_channel.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace welkin::simulation {
namespace {

// A call that failed may be tried again by the channel's actor for so long.
constexpr UnixUs longest_series_us = 20 * us_per_s;

// The channel did not do what it was asked or nobody knows; a no is an answer.
bool is_failure(const ChannelReport& report) {
  return report.verdict == ChannelVerdict::unknown || report.verdict == ChannelVerdict::not_taken;
}

}  // namespace

void WatchedChannel::call(const ChannelCall& call, Done done) {
  if (call.operation == ChannelOperation::create && !call.query) creates_.push_back(call);
  const std::size_t index = calls_.size();
  std::string what = call.channel_order_no + call.refund_id;
  what += std::string(name_of(call.operation)) + (call.query ? "?" : "!");
  calls_.push_back({std::move(what), stage_.now_us(), 0, false});
  inner_.call(call, [this, index, done = std::move(done)](ChannelReport report) {
    calls_[index].answered_at_us = stage_.now_us();
    calls_[index].failed = is_failure(report);
    done(std::move(report));
  });
}

int WatchedChannel::failures(UnixUs from_us, UnixUs to_us) const {
  return static_cast<int>(std::count_if(calls_.begin(), calls_.end(), [&](const WatchedCall& call) {
    return call.failed && call.answered_at_us >= from_us && call.answered_at_us <= to_us;
  }));
}

WatchedChannel::Asked WatchedChannel::asked_first(UnixUs from_us, UnixUs to_us,
                                                  UnixUs patience_us) const {
  std::set<std::string> before;
  struct Series {
    UnixUs asked_at_us = 0;
    UnixUs answered_at_us = 0;
    bool answered = true;
  };
  std::map<std::string, Series> first;
  for (const WatchedCall& call : calls_) {
    if (call.asked_at_us >= from_us - longest_series_us && call.asked_at_us < from_us)
      before.insert(call.what);
    if (call.asked_at_us < from_us || before.count(call.what) > 0) continue;
    const bool begins = call.asked_at_us <= to_us && first.count(call.what) == 0;
    if (!begins && first.count(call.what) == 0) continue;
    Series& series = first[call.what];
    if (begins) series.asked_at_us = call.asked_at_us;
    if (call.asked_at_us > series.asked_at_us + longest_series_us) continue;  // another call
    series.answered_at_us = std::max(series.answered_at_us, call.answered_at_us);
    series.answered = series.answered && call.answered_at_us != 0;
  }
  Asked asked;
  for (const auto& [what, series] : first) {
    ++asked.calls;
    if (!series.answered || series.answered_at_us - series.asked_at_us >= patience_us)
      ++asked.outlasting;
  }
  return asked;
}

}  // namespace welkin::simulation
