// Appends batches to the newest segment and begins new ones. The only writer of events in any
// process.
//
// Whether a stream's expected seq is right is decided in memory, or by a sealed segment's index
// when its Bloom filter says "perhaps". A store that failed is not given up: the next call opens it
// again.
//
// Any thread; a mutex lets them in one by one.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "persistence/sqlite/sealer.hpp"
#include "persistence/sqlite/segment_catalog.hpp"
#include "persistence/sqlite/segment_writer.hpp"

namespace welkin::sqlite {

class JournalWriter {
 public:
  JournalWriter(const JournalFolder& folder, SegmentCatalog& catalog, Sealer& sealer,
                std::uint64_t segment_rows)
      : folder_(folder), catalog_(catalog), sealer_(sealer), segment_rows_(segment_rows) {}

  // Takes up the newest segment or makes the first, and hands the older ones to the sealer.
  Failure open();
  void set_epochs(std::vector<std::uint64_t> epochs);

  StoreResult<std::vector<AppendResult>> append(std::vector<StreamAppend>& batch);
  Failure probe();
  // After a commit whose outcome is not known: finds it out, or says that it still cannot be known.
  // Until then nothing may be read, because what is not there now might come back in a recovery.
  Failure settle_if_needed();
  std::uint64_t last_position() const;

 private:
  Failure make_ready();
  Failure reopen();
  Failure settle();
  Failure begin_segment();
  bool time_to_roll() const;
  StoreResult<AppendResult> judge(const StreamAppend& item, const SegmentList& segments) const;
  Failure write(std::vector<StreamAppend>& batch, std::vector<AppendResult>& results,
                bool& failed_at_commit);
  Failure write_items(std::vector<StreamAppend>& batch, std::vector<AppendResult>& results,
                      Transaction& transaction, bool& begun);
  StoreError after_failure(StoreError error, bool failed_at_commit);

  const JournalFolder& folder_;
  SegmentCatalog& catalog_;
  Sealer& sealer_;
  const std::uint64_t segment_rows_;

  mutable std::mutex mutex_;  // guards everything below
  std::vector<std::uint64_t> epochs_;
  std::shared_ptr<Segment> active_;
  std::unique_ptr<SegmentWriter> writer_;  // null after a failure, until the next call
  std::vector<CommittedRows> staged_rows_;
  StreamTable staged_streams_;
  std::atomic<bool> unsettled_{false};
};

}  // namespace welkin::sqlite
