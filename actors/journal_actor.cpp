#include "actors/journal_actor.hpp"

#include <chrono>
#include <utility>

namespace welkin {
namespace {

constexpr auto probe_interval = std::chrono::milliseconds(500);

void refuse(const AppendRequestPtr& request, CommitStatus status) {
  caf::anon_send(std::exchange(request->reply_to, nullptr), committed_atom::value,
                 CommitAck{status, 0, {}});
}

}  // namespace

void append(const RuntimeContext& context, const AppendRequestPtr& request) {
  if (request->new_work && context.metrics->views_are_full.load(std::memory_order_relaxed)) {
    context.metrics->appends_refused.Increment();
    return refuse(request, CommitStatus::overloaded);
  }
  switch (context.appends->push(request, context.limits.max_queued_appends)) {
    case AppendQueue::Pushed::behind_others:
      return;
    case AppendQueue::Pushed::first:
      return caf::anon_send(context.journal, flush_atom::value);
    case AppendQueue::Pushed::overloaded:
      context.metrics->appends_refused.Increment();
      return refuse(request, CommitStatus::overloaded);
    case AppendQueue::Pushed::closed:
      return refuse(request, CommitStatus::unavailable);
  }
}

JournalActor::JournalActor(caf::actor_config& config, RuntimeContextPtr context)
    : caf::event_based_actor(config), context_(std::move(context)) {}

caf::behavior JournalActor::make_behavior() {
  supervise(*this, context_->fate);
  return {
      [this](flush_atom) {
        if (!writing_) begin_writing();
      },
      [this](written_atom, bool store_is_well) { writing_over(store_is_well); },
      [this](doubt_atom) { store_fails(); },
      [this](tick_atom) { context_->io->probe(this); },
      [this](probed_atom, bool store_is_well) {
        if (!store_is_well) return probe_later();
        store_recovers();
      },
      [this](stop_atom) { quit(); },
  };
}

void JournalActor::begin_writing() {
  writing_ = true;
  context_->io->write(context_->appends, {this, context_->views, context_->answerers});
}

// What came after the last look into the queue is written by a new beginning.
void JournalActor::writing_over(bool store_is_well) {
  writing_ = false;
  if (!store_is_well) {
    store_fails();
    return probe_later();
  }
  store_recovers();
  if (!context_->appends->rest()) begin_writing();
}

void JournalActor::store_fails() {
  store_is_well_ = false;
  context_->metrics->store_up.Set(0);
  for (const AppendRequestPtr& request : context_->appends->close())
    refuse(request, CommitStatus::unavailable);
}

void JournalActor::store_recovers() {
  if (store_is_well_) return;
  store_is_well_ = true;
  context_->metrics->store_up.Set(1);
  context_->appends->open();
}

void JournalActor::probe_later() { delayed_send(this, probe_interval, tick_atom::value); }

}  // namespace welkin
