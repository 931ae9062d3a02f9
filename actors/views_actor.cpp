#include "actors/views_actor.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <unordered_set>

#include "protocol/payment/event_codec.hpp"
#include "protocol/payment/refused_callback.hpp"

namespace welkin {
namespace {

constexpr auto tick_interval = std::chrono::milliseconds(100);
constexpr int ticks_between_checkpoints = 10;
constexpr std::size_t dirty_before_early_checkpoint = 50'000;
constexpr std::size_t wakes_per_tick = 2'000;
// A payment that was woken and whose due-time did not move is woken again after this.
constexpr UnixUs wake_again_us = 20 * us_per_s;
constexpr std::size_t catch_up_rows = 10'000;
constexpr std::size_t catch_up_streams = 20'000;

const RequestMark* mark_of(const PaymentEvent& event) {
  return std::visit(
      [](const auto& e) -> const RequestMark* {
        using Event = std::decay_t<decltype(e)>;
        if constexpr (std::is_same_v<Event, PaymentCreated> ||
                      std::is_same_v<Event, PaymentCaptureRequested> ||
                      std::is_same_v<Event, PaymentCloseRequested> ||
                      std::is_same_v<Event, PaymentVoidRequested> ||
                      std::is_same_v<Event, PaymentRefundRequested> ||
                      std::is_same_v<Event, PaymentRequestRepeated>)
          return &e.request;
        else
          return nullptr;
      },
      event);
}

std::vector<ParkedEntity> parked_in(const StreamId& stream, const Payment& payment) {
  std::vector<ParkedEntity> result;
  for (ParkedPart& part : payment.parked_parts())
    result.push_back({stream, std::move(part.parked.reason), part.parked.since_us, part.operation,
                      std::move(part.refund_id)});
  return result;
}

Problem store_problem() {
  return {ProblemCode::store_unavailable, "The views cannot be written now.", ""};
}

}  // namespace

Card card_of(const StreamId& stream, std::uint64_t position, std::uint32_t shard,
             const Payment& payment) {
  Card card;
  card.stream = stream;
  card.position = position;
  card.shard = shard;
  card.merchant_id = payment.merchant_id;
  card.merchant_order_no = payment.merchant_order_no;
  card.state = name_of(payment.state);
  card.channel = payment.channel;
  card.currency = payment.currency.code();
  card.amount_minor = payment.amount_minor;
  card.captured_minor = payment.captured_minor;
  card.refunded_minor = payment.refunded_minor;
  card.created_at_us = payment.created_at_us;
  card.updated_at_us = payment.updated_at_us;
  card.open = payment.is_open() || payment.is_parked();
  card.due_at_us = payment.due_at_us();
  return card;
}

std::optional<IdempotencyRecord> idempotency_of(const StreamId& stream, std::uint64_t first_seq,
                                                UnixUs at_us, const std::string& merchant_id,
                                                const std::vector<PaymentEvent>& events) {
  for (std::size_t i = 0; i < events.size(); ++i) {
    const RequestMark* mark = mark_of(events[i]);
    if (mark && !mark->idempotency_key.empty())
      return IdempotencyRecord{merchant_id, mark->idempotency_key, mark->fingerprint,
                               stream,      first_seq + i,         at_us};
  }
  return std::nullopt;
}

MissedPtr read_missed(const JournalStore& store, std::uint64_t after, std::uint64_t until) {
  auto missed = std::make_shared<Missed>();
  missed->until = until;
  std::unordered_map<StreamId, MissedPayment> payments;
  while (after < until) {
    auto read = store.read_all(after, std::min<std::uint64_t>(until - after, catch_up_rows));
    const auto* rows = std::get_if<std::vector<EventRow>>(&read);
    if (!rows || rows->empty()) return missed;
    for (const EventRow& row : *rows) {
      after = row.position;
      if (row.stream.kind != StreamKind::payment || row.position > until) continue;
      MissedPayment& payment = payments[row.stream];
      payment.stream = row.stream;
      payment.last_position = row.position;
      payment.at_us = row.at_us;
      auto parsed = parse_event(row.type, row.version, row.payload);
      const auto* event = std::get_if<PaymentEvent>(&parsed);
      const RequestMark* mark = event ? mark_of(*event) : nullptr;
      if (mark && !mark->idempotency_key.empty())
        payment.records.push_back(
            {"", mark->idempotency_key, mark->fingerprint, row.stream, row.seq, row.at_us});
    }
  }
  for (auto& [stream, payment] : payments) {
    auto result = load_payment(store, stream);
    const auto* failure = std::get_if<LoadFailure>(&result);
    if (failure && failure->corrupt) continue;  // its own actor parks it with the reason
    if (failure) return missed;
    payment.now = std::get<LoadedPayment>(std::move(result));
    for (IdempotencyRecord& record : payment.records)
      record.merchant_id = payment.now.state->merchant_id;
    missed->payments.push_back(std::move(payment));
  }
  missed->could_be_read = true;
  return missed;
}

// ---- catching up at start

namespace {

// Collects what the tail of the journal changed and writes it in bounded steps. Nobody has seen
// these rows since they were written, so each is checked: a row that is missing ends the start, one
// that was changed parks its stream.
class CatchUp {
 public:
  CatchUp(JournalStore& store, const std::vector<std::uint64_t>& epochs, UnixUs now_us,
          ViewsAtStart& start)
      : store_(store), epochs_(epochs), now_us_(now_us), start_(start) {}

