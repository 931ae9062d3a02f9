#include "tests/support/fake_edges.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace welkin {

// ---- the store that fails

namespace {

StoreError unavailable() { return {StoreErrorKind::unavailable, "told to fail"}; }

}  // namespace

StoreResult<std::vector<AppendResult>> FlakyStore::append(std::vector<StreamAppend>& batch) {
  const Next now = down ? Next::fails : std::exchange(next_append, Next::works);
  if (now == Next::fails) return unavailable();
  if (now == Next::loses_the_request)
    return StoreError{StoreErrorKind::in_doubt, "the request was lost"};
  if (!taken.empty() && taken.count(batch.front().stream) > 0)
    return std::vector<AppendResult>(batch.size(), {AppendStatus::sequence_conflict, 0});
  auto result = inner_.append(batch);
  if (now == Next::loses_the_answer && !error_of(result))
    return StoreError{StoreErrorKind::in_doubt, "the answer was lost"};
  return result;
}

StoreResult<std::vector<std::uint64_t>> FlakyStore::claim_epochs(std::uint32_t shard_count) {
  return inner_.claim_epochs(shard_count);
}

StoreResult<Done> FlakyStore::probe() {
  ++probes;
  if (down) return unavailable();
  return inner_.probe();
}

StoreResult<Done> FlakyStore::settle_doubt() {
  if (reads_down) return unavailable();
  return inner_.settle_doubt();
}

StoreResult<std::vector<EventRow>> FlakyStore::read_stream(const StreamId& stream,
                                                           std::uint64_t after_seq) const {
  if (reads_down) return unavailable();
  auto result = inner_.read_stream(stream, after_seq);
  if (auto* rows = std::get_if<std::vector<EventRow>>(&result)) {
    rows_read += rows->size();
    if (corrupt.count(stream) > 0 && !rows->empty()) rows->front().prev_hash[0] ^= 1;
  }
  return result;
}

StoreResult<std::vector<EventRow>> FlakyStore::read_all(std::uint64_t after_position,
                                                        std::size_t limit) const {
  if (reads_down) return unavailable();
  return inner_.read_all(after_position, limit);
}

StoreResult<Done> FlakyStore::checkpoint(const ViewDelta& delta) {
  if (down || checkpoints_down) return unavailable();
  ++checkpoints;
  auto result = inner_.checkpoint(delta);
  if (checkpoint_answers_lost) return unavailable();
  return result;
}

StoreResult<std::uint64_t> FlakyStore::view_position() const { return inner_.view_position(); }

StoreResult<std::vector<DueTimer>> FlakyStore::due_timers(UnixUs until_us,
                                                          std::size_t limit) const {
  return inner_.due_timers(until_us, limit);
}
StoreResult<std::vector<Card>> FlakyStore::open_cards(const StreamId& after,
                                                      std::size_t limit) const {
  return inner_.open_cards(after, limit);
}
StoreResult<std::vector<Card>> FlakyStore::list_cards(const CardQuery& query) const {
  return inner_.list_cards(query);
}
StoreResult<std::optional<IdempotencyRecord>> FlakyStore::find_idempotency(
    std::string_view merchant_id, std::string_view key) const {
  return inner_.find_idempotency(merchant_id, key);
}

StoreResult<std::optional<Snapshot>> FlakyStore::load_snapshot(const StreamId& stream) const {
  if (reads_down) return unavailable();
  return inner_.load_snapshot(stream);
}

StoreResult<StoreStats> FlakyStore::stats() const { return inner_.stats(); }

// ---- store work, step by step

std::size_t StepStoreIo::waiting(Kind kind) const {
  return static_cast<std::size_t>(std::count_if(
      work_.begin(), work_.end(), [kind](const Work& work) { return work.kind == kind; }));
}

bool StepStoreIo::step() {
  const auto next = std::find_if(work_.begin(), work_.end(),
                                 [this](const Work& work) { return held_.count(work.kind) == 0; });
  if (next == work_.end()) return false;
  const Progress progress = next->run();
  if (progress == Progress::over) work_.erase(next);
  return progress != Progress::stuck;
}

// A batch is taken at once, so that what comes while it is held back goes into the next.
void StepStoreIo::write(AppendSourcePtr appends, const JournalEars& ears) {
  auto first = appends->take();
  if (first.empty()) return caf::anon_send(ears.journal, written_atom::value, true);
  auto writing = std::make_shared<Writing>();
  *writing = {std::move(appends), ears, std::move(first)};
  work_.push_back({Kind::commit, [this, writing] { return commit(*writing); }});
}

