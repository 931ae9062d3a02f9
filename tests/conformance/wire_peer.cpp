// Speaks with the conformance tests in lines of JSON: asked for a call, it prints the request the
// runtime would send; given an answer or a callback, it prints what the runtime would make of it.
//
//   {"channel": "wechat_pay", "do": "encode", "now_s": 1767225600, "nonce": "…", "call": {…}}
//   {"channel": …, "do": "answer", …, "status": 200, "headers": {…}, "body": "…"}
//   {"channel": …, "do": "callback", "now_s": …, "headers": {…}, "body": "…"}
#include "tests/conformance/wire_peer.hpp"

#include <exception>
#include <iostream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <vector>

#include "tests/support/channel_calls.hpp"
#include "tests/support/vectors.hpp"

using namespace welkin;
using nlohmann::json;

namespace {

// Not named fields keep what example_call gives them.
ChannelCall call_from(const json& line) {
  const json& given = line.at("call");
  const auto operation = parse_channel_operation(given.at("operation").get<std::string>());
  if (!operation) throw std::runtime_error("no such operation");
  ChannelCall call = example_call(*operation, given.value("currency", "CNY"));
  call.query = given.value("query", false);
  call.amount_minor = given.value("amount_minor", call.amount_minor);
  call.order_amount_minor = given.value("order_amount_minor", call.order_amount_minor);
  call.manual_capture = given.value("manual_capture", false);
  call.subject = given.value("subject", call.subject);
  call.return_url = given.value("return_url", call.return_url);
  call.expires_at_us = given.value("expires_at_us", call.expires_at_us);
  call.order_created_at_us = given.value("order_created_at_us", call.order_created_at_us);
  call.refund_created_at_us = given.value("refund_created_at_us", call.order_created_at_us);
  call.channel_reference = given.value("channel_reference", "");
  call.method = given.value("method", "");
  call.payer_id = given.value("payer_id", "");
  call.payer_ip = given.value("payer_ip", "");
  call.payer_instrument = given.value("payer_instrument", "");
  return call;
}

json problem_json(const Problem& problem) {
  return {
      {"code", spec_of(problem.code).name}, {"detail", problem.detail}, {"field", problem.field}};
}

json report_json(const ChannelReport& report) {
  return {{"kind", "report"},
          {"payment", report.payment.text()},
          {"source", name_of(report.source)},
          {"operation", name_of(report.operation)},
          {"verdict", name_of(report.verdict)},
          {"id", report.id},
          {"channel_order_no", report.channel_order_no},
          {"refund_id", report.refund_id},
          {"amount_minor", report.amount_minor},
          {"currency", report.currency.code()},
          {"channel_reference", report.channel_reference},
          {"next_action", {{"type", report.next_action.type}, {"value", report.next_action.value}}},
          {"code", report.code},
          {"message", report.message}};
}

json encoded_json(const ChannelCall& call, const EncodedCall& encoded) {
  if (const auto* problem = std::get_if<Problem>(&encoded))
    return {{"kind", "problem"}, {"problem", problem_json(*problem)}};
  if (const auto* report = std::get_if<ChannelReport>(&encoded)) return report_json(*report);
  const auto& request = std::get<WireRequest>(encoded);
  json headers = json::object();
  for (const auto& [name, value] : request.headers) headers[name] = value;
  return {{"kind", "request"},
          {"method", request.method},
          {"target", request.target},
          {"headers", headers},
          {"body", request.body},
          {"channel_order_no", call.channel_order_no},
          {"channel_refund_no", call.channel_refund_no},
          {"refund_id", call.refund_id}};
}

json callback_json(const CallbackVerdict& verdict) {
  if (const auto* report = std::get_if<ChannelReport>(&verdict)) return report_json(*report);
  if (const auto* ignored = std::get_if<CallbackIgnored>(&verdict))
    return {{"kind", "ignored"},
            {"id", ignored->id},
            {"reason", name_of(ignored->reason)},
            {"why", ignored->why}};
  const auto& refused = std::get<CallbackRefused>(verdict);
  return {{"kind", "refused"},
          {"code", spec_of(refused.problem.code).name},
          {"detail", refused.problem.detail},
          {"channel_order_no", refused.channel_order_no}};
}

json answer_to(const std::vector<ChannelPeer>& peers, const json& line) {
  const std::string channel = line.at("channel");
  const std::string what = line.at("do");
  const SigningContext context{line.at("now_s").get<std::int64_t>() * us_per_s,
                               line.value("nonce", "")};
  for (const ChannelPeer& peer : peers) {
    if (peer.name != channel) continue;
    if (what == "callback")
      return callback_json(peer.callback({channel, headers_of(line.at("headers")), line.at("body")},
                                         context.now_us));
    const ChannelCall call = call_from(line);
    if (what == "encode") return encoded_json(call, peer.encode(call, context));
    if (what == "answer")
      return report_json(peer.answer(
          call, {line.at("status"), headers_of(line.at("headers")), line.at("body")}, context));
    throw std::runtime_error("nothing to do that is called " + what);
  }
  throw std::runtime_error("no channel " + channel);
}

}  // namespace

int main() {
  try {
    const std::vector<ChannelPeer> peers{alipay_peer(), alipay_certificates_peer(),
                                         union_pay_peer(), stripe_peer(), wechat_pay_peer()};
    for (std::string line; std::getline(std::cin, line);)
      std::cout << answer_to(peers, json::parse(line)).dump() << std::endl;
  } catch (const std::exception& failure) {
    std::cerr << "wire_peer: " << failure.what() << '\n';
    return 1;
  }
}
