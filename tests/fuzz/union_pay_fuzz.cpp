// UnionPay's messages, with UnionPay's own signature over what the fuzzer makes, so that it reaches
// what stands behind it; and as they come, where nothing may be believed that UnionPay has not
// signed.
//
// The first line of an input says what it is: "notification" (a form that is signed here), "raw" (a
// form with its signature), "answer query" (fields "a=1&b=2" that are signed here), "outer query"
// (a whole answer), "bill" (fields of a file's answer), "fields" (an answer to be taken apart).
#include "tests/fuzz/channel_claims.hpp"
#include "tests/support/union_pay_fixture.hpp"

namespace welkin::fuzz {
namespace {

using O = ChannelOperation;

const union_pay::Account& account() {
  static const union_pay::Account made = union_pay_test::account_of(union_pay_test::rsa_config());
  return made;
}

bool is_genuine(const FormFields& fields) {
  static const std::set<std::string> texts = texts_signed_in("unionpay.json");
  return texts.count(sorted_text_without(fields, {"signature"})) == 1;
}

// What a message must not bring itself if it is to be signed here.
bool is_signable(const FormFields& fields) {
  for (const char* name : {"signMethod", "signPubKeyCert", "signature"})
    for (const auto& field : fields)
      if (field.first == name) return false;
  return true;
}

CallbackVerdict heard(std::string body) {
  return union_pay::parse_callback(account(), {"union_pay", {}, std::move(body)},
                                   union_pay_test::now_us);
}

void check_notification(std::string_view form) {
  const auto fields = parse_form(form);
  if (!fields || !is_signable(*fields)) return;
  const RawCallback callback = union_pay_test::notification_of(*fields);
  const CallbackVerdict verdict = heard(callback.body);
  claim_callback(verdict);
  claim(!is_believed(heard(callback.body + "&one=more")), "a field more is another message");
  claim(!is_believed(heard(std::string(form))), "nothing is believed that is not signed");
  const auto* report = std::get_if<ChannelReport>(&verdict);
  if (!report || !moves_money(report->verdict)) return;
  const bool paid = report->verdict == ChannelVerdict::paid;
  claim(field_of(*fields, "merId") == account().merchant_id,
        "money is believed of our own account alone");
  claim(field_of(*fields, paid ? "orderId" : "reqReserved") == report->channel_order_no,
        "money is of the order that is named");
  claim(field_of(*fields, "respCode") == "00" || field_of(*fields, "respCode") == "A6",
        "only a success moves money");
  claim(field_of(*fields, "currencyCode") == "156", "money is in the currency that is named");
}

void check_raw(std::string_view form) {
  const CallbackVerdict verdict = heard(std::string(form));
  claim_callback(verdict);
  if (!is_believed(verdict)) return;
  const auto fields = parse_form(form);
  claim(fields && is_genuine(*fields), "nothing is believed that UnionPay has not signed");
}

ChannelCall call_of(std::string_view what) { return call_named(what, union_pay_test::call_for); }

ChannelReport read(const ChannelCall& call, const WireAnswer& answer) {
  return union_pay::parse_answer(account(), call, answer, union_pay_test::now_us);
}

// As an answer without a head is read.
std::optional<FormFields> fields_in(std::string_view body) {
  return union_pay::parse_answer_fields(body, charset_of(body, {}).value_or(Charset::utf8));
}

void check_answer(std::string_view what, std::string_view body) {
  const ChannelCall call = call_of(what);
  const auto fields = fields_in(body);
  if (!fields || !is_signable(*fields)) return;
  const WireAnswer answer = union_pay_test::answer_of(*fields);
  const ChannelReport report = read(call, answer);
  claim_answer(call, report);
  if (report.verdict != ChannelVerdict::unknown)
    claim(field_of(*fields, "merId") == account().merchant_id &&
              field_of(*fields, "orderId") ==
                  (call.operation == O::refund ? call.channel_refund_no : call.channel_order_no),
          "a verdict is about the transaction that was asked");
  if (moves_money(report.verdict))
    claim(
        field_of(*fields, "currencyCode") == "156" && (field_of(*fields, "origRespCode") == "00" ||
                                                       field_of(*fields, "origRespCode") == "A6"),
        "only a success in our currency moves money");
  claim(read(call, {200, {}, std::string(body)}).verdict == ChannelVerdict::unknown,
        "an answer that is not signed says nothing for certain");
  claim(read(call, {200, {}, answer.body + "&one=more"}).verdict == ChannelVerdict::unknown,
        "a field more is another answer");
  claim(read(call, {502, {}, answer.body}).verdict == ChannelVerdict::unknown,
        "after a 5xx nothing is known");
}

void check_outer(std::string_view what, std::string_view body) {
  const ChannelCall call = call_of(what);
  const ChannelReport report = read(call, {200, {}, std::string(body)});
  claim_answer(call, report);
  const auto fields = fields_in(body);
  if (!fields || !is_genuine(*fields))
    claim(report.verdict == ChannelVerdict::unknown, "without a signature nothing is known");
}

void check_bill(std::string_view body) {
  const auto fields = fields_in(body);
  if (!fields || !is_signable(*fields)) return;
  const auto found = union_pay::parse_bill_answer(account(), union_pay_test::answer_of(*fields),
                                                  union_pay_test::now_us);
  claim_no_errors_left();
  const auto* none = std::get_if<union_pay::NoBill>(&found);
  if (!none) return claim(field_of(*fields, "respCode") == "00", "a file comes with a success");
  claim_reason(*none);
}

void check_fields(std::string_view body) {
  const auto fields = union_pay::parse_answer_fields(body);
  if (!fields) return;
  std::string rebuilt;
  std::set<std::string> names;
  for (const auto& [name, value] : *fields) {
    claim(!name.empty() && names.insert(name).second, "a name stands once");
    rebuilt.append(rebuilt.empty() ? "" : "&").append(name).append("=").append(value);
  }
  claim(union_pay::parse_answer_fields(rebuilt) == fields, "the parts make the whole again");
}

void check(std::string_view input) {
  std::string_view line = take_line(input);
  const std::string_view what = take_word(line);
  if (what == "raw") return check_raw(input);
  if (what == "answer") return check_answer(line, input);
  if (what == "outer") return check_outer(line, input);
  if (what == "bill") return check_bill(input);
  if (what == "fields") return check_fields(input);
  check_notification(input);
}

}  // namespace
}  // namespace welkin::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  welkin::fuzz::check(welkin::fuzz::view_of(data, size));
  return 0;
}
