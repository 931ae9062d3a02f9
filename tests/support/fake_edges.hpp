// The runtime's edges under a test's control: a clock that stands still, a store that fails when
// told, store work that is done one piece at a time, and a channel that answers when told. No
// threads.
#pragma once

#include <caf/actor.hpp>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "actors/channel_port.hpp"
#include "actors/runtime_context.hpp"
#include "actors/store_io.hpp"
#include "persistence/journal_store.hpp"

namespace welkin {

class SetClock : public WallClock {
 public:
  UnixUs now_us() const override { return now_us_; }
  void advance(UnixUs by_us) { now_us_ += by_us; }

 private:
  UnixUs now_us_ = 1'767'225'600 * us_per_s;  // 2026-01-01T00:00:00Z
};

// Wraps a store and fails as told. What it is told about appends holds for the next one only,
// unless `down` is set.
class FlakyStore : public JournalStore {
 public:
  enum class Next : std::uint8_t {
    works,
    fails,              // unavailable, nothing written
    loses_the_answer,   // written, in doubt
    loses_the_request,  // not written, in doubt
  };
  explicit FlakyStore(JournalStore& inner) : inner_(inner) {}

  Next next_append = Next::works;
  bool down = false;  // appends, probes and checkpoints fail
  bool reads_down = false;
  bool checkpoints_down = false;
  bool checkpoint_answers_lost = false;  // written, and said to have failed
  std::set<StreamId> corrupt;            // streams whose rows come back changed
  std::set<StreamId> taken;  // streams somebody else keeps writing: every append conflicts

  // What was asked of it: tests check that a snapshot spares reading.
  mutable std::size_t rows_read = 0;
  std::size_t probes = 0;
  std::size_t checkpoints = 0;

  StoreResult<std::vector<AppendResult>> append(std::vector<StreamAppend>& batch) override;
  StoreResult<std::vector<std::uint64_t>> claim_epochs(std::uint32_t shard_count) override;
  StoreResult<Done> probe() override;
  StoreResult<Done> accept_end() override { return inner_.accept_end(); }
  StoreResult<std::vector<JournalMark>> marks() const override { return inner_.marks(); }
  StoreResult<std::vector<EventRow>> read_stream(const StreamId& stream,
                                                 std::uint64_t after_seq) const override;
  StoreResult<std::vector<EventRow>> read_all(std::uint64_t after_position,
                                              std::size_t limit) const override;
  StoreResult<Done> settle_doubt() override;
  StoreResult<Done> checkpoint(const ViewDelta& delta) override;
  StoreResult<std::uint64_t> view_position() const override;
  StoreResult<std::vector<DueTimer>> due_timers(UnixUs until_us, std::size_t limit) const override;
  StoreResult<std::vector<Card>> open_cards(const StreamId& after,
                                            std::size_t limit) const override;
  StoreResult<std::vector<Card>> list_cards(const CardQuery& query) const override;
  StoreResult<std::optional<IdempotencyRecord>> find_idempotency(
      std::string_view merchant_id, std::string_view key) const override;
  StoreResult<std::optional<Snapshot>> load_snapshot(const StreamId& stream) const override;
  StoreResult<StoreStats> stats() const override;

 private:
  JournalStore& inner_;
};

// Does the store's work when the test says: `step` one piece, oldest first. Work of a kind that is
// held back waits.
class StepStoreIo : public StoreIo {
 public:
  explicit StepStoreIo(JournalStore& store) : store_(store), committer_(store) {}

  enum class Kind : std::uint8_t { commit, probe, load, checkpoint, missed };
  void hold(Kind kind) { held_.insert(kind); }
  void release(Kind kind) { held_.erase(kind); }
  std::size_t waiting(Kind kind) const;

  // One piece of work, or one more attempt to settle a commit in doubt. False: nothing to do, or
  // everything is held back, or the commit is still in doubt.
  bool step();
  // The process has died: what was not done never happens, and nobody hears of what was.
  void forget() { work_.clear(); }

  std::vector<std::size_t> batch_sizes;  // of the commits done

  void write(AppendSourcePtr appends, const JournalEars& ears) override;
  void probe(const caf::actor& journal) override;
  void load(const StreamId& stream, const caf::actor& reply_to) override;
  void checkpoint(std::shared_ptr<const ViewDelta> delta, const caf::actor& reply_to) override;
  void read_missed(std::uint64_t after, std::uint64_t until, const caf::actor& views) override;

 private:
  enum class Progress : std::uint8_t { over, under_way, stuck };
  struct Work {
    Kind kind;
    std::function<Progress()> run;
  };
  struct Writing {
    AppendSourcePtr appends;
    JournalEars ears;
    std::vector<AppendRequestPtr> batch;
    bool in_doubt = false;
    bool told = false;
  };

  Progress commit(Writing& writing);

  JournalStore& store_;
  JournalCommitter committer_;
  std::deque<Work> work_;
  std::set<Kind> held_;
};

// A channel that records what it is asked and says what the test tells it to.
class ScriptedChannel : public ChannelPort {
 public:
  std::string_view name() const override { return "sandbox"; }
  void call(const ChannelCall& call, Done done) override;
  CheckedCallback verify(const RawCallback& callback, UnixUs now_us) override;
  void settle(const VerifiedCallback&, Settled) override {}
  CallbackAck refusal(const Problem&) const override { return {400, "text/plain", "fail"}; }

  // A report that fits the call.
  static ChannelReport report_on(const ChannelCall& call, ChannelVerdict verdict);
  // Answers the oldest call that waits. Throws when none does.
  void answer(
      ChannelVerdict verdict,
      const std::function<void(ChannelReport&)>& bend = [](ChannelReport&) {});
  // Answers every call at once from now on; null: calls wait again.
  std::function<ChannelVerdict(const ChannelCall&)> answers;
  // How the calls that are answered went.
  CallFate fate_of_answers = CallFate::answered;

  // "create", "query create", "refund" … in the order asked.
  std::vector<std::string> asked() const;
  std::size_t waiting() const { return waiting_.size(); }
  void forget() { waiting_.clear(); }

  std::vector<ChannelCall> calls;

 private:
  struct Waiting {
    ChannelCall call;
    Done done;
  };
  std::deque<Waiting> waiting_;
};

}  // namespace welkin
