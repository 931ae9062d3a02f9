// A journal store that passes everything on to another one. Faults and deliberate bugs override
// what they change.
#pragma once

#include "persistence/journal_store.hpp"

namespace welkin::simulation {

class StoreDecorator : public JournalStore {
 public:
  explicit StoreDecorator(JournalStore& inner) : inner_(inner) {}

  StoreResult<std::vector<AppendResult>> append(std::vector<StreamAppend>& batch) override {
    return inner_.append(batch);
  }
  StoreResult<std::vector<std::uint64_t>> claim_epochs(std::uint32_t shard_count) override {
    return inner_.claim_epochs(shard_count);
  }
  StoreResult<Done> probe() override { return inner_.probe(); }
  StoreResult<Done> accept_end() override { return inner_.accept_end(); }
  StoreResult<std::vector<JournalMark>> marks() const override { return inner_.marks(); }
  StoreResult<std::vector<EventRow>> read_stream(const StreamId& stream,
                                                 std::uint64_t after_seq) const override {
    return inner_.read_stream(stream, after_seq);
  }
  StoreResult<std::vector<EventRow>> read_all(std::uint64_t after_position,
                                              std::size_t limit) const override {
    return inner_.read_all(after_position, limit);
  }
  StoreResult<Done> settle_doubt() override { return inner_.settle_doubt(); }
  StoreResult<Lease> take_lease(const LeaseClaim& claim) override {
    return inner_.take_lease(claim);
  }
  StoreResult<Lease> renew_lease(const LeaseClaim& claim) override {
    return inner_.renew_lease(claim);
  }
  StoreResult<Done> give_up_lease(const LeaseClaim& claim) override {
    return inner_.give_up_lease(claim);
  }
  StoreResult<Done> checkpoint(const ViewDelta& delta) override { return inner_.checkpoint(delta); }
  StoreResult<std::uint64_t> view_position() const override { return inner_.view_position(); }
  StoreResult<std::vector<DueTimer>> due_timers(UnixUs until_us, std::size_t limit) const override {
    return inner_.due_timers(until_us, limit);
  }
  StoreResult<std::vector<Card>> open_cards(const StreamId& after,
                                            std::size_t limit) const override {
    return inner_.open_cards(after, limit);
  }
  StoreResult<std::vector<Card>> list_cards(const CardQuery& query) const override {
    return inner_.list_cards(query);
  }
  StoreResult<std::optional<IdempotencyRecord>> find_idempotency(
      std::string_view merchant_id, std::string_view key) const override {
    return inner_.find_idempotency(merchant_id, key);
  }
  StoreResult<std::optional<Snapshot>> load_snapshot(const StreamId& stream) const override {
    return inner_.load_snapshot(stream);
  }
  StoreResult<StoreStats> stats() const override { return inner_.stats(); }

 protected:
  JournalStore& inner_;
};

}  // namespace welkin::simulation
