#include "bench/journal_builder.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <queue>
#include <unordered_map>
#include <vector>

#include "actors/store_io.hpp"
#include "actors/views_actor.hpp"
#include "bench/payment_life.hpp"
#include "bench/workload.hpp"

namespace welkin::bench {
namespace {

constexpr std::uint32_t shard_count = 256;
constexpr std::uint64_t payments_per_wave = 250;
constexpr UnixUs span_us = 25 * 60 * us_per_s;
constexpr std::size_t cards_per_checkpoint = 20'000;

void exit_with(const std::string& what) {
  std::fprintf(stderr, "building a journal: %s\n", what.c_str());
  std::exit(1);
}

class Builder {
 public:
  Builder(JournalStore& store, const JournalPlan& plan)
      : store_(store), committer_(store), plan_(plan) {
    const auto claimed = store.claim_epochs(shard_count);
    if (const auto* error = error_of(claimed)) exit_with(error->detail);
    epoch_ = std::get<std::vector<std::uint64_t>>(claimed).front();
  }

  BuiltJournal run() {
    for (std::uint64_t first = 0; first < plan_.payments; first += payments_per_wave) {
      const std::uint64_t end = std::min(first + payments_per_wave, plan_.payments);
      add_wave(first, end, time_of(first));
      // The last waves stay behind the views.
      const std::uint64_t to_come = (plan_.payments - end) * events_of_a_paid_one;
      if (to_come >= plan_.events_behind_views && cards_.size() >= cards_per_checkpoint)
        checkpoint();
    }
    if (plan_.events_behind_views == 0) checkpoint();
    return {position_, view_position_};
  }

 private:
  static constexpr std::uint64_t events_of_a_paid_one = 4;
  struct Due {
    UnixUs at_us;
    PaymentLife* life;
    friend bool operator<(const Due& a, const Due& b) { return a.at_us > b.at_us; }
  };

  UnixUs time_of(std::uint64_t number) const {
    const double share = static_cast<double>(number) / static_cast<double>(plan_.payments);
    return plan_.end_us - span_us + static_cast<UnixUs>(share * static_cast<double>(span_us));
  }
  bool stays_open(std::uint64_t number) const {
    return (number + 1) * plan_.open_payments / plan_.payments >
           number * plan_.open_payments / plan_.payments;
  }

  void add_wave(std::uint64_t first, std::uint64_t end, UnixUs at_us) {
    ask_about_due(at_us);
    const std::size_t open_before = open_.size();
    std::deque<PaymentLife> to_be_paid;
    std::vector<PaymentLife*> wave;
    for (std::uint64_t number = first; number < end; ++number) {
      PaymentCommand command = create_command(number);
      command.request.idempotency_key = "key-" + std::to_string(number);
      const std::uint32_t shard = shard_of(command.payment, shard_count);
      auto& lives = stays_open(number) ? open_ : to_be_paid;
      wave.push_back(&lives.emplace_back(std::move(command), shard));
    }
    commit(wave, &PaymentLife::create, at_us);
    commit(wave, &PaymentLife::accepted, at_us + 3 * us_per_ms);
    for (std::size_t i = open_before; i < open_.size(); ++i)
      due_.push({open_[i].payment().due_at_us(), &open_[i]});
    wave.clear();
    for (PaymentLife& life : to_be_paid) wave.push_back(&life);
    commit(wave, &PaymentLife::paid, at_us + 900 * us_per_ms);
  }

  void ask_about_due(UnixUs now_us) {
    std::vector<PaymentLife*> asked;
    for (; !due_.empty() && due_.top().at_us <= now_us; due_.pop())
      asked.push_back(due_.top().life);
    commit(asked, &PaymentLife::still_open, now_us);
    for (PaymentLife* life : asked) due_.push({life->payment().due_at_us(), life});
  }

  void commit(const std::vector<PaymentLife*>& lives, AppendRequestPtr (PaymentLife::*step)(UnixUs),
              UnixUs at_us) {
    if (lives.empty()) return;
    std::vector<AppendRequestPtr> batch;
    batch.reserve(lives.size());
    for (PaymentLife* life : lives) batch.push_back((life->*step)(at_us));
    if (committer_.commit(batch) != JournalCommitter::Verdict::settled)
      exit_with(committer_.error().detail);
    const CommittedBatchPtr items = committer_.committed(batch);
    if (items->size() != batch.size()) exit_with("an append was refused");
    for (std::size_t i = 0; i < lives.size(); ++i) {
      const CommittedItem& item = (*items)[i];
      lives[i]->committed(committer_.acks()[i]);
      position_ = item.last_position;
      cards_[lives[i]->stream()] =
          card_of(lives[i]->stream(), position_, lives[i]->shard(), lives[i]->payment());
      if (auto record = idempotency_of(item.request->stream, item.request->expected_seq + 1, at_us,
                                       lives[i]->payment().merchant_id,
                                       item.request->of<PaymentKind>()->events))
        delta_.idempotency.push_back(std::move(*record));
    }
  }

  void checkpoint() {
    for (auto& [stream, card] : cards_) delta_.cards.push_back(std::move(card));
    delta_.position = view_position_ = position_;
    delta_.epoch = epoch_;
    if (const auto done = store_.checkpoint(delta_); const auto* error = error_of(done))
      exit_with(error->detail);
    cards_.clear();
    delta_ = {};
  }

  JournalStore& store_;
  JournalCommitter committer_;
  const JournalPlan plan_;
  std::deque<PaymentLife> open_;  // stays where it is as it grows
  std::priority_queue<Due> due_;
  std::unordered_map<StreamId, Card> cards_;
  ViewDelta delta_;
  std::uint64_t epoch_ = 0;
  std::uint64_t position_ = 0;
  std::uint64_t view_position_ = 0;
};

}  // namespace

BuiltJournal build_journal(JournalStore& store, const JournalPlan& plan) {
  return Builder(store, plan).run();
}

}  // namespace welkin::bench
