// What every part of one run shares: the clock, what is to happen when, and which faults are on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "actors/runtime_context.hpp"
#include "tests/simulation/dice.hpp"
#include "tests/simulation/faults.hpp"

namespace welkin::simulation {

class SimulatedClock : public WallClock {
 public:
  UnixUs now_us() const override { return now_us_; }
  void advance(UnixUs by_us) { now_us_ += by_us; }

 private:
  UnixUs now_us_ = 1'767'225'600 * us_per_s;  // 2026-01-01T00:00:00Z
};

// What happens outside the actors, in order of time and, at one time, of arrival.
class Agenda {
 public:
  void at(UnixUs at_us, std::function<void()> task) {
    tasks_.emplace(std::make_pair(at_us, ++count_), std::move(task));
  }
  bool empty() const { return tasks_.empty(); }
  UnixUs next_at_us() const { return tasks_.begin()->first.first; }
  // Runs the first task that is due. False: none is.
  bool run_one(UnixUs now_us) {
    if (tasks_.empty() || next_at_us() > now_us) return false;
    const auto task = std::move(tasks_.begin()->second);
    tasks_.erase(tasks_.begin());
    task();
    return true;
  }

 private:
  std::map<std::pair<UnixUs, std::uint64_t>, std::function<void()>> tasks_;
  std::uint64_t count_ = 0;
};

// What a person wants to read about a run that failed. Off unless a failure is being reported, and
// bounded.
class Chronicle {
 public:
  struct Line {
    UnixUs at_us;
    std::string text;
  };
  static constexpr std::size_t max_lines = 20'000;

  bool on = false;
  void add(UnixUs at_us, std::string text) {
    if (on && lines_.size() < max_lines) lines_.push_back({at_us, std::move(text)});
  }
  const std::vector<Line>& lines() const { return lines_; }

 private:
  std::vector<Line> lines_;
};

struct Stage {
  explicit Stage(std::uint64_t seed) : dice(seed), faults(dice.fork(1)) {}

  Dice dice;
  SimulatedClock clock;
  Agenda agenda;
  FaultBoard faults;
  Chronicle chronicle;
  // Set by a fault; the node dies before anything else happens.
  bool crash_wanted = false;
  // Grows with everything that happens beside the actors' own ticks: while it stands still, time
  // may leap.
  std::uint64_t activity = 0;

  UnixUs now_us() const { return clock.now_us(); }
  void after(UnixUs delay_us, std::function<void()> task) {
    agenda.at(now_us() + delay_us, std::move(task));
  }
  template <class Text>
  void note(Text text) {
    if (chronicle.on) chronicle.add(now_us(), text());
  }
};

}  // namespace welkin::simulation
