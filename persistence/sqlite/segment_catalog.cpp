// Walking segments.
#include "persistence/sqlite/segment_catalog.hpp"

#include <algorithm>
#include <iterator>

#include "persistence/sqlite/sealer.hpp"

namespace welkin::sqlite {
namespace {

constexpr const char* select_last_position = "SELECT max(position) FROM events";

StoreResult<std::shared_ptr<Segment>> load_for_writing_one(const JournalFolder& folder,
                                                           std::uint32_t number,
                                                           ReadPool& readers) {
  const std::string path = folder.segment_path(number);
  // Writable, because a crash may have left something to roll back.
  auto opened = Connection::open(path, OpenMode::create);
  if (const auto* failed = error_of(opened)) return *failed;
  auto& connection = *std::get<std::unique_ptr<Connection>>(opened);
  auto loaded = Segment::load(connection, path, number, Segment::LoadAs::writer);
  if (error_of(loaded)) return loaded;
  const auto& segment = std::get<std::shared_ptr<Segment>>(loaded);
  if (segment && segment->sealed() && !header_says_rollback_journal(path))
    leave_wal_mode(connection, readers);
  return loaded;
}

StoreError out_of_place(const Segment& segment) {
  return {StoreErrorKind::corrupt,
          segment.path() + ": does not follow the segment before it; position " +
              std::to_string(segment.base_position()) + " was not expected"};
}

}  // namespace

Failure SegmentCatalog::load_for_writing() {
  auto numbers = folder_.segment_numbers();
  if (const auto* failed = error_of(numbers)) return *failed;
  const auto& all = std::get<std::vector<std::uint32_t>>(numbers);
  SegmentList list;
  std::uint64_t next_position = 1;
  for (const std::uint32_t number : all) {
    auto loaded = load_for_writing_one(folder_, number, readers_);
    if (const auto* failed = error_of(loaded)) return *failed;
    auto& segment = std::get<std::shared_ptr<Segment>>(loaded);
    if (!segment) {
      // Only the newest may be unfinished: rows after it would belong nowhere.
      if (number == all.back()) break;
      return StoreError{StoreErrorKind::corrupt, folder_.segment_path(number) + ": has no tables"};
    }
    if (segment->base_position() != next_position) return out_of_place(*segment);
    next_position = segment->last_position() + 1;
    list.push_back(std::move(segment));
  }
  replace(std::move(list));
  return {};
}

Failure SegmentCatalog::refresh() {
  const std::lock_guard<std::mutex> one_at_a_time(refresh_mutex_);
  auto numbers = folder_.segment_numbers();
  if (const auto* failed = error_of(numbers)) return *failed;
  const auto before = segments();
  SegmentList list;
  for (const std::uint32_t number : std::get<std::vector<std::uint32_t>>(numbers)) {
    if (number <= before->size() && (*before)[number - 1]->sealed()) {
      list.push_back((*before)[number - 1]);
      continue;
    }
    const std::string path = folder_.segment_path(number);
    auto leased = readers_.acquire(path);
    if (const auto* failed = error_of(leased)) return *failed;
    auto loaded =
        Segment::load(*std::get<ReadPool::Lease>(leased), path, number, Segment::LoadAs::reader);
    if (const auto* failed = error_of(loaded)) return *failed;
    auto& segment = std::get<std::shared_ptr<Segment>>(loaded);
    if (!segment) break;  // being made at this moment
    list.push_back(std::move(segment));
  }
  replace(std::move(list));
  return {};
}

std::shared_ptr<const SegmentList> SegmentCatalog::segments() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return list_;
}

void SegmentCatalog::replace(SegmentList list) {
  auto next = std::make_shared<const SegmentList>(std::move(list));
  const std::lock_guard<std::mutex> lock(mutex_);
  list_ = std::move(next);
}

void SegmentCatalog::add(std::shared_ptr<Segment> segment) {
  SegmentList list = *segments();
  list.push_back(std::move(segment));
  replace(std::move(list));
}

StoreResult<std::vector<EventRow>> SegmentCatalog::read_stream(const StreamId& stream,
                                                               std::uint64_t after_seq) const {
  // Newest first: a stream's rows mostly lie together, and the search ends where they begin.
  const auto list = segments();
  const BloomKey key(stream);
  for (const auto& segment : *list) segment->prefetch(key);
  std::vector<EventRow> rows;
  for (auto segment = list->rbegin(); segment != list->rend(); ++segment) {
    if ((*segment)->rules_out(key)) continue;
    std::vector<EventRow> older;
    if (auto failed = (*segment)->read_stream(readers_, stream, after_seq, older)) return *failed;
    if (older.empty()) continue;
    older.insert(older.end(), std::make_move_iterator(rows.begin()),
                 std::make_move_iterator(rows.end()));
    rows = std::move(older);
    if (rows.front().seq == after_seq + 1) break;
  }
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (rows[i].seq != after_seq + 1 + i)
      return StoreError{StoreErrorKind::corrupt, stream.text() + ": seq " +
                                                     std::to_string(after_seq + 1 + i) +
                                                     " is missing or there twice"};
  return rows;
}

StoreResult<std::vector<EventRow>> SegmentCatalog::read_all(std::uint64_t after_position,
                                                            std::size_t limit) const {
  const auto list = segments();
  // The last segment that begins at or before the first position wanted.
  auto segment = std::upper_bound(
      list->begin(), list->end(), after_position + 1,
      [](std::uint64_t position, const auto& one) { return position < one->base_position(); });
  if (segment != list->begin()) --segment;
  std::vector<EventRow> rows;
  for (; segment != list->end() && rows.size() < limit; ++segment)
    if (auto failed = (*segment)->read_after(readers_, after_position, limit, rows)) return *failed;
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (rows[i].position != after_position + 1 + i)
      return StoreError{StoreErrorKind::corrupt,
                        "position " + std::to_string(after_position + 1 + i) + " is missing"};
  return rows;
}

StoreResult<std::uint64_t> SegmentCatalog::last_seq(const SegmentList& list,
                                                    const StreamId& stream) const {
  const BloomKey key(stream);
  for (const auto& segment : list) segment->prefetch(key);
  for (auto segment = list.rbegin(); segment != list.rend(); ++segment) {
    if ((*segment)->rules_out(key)) continue;
    auto found = (*segment)->last_seq(readers_, stream);
    if (error_of(found) || std::get<std::uint64_t>(found) != 0) return found;
  }
  return std::uint64_t{0};
}

StoreResult<std::uint64_t> SegmentCatalog::last_position() const {
  const auto list = segments();
  if (list->empty()) return std::uint64_t{0};
  const Segment& newest = *list->back();
  auto leased = readers_.acquire(newest.path());
  if (const auto* failed = error_of(leased)) return *failed;
  auto position = std::get<ReadPool::Lease>(leased)->query_integer(
      select_last_position, static_cast<std::int64_t>(newest.base_position()) - 1);
  if (const auto* failed = error_of(position)) return *failed;
  return static_cast<std::uint64_t>(std::get<std::int64_t>(position));
}

}  // namespace welkin::sqlite
