// Words are cut and names are not: half a number is another number. See the header.
#include "protocol/channels/report_bounds.hpp"

#include <utility>

#include "protocol/utf8.hpp"

namespace welkin {
namespace {

bool moves_money(ChannelVerdict verdict) {
  return verdict == ChannelVerdict::authorized || verdict == ChannelVerdict::paid ||
         verdict == ChannelVerdict::refunded;
}

const char* broken_bound_of(const ChannelReport& report) {
  if (!is_plain_text(report.channel_reference, max_channel_reference_bytes) ||
      !is_plain_text(report.charge_reference, max_channel_reference_bytes))
    return "The channel's own number is no number.";
  if (!is_plain_text(report.next_action.value, max_next_action_bytes))
    return "What the payer has to do next is too long, or no text.";
  if (moves_money(report.verdict) &&
      (report.amount_minor < 1 || report.amount_minor > max_amount_minor))
    return "Money has moved, and the amount is none that can be.";
  return nullptr;
}

void cut_words(ChannelReport& report) {
  if (report.verdict == ChannelVerdict::unknown) {
    if (report.code.empty()) report.code = "no_code";
    if (report.message.empty()) report.message = "The channel does not say why.";
  }
  report.code = readable_text(report.code, max_channel_code_bytes);
  report.message = readable_text(report.message, max_channel_message_bytes);
}

}  // namespace

ChannelReport within_bounds(ChannelReport answer) {
  if (const char* why = broken_bound_of(answer)) {
    answer.verdict = ChannelVerdict::unknown;
    answer.channel_reference.clear();
    answer.charge_reference.clear();
    answer.next_action = {};
    answer.code = "wrong_shape";
    answer.message = why;
  }
  cut_words(answer);
  return answer;
}

CallbackVerdict within_bounds(CallbackVerdict callback) {
  if (auto* ignored = std::get_if<CallbackIgnored>(&callback)) {
    ignored->id = readable_text(ignored->id, max_report_id_bytes);
    ignored->why = readable_text(ignored->why, max_channel_message_bytes);
    return callback;
  }
  if (auto* refused = std::get_if<CallbackRefused>(&callback)) {
    refused->problem.detail = readable_text(refused->problem.detail, max_channel_message_bytes);
    if (!is_plain_text(refused->channel_order_no, max_channel_reference_bytes))
      refused->channel_order_no.clear();
    return callback;
  }
  auto& report = std::get<ChannelReport>(callback);
  const char* why = broken_bound_of(report);
  if (!why && !is_plain_text(report.id, max_report_id_bytes)) why = "The message's id is no id.";
  if (why)
    return CallbackRefused{{ProblemCode::malformed_callback, why, {}}, report.channel_order_no};
  cut_words(report);
  return callback;
}

}  // namespace welkin
