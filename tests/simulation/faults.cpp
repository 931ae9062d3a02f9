#include "tests/simulation/faults.hpp"

#include <algorithm>
#include <numeric>

namespace welkin::simulation {
namespace {

using K = FaultKind;
using P = FaultPlace;

// In the order of FaultKind, so that a look-up is an index.
// clang-format off
constexpr std::array<FaultSpec, fault_kind_count> specs = {{
    {K::store_fails,              "store_fails",              P::store,   100},
    {K::store_in_doubt_written,   "store_in_doubt_written",   P::store,    50},
    {K::store_in_doubt_unwritten, "store_in_doubt_unwritten", P::store,    50},
    {K::store_in_doubt_late,      "store_in_doubt_late",      P::store,    50},
    {K::store_slow,               "store_slow",               P::store,    30},
    {K::store_reads_fail,         "store_reads_fail",         P::store,   100},
    {K::store_checkpoint_fails,   "store_checkpoint_fails",   P::store,   100},
    {K::crash_before_commit,      "crash_before_commit",      P::node,     30},
    {K::crash_after_commit,       "crash_after_commit",       P::node,     30},
    {K::crash_after_breaker,      "crash_after_breaker",      P::node,     50},
    {K::node_crash,               "node_crash",               P::node,    100},
    {K::connection_refused,       "connection_refused",       P::channel,  70},
    {K::request_lost,             "request_lost",             P::channel, 100},
    {K::request_stuck,            "request_stuck",            P::channel,  50},
    {K::answer_delayed,           "answer_delayed",           P::channel, 100},
    {K::answer_timeout,           "answer_timeout",           P::channel, 100},
    {K::answer_5xx,               "answer_5xx",               P::channel, 100},
    {K::answer_garbage,           "answer_garbage",           P::channel, 100},
    {K::not_found_lie,            "not_found_lie",            P::channel,  50},
    {K::create_refused,           "create_refused",           P::channel,  50},
    {K::payer_declines,           "payer_declines",           P::channel,  50},
    {K::capture_refused,          "capture_refused",          P::channel,  50},
    {K::captured_at_desk,         "captured_at_desk",         P::channel,  50},
    {K::refund_refused,           "refund_refused",           P::channel,  50},
    {K::refund_fails,             "refund_fails",             P::channel,  50},
    {K::refund_slow,              "refund_slow",              P::channel,  50},
    {K::refund_stuck,             "refund_stuck",             P::channel,  50},
    {K::refund_at_desk,           "refund_at_desk",           P::channel,  50},
    {K::refund_reversed,          "refund_reversed",          P::channel,  50},
    {K::second_charge,            "second_charge",            P::channel,  50},
    {K::late_charge,              "late_charge",              P::channel,  50},
    {K::callback_missing,         "callback_missing",         P::channel, 100},
    {K::callback_late,            "callback_late",            P::channel, 100},
    {K::callback_reordered,       "callback_reordered",       P::channel,  50},
    {K::callback_duplicate,       "callback_duplicate",       P::channel, 100},
    {K::callback_forged,          "callback_forged",          P::channel, 100},
    {K::callback_wrong_amount,    "callback_wrong_amount",    P::channel, 100},
    {K::callback_premature,       "callback_premature",       P::channel,  50},
}};
// clang-format on

constexpr bool in_order() {
  for (std::size_t i = 0; i < specs.size(); ++i)
    if (static_cast<std::size_t>(specs[i].kind) != i) return false;
  return static_cast<std::size_t>(K::callback_premature) + 1 == specs.size();
}
static_assert(in_order());

constexpr std::size_t max_faults_at_once = 3;
constexpr std::int64_t max_episodes = 5;

}  // namespace

const FaultSpec& spec_of(FaultKind kind) { return specs[static_cast<std::size_t>(kind)]; }
const std::array<FaultSpec, fault_kind_count>& all_faults() { return specs; }

std::string text_of(const Fault& fault) {
  return std::string(spec_of(fault.kind).name) +
         (fault.form == FaultForm::passing ? ", passing" : ", lasting");
}

std::string text_of(const Episode& episode) {
  std::string text;
  for (const Fault& fault : episode.faults) text += (text.empty() ? "" : "; ") + text_of(fault);
  return text;
}

const std::vector<FaultSet>& fault_sets() {
  static const std::vector<FaultSet> sets = {
      {"everything", {P::store, P::node, P::channel}, 2},
      {"store", {P::store}, 0},
      {"crashes", {P::node}, 0},
      {"channel", {P::channel}, 8},
      {"none", {}, 0},
  };
  return sets;
}

const FaultSet* find_fault_set(std::string_view name) {
  for (const FaultSet& set : fault_sets())
    if (set.name == name) return &set;
  return nullptr;
}

std::vector<Episode> draw_episodes(const FaultSet& set, Dice& dice) {
  std::vector<FaultKind> kinds;
  for (const FaultSpec& spec : specs)
    if (std::find(set.places.begin(), set.places.end(), spec.place) != set.places.end())
      kinds.push_back(spec.kind);
  std::vector<Episode> episodes;
  if (kinds.empty()) return episodes;
  const auto count = dice.between(2, max_episodes);
  for (std::int64_t i = 0; i < count; ++i) {
    Episode episode;
    episode.pause_us = dice.between(50 * us_per_ms, 20 * us_per_s);
    episode.lasts_us = dice.percent(70) ? dice.between(us_per_s, 40 * us_per_s)
                                        : dice.between(60 * us_per_s, 600 * us_per_s);
    const std::size_t at_once = 1 + dice.below(max_faults_at_once);
    for (std::size_t n = 0; n < at_once; ++n)
      episode.faults.push_back(
          {dice.pick(kinds), dice.percent(50) ? FaultForm::passing : FaultForm::lasting});
    episodes.push_back(std::move(episode));
  }
  return episodes;
}

bool FaultBoard::strikes(FaultKind kind) {
  State& state = states_[static_cast<std::size_t>(kind)];
  const FaultSpec& spec = spec_of(kind);
  bool strikes = state.armed || (state.lasting && dice_.percent(spec.lasting_percent));
  if (!strikes && background_percent_ > 0 && spec.place == FaultPlace::channel)
    strikes = dice_.percent(background_percent_);
  state.armed = false;
  if (strikes) count(kind);
  return strikes;
}

void FaultBoard::begin(const Fault& fault) {
  State& state = states_[static_cast<std::size_t>(fault.kind)];
  (fault.form == FaultForm::passing ? state.armed : state.lasting) = true;
}

void FaultBoard::lift_all() { states_ = {}; }

std::uint64_t FaultBoard::injected() const {
  return std::accumulate(injected_.begin(), injected_.end(), std::uint64_t{0});
}

}  // namespace welkin::simulation
