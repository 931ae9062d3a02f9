// All segments of a journal in the order of their positions, and reads that go over several of
// them.
//
// Const functions: any thread. `add`: the writer's.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "persistence/sqlite/journal_folder.hpp"
#include "persistence/sqlite/segment.hpp"

namespace welkin::sqlite {

class SegmentCatalog {
 public:
  SegmentCatalog(const JournalFolder& folder, ReadPool& readers)
      : folder_(folder), readers_(readers) {}

  // What the folder holds, for a process that writes it. Checks that positions have no gap.
  Failure load_for_writing();
  // For a process that only reads: looks what the writer has made since.
  Failure refresh();

  std::shared_ptr<const SegmentList> segments() const;
  void add(std::shared_ptr<Segment> segment);

  // As JournalStore says.
  StoreResult<std::vector<EventRow>> read_stream(const StreamId& stream,
                                                 std::uint64_t after_seq) const;
  StoreResult<std::vector<EventRow>> read_all(std::uint64_t after_position,
                                              std::size_t limit) const;
  // Of all segments in `list`, 0 for a stream that none of them has.
  StoreResult<std::uint64_t> last_seq(const SegmentList& list, const StreamId& stream) const;
  StoreResult<std::uint64_t> last_position() const;

 private:
  void replace(SegmentList list);

  const JournalFolder& folder_;
  ReadPool& readers_;
  std::mutex refresh_mutex_;
  mutable std::mutex mutex_;  // guards list_
  std::shared_ptr<const SegmentList> list_ = std::make_shared<SegmentList>();
};

}  // namespace welkin::sqlite
