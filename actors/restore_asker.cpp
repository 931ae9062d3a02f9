#include "actors/restore_asker.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "actors/journal_actor.hpp"
#include "protocol/cause.hpp"
#include "protocol/journal/kind.hpp"

namespace welkin {
namespace {

// Beside the calls of those who pay now, which must not wait for this.
constexpr std::size_t max_under_way = 32;
constexpr auto try_again_every = std::chrono::seconds(10);
constexpr int max_tries = 20;
constexpr std::size_t page_cards = 10'000;

}  // namespace

StoreResult<std::vector<StreamId>> payments_to_ask_about(const JournalStore& store,
                                                         const JournalRestored& restored) {
  std::vector<StreamId> payments;
  for (StreamId after;;) {
    auto page = store.open_cards(after, page_cards);
    if (const StoreError* error = error_of(page)) return *error;
    const auto& cards = std::get<std::vector<Card>>(page);
    for (const Card& card : cards) payments.push_back(card.stream);
    if (cards.size() < page_cards) break;
    after = cards.back().stream;
  }
  CardQuery recent;
  recent.created_from_us = restored.ask_since_us;
  recent.limit = page_cards;
  for (;;) {
    auto page = store.list_cards(recent);
    if (const StoreError* error = error_of(page)) return *error;
    const auto& cards = std::get<std::vector<Card>>(page);
    for (const Card& card : cards) payments.push_back(card.stream);
    if (cards.size() < page_cards) break;
    recent.before_created_at_us = cards.back().created_at_us;
    recent.before_stream = cards.back().stream;
  }
  std::sort(payments.begin(), payments.end());
  payments.erase(std::unique(payments.begin(), payments.end()), payments.end());
  return payments;
}

RestoreAsker::RestoreAsker(caf::actor_config& config, RuntimeContextPtr context,
                           QuestionsAfterRestore questions)
    : caf::event_based_actor(config),
      context_(std::move(context)),
      questions_(std::move(questions)),
      tries_(questions_.payments.size(), 0) {
  for (std::uint64_t i = 0; i < questions_.payments.size(); ++i) waiting_.push_back(i);
}

caf::behavior RestoreAsker::make_behavior() {
  supervise(*this, context_->fate);
  spdlog::info("journal: restored from a backup; asking the channels about {} payments",
               questions_.payments.size());
  ask_next();
  delayed_send(this, try_again_every, tick_atom::value);
  return {
      [this](reply_atom, const ReplyPtr& reply) {
        const auto* problem = std::get_if<Problem>(&reply->answer);
        // One that is parked waits for an operator, who will hear of it there.
        answered(reply->token, !problem || problem->code == ProblemCode::entity_parked);
      },
      [this](tick_atom) {
        waiting_.insert(waiting_.end(), again_.begin(), again_.end());
        again_.clear();
        noting_ = false;
        ask_next();
        delayed_send(this, try_again_every, tick_atom::value);
      },
      [this](committed_atom, const CommitAck& ack) {
        if (ack.status != CommitStatus::committed) return;  // at the next tick
        spdlog::info("journal: the channels were asked about {} payments, {} without an answer",
                     questions_.payments.size(), unanswered_);
        quit();
      },
      [this](stop_atom) { quit(); },
  };
}

void RestoreAsker::ask_next() {
  while (under_way_ < max_under_way && !waiting_.empty()) {
    const std::uint64_t index = waiting_.front();
    waiting_.pop_front();
    auto request = std::make_shared<LookRequest>();
    request->payment = questions_.payments[index];
    request->reply_to = {caf::actor_cast<caf::actor>(this), index};
    request->ask_channel = true;
    ++under_way_;
    ++tries_[index];
    const caf::actor& shard = context_->shard(request->payment);
    anon_send(shard, look_atom::value, LookRequestPtr(std::move(request)));
  }
  if (under_way_ == 0 && waiting_.empty() && again_.empty()) note_the_end();
}

void RestoreAsker::answered(std::uint64_t index, bool said) {
  --under_way_;
  if (!said && tries_[index] < max_tries) {
    again_.push_back(index);
  } else if (!said) {
    ++unanswered_;
    spdlog::error("journal: after the restore no channel says how {} stands",
                  questions_.payments[index].text());
  }
  ask_next();
}

void RestoreAsker::note_the_end() {
  if (std::exchange(noting_, true)) return;
  JournalAskedAfterRestore asked;
  asked.payments = static_cast<std::int64_t>(questions_.payments.size());
  asked.unanswered = unanswered_;
  auto request = std::make_shared<AppendRequest>();
  request->stream = journal_stream_id();
  request->shard = context_->shard_index(request->stream);
  request->epoch = context_->epochs[request->shard];
  request->expected_seq = questions_.journal.seq;
  request->prev_hash = questions_.journal.hash;
  request->at_us = context_->clock->now_us();
  request->causation_id = request->correlation_id = cause(CauseKind::restore, request->at_us);
  request->recorded =
      std::make_shared<const JournalRemarks>(std::vector<JournalEvent>{asked}, nullptr);
  request->reply_to = caf::actor_cast<caf::actor>(this);
  request->slot.wants_message();
  append(*context_, request);
}

}  // namespace welkin
