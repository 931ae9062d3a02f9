// StoreIo in simulated time: one lane writes the journal, one the views, two read, as production's
// threads do. Each piece of work takes its time, so that the lanes overtake each other; when the
// node dies, what was on its way may be lost, land, or land after the next node has started.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>

#include "actors/store_io.hpp"
#include "tests/simulation/stage.hpp"

namespace welkin::simulation {

class StoreLanes : public StoreIo {
 public:
  // `disk` is what a batch lands on that left a node which is dead by then.
  StoreLanes(JournalStore& store, JournalStore& disk, Stage& stage);

  void write(AppendSourcePtr appends, const JournalEars& ears) override;
  void probe(const caf::actor& journal) override;
  void load(const StreamId& stream, const caf::actor& reply_to) override;
  void checkpoint(std::shared_ptr<const ViewDelta> delta, const caf::actor& reply_to) override;
  void read_missed(std::uint64_t after, std::uint64_t until, const caf::actor& views) override;

  void node_died();
  // Drops what actors that are being torn down still ask for.
  void cut() { is_cut_ = true; }
  void connect() { is_cut_ = false; }

  std::uint64_t landed_late() const { return landed_late_; }
  std::uint64_t commits() const { return commits_; }

 private:
  // Gives the delay after which it wants to be run again, or nothing when it is over.
  using Work = std::function<std::optional<UnixUs>()>;
  struct Lane {
    std::deque<Work> waiting;
    bool busy = false;
  };

  void push(Lane& lane, Work work);
  void run_next(Lane& lane, UnixUs delay_us);
  UnixUs latency_us();
  void write_next(const AppendSourcePtr& appends, const JournalEars& ears);
  void land(const std::vector<AppendRequestPtr>& batch);
  // Lost, done at once, or done when the next node may have started.
  template <class Landing>
  void may_land(Landing landing);

  JournalStore& store_;
  JournalStore& disk_;
  Stage& stage_;
  Dice dice_;
  JournalCommitter committer_;
  Lane writer_, viewer_, readers_[2];
  std::size_t next_reader_ = 0;
  std::vector<AppendRequestPtr> on_its_way_;  // the batch being written
  std::shared_ptr<const ViewDelta> views_on_their_way_;
  bool in_doubt_ = false;
  bool is_cut_ = false;
  std::uint64_t generation_ = 0;  // of the node whose work this is
  std::uint64_t landed_late_ = 0;
  std::uint64_t commits_ = 0;
};

}  // namespace welkin::simulation