  std::optional<StoreError> run() {
    std::uint64_t& position = start_.position;
    std::uint64_t written = position;
    for (;;) {
      auto read = store_.read_all(position, catch_up_rows);
      if (const StoreError* error = error_of(read)) return *error;
      const auto& rows = std::get<std::vector<EventRow>>(read);
      for (const EventRow& row : rows) {
        if (row.position != position + 1)
          return StoreError{StoreErrorKind::corrupt,
                            "position " + std::to_string(position + 1) + " is missing"};
        if (auto error = take(row)) return error;
        ++position;
      }
      if (!rows.empty()) start_.hash = rows.back().hash;
      const bool end = rows.size() < catch_up_rows;
      if ((end && position > written) || streams_.size() >= catch_up_streams) {
        if (auto error = write()) return error;
        written = position;
      }
      if (end) return std::nullopt;
    }
  }

 private:
  // A stream that the tail touched. One that begins in the tail is folded as its rows come by, and
  // the store is not asked for them a second time.
  struct Touched {
    std::uint64_t last_position = 0;
    bool folded = false;  // `payment` holds every event so far
    std::uint64_t seq = 0;
    Hash hash{};
    Payment payment;
  };

  std::optional<StoreError> take(const EventRow& row) {
    // Only payments have cards; a breaker reads its own stream.
    if (row.stream.kind != StreamKind::payment) return std::nullopt;
    // What is wrong with it, and whether it follows, `load_payment` says.
    if (row.hash != event_hash(row.prev_hash, row.stream.text(), row.seq, row.type, row.version,
                               row.at_us, row.causation_id, row.correlation_id, row.payload)) {
      Touched& touched = streams_[row.stream];
      touched.last_position = row.position;
      touched.folded = false;
      return std::nullopt;
    }
    auto parsed = parse_event(row.type, row.version, row.payload);
    if (const auto* error = std::get_if<CodecError>(&parsed))
      return StoreError{StoreErrorKind::corrupt, row.stream.text() + " seq " +
                                                     std::to_string(row.seq) + ": " + error->path +
                                                     " " + error->what};
    const auto& event = std::get<PaymentEvent>(parsed);
    fold(row, event);
    const RequestMark* mark = mark_of(event);
    if (mark && !mark->idempotency_key.empty() && is_remembered(row.at_us, now_us_))
      delta_.idempotency.push_back(
          {"", mark->idempotency_key, mark->fingerprint, row.stream, row.seq, row.at_us});
    return std::nullopt;
  }

  // What does not follow is left to `load_payment`, which says what is wrong with it.
  void fold(const EventRow& row, const PaymentEvent& event) {
    Touched& touched = streams_[row.stream];
    const bool begins = touched.last_position == 0 && row.seq == 1;
    touched.last_position = row.position;
    touched.folded = (begins || touched.folded) && row.seq == touched.seq + 1 &&
                     row.prev_hash == touched.hash && apply(touched.payment, event, row.at_us);
    touched.seq = row.seq;
    touched.hash = row.hash;
  }

