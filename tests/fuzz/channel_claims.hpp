// What holds of every real channel's messages, whoever has signed them, and how the inputs of their
// fuzz targets are written.
#pragma once

#include <openssl/err.h>

#include <charconv>
#include <set>
#include <string>

#include "protocol/channels/report_bounds.hpp"
#include "protocol/payment/event_codec.hpp"
#include "tests/fuzz/report_claims.hpp"
#include "tests/support/channel_fixture.hpp"

namespace welkin::fuzz {

// The first word of a line, taken off its front.
inline std::string_view take_word(std::string_view& line) {
  const std::size_t end = std::min(line.find(' '), line.size());
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(std::min(end + 1, line.size()));
  return word;
}

// An HTTP status at the front of a line; 200 when there is none.
inline int take_status(std::string_view& line) {
  const std::string_view word = take_word(line);
  int status = 0;
  std::from_chars(word.data(), word.data() + word.size(), status);
  return status >= 100 && status <= 599 ? status : 200;
}

// A message as it comes over the wire: lines "name: value", an empty line, the body.
inline RawCallback raw_callback(std::string channel, std::string_view input) {
  RawCallback raw{std::move(channel), {}, {}};
  while (!input.empty()) {
    const std::string_view line = take_line(input);
    if (line.empty()) break;
    const std::size_t colon = line.find(": ");
    if (colon == std::string_view::npos) continue;
    raw.headers.emplace_back(line.substr(0, colon), line.substr(colon + 2));
  }
  raw.body = input;
  return raw;
}

// What the first line of an input asks: "query", "refund_query"; a create when it is no such word.
// `call_for` makes a call of an operation, or the query of it.
template <class CallFor>
ChannelCall call_named(std::string_view what, CallFor call_for) {
  using O = ChannelOperation;
  const bool query = what == "query" || what == "refund_query";
  if (what == "refund" || what == "refund_query") return call_for(O::refund, query);
  for (const O operation : {O::capture, O::close, O::void_})
    if (what == name_of(operation)) return call_for(operation, false);
  return call_for(O::create, query);
}

// What a channel has signed in its file of vectors: the only messages of its keys that a target
// does not sign itself.
inline std::set<std::string> texts_signed_in(std::string_view file) {
  const nlohmann::json content = vector_json(file);
  std::set<std::string> texts;
  for (const auto& vector : content["vectors"])
    if (vector.contains("canonical")) texts.insert(vector["canonical"].get<std::string>());
  return texts;
}

// Why there is no bill, by whichever channel's name for that.
template <class NoBill>
void claim_reason(const NoBill& none) {
  claim_text(none.code, 64, "the reason's code is short and UTF-8");
  claim_text(none.message, 512, "the reason is short and UTF-8");
}

inline void claim_no_errors_left() {
  claim(ERR_peek_error() == 0, "no error of OpenSSL's stays behind for whoever looks next");
}

// What a channel said can be written into the journal and read again after a crash.
inline void claim_recordable(const ChannelReport& report) {
  std::string refused;
  write_event(PaymentFailed{report.code, report.message, report.source}, refused);
  claim(std::holds_alternative<PaymentEvent>(parse_event("payment_failed", 1, refused)),
        "a refusal can be recorded and read again");
  std::string accepted;
  write_event(
      PaymentChannelAccepted{report.channel_reference, report.next_action, report.source, 0},
      accepted);
  claim(is_utf8(accepted), "what is recorded is UTF-8");
}

inline bool is_about_refund(ChannelVerdict verdict) {
  return verdict == ChannelVerdict::refund_pending || verdict == ChannelVerdict::refunded ||
         verdict == ChannelVerdict::refund_refused ||
         verdict == ChannelVerdict::refund_needs_action;
}

inline void claim_answer(const ChannelCall& call, const ChannelReport& report) {
  claim_report(report, max_next_action_bytes);
  claim_recordable(report);
  claim(report.payment == call.payment && report.operation == call.operation &&
            report.refund_id == call.refund_id && report.channel_order_no == call.channel_order_no,
        "an answer is about what was asked");
  claim(report.source == (call.query ? ReportSource::query : ReportSource::answer),
        "an answer is reported as what it is");
  const bool of_refund = call.operation == ChannelOperation::refund;
  if (report.verdict == ChannelVerdict::unknown)
    claim(!report.code.empty() && !report.message.empty(), "what is unknown says why");
  else if (report.verdict != ChannelVerdict::not_found)
    claim(is_about_refund(report.verdict) == of_refund,
          "an answer about a refund, and no other, judges a refund");
  claim_no_errors_left();
}

// What is refused for its number alone was believed: it is genuine, and not of ours.
inline bool is_believed(const CallbackVerdict& verdict) {
  const auto* refused = std::get_if<CallbackRefused>(&verdict);
  return !refused || refused->problem.code == ProblemCode::invalid_value;
}

inline void claim_callback(const CallbackVerdict& verdict) {
  claim_no_errors_left();
  if (const auto* refused = std::get_if<CallbackRefused>(&verdict)) {
    claim_problem(refused->problem);
    claim(is_plain_text(refused->channel_order_no, 64), "a refusal's order number is plain");
    return;
  }
  if (const auto* ignored = std::get_if<CallbackIgnored>(&verdict)) {
    claim(is_plain_text(ignored->id, max_report_id_bytes), "a message's id is plain");
    claim(!ignored->why.empty() && is_plain_text(ignored->why, 512), "ignored is with a reason");
    return;
  }
  const auto& report = std::get<ChannelReport>(verdict);
  claim_report(report);
  claim_recordable(report);
  claim(report.source == ReportSource::callback, "a callback is reported as one");
  claim(!report.id.empty() && is_plain_text(report.id, max_report_id_bytes),
        "a callback is known by an id that can be recorded");
  const auto order = parse_channel_order_no(report.channel_order_no);
  claim(order && order->payment == report.payment, "a callback names its payment");
  claim_names_refund(report);
  claim(report.verdict != ChannelVerdict::not_found, "what tells by itself is there");
  if (report.verdict != ChannelVerdict::unknown)
    claim(is_about_refund(report.verdict) == (report.operation == ChannelOperation::refund),
          "a callback about a refund, and no other, judges a refund");
}

}  // namespace welkin::fuzz
