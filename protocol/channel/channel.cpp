// The names under which channel vocabulary stands in the journal and in logs.
#include "protocol/channel/channel.hpp"

#include <cstddef>
#include <iterator>
#include <utility>

#include "protocol/name_table.hpp"

namespace welkin {
namespace {

constexpr std::string_view operation_names[] = {"create", "capture", "close", "void", "refund"};
constexpr std::string_view outcome_names[] = {"succeeded", "failed", "pending", "unknown"};
constexpr std::string_view source_names[] = {"answer", "query", "callback"};
constexpr std::string_view verdict_names[] = {"accepted",
                                              "authorized",
                                              "paid",
                                              "closed",
                                              "refused",
                                              "not_taken",
                                              "not_found",
                                              "refund_pending",
                                              "refunded",
                                              "refund_refused",
                                              "refund_needs_action",
                                              "try_failed",
                                              "unknown"};
constexpr std::string_view fate_names[] = {"answered",  "garbled",  "unwell",
                                           "no_answer", "not_sent", "not_made"};
static_assert(std::size(fate_names) == static_cast<std::size_t>(CallFate::not_made) + 1);
static_assert(std::size(operation_names) == static_cast<std::size_t>(ChannelOperation::refund) + 1);
static_assert(std::size(outcome_names) == static_cast<std::size_t>(Outcome::unknown) + 1);
static_assert(std::size(source_names) == static_cast<std::size_t>(ReportSource::callback) + 1);
static_assert(std::size(verdict_names) == channel_verdict_count);
static_assert(static_cast<std::size_t>(ChannelVerdict::unknown) + 1 == channel_verdict_count);

}  // namespace

std::string_view name_of(ChannelOperation operation) {
  return operation_names[static_cast<std::size_t>(operation)];
}
std::string_view name_of(Outcome outcome) {
  return outcome_names[static_cast<std::size_t>(outcome)];
}
std::string_view name_of(ReportSource source) {
  return source_names[static_cast<std::size_t>(source)];
}
std::string_view name_of(ChannelVerdict verdict) {
  return verdict_names[static_cast<std::size_t>(verdict)];
}
std::string_view name_of(CallFate fate) { return fate_names[static_cast<std::size_t>(fate)]; }

std::optional<ChannelOperation> parse_channel_operation(std::string_view name) {
  return find_name<ChannelOperation>(operation_names, name);
}
std::optional<Outcome> parse_outcome(std::string_view name) {
  return find_name<Outcome>(outcome_names, name);
}
std::optional<ReportSource> parse_report_source(std::string_view name) {
  return find_name<ReportSource>(source_names, name);
}
std::optional<ChannelVerdict> parse_channel_verdict(std::string_view name) {
  return find_name<ChannelVerdict>(verdict_names, name);
}

ChannelReport report_about(const ChannelCall& call) {
  ChannelReport report;
  report.payment = call.payment;
  report.account = call.account;
  report.source = call.query ? ReportSource::query : ReportSource::answer;
  report.operation = call.operation;
  report.channel_order_no = call.channel_order_no;
  report.refund_id = call.refund_id;
  return report;
}

ChannelReport report_unknown(const ChannelCall& call, std::string code, std::string message) {
  ChannelReport report = report_about(call);
  report.code = std::move(code);
  report.message = std::move(message);
  report.fate = CallFate::garbled;
  return report;
}

ChannelReport report_not_taken(const ChannelCall& call, std::string code, std::string message) {
  ChannelReport report = report_unknown(call, std::move(code), std::move(message));
  report.verdict = ChannelVerdict::not_taken;
  report.fate = CallFate::not_made;
  return report;
}

}  // namespace welkin
