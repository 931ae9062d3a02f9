// What can break. A fault is told here by name and form; the part it strikes (faulty_store,
// store_lanes, lying_channel, the run itself) asks the board at each opportunity whether it strikes
// now.
//
// Every fault has two forms: passing, it strikes once; lasting, it strikes again and again until it
// is lifted. After each the run checks that service resumes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/ids.hpp"
#include "tests/simulation/dice.hpp"

namespace welkin::simulation {

enum class FaultKind : std::uint8_t {
  store_fails,               // nothing is written
  store_in_doubt_written,    // written, and the answer is lost
  store_in_doubt_unwritten,  // the request is lost, and so is its answer
  store_in_doubt_late,       // written later, and the answer is lost
  store_slow,                // seconds instead of milliseconds
  store_reads_fail,
  store_checkpoint_fails,
  crash_before_commit,  // the node dies with a batch on its way, which is not written
  crash_after_commit,   // … which is written, and nobody hears of it
  crash_after_breaker,  // the same, of a batch with a change of a breaker in it
  node_crash,           // the node dies at any step; lasting, it stays down or dies again and again
  connection_refused,   // for certain nothing was sent
  request_lost,         // the channel never hears of the call
  request_stuck,        // the channel hears of it long after the caller gave up
  answer_delayed,       // late, within the caller's patience
  answer_timeout,       // the work is done, the answer comes too late
  answer_5xx,           // before or after the work
  answer_garbage,       // the work is done
  not_found_lie,        // a query finds nothing of what is there
  create_refused,
  payer_declines,
  capture_refused,
  captured_at_desk,  // by somebody at the channel, just when the authorization is to be let go
  refund_refused,    // at once
  refund_fails,      // after it was taken on
  refund_slow,       // it is made or fails after most of an hour
  refund_stuck,      // it waits until the merchant sees to it at the channel
  refund_at_desk,    // the merchant gives back at the channel's own desk
  refund_reversed,   // it was made, and the money comes back to the channel
  second_charge,     // the payer pays one order twice
  late_charge,       // the payer pays what the channel had said was over
  callback_missing,
  callback_late,
  callback_reordered,     // held back, so that what happens next is told first
  callback_duplicate,     // sent again, signed anew, and then replayed byte for byte
  callback_forged,        // one with a wrong signature goes ahead of the true one
  callback_wrong_amount,  // one with a true signature and another amount goes ahead of it
  callback_premature,     // a wrong-amount one that says paid before anybody paid
};
constexpr std::size_t fault_kind_count = 38;

enum class FaultPlace : std::uint8_t { store, node, channel };

struct FaultSpec {
  FaultKind kind;
  std::string_view name;
  FaultPlace place;
  int lasting_percent;  // how often a lasting one strikes when it could
};
const FaultSpec& spec_of(FaultKind kind);
const std::array<FaultSpec, fault_kind_count>& all_faults();

enum class FaultForm : std::uint8_t { passing, lasting };

struct Fault {
  FaultKind kind;
  FaultForm form;
};
std::string text_of(const Fault& fault);  // "store_fails, lasting"

// Faults that are on at the same time, until they are lifted together.
struct Episode {
  UnixUs pause_us = 0;  // before it begins
  UnixUs lasts_us = 0;
  std::vector<Fault> faults;
};
std::string text_of(const Episode& episode);

// Which faults a run draws its episodes from, and how often every call and callback goes wrong
// besides.
struct FaultSet {
  std::string_view name;
  std::vector<FaultPlace> places;
  int background_percent;
};
const std::vector<FaultSet>& fault_sets();
const FaultSet* find_fault_set(std::string_view name);
std::vector<Episode> draw_episodes(const FaultSet& set, Dice& dice);

class FaultBoard {
 public:
  explicit FaultBoard(Dice dice) : dice_(dice) {}

  // An opportunity for `kind`: does it strike?
  bool strikes(FaultKind kind);
  // The same, for channel faults that strike an order the run relies on: never.
  bool strikes(FaultKind kind, bool spared) { return !spared && strikes(kind); }

  void begin(const Fault& fault);
  void lift_all();
  void set_background(int percent) { background_percent_ = percent; }
  bool lasting(FaultKind kind) const { return state(kind).lasting; }

  std::uint64_t injected() const;
  const std::array<std::uint64_t, fault_kind_count>& injected_by_kind() const { return injected_; }
  void count(FaultKind kind) { ++injected_[static_cast<std::size_t>(kind)]; }

 private:
  struct State {
    bool armed = false;
    bool lasting = false;
  };
  const State& state(FaultKind kind) const { return states_[static_cast<std::size_t>(kind)]; }

  Dice dice_;
  std::array<State, fault_kind_count> states_{};
  std::array<std::uint64_t, fault_kind_count> injected_{};
  int background_percent_ = 0;
};

}  // namespace welkin::simulation
