#include "tests/simulation/faulty_store.hpp"

#include <algorithm>
#include <utility>

namespace welkin::simulation {
namespace {

constexpr UnixUs lands_late_after_us = 700 * us_per_ms;

}  // namespace

std::string_view name_of(StoreFailure failure) {
  constexpr std::string_view names[] = {"none",
                                        "fails",
                                        "in doubt, written",
                                        "in doubt, not written",
                                        "in doubt, written later",
                                        "the node dies before it",
                                        "the node dies after it"};
  return names[static_cast<std::size_t>(failure)];
}

void FaultyStore::fail_nth(std::uint64_t n, StoreFailure how, UnixUs lasting_us) {
  fails_at_ = operations_ + n;
  how_ = how;
  lasting_us_ = lasting_us;
  failed_ = false;
  failing_until_us_ = 0;
}

StoreFailure FaultyStore::failure_of(Operation operation) const {
  ++operations_;
  ++stage_.activity;
  if (how_ != StoreFailure::none) {
    if (operations_ == fails_at_) {
      failed_ = true;
      failing_until_us_ = stage_.now_us() + lasting_us_;
      return how_;
    }
    if (failed_ && stage_.now_us() < failing_until_us_) return how_;
  }
  FaultBoard& board = stage_.faults;
  switch (operation) {
    case Operation::append_of_breaker:
      if (board.strikes(FaultKind::crash_after_breaker)) return StoreFailure::crash_after;
      [[fallthrough]];
    case Operation::append:
      if (board.strikes(FaultKind::store_fails)) return StoreFailure::fails;
      if (board.strikes(FaultKind::store_in_doubt_written)) return StoreFailure::in_doubt_written;
      if (board.strikes(FaultKind::store_in_doubt_unwritten))
        return StoreFailure::in_doubt_unwritten;
      if (board.strikes(FaultKind::store_in_doubt_late)) return StoreFailure::in_doubt_late;
      if (board.strikes(FaultKind::crash_before_commit)) return StoreFailure::crash_before;
      if (board.strikes(FaultKind::crash_after_commit)) return StoreFailure::crash_after;
      return StoreFailure::none;
    case Operation::checkpoint:
      if (board.strikes(FaultKind::store_checkpoint_fails)) return StoreFailure::fails;
      [[fallthrough]];
    case Operation::other_write:
      // What is down for appends is down for these too; a failure meant for one append is not
      // theirs.
      return board.lasting(FaultKind::store_fails) ? StoreFailure::fails : StoreFailure::none;
    case Operation::read:
      return board.strikes(FaultKind::store_reads_fail) ? StoreFailure::fails : StoreFailure::none;
  }
  return StoreFailure::none;
}

template <class Work>
auto FaultyStore::perform(Operation operation, Work work) const -> decltype(work()) {
  const StoreError unavailable{StoreErrorKind::unavailable, "made to fail"};
  const StoreFailure failure = failure_of(operation);
  if (failure != StoreFailure::none)
    stage_.note(
        [&] { return "store: an operation is made to fail: " + std::string(name_of(failure)); });
  // Only the answer to a commit can be lost in a way that matters: the rest is simply asked again.
  const bool doubtful = operation == Operation::append || operation == Operation::append_of_breaker;
  switch (failure) {
    case StoreFailure::none:
      return work();
    case StoreFailure::fails:
      return unavailable;
    case StoreFailure::in_doubt_written: {
      auto result = work();
      if (error_of(result)) return result;
      return StoreError{doubtful ? StoreErrorKind::in_doubt : StoreErrorKind::unavailable,
                        "the answer was lost"};
    }
    case StoreFailure::in_doubt_unwritten:
      return StoreError{doubtful ? StoreErrorKind::in_doubt : StoreErrorKind::unavailable,
                        "the request was lost"};
    case StoreFailure::in_doubt_late:
      is_held_back_ = doubtful;
      return StoreError{doubtful ? StoreErrorKind::in_doubt : StoreErrorKind::unavailable,
                        "the answer was lost, and the request is late"};
    case StoreFailure::crash_before:
      stage_.crash_wanted = true;
      return unavailable;
    case StoreFailure::crash_after:
      work();
      stage_.crash_wanted = true;
      return unavailable;
  }
  return unavailable;
}

StoreResult<std::vector<AppendResult>> FaultyStore::append(std::vector<StreamAppend>& batch) {
  const bool of_breaker = std::any_of(batch.begin(), batch.end(), [](const StreamAppend& append) {
    return append.stream.kind == StreamKind::breaker;
  });
  land_late();
  auto result = perform(of_breaker ? Operation::append_of_breaker : Operation::append,
                        [&] { return inner_.append(batch); });
  if (std::exchange(is_held_back_, false)) hold_back(batch);
  return result;
}

void FaultyStore::hold_back(const std::vector<StreamAppend>& batch) {
  late_ = batch;
  stage_.after(lands_late_after_us, [this, held_back = ++held_back_] {
    if (held_back == held_back_) land_late();
  });
}

// Judged as it arrives: what another has written meanwhile refuses it.
void FaultyStore::land_late() {
  if (late_.empty()) return;
  stage_.note([] { return "store: a batch lands late"; });
  inner_.append(late_);
  late_.clear();
}

StoreResult<Done> FaultyStore::settle_doubt() {
  return perform(Operation::read, [&]() -> StoreResult<Done> {
    land_late();
    return inner_.settle_doubt();
  });
}
StoreResult<std::vector<std::uint64_t>> FaultyStore::claim_epochs(std::uint32_t shard_count) {
  land_late();
  return perform(Operation::other_write, [&] { return inner_.claim_epochs(shard_count); });
}
StoreResult<Done> FaultyStore::probe() {
  return perform(Operation::other_write, [&] { return inner_.probe(); });
}
StoreResult<std::vector<EventRow>> FaultyStore::read_stream(const StreamId& stream,
                                                            std::uint64_t after_seq) const {
  return perform(Operation::read, [&] { return inner_.read_stream(stream, after_seq); });
}
StoreResult<std::vector<EventRow>> FaultyStore::read_all(std::uint64_t after_position,
                                                         std::size_t limit) const {
  return perform(Operation::read, [&] { return inner_.read_all(after_position, limit); });
}
StoreResult<Done> FaultyStore::checkpoint(const ViewDelta& delta) {
  return perform(Operation::checkpoint, [&] { return inner_.checkpoint(delta); });
}
StoreResult<std::uint64_t> FaultyStore::view_position() const {
  return perform(Operation::read, [&] { return inner_.view_position(); });
}
StoreResult<std::vector<Card>> FaultyStore::open_cards(const StreamId& after,
                                                       std::size_t limit) const {
  return perform(Operation::read, [&] { return inner_.open_cards(after, limit); });
}
StoreResult<std::optional<IdempotencyRecord>> FaultyStore::find_idempotency(
    std::string_view merchant_id, std::string_view key) const {
  return perform(Operation::read, [&] { return inner_.find_idempotency(merchant_id, key); });
}
StoreResult<std::optional<Snapshot>> FaultyStore::load_snapshot(const StreamId& stream) const {
  return perform(Operation::read, [&] { return inner_.load_snapshot(stream); });
}

}  // namespace welkin::simulation
