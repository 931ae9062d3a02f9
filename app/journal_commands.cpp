#include "app/journal_commands.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "app/exit_codes.hpp"
#include "app/journal_verifier.hpp"
#include "app/text_table.hpp"
#include "protocol/json_text.hpp"
#include "protocol/payment/payment.hpp"
#include "protocol/utf8.hpp"

namespace welkin {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t page_rows = 2'048;
// How far back a filtered tail looks for its rows.
constexpr std::uint64_t tail_window = 20'000;
constexpr std::int64_t tail_poll_ms = 200;

void append_text(std::string& out, std::string_view name, std::string_view text) {
  constexpr char digits[] = "0123456789abcdef";
  out += ",\"" + std::string(name);
  if (is_utf8(text)) {
    out += "\":";
    append_json_string(out, text);
    return;
  }
  out += "_hex\":\"";
  for (const char c : text) {
    out.push_back(digits[static_cast<unsigned char>(c) >> 4]);
    out.push_back(digits[static_cast<unsigned char>(c) & 15]);
  }
  out.push_back('"');
}

std::string amount_of(const Card& card, std::int64_t amount_minor) {
  const auto currency = Currency::parse(card.currency);
  return currency ? format_amount(amount_minor, *currency)
                  : std::to_string(amount_minor) + " " + card.currency;
}

bool is_newer(const Card& a, const Card& b) {
  return a.created_at_us != b.created_at_us ? a.created_at_us > b.created_at_us
                                            : b.stream < a.stream;
}

bool matches(const Card& card, const JournalListOptions& options) {
  return (options.merchant_id.empty() || card.merchant_id == options.merchant_id) &&
         (options.state.empty() || card.state == options.state);
}

// Open payments come in the order of their ids; the newest `limit` of them are kept as it goes.
StoreResult<std::vector<Card>> newest_open_cards(const JournalStore& store,
                                                 const JournalListOptions& options) {
  std::vector<Card> newest;
  StreamId after;
  for (;;) {
    auto page = store.open_cards(after, page_rows);
    if (const StoreError* error = error_of(page)) return *error;
    auto& cards = std::get<std::vector<Card>>(page);
    if (cards.empty()) break;
    after = cards.back().stream;
    for (Card& card : cards)
      if (matches(card, options)) newest.push_back(std::move(card));
    std::sort(newest.begin(), newest.end(), is_newer);
    if (newest.size() > options.limit) newest.resize(options.limit);
  }
  return newest;
}

Json card_json(const Card& card) {
  return {{"payment_id", card.stream.text()},
          {"merchant_id", card.merchant_id},
          {"merchant_order_no", card.merchant_order_no},
          {"state", card.state},
          {"channel", card.channel},
          {"currency", card.currency},
          {"amount_minor", card.amount_minor},
          {"captured_minor", card.captured_minor},
          {"refunded_minor", card.refunded_minor},
          {"created_at", format_time(card.created_at_us)},
          {"updated_at", format_time(card.updated_at_us)},
          {"open", card.open},
          {"due_at", card.due_at_us == 0 ? Json(nullptr) : Json(format_time(card.due_at_us))},
          {"position", card.position}};
}

// Text that a damaged row may hold is replaced rather than thrown about.
std::string dump(const Json& json, int indent = -1) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

class TailPrinter {
 public:
  TailPrinter(const JournalTailOptions& options, const StreamId& stream, Output output)
      : options_(options), stream_(stream), output_(output) {}

  bool wants(const EventRow& row) const {
    return (options_.type.empty() || row.type == options_.type) &&
           (options_.stream.empty() || row.stream == stream_);
  }
  void print(const EventRow& row) {
    if (output_.json) {
      output_.out << export_line(row) << '\n';
      return;
    }
    output_.out << row.position << "  " << format_clock(row.at_us) << "  " << row.stream.text()
                << " #" << row.seq << "  " << printable(row.type) << "  by "
                << printable(row.causation_id) << "  " << printable(row.payload) << '\n';
  }

 private:
  const JournalTailOptions& options_;
  const StreamId stream_;  // when the options name one
  Output output_;
};

// The rows a tail begins with: those after `position`, or the last few that match.
StoreResult<std::vector<EventRow>> last_rows(const JournalStore& store, const TailPrinter& printer,
                                             std::size_t count, std::uint64_t& position,
                                             std::uint64_t last) {
  std::vector<EventRow> found;
  position = last - std::min<std::uint64_t>(last, std::max<std::uint64_t>(tail_window, count));
  while (position < last) {
    auto page = store.read_all(position, page_rows);
    if (const StoreError* error = error_of(page)) return *error;
    auto& rows = std::get<std::vector<EventRow>>(page);
    if (rows.empty()) break;
    position = rows.back().position;
    for (EventRow& row : rows)
      if (printer.wants(row)) found.push_back(std::move(row));
    if (found.size() > count)
      found.erase(found.begin(), found.end() - static_cast<std::ptrdiff_t>(count));
  }
  return found;
}

}  // namespace

