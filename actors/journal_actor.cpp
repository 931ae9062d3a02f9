#include "actors/journal_actor.hpp"

#include <chrono>
#include <utility>

namespace welkin {
namespace {

constexpr auto probe_interval = std::chrono::milliseconds(500);

void refuse(const AppendRequestPtr& request, CommitStatus status) {
  caf::anon_send(request->reply_to, committed_atom::value, CommitAck{status, 0, {}});
}

}  // namespace

JournalActor::JournalActor(caf::actor_config& config, RuntimeContextPtr context)
    : caf::event_based_actor(config),
      context_(std::move(context)),
      waiting_(std::make_shared<AppendQueue>(context_->limits.max_batch_appends)) {}

caf::behavior JournalActor::make_behavior() {
  return {
      [this](append_atom, const AppendRequestPtr& request) { take(request); },
      [this](written_atom, bool store_is_well) { writing_over(store_is_well); },
      [this](flush_atom) {
        is_told_to_write_ = false;
        if (!writing_) begin_writing();
      },
      [this](doubt_atom) { store_fails(); },
      [this](tick_atom) { context_->io->probe(this); },
      [this](probed_atom, bool store_is_well) {
        if (!store_is_well) return probe_later();
        store_recovers();
      },
      [this](stop_atom) { quit(); },
  };
}

void JournalActor::take(const AppendRequestPtr& request) {
  if (!store_is_well_) return refuse(request, CommitStatus::unavailable);
  if (request->new_work && waiting_->size() >= context_->limits.max_queued_appends) {
    context_->metrics->appends_refused.Increment();
    return refuse(request, CommitStatus::overloaded);
  }
  waiting_->push(request);
  if (!writing_) write_soon();
}

// Its own message comes behind what is in the mailbox already, all of which so goes into the batch.
void JournalActor::write_soon() {
  if (std::exchange(is_told_to_write_, true)) return;
  send(this, flush_atom::value);
}

void JournalActor::begin_writing() {
  if (waiting_->size() == 0) return;
  writing_ = true;
  context_->io->write(waiting_, this, context_->views);
}

// What came after the last look into the queue is written by a new beginning.
void JournalActor::writing_over(bool store_is_well) {
  writing_ = false;
  if (!store_is_well) {
    store_fails();
    return probe_later();
  }
  store_recovers();
  write_soon();
}

void JournalActor::store_fails() {
  store_is_well_ = false;
  context_->metrics->store_up.Set(0);
  refuse_waiting();
}

void JournalActor::store_recovers() {
  if (store_is_well_) return;
  store_is_well_ = true;
  context_->metrics->store_up.Set(1);
}

void JournalActor::probe_later() { delayed_send(this, probe_interval, tick_atom::value); }

void JournalActor::refuse_waiting() {
  for (const AppendRequestPtr& request : waiting_->take_all())
    refuse(request, CommitStatus::unavailable);
}

}  // namespace welkin
