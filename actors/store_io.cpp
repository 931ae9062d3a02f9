#include "actors/store_io.hpp"

#include <algorithm>
#include <utility>

#include "actors/node_scheduler.hpp"
#include "persistence/journal_check.hpp"
#include "protocol/breaker/event_codec.hpp"
#include "protocol/payment/event_codec.hpp"

namespace welkin {
namespace {

CommitStatus status_of(AppendStatus status) {
  switch (status) {
    case AppendStatus::committed:
      return CommitStatus::committed;
    case AppendStatus::sequence_conflict:
      return CommitStatus::conflict;
    case AppendStatus::stale_epoch:
      return CommitStatus::stale_epoch;
  }
  return CommitStatus::conflict;
}

// The rows keep their buffers from batch to batch.
void encode_rows(const AppendRequest& request, std::vector<EventRow>& rows) {
  rows.resize(request.recorded->size());
  const std::string stream_text = request.stream.text();
  Hash prev = request.prev_hash;
  for (std::size_t n = 0; n < rows.size(); ++n) {
    EventRow& row = rows[n];
    row.stream = request.stream;
    row.seq = request.expected_seq + n + 1;
    request.recorded->write(n, row.type, row.version, row.payload);
    row.at_us = request.at_us;
    row.causation_id = request.causation_id;
    row.correlation_id = request.correlation_id;
    row.prev_hash = prev;
    row.hash = event_hash(prev, stream_text, row.seq, row.type, row.version, row.at_us,
                          row.causation_id, row.correlation_id, row.payload);
    prev = row.hash;
  }
}

// So many answers are given in one turn of one answerer, so that those of a large batch are shared.
constexpr std::size_t answers_at_a_time = 16;

void give_answers(std::vector<DueAnswer> answers, const std::vector<caf::actor>& answerers) {
  for (std::size_t begin = 0, n = 0; begin < answers.size(); begin += answers_at_a_time, ++n) {
    const auto first = answers.begin() + static_cast<std::ptrdiff_t>(begin);
    const auto count = std::min(answers_at_a_time, answers.size() - begin);
    const auto end = first + static_cast<std::ptrdiff_t>(count);
    caf::anon_send(answerers[n % answerers.size()], answer_atom::value,
                   std::make_shared<const std::vector<DueAnswer>>(std::make_move_iterator(first),
                                                                  std::make_move_iterator(end)));
  }
}

std::string place_of(const EventRow& row) {
  return row.stream.text() + " seq " + std::to_string(row.seq) + ": ";
}

}  // namespace

void JournalCommitter::encode(const std::vector<AppendRequestPtr>& batch) {
  appends_.resize(batch.size());
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const AppendRequest& request = *batch[i];
    StreamAppend& append = appends_[i];
    append.stream = request.stream;
    append.shard = request.shard;
    append.epoch = request.epoch;
    append.expected_seq = request.expected_seq;
    encode_rows(request, append.rows);
  }
}

JournalCommitter::Verdict JournalCommitter::fail_all(std::size_t count, StoreError error) {
  error_ = std::move(error);
  acks_.assign(count, CommitAck{CommitStatus::unavailable, 0, {}});
  return Verdict::failed;
}

JournalCommitter::Verdict JournalCommitter::commit(const std::vector<AppendRequestPtr>& batch) {
  encode(batch);
  auto result = store_.append(appends_);
  if (const StoreError* error = error_of(result)) {
    if (error->kind != StoreErrorKind::in_doubt) return fail_all(batch.size(), *error);
    error_ = *error;
    return Verdict::in_doubt;
  }
  const auto& results = std::get<std::vector<AppendResult>>(result);
  acks_.resize(batch.size());
  for (std::size_t i = 0; i < batch.size(); ++i)
    acks_[i] = {status_of(results[i].status), appends_[i].rows.back().seq,
                appends_[i].rows.back().hash};
  return Verdict::settled;
}

JournalCommitter::Verdict JournalCommitter::resolve(const std::vector<AppendRequestPtr>& batch) {
  acks_.assign(batch.size(), CommitAck{CommitStatus::unavailable, 0, {}});
  const auto landed = store_.settle_doubt();
  if (const StoreError* error = error_of(landed)) {
    error_ = *error;
    return Verdict::in_doubt;
  }
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const EventRow& last = appends_[i].rows.back();
    auto read = store_.read_stream(batch[i]->stream, last.seq - 1);
    if (const StoreError* error = error_of(read)) {
      error_ = *error;
      return Verdict::in_doubt;
    }
    const auto& rows = std::get<std::vector<EventRow>>(read);
    // The hash covers everything back to the stream's first event, so an equal one is our own row.
    if (rows.empty() || rows.front().seq != last.seq || rows.front().hash != last.hash) continue;
    acks_[i] = {CommitStatus::committed, last.seq, last.hash};
    appends_[i].rows.back().position = rows.front().position;
  }
  return Verdict::settled;
}

CommittedBatchPtr JournalCommitter::committed(const std::vector<AppendRequestPtr>& batch) const {
  auto items = std::make_shared<std::vector<CommittedItem>>();
  items->reserve(batch.size());
  for (std::size_t i = 0; i < batch.size(); ++i)
    if (acks_[i].status == CommitStatus::committed)
      items->push_back(
          {batch[i], acks_[i].last_seq, appends_[i].rows.back().position, acks_[i].hash});
  return items;
}

