// A store that fails in every way a store can: nothing written; written and the answer lost; not
// written and the answer lost; written later, when the answer is lost already; dead with the node
// in the middle of a batch. It fails as the fault board says, or at its n-th operation.
#pragma once

#include <cstdint>
#include <string_view>

#include "tests/simulation/stage.hpp"
#include "tests/simulation/store_decorator.hpp"

namespace welkin::simulation {

enum class StoreFailure : std::uint8_t {
  none,
  fails,
  in_doubt_written,
  in_doubt_unwritten,
  in_doubt_late,
  crash_before,
  crash_after,
};
std::string_view name_of(StoreFailure failure);

class FaultyStore : public StoreDecorator {
 public:
  FaultyStore(JournalStore& inner, Stage& stage) : StoreDecorator(inner), stage_(stage) {}

  // The n-th operation from now on fails, counted from 1; with `lasting_us`, so does each one after
  // it for so long.
  void fail_nth(std::uint64_t n, StoreFailure how, UnixUs lasting_us);
  void heal() { how_ = StoreFailure::none; }
  bool has_failed() const { return failed_; }
  std::uint64_t operations() const { return operations_; }

  StoreResult<std::vector<AppendResult>> append(std::vector<StreamAppend>& batch) override;
  StoreResult<std::vector<std::uint64_t>> claim_epochs(std::uint32_t shard_count) override;
  StoreResult<Done> probe() override;
  StoreResult<Done> settle_doubt() override;
  StoreResult<std::vector<EventRow>> read_stream(const StreamId& stream,
                                                 std::uint64_t after_seq) const override;
  StoreResult<std::vector<EventRow>> read_all(std::uint64_t after_position,
                                              std::size_t limit) const override;
  StoreResult<Done> checkpoint(const ViewDelta& delta) override;
  StoreResult<std::uint64_t> view_position() const override;
  StoreResult<std::vector<Card>> open_cards(const StreamId& after,
                                            std::size_t limit) const override;
  StoreResult<std::optional<IdempotencyRecord>> find_idempotency(
      std::string_view merchant_id, std::string_view key) const override;
  StoreResult<std::optional<Snapshot>> load_snapshot(const StreamId& stream) const override;

 private:
  enum class Operation : std::uint8_t { append, append_of_breaker, other_write, checkpoint, read };
  StoreFailure failure_of(Operation operation) const;
  template <class Work>
  auto perform(Operation operation, Work work) const -> decltype(work());
  void hold_back(const std::vector<StreamAppend>& batch);
  void land_late();

  Stage& stage_;
  // Reading counts as an operation too, and a read is const.
  mutable std::uint64_t operations_ = 0;
  mutable bool failed_ = false;
  mutable UnixUs failing_until_us_ = 0;
  mutable bool is_held_back_ = false;
  // A commit on its way, which whoever writes next, or asks, waits for.
  std::vector<StreamAppend> late_;
  std::uint64_t held_back_ = 0;
  std::uint64_t fails_at_ = 0;
  UnixUs lasting_us_ = 0;
  StoreFailure how_ = StoreFailure::none;
};

}  // namespace welkin::simulation
