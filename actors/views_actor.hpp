// What is derived from events: lists, timers, idempotency records, snapshots. Hears every committed
// batch before anyone is acknowledged, keeps the newest in memory, and writes it to the store
// lazily: after a crash the tail of the journal is read again (see catch_up_views).
//
// It is also the node's alarm clock: each tick wakes the payments whose durable due-time has come.
#pragma once

#include <caf/event_based_actor.hpp>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "actors/messages.hpp"
#include "actors/runtime_context.hpp"

namespace welkin {

constexpr UnixUs idempotency_retention_us = 24LL * 3600 * us_per_s;
// Whether a request of that moment is still answered again under its key.
constexpr bool is_remembered(UnixUs at_us, UnixUs now_us) {
  return at_us > now_us - idempotency_retention_us;
}

Card card_of(const StreamId& stream, std::uint64_t position, std::uint32_t shard,
             const Payment& payment);
// The record a request's mark in one of `events` asks for, if any.
std::optional<IdempotencyRecord> idempotency_of(const StreamId& stream, std::uint64_t first_seq,
                                                UnixUs at_us, const std::string& merchant_id,
                                                const std::vector<PaymentEvent>& events);

// What a node finds in the store when it starts.
struct ViewsAtStart {
  std::uint64_t position = 0;
  Hash hash{};  // of the row there
  std::vector<DueTimer> timers;
  std::vector<ParkedEntity> parked;
};
// Reads the journal behind the views' position, brings the views up to its end, and returns what
// the views actor must know. Blocking; called before the actors run.
StoreResult<ViewsAtStart> catch_up_views(JournalStore& store,
                                         const std::vector<std::uint64_t>& epochs, UnixUs now_us);

class ViewsActor : public caf::event_based_actor {
 public:
  ViewsActor(caf::actor_config& config, RuntimeContextPtr context, const ViewsAtStart& start);
  caf::behavior make_behavior() override;
  const char* name() const override { return "views"; }

 private:
  using KeyOfMerchant = std::pair<std::string, std::string>;
  using Records = std::map<KeyOfMerchant, IdempotencyRecord>;
  // A stream as the next checkpoint will write it.
  struct Dirty {
    CommittedItem item;
    bool is_new = false;  // it began after the last checkpoint
  };

  void take(const std::vector<CommittedItem>& batch);
  void take(const CommittedItem& item);
  void count(const PaymentEvent& event);
  void take_payment(const CommittedItem& item);
  void follow_position(const CommittedItem& item);
  void read_missed();
  void fill(const Missed& missed);
  void fill(const MissedPayment& missed);
  bool knows(const StreamId& stream, std::uint64_t seq) const;
  void note_fullness();
  void set_due(const StreamId& stream, UnixUs due_at_us);
  void tick();
  void wake_due();
  void checkpoint();
  void checkpointed(bool written);
  void flush(const ReplyTo& reply_to);
  void find(const KeyOfMerchant& wanted, const ReplyTo& reply_to);

  RuntimeContextPtr context_;
  std::uint64_t position_;
  Hash hash_;                       // of the row there
  std::uint64_t written_position_;  // as far as the store's views have come
  std::unordered_map<StreamId, Dirty> dirty_;
  Records records_;  // not handed to a checkpoint yet
  std::unordered_map<StreamId, Snapshot> snapshots_;
  std::shared_ptr<const ViewDelta> writing_;
  Records writing_records_;
  std::unordered_map<StreamId, Dirty> writing_dirty_;
  std::vector<ReplyTo> flush_now_;   // answered when `writing_` is written
  std::vector<ReplyTo> flush_next_;  // when the checkpoint after it is
  // Positions (first, last) that nobody told of and that are read from the journal. Until they are,
  // no checkpoint says that the views hold them, and no key is said to be unknown.
  std::optional<std::pair<std::uint64_t, std::uint64_t>> missing_;
  bool is_reading_missed_ = false;
  std::vector<std::pair<KeyOfMerchant, ReplyTo>> finds_;  // as many as threads that ask
  std::unordered_map<StreamId, UnixUs> due_;
  std::set<std::pair<UnixUs, StreamId>> by_due_;
  std::unordered_map<StreamId, std::vector<ParkedEntity>> parked_;
  int ticks_since_checkpoint_ = 0;
};

}  // namespace welkin
