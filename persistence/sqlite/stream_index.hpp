// What the journal remembers about streams in memory: exactly for segments that have no index on
// disk yet (LiveIndex), and "certainly not here" for those that have (BloomFilter).
//
// None of the classes here locks; their owners do.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/ids.hpp"

namespace welkin::sqlite {

// Ids are hashes, but neither every backup nor every test makes them so.
inline std::uint64_t mix(std::uint64_t x) {
  x ^= x >> 30;
  x *= 0xbf58476d1ce4e5b9ULL;
  x ^= x >> 27;
  x *= 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

// The last row of a stream: its seq, and its number in the segment counted from 1.
struct StreamTail {
  std::uint64_t last_seq = 0;
  std::uint32_t last_row = 0;
};

// Stream → tail, open addressing with linear probing: one cache miss a look-up and no allocation a
// stream, which a node-based map cannot give.
class StreamTable {
 public:
  const StreamTail* find(const StreamId& stream) const {
    if (slots_.empty()) return nullptr;
    const Slot& slot = slots_[place_of(stream)];
    return slot.tail.last_seq != 0 ? &slot.tail : nullptr;
  }

  // `last_seq` is at least 1: a zero marks a free slot.
  void put(const StreamId& stream, StreamTail tail) {
    if ((used_ + 1) * 2 > slots_.size()) grow();
    Slot& slot = slots_[place_of(stream)];
    if (slot.tail.last_seq == 0) ++used_;
    slot = {stream, tail};
  }

  // Keeps the memory for the next use, unless one unusually large use made it big.
  void clear() {
    if (used_ == 0) return;
    if (slots_.size() > slots_kept)
      std::vector<Slot>().swap(slots_);
    else
      std::fill(slots_.begin(), slots_.end(), Slot{});
    used_ = 0;
  }

  std::size_t size() const { return used_; }

  template <class Visitor>
  void for_each(Visitor visit) const {
    for (const Slot& slot : slots_)
      if (slot.tail.last_seq != 0) visit(slot.stream);
  }

 private:
  struct Slot {
    StreamId stream;
    StreamTail tail;
  };
  static constexpr std::size_t slots_kept = 4'096;

  std::size_t place_of(const StreamId& stream) const {
    const std::size_t mask = slots_.size() - 1;
    std::size_t place = mix(stream.key.low + static_cast<std::uint64_t>(stream.kind)) & mask;
    while (slots_[place].tail.last_seq != 0 && slots_[place].stream != stream)
      place = (place + 1) & mask;
    return place;
  }

  void grow() {
    std::vector<Slot> old(std::max<std::size_t>(64, slots_.size() * 2));
    old.swap(slots_);
    for (const Slot& slot : old)
      if (slot.tail.last_seq != 0) slots_[place_of(slot.stream)] = slot;
  }

  std::vector<Slot> slots_;
  std::size_t used_ = 0;
};

// All rows of one segment by stream: a table of tails, and for each row the number of the row
// before it in the same stream. 4 bytes a row and 40 to 80 a stream.
class LiveIndex {
 public:
  const StreamTail* find(const StreamId& stream) const { return tails_.find(stream); }

  // The segment's next `count` rows belong to `stream` and start at `first_seq`.
  void add(const StreamId& stream, std::uint64_t first_seq, std::size_t count) {
    const StreamTail* tail = tails_.find(stream);
    std::uint32_t before = tail ? tail->last_row : 0;
    for (std::size_t i = 0; i < count; ++i) {
      row_before_.push_back(before);
      before = static_cast<std::uint32_t>(row_before_.size());
    }
    tails_.put(stream, {first_seq + count - 1, before});
  }

  // Numbers of the stream's rows with seq > after_seq, in ascending order.
  std::vector<std::uint32_t> rows_of(const StreamId& stream, std::uint64_t after_seq) const {
    std::vector<std::uint32_t> rows;
    const StreamTail* tail = tails_.find(stream);
    if (!tail) return rows;
    std::uint64_t seq = tail->last_seq;
    for (std::uint32_t row = tail->last_row; row != 0 && seq > after_seq; --seq) {
      rows.push_back(row);
      row = row_before_[row - 1];
    }
    std::reverse(rows.begin(), rows.end());
    return rows;
  }

  std::size_t row_count() const { return row_before_.size(); }
  const StreamTable& tails() const { return tails_; }

 private:
  StreamTable tails_;
  std::vector<std::uint32_t> row_before_;
};

// A stream as Bloom filters see it, worked out once for all of them. Part of the segment's format.
struct BloomKey {
  explicit BloomKey(const StreamId& stream)
      : place(mix(stream.key.low ^ mix(stream.key.high + static_cast<std::uint64_t>(stream.kind)))),
        bits(mix(place + 0x9e3779b97f4a7c15ULL)) {}

  std::uint64_t place;  // which block, scaled to the number of blocks
  std::uint64_t bits;   // six for each word of the block
};

// Says "not here" or "perhaps". A stream sets one bit in each of the eight words of one 64-byte
// block, so that a look-up is one cache miss. At 24 bits a stream about one "perhaps" in 10,000 is
// wrong: there are many segments, and each wrong one costs a query.
class BloomFilter {
 public:
  static constexpr std::size_t bits_per_stream = 24;

  explicit BloomFilter(std::size_t streams)
      : words_(words_per_block * (streams * bits_per_stream / bits_per_block + 1)) {}

  void add(const BloomKey& key) {
    std::uint64_t* block = &words_[block_of(key)];
    for (std::size_t i = 0; i < words_per_block; ++i) block[i] |= bit_of(key, i);
  }

  bool may_hold(const BloomKey& key) const {
    const std::uint64_t* block = &words_[block_of(key)];
    for (std::size_t i = 0; i < words_per_block; ++i)
      if ((block[i] & bit_of(key, i)) == 0) return false;
    return true;
  }

  // Lets the memory for several filters' answers be fetched at the same time.
  void prefetch(const BloomKey& key) const { __builtin_prefetch(&words_[block_of(key)]); }

  // The stored form: the words, least significant byte first. Part of the segment's format.
  std::string bytes() const {
    std::string out;
    out.reserve(words_.size() * 8);
    for (const std::uint64_t word : words_)
      for (int shift = 0; shift < 64; shift += 8) out += static_cast<char>(word >> shift & 0xff);
    return out;
  }
  // Empty when the bytes cannot be a filter.
  static std::optional<BloomFilter> from_bytes(std::string_view bytes) {
    constexpr std::size_t block_bytes = words_per_block * 8;
    if (bytes.empty() || bytes.size() % block_bytes != 0) return std::nullopt;
    BloomFilter filter(0);
    filter.words_.assign(bytes.size() / 8, 0);
    for (std::size_t i = 0; i < bytes.size(); ++i)
      filter.words_[i / 8] |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (i % 8 * 8);
    return filter;
  }

 private:
  static constexpr std::size_t words_per_block = 8;
  static constexpr std::size_t bits_per_block = words_per_block * 64;

  static std::uint64_t bit_of(const BloomKey& key, std::size_t word) {
    return std::uint64_t{1} << (key.bits >> (6 * word) & 63);
  }
  // The first word of the key's block.
  std::size_t block_of(const BloomKey& key) const {
    const auto blocks = static_cast<unsigned __int128>(words_.size() / words_per_block);
    return static_cast<std::size_t>(key.place * blocks >> 64) * words_per_block;
  }

  std::vector<std::uint64_t> words_;
};

}  // namespace welkin::sqlite