void deliver_acks(const JournalCommitter& committer, const std::vector<AppendRequestPtr>& batch,
                  const JournalEars& ears) {
  const SendTogether together(ears.views.home_system());
  // The views hear first: whoever is acknowledged and then lists must find what was acknowledged.
  if (CommittedBatchPtr items = committer.committed(batch); !items->empty())
    caf::anon_send(ears.views, batch_atom::value, std::move(items));
  deliver_to_appenders(committer.acks(), batch, ears);
}

void deliver_to_appenders(const std::vector<CommitAck>& acks,
                          const std::vector<AppendRequestPtr>& batch, const JournalEars& ears) {
  std::vector<DueAnswer> answers;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const caf::actor appender = std::exchange(batch[i]->reply_to, nullptr);
    const Aftermath aftermath = std::exchange(batch[i]->aftermath, {});
    if (batch[i]->slot.settle(acks[i])) caf::anon_send(appender, committed_atom::value, acks[i]);
    if (acks[i].status != CommitStatus::committed) continue;
    for (const Aftermath::Parcel& parcel : aftermath.parcels)
      caf::anon_send(parcel.to, parcel.what);
    answers.insert(answers.end(), aftermath.answers.begin(), aftermath.answers.end());
  }
  give_answers(std::move(answers), ears.answerers);
}

void tell_checkpointed(const StoreResult<Done>& result, const caf::actor& reply_to) {
  const StoreError* error = error_of(result);
  if (error && error->kind == StoreErrorKind::fenced)
    return caf::anon_send(reply_to, fenced_atom::value);
  caf::anon_send(reply_to, written_atom::value, error == nullptr);
}

namespace {

// Where the rows go on behind a snapshot, or at the beginning. The last event that a snapshot was
// made from is read again: it must be there, and be that one.
struct FromSnapshot {
  Payment payment;
  LoadedPayment loaded;
};

FromSnapshot from_snapshot(const std::optional<Snapshot>& found) {
  FromSnapshot from;
  if (!found || found->version != payment_snapshot_version || found->seal != seal_of(*found))
    return from;
  // A snapshot is only a shortcut: one that cannot be read is passed over for the events.
  auto parsed = parse_payment(found->payload);
  auto* state = std::get_if<Payment>(&parsed);
  if (!state || found->seq == 0) return from;
  from.payment = std::move(*state);
  from.loaded.seq = from.loaded.snapshot_seq = found->seq;
  from.loaded.hash = found->hash;
  return from;
}

}  // namespace

LoadResult load_payment(const JournalStore& store, const StreamId& stream) {
  auto snapshot = store.load_snapshot(stream);
  if (const StoreError* error = error_of(snapshot)) return LoadFailure{false, error->detail};
  auto [payment, loaded] = from_snapshot(std::get<std::optional<Snapshot>>(snapshot));
  auto read = store.read_stream(stream, loaded.seq == 0 ? 0 : loaded.seq - 1);
  if (const StoreError* error = error_of(read))
    return LoadFailure{error->kind == StoreErrorKind::corrupt, error->detail};
  const auto& rows = std::get<std::vector<EventRow>>(read);
  auto row = rows.begin();
  if (loaded.seq != 0) {
    if (row == rows.end() || row->seq != loaded.seq || row->hash != loaded.hash)
      return LoadFailure{true, stream.text() + " seq " + std::to_string(loaded.seq) +
                                   ": there is a snapshot after it and not the event"};
    loaded.correlation_id = row->correlation_id;
    ++row;
  }
  ChainCheck chain(loaded.seq, loaded.hash);
  for (; row != rows.end(); ++row) {
    std::string problem = chain.take(*row);
    if (!problem.empty()) return LoadFailure{true, place_of(*row) + problem};
    auto parsed = parse_event(row->type, row->version, row->payload);
    if (const auto* error = std::get_if<CodecError>(&parsed))
      return LoadFailure{true, place_of(*row) + error->path + " " + error->what};
    if (!apply(payment, std::get<PaymentEvent>(parsed), row->at_us, &problem))
      return LoadFailure{true, place_of(*row) + problem};
    loaded.seq = row->seq;
    loaded.hash = row->hash;
    loaded.correlation_id = row->correlation_id;
  }
  loaded.state = std::make_shared<const Payment>(std::move(payment));
  return std::move(loaded);
}

LoadResult load_breaker(const JournalStore& store, const StreamId& stream) {
  Breaker breaker;
  LoadedBreaker loaded;
  auto read = store.read_stream(stream);
  if (const StoreError* error = error_of(read))
    return LoadFailure{error->kind == StoreErrorKind::corrupt, error->detail};
  ChainCheck chain;
  for (const EventRow& row : std::get<std::vector<EventRow>>(read)) {
    std::string problem = chain.take(row);
    if (!problem.empty()) return LoadFailure{true, place_of(row) + problem};
    auto parsed = parse_breaker_event(row.type, row.version, row.payload);
    if (const auto* error = std::get_if<CodecError>(&parsed))
      return LoadFailure{true, place_of(row) + error->path + " " + error->what};
    if (!apply(breaker, std::get<BreakerEvent>(parsed), row.at_us, &problem))
      return LoadFailure{true, place_of(row) + problem};
    loaded.seq = row.seq;
    loaded.hash = row.hash;
    loaded.correlation_id = row.correlation_id;
  }
  loaded.state = std::make_shared<const Breaker>(std::move(breaker));
  return loaded;
}

LoadResult load_stream(const JournalStore& store, const StreamId& stream) {
  return stream.kind == StreamKind::breaker ? load_breaker(store, stream)
                                            : load_payment(store, stream);
}

}  // namespace welkin
