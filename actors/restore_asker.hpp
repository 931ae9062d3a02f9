// After a restore the channels know more than the journal: of each open payment and of each recent
// one they are asked how it stands, and what they say is judged as any report is. When all have
// answered, or were asked in vain again and again, the journal notes it; a node that ends before
// that starts over.
#pragma once

#include <caf/event_based_actor.hpp>
#include <cstdint>
#include <deque>
#include <vector>

#include "actors/journal_remarks.hpp"
#include "actors/messages.hpp"
#include "actors/runtime_context.hpp"

namespace welkin {

struct QuestionsAfterRestore {
  LoadedHistory journal;
  std::vector<StreamId> payments;
};
// Read from views that are up to date. Blocking.
StoreResult<std::vector<StreamId>> payments_to_ask_about(const JournalStore& store,
                                                         const JournalRestored& restored);

class RestoreAsker : public caf::event_based_actor {
 public:
  RestoreAsker(caf::actor_config& config, RuntimeContextPtr context,
               QuestionsAfterRestore questions);
  caf::behavior make_behavior() override;
  const char* name() const override { return "restore_asker"; }

 private:
  void ask_next();
  void answered(std::uint64_t index, bool said);
  void note_the_end();

  RuntimeContextPtr context_;
  QuestionsAfterRestore questions_;
  std::vector<std::uint8_t> tries_;  // by payment
  std::deque<std::uint64_t> waiting_;
  std::deque<std::uint64_t> again_;  // at the next tick
  std::size_t under_way_ = 0;
  std::int64_t unanswered_ = 0;
  bool noting_ = false;
};

}  // namespace welkin
