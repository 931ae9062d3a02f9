// Alipay's messages, with Alipay's own signature over what the fuzzer makes, so that it reaches
// what stands behind it; and as they come, where nothing may be believed that Alipay has not
// signed.
//
// The first line of an input says what it is: "notification" (a form that is signed here), "raw" (a
// form with its signature), "answer precreate" (the text of the node), "gbk query" (the same in
// GBK), "outer query" (a whole answer with its signature), "bill" (the node of a bill's URL),
// "members" (an object to be taken apart).
#include <nlohmann/json.hpp>

#include "protocol/channels/alipay/answer_text.hpp"
#include "protocol/channels/gbk.hpp"
#include "protocol/channels/strict_json.hpp"
#include "tests/fuzz/channel_claims.hpp"
#include "tests/support/alipay_fixture.hpp"

namespace welkin::fuzz {
namespace {

using Json = nlohmann::ordered_json;
using O = ChannelOperation;

const alipay::Account& account() {
  static const alipay::Account made = alipay_test::account_of(alipay_test::public_key_config());
  return made;
}

bool is_genuine(const std::string& text) {
  static const std::set<std::string> texts = texts_signed_in("alipay.json");
  return texts.count(text) == 1;
}

CallbackVerdict heard(std::string body) {
  return alipay::parse_callback(account(), {"alipay", {}, std::move(body)});
}

void claim_notification_as_said(const FormFields& said, const CallbackVerdict& verdict) {
  const auto* report = std::get_if<ChannelReport>(&verdict);
  if (!report || !moves_money(report->verdict)) return;
  const bool paid = report->verdict == ChannelVerdict::paid;
  claim(paid || report->amount_is_total, "no notification says how much one refund was");
  claim(field_of(said, "app_id") == account().app_id &&
            field_of(said, "seller_id") == account().seller_id,
        "money is believed of our own account alone");
  claim(field_of(said, "out_trade_no") == report->channel_order_no,
        "money is of the order that is named");
  const std::string_view amount = field_of(said, paid ? "total_amount" : "refund_fee");
  claim(amount == format_major(report->amount_minor, report->currency) ||
            parse_major(amount, report->currency) == report->amount_minor,
        "the amount is the one that is said");
}

void check_notification(std::string_view form) {
  auto fields = parse_form(form);
  if (!fields || !field_of(*fields, "sign").empty() || !field_of(*fields, "sign_type").empty())
    return;
  const RawCallback callback = alipay_test::notification_of(*fields);
  const CallbackVerdict verdict = heard(callback.body);
  claim_callback(verdict);
  claim_notification_as_said(*fields, verdict);
  claim(!is_believed(heard(callback.body + "&one=more")), "a field more is another message");
  claim(!is_believed(heard(std::string(form))), "nothing is believed that is not signed");
}

void check_raw(std::string_view form) {
  const CallbackVerdict verdict = heard(std::string(form));
  claim_callback(verdict);
  if (!is_believed(verdict)) return;
  const auto fields = parse_form(form);
  claim(fields && (is_genuine(sorted_text_with_empty(*fields, {"sign", "sign_type"})) ||
                   is_genuine(sorted_text_with_empty(*fields, {"sign"}))),
        "nothing is believed that Alipay has not signed");
}

struct Asked {
  ChannelCall call;
  std::string node_name;
};
Asked asked(std::string_view what) {
  const ChannelCall call = call_named(what, alipay_test::call_for);
  if (call.operation == O::refund)
    return {call, call.query ? "alipay_trade_fastpay_refund_query_response"
                             : "alipay_trade_refund_response"};
  if (call.query) return {call, "alipay_trade_query_response"};
  if (call.operation == O::close) return {call, "alipay_trade_close_response"};
  return {call, "alipay_trade_precreate_response"};
}

ChannelReport read(const ChannelCall& call, const WireAnswer& answer) {
  return alipay::parse_answer(account(), call, answer, alipay_test::now_us);
}

void check_answer(std::string_view what, std::string_view node) {
  const auto [call, node_name] = asked(what);
  const WireAnswer answer = alipay_test::answer_of(node_name, std::string(node));
  const auto verified = alipay::verify_answer(account(), answer.body, node_name);
  if (const auto* good = std::get_if<alipay::VerifiedAnswer>(&verified))
    claim_same(good->node, node, "what is verified is what was signed, to the byte");
  const ChannelReport report = read(call, answer);
  claim_answer(call, report);
  // As it is, or as the GBK that a machine in front of Alipay writes.
  const std::string text = Json::accept(node) ? std::string(node) : utf8_of_gbk(node).value_or("");
  if (report.verdict != ChannelVerdict::unknown)
    claim(Json::accept(text), "no verdict comes of what is not JSON");
  if (moves_money(report.verdict)) {
    const Json said = Json::parse(text);
    claim(said.at("code") == "10000", "only a success moves money");
    claim(said.at("out_trade_no") == call.channel_order_no, "money is of the order that was asked");
  }
  const std::string bare = "{\"" + node_name + "\":" + std::string(node) + "}";
  claim(read(call, {200, {}, bare}).verdict == ChannelVerdict::unknown,
        "an answer that is not signed says nothing for certain");
  claim(read(call, {502, {}, answer.body}).verdict == ChannelVerdict::unknown,
        "after a 5xx nothing is known");
}

void check_outer(std::string_view what, std::string_view body) {
  const auto [call, node_name] = asked(what);
  const ChannelReport report = read(call, {200, {}, std::string(body)});
  claim_answer(call, report);
  const auto verified = alipay::verify_answer(account(), body, node_name);
  if (const auto* good = std::get_if<alipay::VerifiedAnswer>(&verified))
    claim(is_genuine(std::string(good->node)), "nothing is verified that Alipay has not signed");
  else
    claim(report.verdict == ChannelVerdict::unknown, "without a signature nothing is known");
}

void check_bill(std::string_view node) {
  const auto found = alipay::parse_bill_answer(
      account(), alipay_test::answer_of("alipay_data_dataservice_bill_downloadurl_query_response",
                                        std::string(node)));
  claim_no_errors_left();
  if (const auto* none = std::get_if<alipay::NoBill>(&found)) return claim_reason(*none);
  claim(is_plain_text(std::get<alipay::BillUrl>(found).url, 8192), "a URL is one line");
}

// An answer in GBK means what it means in UTF-8, whatever its characters' second bytes look like.
void check_gbk(std::string_view what, std::string_view node) {
  const auto text = utf8_of_gbk(node);
  if (!text || is_utf8(node)) return;
  const auto [call, node_name] = asked(what);
  WireAnswer in_gbk = alipay_test::answer_of(node_name, std::string(node));
  in_gbk.headers.emplace_back("content-type", "text/html;charset=GBK");
  const ChannelReport report = read(call, in_gbk);
  claim_answer(call, report);
  if (!parse_strict_json(*text) || !Json::parse(*text).is_object()) return;
  const ChannelReport same = read(call, alipay_test::answer_of(node_name, *text));
  claim(report.verdict == same.verdict && report.code == same.code &&
            report.message == same.message && report.amount_minor == same.amount_minor,
        "the charset changes nothing of what is said");
}

// The scanner beside a parser: what the one takes apart the other reads, member for member.
void check_members(std::string_view body) {
  const auto members = alipay::split_members(body);
  const auto json = parse_strict_json(body);
  if (json && json->is_object() && !json->empty() && json->size() <= alipay::max_raw_members)
    claim(members.has_value() && members->size() == json->size(),
          "what a parser reads is taken apart");
  if (!members) return;
  std::string rebuilt;
  for (const auto& [name, raw] : *members)
    rebuilt.append(rebuilt.empty() ? "{\"" : ",\"").append(name).append("\":").append(raw);
  rebuilt.append("}");
  const auto again = alipay::split_members(rebuilt);
  claim(again.has_value() && again->size() == members->size(), "the parts make the whole again");
  for (std::size_t i = 0; i < members->size(); ++i)
    claim_same((*again)[i].second, (*members)[i].second, "a value keeps its bytes");
}

void check(std::string_view input) {
  std::string_view line = take_line(input);
  const std::string_view what = take_word(line);
  if (what == "raw") return check_raw(input);
  if (what == "answer") return check_answer(line, input);
  if (what == "gbk") return check_gbk(line, input);
  if (what == "outer") return check_outer(line, input);
  if (what == "bill") return check_bill(input);
  if (what == "members") return check_members(input);
  check_notification(input);
}

}  // namespace
}  // namespace welkin::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  welkin::fuzz::check(welkin::fuzz::view_of(data, size));
  return 0;
}
