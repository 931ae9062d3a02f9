// Puts the parts together: a session for the journal's thread, one for the checkpoint's, one for
// the lease's, a pool for everybody's reads, all made by one connector so that they share its
// back-off.
#include "persistence/postgres/postgres_store.hpp"

#include <utility>

#include "persistence/postgres/append.hpp"
#include "persistence/postgres/checkpoint.hpp"
#include "persistence/postgres/connection.hpp"
#include "persistence/postgres/lease.hpp"
#include "persistence/postgres/migrations.hpp"
#include "persistence/postgres/reads.hpp"

namespace welkin {
namespace {

class PostgresStore final : public JournalStore {
 public:
  PostgresStore(postgres::ConnectTarget target, bool read_only, bool accept_truncated)
      : read_only_(read_only),
        accept_truncated_(accept_truncated),
        connector_(std::move(target), [](pqxx::connection& connection) {
          postgres::prepare_append(connection);
          postgres::prepare_reads(connection);
        }) {}

  StoreResult<Done> open() {
    return read_only_ ? postgres::check_schema(readers_) : postgres::migrate(journal_lane_);
  }

  StoreResult<std::vector<AppendResult>> append(std::vector<StreamAppend>& batch) override {
    if (read_only_) return refused();
    return postgres::append(journal_lane_, append_memory_, batch);
  }
  StoreResult<std::vector<std::uint64_t>> claim_epochs(std::uint32_t shard_count) override {
    if (read_only_) return refused();
    return postgres::claim_epochs(journal_lane_, shard_count, accept_truncated_);
  }
  StoreResult<Done> probe() override {
    if (read_only_) return refused();
    return postgres::probe(journal_lane_);
  }
  StoreResult<Done> settle_doubt() override {
    if (read_only_) return refused();
    return postgres::settle_doubt(journal_lane_);
  }
  StoreResult<Lease> take_lease(const LeaseClaim& claim) override {
    if (read_only_) return refused();
    return postgres::take_lease(lease_lane_, claim);
  }
  StoreResult<Lease> renew_lease(const LeaseClaim& claim) override {
    if (read_only_) return refused();
    return postgres::renew_lease(lease_lane_, claim);
  }
  StoreResult<Done> give_up_lease(const LeaseClaim& claim) override {
    if (read_only_) return refused();
    return postgres::give_up_lease(lease_lane_, claim);
  }
  StoreResult<Done> accept_end() override {
    if (read_only_) return refused();
    return postgres::accept_end(journal_lane_);
  }
  StoreResult<Done> checkpoint(const ViewDelta& delta) override {
    if (read_only_) return refused();
    return postgres::checkpoint(checkpoint_lane_, delta);
  }

  StoreResult<std::vector<EventRow>> read_stream(const StreamId& stream,
                                                 std::uint64_t after_seq) const override {
    return postgres::read_stream(readers_, stream, after_seq);
  }
  StoreResult<std::vector<EventRow>> read_all(std::uint64_t after_position,
                                              std::size_t limit) const override {
    return postgres::read_all(readers_, after_position, limit);
  }
  StoreResult<std::vector<JournalMark>> marks() const override { return postgres::marks(readers_); }
  StoreResult<std::uint64_t> view_position() const override {
    return postgres::view_position(readers_);
  }
  StoreResult<std::vector<DueTimer>> due_timers(UnixUs until_us, std::size_t limit) const override {
    return postgres::due_timers(readers_, until_us, limit);
  }
  StoreResult<std::vector<Card>> open_cards(const StreamId& after,
                                            std::size_t limit) const override {
    return postgres::open_cards(readers_, after, limit);
  }
  StoreResult<std::vector<Card>> list_cards(const CardQuery& query) const override {
    return postgres::list_cards(readers_, query);
  }
  StoreResult<std::optional<IdempotencyRecord>> find_idempotency(
      std::string_view merchant_id, std::string_view key) const override {
    return postgres::find_idempotency(readers_, merchant_id, key);
  }
  StoreResult<std::optional<Snapshot>> load_snapshot(const StreamId& stream) const override {
    return postgres::load_snapshot(readers_, stream);
  }
  StoreResult<StoreStats> stats() const override { return postgres::stats(readers_); }

 private:
  static StoreError refused() {
    return {StoreErrorKind::unavailable, "the journal was opened for reading only"};
  }

  const bool read_only_;
  const bool accept_truncated_;
  postgres::Connector connector_;
  postgres::WriteLane journal_lane_{connector_};
  postgres::AppendMemory append_memory_;
  postgres::WriteLane checkpoint_lane_{connector_};
  postgres::WriteLane lease_lane_{connector_};
  mutable postgres::ReadPool readers_{connector_};
};

}  // namespace

StoreResult<std::unique_ptr<JournalStore>> open_postgres_store(const StoreOptions& options) {
  auto target = postgres::ConnectTarget::parse(options.url, options.read_only);
  if (const StoreError* error = error_of(target)) return *error;
  auto store = std::make_unique<PostgresStore>(std::move(std::get<postgres::ConnectTarget>(target)),
                                               options.read_only, options.accept_truncated);
  const StoreResult<Done> opened = store->open();
  if (const StoreError* error = error_of(opened)) return *error;
  return std::unique_ptr<JournalStore>(std::move(store));
}

}  // namespace welkin
