// Events that are known to be there, because this process committed them: the last one of each of
// the streams written lately. Rows are never removed, so what is known stays true whoever writes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <utility>

#include "protocol/ids.hpp"

namespace welkin::postgres {

class KnownSeqs {
 public:
  bool holds(const StreamId& stream, std::uint64_t seq) const {
    for (const Seqs* seqs : {&young_, &old_})
      if (const auto found = seqs->find(stream); found != seqs->end()) return found->second == seq;
    return false;
  }
  void committed(const StreamId& stream, std::uint64_t last_seq) {
    young_[stream] = last_seq;
    if (young_.size() < generation_size) return;
    old_ = std::exchange(young_, {});
  }
  void forget_all() {
    young_.clear();
    old_.clear();
  }

 private:
  using Seqs = std::unordered_map<StreamId, std::uint64_t>;
  // A settled stream is not written again; an open one usually within seconds.
  static constexpr std::size_t generation_size = 100'000;

  Seqs young_;
  Seqs old_;  // what was not written since this was the young one is dropped next
};

}  // namespace welkin::postgres
