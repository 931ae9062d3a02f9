// A journal made of rows that a test wrote itself, sound or damaged, and a store that only reads
// them.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "persistence/journal_store.hpp"
#include "protocol/breaker/event_codec.hpp"
#include "protocol/payment/event_codec.hpp"

namespace welkin::testing {

class RowsStore : public JournalStore {
 public:
  std::vector<EventRow> rows;
  std::vector<Card> cards;
  std::uint64_t views_up_to = 0;
  std::optional<StoreError> read_fails;  // beyond the first page

  StoreResult<std::vector<AppendResult>> append(std::vector<StreamAppend>&) override {
    return read_only();
  }
  StoreResult<std::vector<std::uint64_t>> claim_epochs(std::uint32_t) override {
    return read_only();
  }
  StoreResult<Done> probe() override { return read_only(); }
  StoreResult<Done> accept_end() override { return read_only(); }
  StoreResult<std::vector<JournalMark>> marks() const override {
    return std::vector<JournalMark>{{"its views", views_up_to, {}}};
  }
  StoreResult<Done> checkpoint(const ViewDelta&) override { return read_only(); }

  StoreResult<std::vector<EventRow>> read_stream(const StreamId& stream,
                                                 std::uint64_t after_seq) const override {
    std::vector<EventRow> found;
    for (const EventRow& row : rows)
      if (row.stream == stream && row.seq > after_seq) found.push_back(row);
    return found;
  }
  StoreResult<std::vector<EventRow>> read_all(std::uint64_t after_position,
                                              std::size_t limit) const override {
    if (read_fails && after_position > 0) return *read_fails;
    std::vector<EventRow> found;
    for (const EventRow& row : rows)
      if (row.position > after_position && found.size() < limit) found.push_back(row);
    return found;
  }
  StoreResult<std::uint64_t> view_position() const override { return views_up_to; }
  StoreResult<std::vector<DueTimer>> due_timers(UnixUs, std::size_t) const override {
    return std::vector<DueTimer>{};
  }
  StoreResult<std::vector<Card>> open_cards(const StreamId& after,
                                            std::size_t limit) const override {
    std::vector<Card> found;
    for (const Card& card : cards)
      if (card.open && after < card.stream) found.push_back(card);
    std::sort(found.begin(), found.end(),
              [](const Card& a, const Card& b) { return a.stream < b.stream; });
    if (found.size() > limit) found.resize(limit);
    return found;
  }
  StoreResult<std::vector<Card>> list_cards(const CardQuery& query) const override {
    std::vector<Card> found;
    for (const Card& card : cards)
      if ((query.merchant_id.empty() || card.merchant_id == query.merchant_id) &&
          (query.state.empty() || card.state == query.state))
        found.push_back(card);
    std::sort(found.begin(), found.end(),
              [](const Card& a, const Card& b) { return a.created_at_us > b.created_at_us; });
    if (found.size() > query.limit) found.resize(query.limit);
    return found;
  }
  StoreResult<std::optional<IdempotencyRecord>> find_idempotency(std::string_view,
                                                                 std::string_view) const override {
    return std::optional<IdempotencyRecord>{};
  }
  StoreResult<std::optional<Snapshot>> load_snapshot(const StreamId&) const override {
    return std::optional<Snapshot>{};
  }
  StoreResult<StoreStats> stats() const override {
    StoreStats stats;
    stats.events = rows.size();
    stats.last_position = rows.empty() ? 0 : rows.back().position;
    stats.view_position = views_up_to;
    stats.segments = 1;
    return stats;
  }

 private:
  static StoreError read_only() { return {StoreErrorKind::unavailable, "this store only reads"}; }
};

// Writes rows as the runtime does: numbered, chained, one after the other in time.
class JournalWriter {
 public:
  static constexpr UnixUs first_us = 1'700'000'000'000'000;

  explicit JournalWriter(RowsStore& store) : store_(store) {}

  EventRow& add(const StreamId& stream, const PaymentEvent& event, UnixUs after_us = 3'100) {
    return append(stream, event, after_us);
  }
  EventRow& add(const BreakerEvent& event, UnixUs after_us = 3'100) {
    const std::string& account =
        std::visit([](const auto& e) -> const std::string& { return e.account; }, event);
    return append(breaker_id_of(account), event, after_us);
  }
  // A hash that fits whatever the row holds now, as somebody who knows how to forge one would set
  // it.
  static void seal(EventRow& row) {
    row.hash = event_hash(row.prev_hash, row.stream.text(), row.seq, row.type, row.version,
                          row.at_us, row.causation_id, row.correlation_id, row.payload);
  }

  StreamId create(const std::string& order_no, std::int64_t amount_minor = 1'234) {
    const StreamId stream = payment_id_of("m_1", order_no);
    PaymentCreated created;
    created.merchant_id = "m_1";
    created.merchant_order_no = order_no;
    created.amount_minor = amount_minor;
    created.currency = *Currency::parse("CNY");
    created.channel = "sandbox";
    created.subject = "Tea, 茶";
    created.expires_at_us = first_us + 1'800 * us_per_s;
    created.metadata = {{"table", "7"}};
    add(stream, created);
    return stream;
  }
  void start(const StreamId& stream) {
    add(stream, PaymentStarted{1, "sandbox", "sandbox", channel_order_no(stream, 1), "",
                               first_us + 15 * us_per_s});
  }
  void pay(const StreamId& stream, std::int64_t amount_minor = 1'234) {
    add(stream,
        PaymentPaid{amount_minor,
                    "ch_1",
                    ReportSource::callback,
                    {{"channel/sandbox", amount_minor}, {"merchant/m_1/payable", -amount_minor}}});
  }
  StreamId paid(const std::string& order_no) {
    const StreamId stream = create(order_no);
    start(stream);
    pay(stream);
    return stream;
  }
  void refund(const StreamId& stream, const std::string& refund_no, std::int64_t amount_minor) {
    const std::string id = refund_id_of(stream, refund_no).text();
    add(stream,
        PaymentRefundRequested{id, refund_no, amount_minor, "cold", first_us + us_per_s, {}});
    add(stream, PaymentRefundSucceeded{
                    id,
                    amount_minor,
                    "ch_r1",
                    ReportSource::query,
                    {{"merchant/m_1/payable", amount_minor}, {"channel/sandbox", -amount_minor}}});
  }

  UnixUs now_us() const { return now_us_; }

 private:
  template <class Event>
  EventRow& append(const StreamId& stream, const Event& event, UnixUs after_us) {
    auto& [seq, hash] = streams_[stream];
    EventRow row;
    row.position = store_.rows.size() + 1;
    row.stream = stream;
    row.seq = ++seq;
    row.type = name_of(kind_of(event));
    row.version = version_of(event);
    write_event(event, row.payload);
    row.at_us = now_us_ += after_us;
    row.causation_id = "request:" + std::to_string(row.position);
    row.correlation_id = "request:1";
    row.prev_hash = hash;
    seal(row);
    hash = row.hash;
    store_.rows.push_back(std::move(row));
    return store_.rows.back();
  }

  RowsStore& store_;
  std::map<StreamId, std::pair<std::uint64_t, Hash>> streams_;
  UnixUs now_us_ = first_us;
};

}  // namespace welkin::testing
