// `welkin journal show`: the timeline of a payment or a breaker, or its whole state after one
// event.
#include <nlohmann/json.hpp>

#include "app/exit_codes.hpp"
#include "app/journal_commands.hpp"
#include "app/journal_timeline.hpp"
#include "app/text_table.hpp"
#include "protocol/breaker/event_codec.hpp"
#include "protocol/json_bytes.hpp"
#include "protocol/payment/event_codec.hpp"

namespace welkin {
namespace {

using Json = nlohmann::ordered_json;

Json parse_or_text(const std::string& payload) {
  Json json = Json::parse(payload, nullptr, false);
  // What the parser would leave out is shown as it is.
  return json.is_discarded() || unjudged_json_byte(payload) ? Json(payload) : json;
}

// The journal's own stream has no states: each of its events is a remark.
std::string state_name(const StreamState& state) {
  if (const auto* payment = std::get_if<Payment>(&state))
    return std::string(name_of(payment->state));
  if (const auto* breaker = std::get_if<Breaker>(&state))
    return std::string(name_of(breaker->state));
  return "-";
}

std::string encode_state(const StreamState& state) {
  if (const auto* payment = std::get_if<Payment>(&state)) return encode_payment(*payment);
  if (const auto* breaker = std::get_if<Breaker>(&state)) return encode_breaker(*breaker);
  return encode_history(std::get<JournalHistory>(state));
}

const char* kind_name(const StreamState& state) {
  constexpr const char* names[] = {"payment", "breaker", "journal"};
  return names[state.index()];
}

std::string state_name(const TimelineStep& step) {
  return step.after ? state_name(*step.after) : "?";
}

Json step_json(const TimelineStep& step) {
  Json json = {{"position", step.row.position},
               {"seq", step.row.seq},
               {"at", format_time(step.row.at_us)},
               {"at_us", step.row.at_us},
               {"gap_us", step.gap_us},
               {"type", step.row.type},
               {"version", step.row.version},
               {"state_after", step.after ? Json(state_name(step)) : Json(nullptr)},
               {"causation_id", step.row.causation_id},
               {"correlation_id", step.row.correlation_id},
               {"payload", parse_or_text(step.row.payload)},
               {"prev_hash", hex(step.row.prev_hash)},
               {"hash", hex(step.row.hash)}};
  if (!step.problem.empty()) json["problem"] = step.problem;
  return json;
}

void write_timeline(const std::vector<TimelineStep>& steps, std::ostream& out) {
  TextTable table({"time", "gap", "seq", "event", "state after", "caused by", "details"}, {1, 2});
  for (const TimelineStep& step : steps) {
    const std::string details =
        step.problem.empty() ? step.details : "BAD: the row " + step.problem;
    table.add({format_clock(step.row.at_us), &step == &steps.front() ? "" : format_gap(step.gap_us),
               std::to_string(step.row.seq), step.row.type, state_name(step), step.row.causation_id,
               details});
  }
  table.write(out);
}

void write_header(const StreamId& stream, const Payment& payment, std::ostream& out) {
  out << stream.text() << "  " << printable(payment.merchant_id) << "/"
      << printable(payment.merchant_order_no) << "  " << name_of(payment.state) << "  "
      << format_amount(payment.amount_minor, payment.currency);
  if (payment.captured_minor > 0)
    out << ", captured " << format_amount(payment.captured_minor, payment.currency);
  if (payment.refunded_minor > 0)
    out << ", refunded " << format_amount(payment.refunded_minor, payment.currency);
  for (const ParkedPart& part : payment.parked_parts()) {
    out << ", PARKED " << name_of(part.operation);
    if (!part.refund_id.empty()) out << ' ' << part.refund_id;
    out << ": " << printable(part.parked.reason);
  }
  out << "\n\n";
}

void write_header(const StreamId& stream, const Breaker& breaker, std::ostream& out) {
  out << stream.text() << "  breaker of " << printable(breaker.account) << "  "
      << name_of(breaker.state) << "  since " << format_clock(breaker.since_us).substr(0, 19);
  if (!breaker.by.empty()) out << " by " << printable(breaker.by);
  if (!breaker.reason.empty()) out << ": " << printable(breaker.reason);
  out << "\n\n";
}

void write_header(const StreamId& stream, const JournalHistory& history, std::ostream& out) {
  out << stream.text() << "  the journal itself  " << history.restores << " restores, "
      << history.truncations_accepted << " truncations accepted\n\n";
}

// Names that end in _minor and _us are shown as money and time beside the stored number.
std::string shown_value(const std::string& name, const Json& value, Currency currency) {
  const auto ends_with = [&name](std::string_view end) {
    return name.size() >= end.size() &&
           name.compare(name.size() - end.size(), end.size(), end) == 0;
  };
  if (value.is_number_integer() && ends_with("_minor"))
    return format_amount(value.get<std::int64_t>(), currency);
  if (value.is_number_integer() && ends_with("_us")) {
    const auto at_us = value.get<std::int64_t>();
    return at_us == 0 ? "-" : format_clock(at_us);
  }
  return value.is_string() ? value.get<std::string>() : value.dump();
}

void add_fields(TextTable& table, const std::string& prefix, const Json& json, Currency currency) {
  for (const auto& [name, value] : json.items()) {
    const std::string path = prefix + name;
    if (value.is_structured() && !value.empty())
      add_fields(table, path + ".", value, currency);
    else
      table.add({path, shown_value(name, value, currency)});
  }
}

int show_state(const StreamId& stream, const std::vector<TimelineStep>& steps, std::uint64_t seq,
               Output output) {
  const TimelineStep* step = nullptr;
  for (const TimelineStep& candidate : steps)
    if (candidate.row.seq == seq) step = &candidate;
  if (!step) {
    output.err << "welkin: " << stream.text() << " has no event " << seq << "; its last one is "
               << steps.back().row.seq << '\n';
    return exit_found_wrong;
  }
  if (!step->after) {
    output.err << "welkin: the state after event " << seq
               << " is not known: an event up to it is bad; `show` without --at names it\n";
    return exit_found_wrong;
  }
  const auto* payment = std::get_if<Payment>(&*step->after);
  const Json state = Json::parse(encode_state(*step->after));
  if (output.json) {
    const Json json = {{"stream", stream.text()},
                       {"seq", seq},
                       {"at", format_time(step->row.at_us)},
                       {kind_name(*step->after), state}};
    output.out << json.dump() << '\n';
    return exit_fine;
  }
  output.out << stream.text() << " after event " << seq << " (" << printable(step->row.type) << ", "
             << format_clock(step->row.at_us) << ")\n\n";
  TextTable table({"field", "value"});
  add_fields(table, "", state, payment ? payment->currency : Currency());
  table.write(output.out);
  return exit_fine;
}

}  // namespace

int journal_show(const JournalStore& store, const JournalShowOptions& options, Output output) {
  const auto stream = parse_stream_name(options.id);
  if (!stream) {
    output.err << "welkin: not a stream's id, MERCHANT/ORDER_NO, breaker:ACCOUNT or journal: "
               << options.id << '\n';
    return exit_usage;
  }
  auto result = store.read_stream(*stream);
  if (const StoreError* error = error_of(result)) return report_store_error(*error, output);
  const auto steps = timeline_of(std::move(std::get<std::vector<EventRow>>(result)));
  if (steps.empty()) {
    output.err << "welkin: no events of " << options.id << " in this journal";
    if (stream->kind == StreamKind::breaker)
      output.err << ": its breaker has always been closed, or there is no such account";
    if (stream->kind == StreamKind::journal)
      output.err << ": it was never restored, and never accepted with its end cut off";
    output.err << '\n';
    return exit_found_wrong;
  }
  if (options.at_seq) return show_state(*stream, steps, *options.at_seq, output);

  bool sound = true;
  StreamState last;
  if (stream->kind == StreamKind::breaker) last.emplace<Breaker>();
  if (stream->kind == StreamKind::journal) last.emplace<JournalHistory>();
  for (const TimelineStep& step : steps) {
    sound = sound && step.problem.empty();
    if (step.after) last = *step.after;
  }
  if (output.json) {
    Json json = {{"stream", stream->text()}};
    if (const auto* payment = std::get_if<Payment>(&last)) {
      json["merchant_id"] = payment->merchant_id;
      json["merchant_order_no"] = payment->merchant_order_no;
    } else if (const auto* breaker = std::get_if<Breaker>(&last)) {
      json["account"] = breaker->account;
    }
    json["state"] = state_name(last);
    json["sound"] = sound;
    json["events"] = Json::array();
    for (const TimelineStep& step : steps) json["events"].push_back(step_json(step));
    output.out << json.dump(-1, ' ', false, Json::error_handler_t::replace) << '\n';
  } else {
    std::visit([&](const auto& folded) { write_header(*stream, folded, output.out); }, last);
    write_timeline(steps, output.out);
  }
  return sound ? exit_fine : exit_found_wrong;
}

}  // namespace welkin
