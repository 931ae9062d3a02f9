// The journal: group commit with one batch on its way at a time. What arrives while a batch is
// being written goes into the next one, so batches grow with the load and are one append small
// without it. Appends go straight into the queue; who writes goes on from batch to batch by itself;
// the actor begins, and lets nothing in while the store is not well.
#pragma once

#include <caf/event_based_actor.hpp>

#include "actors/append_queue.hpp"
#include "actors/runtime_context.hpp"

namespace welkin {

// Hands an append to the journal of `context`. What cannot be taken in is acknowledged as refused.
void append(const RuntimeContext& context, const AppendRequestPtr& request);

class JournalActor : public caf::event_based_actor {
 public:
  JournalActor(caf::actor_config& config, RuntimeContextPtr context);
  caf::behavior make_behavior() override;
  const char* name() const override { return "journal"; }

 private:
  void begin_writing();
  void writing_over(bool store_is_well);
  void store_fails();
  void store_recovers();
  void probe_later();

  RuntimeContextPtr context_;
  bool writing_ = false;
  // After a failed batch new appends are refused at once until a probe has written durably; while a
  // commit stays in doubt, until it is settled.
  bool store_is_well_ = true;
};

}  // namespace welkin
