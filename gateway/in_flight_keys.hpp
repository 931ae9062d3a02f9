// The idempotency keys of requests being worked on now, so that a twin sent at the same moment is
// told to wait instead of racing. Sharded, because every command with a key passes through here.
#pragma once

#include <array>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_set>

namespace welkin {

class InFlightKeys {
 public:
  enum class Entry { taken, twin, full };

  // Holds a key for as long as it lives.
  class Hold {
   public:
    Hold(InFlightKeys& keys, std::string_view merchant_id, std::string_view key)
        : keys_(keys), name_(std::string(merchant_id).append("\n").append(key)) {
      entry_ = keys_.enter(name_);
    }
    ~Hold() {
      if (entry_ == Entry::taken) keys_.leave(name_);
    }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;
    Entry entry() const { return entry_; }

   private:
    InFlightKeys& keys_;
    std::string name_;
    Entry entry_;
  };

 private:
  static constexpr std::size_t max_per_shard = 4096;
  struct Shard {
    std::mutex mutex;
    std::unordered_set<std::string> names;
  };

  Shard& shard_of(const std::string& name) {
    return shards_[std::hash<std::string>{}(name) % shards_.size()];
  }
  Entry enter(const std::string& name) {
    Shard& shard = shard_of(name);
    std::lock_guard lock(shard.mutex);
    if (shard.names.count(name) != 0) return Entry::twin;
    if (shard.names.size() >= max_per_shard) return Entry::full;
    shard.names.insert(name);
    return Entry::taken;
  }
  void leave(const std::string& name) {
    Shard& shard = shard_of(name);
    std::lock_guard lock(shard.mutex);
    shard.names.erase(name);
  }

  std::array<Shard, 16> shards_;
};

}  // namespace welkin