StepStoreIo::Progress StepStoreIo::commit(Writing& writing) {
  using Verdict = JournalCommitter::Verdict;
  const bool reads_back = std::exchange(writing.in_doubt, true);
  const Verdict verdict =
      reads_back ? committer_.resolve(writing.batch) : committer_.commit(writing.batch);
  if (verdict == Verdict::in_doubt) {
    if (reads_back && !std::exchange(writing.told, true))
      caf::anon_send(writing.ears.journal, doubt_atom::value);
    return reads_back ? Progress::stuck : Progress::under_way;
  }
  batch_sizes.push_back(writing.batch.size());
  deliver_acks(committer_, writing.batch, writing.ears);
  if (verdict == Verdict::settled) writing.batch = writing.appends->take();
  if (verdict == Verdict::settled && !writing.batch.empty()) {
    writing.in_doubt = writing.told = false;
    return Progress::under_way;
  }
  caf::anon_send(writing.ears.journal, written_atom::value, verdict == Verdict::settled);
  return Progress::over;
}

void StepStoreIo::probe(const caf::actor& journal) {
  work_.push_back({Kind::probe, [this, journal] {
                     const bool well = error_of(store_.probe()) == nullptr;
                     caf::anon_send(journal, probed_atom::value, well);
                     return Progress::over;
                   }});
}

void StepStoreIo::load(const StreamId& stream, const caf::actor& reply_to) {
  work_.push_back({Kind::load, [this, stream, reply_to] {
                     auto result = std::make_shared<const LoadResult>(load_stream(store_, stream));
                     caf::anon_send(reply_to, loaded_atom::value, LoadResultPtr(std::move(result)));
                     return Progress::over;
                   }});
}

void StepStoreIo::checkpoint(std::shared_ptr<const ViewDelta> delta, const caf::actor& reply_to) {
  work_.push_back({Kind::checkpoint, [this, delta = std::move(delta), reply_to] {
                     tell_checkpointed(store_.checkpoint(*delta), reply_to);
                     return Progress::over;
                   }});
}

void StepStoreIo::read_missed(std::uint64_t after, std::uint64_t until, const caf::actor& views) {
  work_.push_back({Kind::missed, [this, after, until, views] {
                     caf::anon_send(views, missed_atom::value,
                                    welkin::read_missed(store_, after, until));
                     return Progress::over;
                   }});
}

// ---- the channel

void ScriptedChannel::call(const ChannelCall& call, Done done) {
  calls.push_back(call);
  if (answers) {
    ChannelReport report = report_on(call, answers(call));
    report.fate = fate_of_answers;
    return done(std::move(report));
  }
  waiting_.push_back({call, std::move(done)});
}

CheckedCallback ScriptedChannel::verify(const RawCallback&, UnixUs) {
  return CallbackRefused{{ProblemCode::bad_signature, "The scripted channel signs nothing.", ""},
                         {}};
}

ChannelReport ScriptedChannel::report_on(const ChannelCall& call, ChannelVerdict verdict) {
  ChannelReport report;
  report.payment = call.payment;
  report.account = call.account;
  report.operation = call.operation;
  report.verdict = verdict;
  report.channel_order_no = call.channel_order_no;
  report.refund_id = call.refund_id;
  report.merchant_id = call.merchant_id;
  report.amount_minor = call.amount_minor;
  report.currency = call.currency;
  report.channel_reference = "ch_1";
  if (verdict == ChannelVerdict::accepted)
    report.next_action = {"qr_code", "https://pay.example/" + call.channel_order_no};
  return report;
}

void ScriptedChannel::answer(ChannelVerdict verdict,
                             const std::function<void(ChannelReport&)>& bend) {
  if (waiting_.empty()) throw std::logic_error("no call waits for an answer");
  Waiting oldest = std::move(waiting_.front());
  waiting_.pop_front();
  ChannelReport report = report_on(oldest.call, verdict);
  report.fate = fate_of_answers;
  bend(report);
  oldest.done(std::move(report));
}

std::vector<std::string> ScriptedChannel::asked() const {
  std::vector<std::string> result;
  for (const ChannelCall& call : calls)
    result.push_back((call.query ? "query " : "") + std::string(name_of(call.operation)));
  return result;
}

}  // namespace welkin