  std::optional<StoreError> write() {
    const auto shard_count = static_cast<std::uint32_t>(epochs_.size());
    std::unordered_map<StreamId, std::string> merchants;
    for (const auto& [stream, touched] : streams_) {
      LoadResult result;
      if (!touched.folded) result = load_payment(store_, stream);
      // One that cannot be understood stays out of the views, and is parked with the reason.
      if (const auto* failure = std::get_if<LoadFailure>(&result)) {
        if (!failure->corrupt) return StoreError{StoreErrorKind::unavailable, failure->what};
        start_.parked.push_back({stream, corrupt_reason + failure->what, now_us_});
        continue;
      }
      const auto* loaded = std::get_if<LoadedPayment>(&result);
      const Payment& payment = touched.folded ? touched.payment : *loaded->state;
      merchants[stream] = payment.merchant_id;
      delta_.cards.push_back(
          card_of(stream, touched.last_position, shard_of(stream, shard_count), payment));
    }
    for (IdempotencyRecord& record : delta_.idempotency)
      record.merchant_id = merchants[record.stream];
    delta_.position = start_.position;
    delta_.hash = start_.hash;
    delta_.epoch = epochs_.front();
    delta_.forget_idempotency_before_us = now_us_ - idempotency_retention_us;
    const auto written = store_.checkpoint(delta_);
    streams_.clear();
    delta_ = {};
    if (const StoreError* error = error_of(written)) return *error;
    return std::nullopt;
  }

