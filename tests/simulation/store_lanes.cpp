#include "tests/simulation/store_lanes.hpp"

#include <utility>

namespace welkin::simulation {
namespace {

constexpr UnixUs quickest_us = 50;
constexpr UnixUs slowest_us = 3 * us_per_ms;
constexpr UnixUs ask_again_us = 200 * us_per_ms;

}  // namespace

StoreLanes::StoreLanes(JournalStore& store, JournalStore& disk, Stage& stage)
    : store_(store), disk_(disk), stage_(stage), dice_(stage.dice.fork(2)), committer_(store) {}

UnixUs StoreLanes::latency_us() {
  if (stage_.faults.strikes(FaultKind::store_slow)) {
    stage_.note([] { return "store: slow"; });
    return dice_.between(us_per_s, 20 * us_per_s);
  }
  return dice_.between(quickest_us, slowest_us);
}

void StoreLanes::push(Lane& lane, Work work) {
  if (is_cut_) return;
  lane.waiting.push_back(std::move(work));
  if (!lane.busy) run_next(lane, latency_us());
}

void StoreLanes::run_next(Lane& lane, UnixUs delay_us) {
  lane.busy = true;
  stage_.after(delay_us, [this, &lane, generation = generation_] {
    if (generation != generation_) return;
    const auto again_after_us = lane.waiting.front()();
    // A crash in the midst of it ends this generation once the work is over.
    if (again_after_us) return run_next(lane, *again_after_us);
    lane.waiting.pop_front();
    lane.busy = false;
    if (!lane.waiting.empty()) run_next(lane, latency_us());
  });
}

void StoreLanes::write(AppendSourcePtr appends, const JournalEars& ears) {
  if (!is_cut_) write_next(appends, ears);
}

void StoreLanes::write_next(const AppendSourcePtr& appends, const JournalEars& ears) {
  on_its_way_ = appends->take();
  if (on_its_way_.empty()) return caf::anon_send(ears.journal, written_atom::value, true);
  push(writer_, [this, appends, ears]() -> std::optional<UnixUs> {
    using Verdict = JournalCommitter::Verdict;
    const bool was_in_doubt = std::exchange(in_doubt_, false);
    const Verdict verdict =
        was_in_doubt ? committer_.resolve(on_its_way_) : committer_.commit(on_its_way_);
    if (verdict == Verdict::in_doubt) {
      if (was_in_doubt) caf::anon_send(ears.journal, doubt_atom::value);
      in_doubt_ = true;
      return ask_again_us;
    }
    ++commits_;
    deliver_acks(committer_, std::exchange(on_its_way_, {}), ears);
    if (verdict == Verdict::settled)
      write_next(appends, ears);
    else
      caf::anon_send(ears.journal, written_atom::value, false);
    return std::nullopt;
  });
}

void StoreLanes::probe(const caf::actor& journal) {
  push(writer_, [this, journal] {
    const bool well = error_of(store_.probe()) == nullptr;
    caf::anon_send(journal, probed_atom::value, well);
    return std::optional<UnixUs>();
  });
}

void StoreLanes::load(const StreamId& stream, const caf::actor& reply_to) {
  push(readers_[++next_reader_ % 2], [this, stream, reply_to] {
    auto result = std::make_shared<const LoadResult>(load_stream(store_, stream));
    caf::anon_send(reply_to, loaded_atom::value, LoadResultPtr(std::move(result)));
    return std::optional<UnixUs>();
  });
}

void StoreLanes::checkpoint(std::shared_ptr<const ViewDelta> delta, const caf::actor& reply_to) {
  views_on_their_way_ = delta;
  push(viewer_, [this, delta = std::move(delta), reply_to] {
    views_on_their_way_ = nullptr;
    tell_checkpointed(store_.checkpoint(*delta), reply_to);
    return std::optional<UnixUs>();
  });
}

void StoreLanes::read_missed(std::uint64_t after, std::uint64_t until, const caf::actor& views) {
  push(viewer_, [this, after, until, views] {
    caf::anon_send(views, missed_atom::value, welkin::read_missed(store_, after, until));
    return std::optional<UnixUs>();
  });
}

void StoreLanes::node_died() {
  ++generation_;
  for (Lane* lane : {&writer_, &viewer_, &readers_[0], &readers_[1]}) {
    lane->waiting.clear();
    lane->busy = false;
  }
  std::vector<AppendRequestPtr> batch;
  for (const AppendRequestPtr& request : std::exchange(on_its_way_, {})) {
    // Without those who waited: an actor must not outlive its system.
    auto copy = std::make_shared<AppendRequest>();
    static_cast<AppendContent&>(*copy) = *request;
    batch.push_back(std::move(copy));
  }
  if (const auto views = std::exchange(views_on_their_way_, nullptr))
    may_land([this, views] {
      stage_.note([] { return "store: a dead node's views land"; });
      disk_.checkpoint(*views);
    });
  if (std::exchange(in_doubt_, false) || batch.empty()) return;
  may_land([this, batch = std::move(batch)] { land(batch); });
}

// The request may have reached the database, which does not know that its client is dead.
template <class Landing>
void StoreLanes::may_land(Landing landing) {
  if (dice_.percent(33)) return;
  if (dice_.percent(50)) return landing();
  stage_.after(dice_.between(us_per_ms, 3 * us_per_s), [this, landing = std::move(landing)] {
    ++landed_late_;
    landing();
  });
}

void StoreLanes::land(const std::vector<AppendRequestPtr>& batch) {
  stage_.note([] { return "store: a dead node's batch lands"; });
  JournalCommitter(disk_).commit(batch);
}

}  // namespace welkin::simulation