std::string export_line(const EventRow& row) {
  std::string line = "{\"position\":" + std::to_string(row.position);
  append_text(line, "stream", row.stream.text());
  line += ",\"seq\":" + std::to_string(row.seq);
  append_text(line, "type", row.type);
  line += ",\"version\":" + std::to_string(row.version);
  append_text(line, "payload", row.payload);
  line += ",\"at_us\":" + std::to_string(row.at_us);
  append_text(line, "causation_id", row.causation_id);
  append_text(line, "correlation_id", row.correlation_id);
  append_text(line, "prev_hash", hex(row.prev_hash));
  append_text(line, "hash", hex(row.hash));
  return line + "}";
}

std::optional<StreamId> parse_stream_name(const std::string& name) {
  constexpr std::string_view breaker = "breaker:";
  if (name == "journal") return journal_stream_id();
  const std::size_t slash = name.find('/');
  if (slash == std::string::npos && name.rfind(breaker, 0) == 0 && name.size() > breaker.size())
    return breaker_id_of(name.substr(breaker.size()));
  if (slash == std::string::npos) return StreamId::parse(name);
  return payment_id_of(name.substr(0, slash), name.substr(slash + 1));
}

int report_store_error(const StoreError& error, Output output) {
  output.err << "welkin: the store is " << name_of(error.kind) << ": " << error.detail << '\n';
  return error.kind == StoreErrorKind::corrupt ? exit_found_wrong : exit_store;
}

int journal_list(const JournalStore& store, const JournalListOptions& options, Output output) {
  const auto stats = store.stats();
  if (const StoreError* error = error_of(stats)) return report_store_error(*error, output);
  CardQuery query;
  query.merchant_id = options.merchant_id;
  query.state = options.state;
  query.limit = options.limit;
  const auto result =
      options.open_only ? newest_open_cards(store, options) : store.list_cards(query);
  if (const StoreError* error = error_of(result)) return report_store_error(*error, output);
  const auto& cards = std::get<std::vector<Card>>(result);
  const auto& [events, last, view, segments, bytes] = std::get<StoreStats>(stats);
  if (output.json) {
    Json payments = Json::array();
    for (const Card& card : cards) payments.push_back(card_json(card));
    output.out << dump({{"payments", payments}, {"view_position", view}, {"last_position", last}})
               << '\n';
    return exit_fine;
  }
  TextTable table({"payment", "merchant/order", "state", "amount", "captured", "refunded",
                   "channel", "created", "due"},
                  {3, 4, 5});
  for (const Card& card : cards)
    table.add({card.stream.text(), card.merchant_id + "/" + card.merchant_order_no, card.state,
               amount_of(card, card.amount_minor), amount_of(card, card.captured_minor),
               amount_of(card, card.refunded_minor), card.channel,
               format_clock(card.created_at_us).substr(0, 19),
               card.due_at_us == 0 ? "" : format_clock(card.due_at_us).substr(0, 19)});
  table.write(output.out);
  if (view < last)
    output.out << "This list is made from events up to position " << view << "; the journal has "
               << last - view << " newer one(s), up to " << last << ".\n";
  return exit_fine;
}

int journal_tail(const JournalStore& store, const JournalTailOptions& options, Output output,
                 const TailWait& wait) {
  const auto stream = options.stream.empty() ? std::nullopt : parse_stream_name(options.stream);
  if (!options.stream.empty() && !stream) {
    output.err << "welkin: not a stream's id, MERCHANT/ORDER_NO, breaker:ACCOUNT or journal: "
               << options.stream << '\n';
    return exit_usage;
  }
  TailPrinter printer(options, stream.value_or(StreamId{}), output);
  std::uint64_t position = 0;
  if (options.from_position) {
    position = *options.from_position == 0 ? 0 : *options.from_position - 1;
  } else {
    const auto stats = store.stats();
    if (const StoreError* error = error_of(stats)) return report_store_error(*error, output);
    const auto rows = last_rows(store, printer, options.rows, position,
                                std::get<StoreStats>(stats).last_position);
    if (const StoreError* error = error_of(rows)) return report_store_error(*error, output);
    for (const EventRow& row : std::get<std::vector<EventRow>>(rows)) printer.print(row);
  }
  for (;;) {
    const auto page = store.read_all(position, page_rows);
    if (const StoreError* error = error_of(page)) return report_store_error(*error, output);
    const auto& rows = std::get<std::vector<EventRow>>(page);
    for (const EventRow& row : rows)
      if (printer.wants(row)) printer.print(row);
    output.out.flush();
    if (!output.out) return exit_fine;  // who was reading has gone
    if (!rows.empty()) position = rows.back().position;
    if (rows.empty() && !options.follow) return exit_fine;
    if (wait(rows.empty() ? tail_poll_ms : 0)) return exit_fine;
  }
}

