// WeChat Pay's messages, with WeChat's own signature and seal around what the fuzzer makes, so that
// it reaches what stands behind them; and as they come, where nothing may be believed that WeChat
// has not signed.
//
// The first line of an input says what it is: "callback TRANSACTION.SUCCESS" (the sealed text),
// "outer" (the body that is signed), "raw" (headers and body), "answer native 200",
// "certificate 7132…", "certificates", "bill_location 200".
#include <nlohmann/json.hpp>

#include "tests/fuzz/channel_claims.hpp"
#include "tests/support/wechat_fixture.hpp"

namespace welkin::fuzz {
namespace {

using Json = nlohmann::ordered_json;

const wechat_pay::Account& account() {
  static const wechat_pay::Account made = wechat_account();
  return made;
}

bool is_genuine(const std::string& text) {
  static const std::set<std::string> texts = texts_signed_in("wechat.json");
  return texts.count(text) == 1;
}

RawCallback signed_callback(std::string body) {
  RawCallback callback{"wechat_pay", {}, std::move(body)};
  callback.headers = signed_answer(200, callback.body).headers;
  return callback;
}

CallbackVerdict heard(const RawCallback& callback) {
  return wechat_pay::parse_callback(account(), callback, vectors_now_us);
}

// A signed callback loses what makes it one.
void claim_only_as_signed(RawCallback callback) {
  RawCallback longer = callback;
  longer.body.push_back(' ');
  claim(!is_believed(heard(longer)), "a byte more is another message");
  callback.headers.clear();
  claim(!is_believed(heard(callback)), "nothing is believed that is not signed");
}

void check_sealed(std::string_view event, std::string_view plaintext) {
  // The event's type is JSON too, and a text that is none cannot be sent.
  if (!is_plain_text(event, 64)) return;
  const RawCallback callback = signed_callback(wechat_pay::seal_callback(
      account(), "n-1", event, "transaction", plaintext, "fdasflkja484", vectors_now_us));
  const auto opened = wechat_pay::open_callback(account(), callback.body);
  claim(std::holds_alternative<std::string>(opened) && std::get<std::string>(opened) == plaintext,
        "what was sealed is opened as it was");
  const CallbackVerdict verdict = heard(callback);
  claim_callback(verdict);
  claim_only_as_signed(callback);
  const auto* report = std::get_if<ChannelReport>(&verdict);
  if (!report || !moves_money(report->verdict)) return;
  const Json said = Json::parse(plaintext);
  claim(said.at("mchid") == account().merchant_id, "money is believed of our own account alone");
  claim(said.at("out_trade_no") == report->channel_order_no, "money is of the order that is named");
  const bool paid = report->verdict == ChannelVerdict::paid;
  claim(said.at(paid ? "trade_state" : "refund_status") == "SUCCESS", "only a success moves money");
  claim(said.at("amount").at(paid ? "total" : "refund") == report->amount_minor,
        "the amount is the one that is said");
}

void check_raw(std::string_view input) {
  const RawCallback callback = raw_callback("wechat_pay", input);
  const CallbackVerdict verdict = heard(callback);
  claim_callback(verdict);
  if (is_believed(verdict))
    claim(is_genuine(wechat_pay::message_text(only_header(callback.headers, "wechatpay-timestamp"),
                                              only_header(callback.headers, "wechatpay-nonce"),
                                              callback.body)),
          "nothing is believed that WeChat has not signed");
}

ChannelCall call_of(std::string_view what) {
  ChannelCall call = call_named(what, [](ChannelOperation operation, bool query) {
    return query ? example_query(operation) : example_call(operation);
  });
  if (what == "jsapi" || what == "h5") call.method = what;
  return call;
}

void claim_money_as_said(const ChannelReport& report, std::string_view body) {
  const Json said = Json::parse(body);
  claim(said.at("out_trade_no") == report.channel_order_no, "money is of the order that was asked");
  const bool paid = report.verdict == ChannelVerdict::paid;
  claim(said.at("amount").at(paid ? "total" : "refund") == report.amount_minor,
        "the amount is the one that is said");
}

void check_answer(std::string_view line, std::string_view body) {
  const ChannelCall call = call_of(take_word(line));
  const WireAnswer answer = signed_answer(take_status(line), std::string(body));
  const auto read = [&call](const WireAnswer& given) {
    return wechat_pay::parse_answer(account(), call, given, vectors_context());
  };
  const ChannelReport report = read(answer);
  claim_answer(call, report);
  if (moves_money(report.verdict)) {
    claim(answer.status == 200, "only a 200 moves money");
    claim_money_as_said(report, body);
  }
  if (answer.status >= 500)
    claim(report.verdict == ChannelVerdict::unknown, "after a 5xx nothing is known");
  claim(read({answer.status, {}, answer.body}).verdict == ChannelVerdict::unknown,
        "an answer that is not signed says nothing for certain");
  WireAnswer longer = answer;
  longer.body.push_back(' ');
  claim(read(longer).verdict == ChannelVerdict::unknown, "a byte more is another answer");
}

void claim_keys(const std::variant<std::vector<wechat_pay::PlatformKey>, Problem>& parsed) {
  claim_no_errors_left();
  const auto* keys = std::get_if<std::vector<wechat_pay::PlatformKey>>(&parsed);
  if (!keys) return claim_text(std::get<Problem>(parsed).detail, 512, "a refusal says why");
  for (const wechat_pay::PlatformKey& key : *keys) {
    claim(!key.serial.empty() &&
              key.serial.find_first_not_of("0123456789ABCDEF") == std::string::npos,
          "a certificate has a serial number");
    claim(key.valid_to_us >= vectors_now_us, "a certificate that has run out is no key");
    claim(key.key.bits() >= crypto::min_rsa_bits, "no short key is believed");
  }
}

// One certificate, sealed as WeChat seals them, under the serial number of the first line.
void check_certificate(std::string_view serial, std::string_view pem) {
  if (!is_utf8(serial)) return;
  const auto sealed =
      crypto::aes_256_gcm_encrypt(account().api_v3_key, "61f9c719728a", "certificate", pem);
  const Json body{{"data",
                   {{{"serial_no", serial},
                     {"encrypt_certificate",
                      {{"algorithm", "AEAD_AES_256_GCM"},
                       {"nonce", "61f9c719728a"},
                       {"associated_data", "certificate"},
                       {"ciphertext", crypto::base64(sealed.value())}}}}}}};
  claim_keys(
      wechat_pay::parse_certificates(account(), signed_answer(200, body.dump()), vectors_now_us));
}

void check_bill_location(std::string_view line, std::string_view body) {
  const WireAnswer answer = signed_answer(take_status(line), std::string(body));
  const auto found = wechat_pay::parse_bill_location(account(), answer, vectors_now_us);
  claim_no_errors_left();
  if (const auto* none = std::get_if<wechat_pay::NoBill>(&found))
    return claim_text(none->code, 64, "the reason is short and UTF-8");
  const auto& location = std::get<wechat_pay::BillLocation>(found);
  claim(answer.status == 200, "only a 200 says where a bill is");
  claim(crypto::parse_hex(location.sha1_hex).value_or("").size() == 20, "a digest is one");
  const std::string target =
      wechat_pay::encode_bill_download(account(), location, vectors_context()).target;
  claim(is_plain_text(target, max_next_action_bytes + 1), "a request's line has no second one");
}

void check(std::string_view input) {
  std::string_view line = take_line(input);
  const std::string_view what = take_word(line);
  if (what == "raw") return check_raw(input);
  if (what == "answer") return check_answer(line, input);
  if (what == "certificate") return check_certificate(line, input);
  if (what == "certificates")
    return claim_keys(wechat_pay::parse_certificates(
        account(), signed_answer(200, std::string(input)), vectors_now_us));
  if (what == "bill_location") return check_bill_location(line, input);
  if (what == "callback") return check_sealed(line, input);
  const RawCallback callback = signed_callback(std::string(input));
  claim_callback(heard(callback));
  claim_only_as_signed(callback);
}

}  // namespace
}  // namespace welkin::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  welkin::fuzz::check(welkin::fuzz::view_of(data, size));
  return 0;
}
