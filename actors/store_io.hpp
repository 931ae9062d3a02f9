// The edge to the journal store: calls that block, made off the actors' threads. Production runs
// them on plain threads (detached actors can hang CAF 0.17's shutdown), the simulation in an
// actor's step.
#pragma once

#include <caf/actor.hpp>
#include <memory>
#include <string>
#include <vector>

#include "actors/append_queue.hpp"
#include "actors/messages.hpp"
#include "persistence/journal_store.hpp"

namespace welkin {

// Who hears of what is committed: the views of every batch, the answerers of the answers it makes
// due, the journal when nothing is being written.
struct JournalEars {
  caf::actor journal;
  caf::actor views;
  std::vector<caf::actor> answerers;
};

class StoreIo {
 public:
  virtual ~StoreIo() = default;
  // Takes batch after batch until none waits or one fails. Makes each durable, tells the views,
  // then whoever appended, and carries out what follows. Tells the journal at the end
  // (written_atom, bool store_is_well), and before that (doubt_atom) where a lost answer stays in
  // doubt. Called again only after that end.
  virtual void write(AppendSourcePtr appends, const JournalEars& ears) = 0;
  virtual void probe(const caf::actor& journal) = 0;                          // (probed_atom, bool)
  virtual void load(const StreamId& stream, const caf::actor& reply_to) = 0;  // (loaded_atom, …)
  virtual void checkpoint(std::shared_ptr<const ViewDelta> delta,
                          const caf::actor& reply_to) = 0;  // see tell_checkpointed
  // What happened to payments behind the position `after` up to `until`: (missed_atom, MissedPtr).
  virtual void read_missed(std::uint64_t after, std::uint64_t until, const caf::actor& views) = 0;
};

// ---- the work itself, the same for threads and simulation

// Encodes, hashes and appends batches, and settles a commit whose answer was lost.
class JournalCommitter {
 public:
  explicit JournalCommitter(JournalStore& store) : store_(store) {}

  enum class Verdict : std::uint8_t {
    settled,  // every append has its ack
    failed,   // nothing was written: all acks say unavailable
    in_doubt  // unknown yet: call `resolve` until it is not
  };
  Verdict commit(const std::vector<AppendRequestPtr>& batch);
  // After in_doubt: asks the store what it holds. Nobody is answered before it knows.
  Verdict resolve(const std::vector<AppendRequestPtr>& batch);

  const std::vector<CommitAck>& acks() const { return acks_; }
  const StoreError& error() const { return error_; }
  CommittedBatchPtr committed(const std::vector<AppendRequestPtr>& batch) const;

 private:
  void encode(const std::vector<AppendRequestPtr>& batch);
  Verdict fail_all(std::size_t count, StoreError error);

  JournalStore& store_;
  std::vector<StreamAppend> appends_;  // kept between batches for their buffers
  std::vector<CommitAck> acks_;
  StoreError error_;
};

// Tells views and appenders what became of a settled or failed batch, and carries out what follows
// on what was committed.
void deliver_acks(const JournalCommitter& committer, const std::vector<AppendRequestPtr>& batch,
                  const JournalEars& ears);
// The same without the views.
void deliver_to_appenders(const std::vector<CommitAck>& acks,
                          const std::vector<AppendRequestPtr>& batch, const JournalEars& ears);

// (written_atom, bool), or (fenced_atom) when it will never be written.
void tell_checkpointed(const StoreResult<Done>& result, const caf::actor& reply_to);

MissedPtr read_missed(const JournalStore& store, std::uint64_t after, std::uint64_t until);
// What stands before the reason for which a stream's rows are not believed.
inline const std::string corrupt_reason = "the journal is corrupt here: ";

// Snapshot and events behind it, folded and checked against the hash chain.
LoadResult load_payment(const JournalStore& store, const StreamId& stream);
// A breaker has no snapshots: it changes seldom.
LoadResult load_breaker(const JournalStore& store, const StreamId& stream);
// By the stream's kind.
LoadResult load_stream(const JournalStore& store, const StreamId& stream);

}  // namespace welkin