  JournalStore& store_;
  const std::vector<std::uint64_t>& epochs_;
  UnixUs now_us_;
  ViewsAtStart& start_;
  std::unordered_map<StreamId, Touched> streams_;
  ViewDelta delta_;
};

}  // namespace

StoreResult<ViewsAtStart> catch_up_views(JournalStore& store,
                                         const std::vector<std::uint64_t>& epochs, UnixUs now_us) {
  ViewsAtStart start;
  auto position = store.view_position();
  if (const StoreError* error = error_of(position)) return *error;
  start.position = std::get<std::uint64_t>(position);
  if (auto error = CatchUp(store, epochs, now_us, start).run()) return *error;
  StreamId after;
  for (;;) {
    constexpr std::size_t page = 10'000;
    auto read = store.open_cards(after, page);
    if (const StoreError* error = error_of(read)) return *error;
    const auto& cards = std::get<std::vector<Card>>(read);
    for (const Card& card : cards) {
      if (card.due_at_us != 0) start.timers.push_back({card.stream, card.shard, card.due_at_us});
      // Most open ones wait for their payer and need not be read. One of them that has a parked
      // surplus is listed again once its next question is answered.
      if (card.due_at_us != 0 && card.state == name_of(PaymentState::paying)) continue;
      // Parts of the others may wait for an operator; where nothing will ever wake it, all may.
      const LoadResult result = load_payment(store, card.stream);
      if (const auto* loaded = std::get_if<LoadedPayment>(&result))
        for (ParkedEntity& part : parked_in(card.stream, *loaded->state))
          start.parked.push_back(std::move(part));
    }
    if (cards.size() < page) return start;
    after = cards.back().stream;
  }
}

// ---- the actor

ViewsActor::ViewsActor(caf::actor_config& config, RuntimeContextPtr context,
                       const ViewsAtStart& start)
    : caf::event_based_actor(config),
      context_(std::move(context)),
      position_(start.position),
      hash_(start.hash),
      written_position_(start.position) {
  for (const DueTimer& timer : start.timers) set_due(timer.stream, timer.due_at_us);
  for (const ParkedEntity& entity : start.parked) parked_[entity.payment].push_back(entity);
}

caf::behavior ViewsActor::make_behavior() {
  supervise(*this, context_->fate);
  delayed_send(this, tick_interval, tick_atom::value);
  return {
      [this](batch_atom, const CommittedBatchPtr& batch) { take(*batch); },
      [this](tick_atom) {
        tick();
        delayed_send(this, tick_interval, tick_atom::value);
      },
      [this](written_atom, bool written) { checkpointed(written); },
      [this](fenced_atom) {
        context_->end_node(fenced_reason, "its views are not written any more");
        checkpointed(false);
      },
      [this](missed_atom, const MissedPtr& missed) { fill(*missed); },
      [this](flush_atom, const ReplyTo& reply_to) { flush(reply_to); },
      [this](find_atom, const std::string& merchant_id, const std::string& key,
             const ReplyTo& reply_to) {
        find({merchant_id, key}, reply_to);
      },
      [this](parked_atom) {
        std::vector<ParkedEntity> result;
        for (const auto& [stream, parts] : parked_)
          result.insert(result.end(), parts.begin(), parts.end());
        return result;
      },
      [this](stop_atom) { quit(); },
  };
}

void ViewsActor::take(const std::vector<CommittedItem>& batch) {
  for (const CommittedItem& item : batch) take(item);
  read_missed();
  note_fullness();
  if (dirty_.size() >= dirty_before_early_checkpoint) checkpoint();
}

void ViewsActor::take(const CommittedItem& item) {
  const AppendRequest& request = *item.request;
  follow_position(item);
  const PaymentEvents* append = request.of<PaymentKind>();
  if (!append) return;
  for (const PaymentEvent& event : append->events) count(event);
  take_payment(item);
}

void ViewsActor::take_payment(const CommittedItem& item) {
  const AppendRequest& request = *item.request;
  const PaymentEvents* append = request.of<PaymentKind>();
  const Payment& payment = *append->after;
  set_due(request.stream, payment.due_at_us());
  if (auto record = idempotency_of(request.stream, request.expected_seq + 1, request.at_us,
                                   payment.merchant_id, append->events))
    records_.insert_or_assign({record->merchant_id, record->key}, *record);
  const std::uint64_t every = context_->limits.snapshot_every_events;
  if (item.last_seq / every != request.expected_seq / every) {
    Snapshot snapshot{request.stream,          item.last_seq, payment_snapshot_version,
                      encode_payment(payment), item.hash,     Hash{}};
    snapshot.seal = seal_of(snapshot);
    snapshots_.insert_or_assign(request.stream, std::move(snapshot));
  }
  if (payment.waits_for_operator())
    parked_.insert_or_assign(request.stream, parked_in(request.stream, payment));
  else if (!parked_.empty())
    parked_.erase(request.stream);
  Dirty& dirty = dirty_[request.stream];
  dirty.item = item;
  dirty.is_new = dirty.is_new || request.expected_seq == 0;
}

void ViewsActor::count(const PaymentEvent& event) {
  context_->metrics->recorded(kind_of(event));
  const auto* refused = std::get_if<PaymentReportRefused>(&event);
  if (refused && refused->field != refused_callback_field)
    context_->metrics->reports_refused.Increment();
}

// ---- what nobody told of

// Batches come in the order of their positions, which have no gaps: what is not there was committed
// behind the back of this node's journal.
void ViewsActor::follow_position(const CommittedItem& item) {
  const std::uint64_t first = item.last_position + 1 - item.request->recorded->size();
  if (first > position_ + 1) {
    spdlog::warn("views: nobody told of the positions {} to {}; the journal is read for them",
                 position_ + 1, first - 1);
    context_->metrics->view_gaps.Increment();
    missing_ = {missing_ ? missing_->first : position_ + 1, first - 1};
  }
  if (item.last_position <= position_) return;
  position_ = item.last_position;
  hash_ = item.hash;
}

void ViewsActor::read_missed() {
  if (!missing_ || is_reading_missed_) return;
  is_reading_missed_ = true;
  context_->io->read_missed(missing_->first - 1, missing_->second, this);
}

void ViewsActor::fill(const Missed& missed) {
  is_reading_missed_ = false;
  if (!missing_) return;
  if (!missed.could_be_read) return;  // read again at the next tick
  for (const MissedPayment& payment : missed.payments) fill(payment);
  if (missing_->second > missed.until) return read_missed();
  missing_.reset();
  for (const auto& [wanted, reply_to] : std::exchange(finds_, {})) find(wanted, reply_to);
  if (!flush_next_.empty()) checkpoint();
}

void ViewsActor::fill(const MissedPayment& missed) {
  for (const IdempotencyRecord& record : missed.records)
    records_.insert({{record.merchant_id, record.key}, record});
  if (knows(missed.stream, missed.now.seq)) return;
  auto request = std::make_shared<AppendRequest>();
  request->stream = missed.stream;
  request->shard = context_->shard_index(missed.stream);
  request->expected_seq = missed.now.seq;
  request->at_us = missed.at_us;
  request->recorded =
      std::make_shared<const PaymentEvents>(std::vector<PaymentEvent>{}, missed.now.state);
  take_payment({std::move(request), missed.now.seq, missed.last_position, missed.now.hash});
}

bool ViewsActor::knows(const StreamId& stream, std::uint64_t seq) const {
  for (const auto* known : {&dirty_, &writing_dirty_})
    if (const auto found = known->find(stream); found != known->end())
      if (found->second.item.last_seq >= seq) return true;
  return false;
}

void ViewsActor::note_fullness() {
  const std::size_t unwritten =
      std::max(dirty_.size() + writing_dirty_.size(), records_.size() + writing_records_.size());
  const bool is_full = unwritten >= context_->limits.max_unwritten_views;
  if (context_->metrics->views_are_full.exchange(is_full) == is_full) return;
  if (is_full)
    spdlog::error(
        "views: {} payments wait for a checkpoint; new work is refused until one is written",
        unwritten);
  else
    spdlog::info("views: a checkpoint was written; new work is taken again");
}

void ViewsActor::set_due(const StreamId& stream, UnixUs due_at_us) {
  const auto found = due_.find(stream);
  if (found != due_.end()) {
    if (found->second == due_at_us) return;
    by_due_.erase({found->second, stream});
    if (due_at_us == 0) {
      due_.erase(found);
      return;
    }
    found->second = due_at_us;
  } else {
    if (due_at_us == 0) return;
    due_.emplace(stream, due_at_us);
  }
  by_due_.emplace(due_at_us, stream);
}

void ViewsActor::tick() {
  wake_due();
  context_->metrics->open_with_timer.Set(static_cast<double>(due_.size()));
  read_missed();
  if (++ticks_since_checkpoint_ >= ticks_between_checkpoints) checkpoint();
}

void ViewsActor::wake_due() {
  const UnixUs now_us = context_->clock->now_us();
  for (std::size_t woken = 0; woken < wakes_per_tick && !by_due_.empty(); ++woken) {
    const auto [due_at_us, stream] = *by_due_.begin();
    if (due_at_us > now_us) return;
    set_due(stream, now_us + wake_again_us);
    context_->metrics->timers_fired.Increment();
    anon_send(context_->shard(stream), wake_atom::value, stream);
  }
}

void ViewsActor::checkpoint() {
  if (writing_ || missing_) return;
  ticks_since_checkpoint_ = 0;
  if (position_ == written_position_ && dirty_.empty() && flush_next_.empty()) return;
  auto delta = std::make_shared<ViewDelta>();
  delta->position = position_;
  delta->hash = hash_;
  delta->cards.reserve(dirty_.size());
  for (const auto& [stream, dirty] : dirty_) {
    const AppendRequest& request = *dirty.item.request;
    delta->cards.push_back(card_of(stream, dirty.item.last_position, request.shard,
                                   *request.of<PaymentKind>()->after));
    delta->cards.back().is_new = dirty.is_new;
  }
  for (const auto& [key, record] : records_) delta->idempotency.push_back(record);
  delta->epoch = context_->epochs.front();
  for (auto& [stream, snapshot] : std::exchange(snapshots_, {}))
    delta->snapshots.push_back(std::move(snapshot));
  delta->forget_idempotency_before_us = context_->clock->now_us() - idempotency_retention_us;
  writing_records_ = std::exchange(records_, {});
  writing_dirty_ = std::exchange(dirty_, {});
  flush_now_ = std::exchange(flush_next_, {});
  writing_ = delta;
  context_->io->checkpoint(writing_, this);
}

void ViewsActor::checkpointed(bool written) {
  if (!writing_) return;
  if (!written) {
    // Taken back, under what has come since, for the next checkpoint. Whether this one has reached
    // the store is not known.
    for (auto& [stream, dirty] : writing_dirty_) dirty.is_new = false;
    dirty_.merge(writing_dirty_);
    records_.merge(writing_records_);
    for (const Snapshot& snapshot : writing_->snapshots)
      snapshots_.emplace(snapshot.stream, snapshot);
  } else {
    written_position_ = writing_->position;
  }
  writing_ = nullptr;
  writing_dirty_.clear();
  writing_records_.clear();
  note_fullness();
  for (const ReplyTo& waiting : std::exchange(flush_now_, {}))
    answer_to(waiting, written ? CommandAnswer(CommandOutcome{}) : CommandAnswer(store_problem()));
  if (!flush_next_.empty()) checkpoint();
}

void ViewsActor::flush(const ReplyTo& reply_to) {
  flush_next_.push_back(reply_to);
  checkpoint();
}

void ViewsActor::find(const KeyOfMerchant& wanted, const ReplyTo& reply_to) {
  if (missing_) {
    finds_.emplace_back(wanted, reply_to);
    return;
  }
  auto answer = std::make_shared<IdempotencyAnswer>();
  answer->token = reply_to.token;
  if (const auto found = records_.find(wanted); found != records_.end())
    answer->record = found->second;
  else if (const auto older = writing_records_.find(wanted); older != writing_records_.end())
    answer->record = older->second;
  else
    answer->ask_store = true;
  anon_send(reply_to.actor, reply_atom::value, IdempotencyAnswerPtr(std::move(answer)));
}

}  // namespace welkin