int journal_export(const JournalStore& store, const JournalExportOptions& options, Output output) {
  std::uint64_t position = options.from_position == 0 ? 0 : options.from_position - 1;
  for (;;) {
    const auto page = store.read_all(position, page_rows);
    if (const StoreError* error = error_of(page)) return report_store_error(*error, output);
    const auto& rows = std::get<std::vector<EventRow>>(page);
    for (const EventRow& row : rows) {
      if (row.position > options.to_position) return exit_fine;
      output.out << export_line(row) << '\n';
    }
    if (rows.empty()) return exit_fine;
    position = rows.back().position;
    if (!output.out) {
      output.err << "welkin: the export could not be written beyond position " << position << '\n';
      return exit_found_wrong;
    }
  }
}

int journal_verify(const JournalStore& store, Output output) {
  const VerifyReport report = verify_journal(store);
  if (report.error && !report.fault) return report_store_error(*report.error, output);
  const auto events_per_s = static_cast<std::uint64_t>(
      report.seconds > 0 ? static_cast<double>(report.events) / report.seconds : 0);
  if (output.json) {
    Json json = {{"ok", !report.fault},          {"events", report.events},
                 {"streams", report.streams},    {"breakers", report.breakers},
                 {"remarks", report.remarks},    {"seconds", report.seconds},
                 {"events_per_s", events_per_s}, {"fault", nullptr}};
    if (report.fault)
      json["fault"] = {{"position", report.fault->position},
                       {"stream", report.fault->stream},
                       {"seq", report.fault->seq},
                       {"what", report.fault->what}};
    output.out << dump(json) << '\n';
  } else if (report.fault) {
    output.out << "BAD: the row at position " << report.fault->position;
    if (!report.fault->stream.empty())
      output.out << " (" << report.fault->stream << " #" << report.fault->seq << ")";
    output.out << ' ' << printable(report.fault->what) << ".\n";
  } else {
    const std::uint64_t others = report.breakers + (report.remarks > 0 ? 1 : 0);
    output.out << "Good: " << report.events << " events of " << report.streams - others
               << " payments";
    if (report.breakers > 0) output.out << " and " << report.breakers << " breakers";
    if (report.remarks > 0) output.out << " and " << report.remarks << " remarks on the journal";
    output.out << "; every hash, every payload and every transition holds. " << events_per_s
               << " events/s.\n";
  }
  return report.fault ? exit_found_wrong : exit_fine;
}

int journal_stats(const JournalStore& store, Output output) {
  const auto result = store.stats();
  if (const StoreError* error = error_of(result)) return report_store_error(*error, output);
  const auto& stats = std::get<StoreStats>(result);
  const auto first = store.read_all(0, 1);
  const auto last = store.read_all(stats.last_position == 0 ? 0 : stats.last_position - 1, 1);
  for (const auto* rows : {&first, &last})
    if (const StoreError* error = error_of(*rows)) return report_store_error(*error, output);
  const auto time_of = [](const StoreResult<std::vector<EventRow>>& rows) {
    const auto& found = std::get<std::vector<EventRow>>(rows);
    return found.empty() ? std::string() : format_time(found.front().at_us);
  };
  if (output.json) {
    output.out << dump({{"events", stats.events},
                        {"last_position", stats.last_position},
                        {"view_position", stats.view_position},
                        {"segments", stats.segments},
                        {"bytes", stats.bytes},
                        {"first_event_at", time_of(first)},
                        {"last_event_at", time_of(last)}})
               << '\n';
    return exit_fine;
  }
  const std::uint64_t lag =
      stats.last_position > stats.view_position ? stats.last_position - stats.view_position : 0;
  output.out << "events         " << stats.events << "\nlast position  " << stats.last_position
             << "\nviews up to    " << stats.view_position << " (" << lag
             << " behind)\nsegments       " << stats.segments << "\nsize           "
             << format_bytes(stats.bytes) << "\nfirst event    " << time_of(first)
             << "\nlast event     " << time_of(last) << '\n';
  return exit_fine;
}

}  // namespace welkin
