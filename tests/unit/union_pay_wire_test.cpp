// What UnionPay is asked, what its codes are taken to mean, and what is not believed.
#include <algorithm>
#include <catch2/catch.hpp>

#include "protocol/channels/union_pay/meanings.hpp"
#include "tests/support/union_pay_fixture.hpp"

using namespace welkin;
using namespace welkin::union_pay_test;
using O = ChannelOperation;
using V = ChannelVerdict;

namespace {

const SigningContext context{now_us + 7 * us_per_s, "nonce"};

FormFields sent(const union_pay::Account& account, const ChannelCall& call, std::string_view path) {
  const EncodedCall encoded = union_pay::encode_call(account, call, context);
  const auto* request = std::get_if<WireRequest>(&encoded);
  REQUIRE(request);
  CHECK(request->method == "POST");
  CHECK(request->target == path);
  auto fields = parse_form(request->body);
  REQUIRE(fields);
  const auto signature = crypto::parse_base64(field_of(*fields, "signature"));
  REQUIRE(signature);
  CHECK(account.rsa->key.public_key().rsa_sha256_verify(
      sha256_hex(sorted_text_without(*fields, {"signature"})), *signature));
  return *std::move(fields);
}

FormFields answer_to(const ChannelCall& call, const std::string& resp_code) {
  const bool refund = call.operation == O::refund;
  return {{"merId", "777290058110048"},
          {"orderId", refund ? call.channel_refund_no : call.channel_order_no},
          {"txnTime", refund ? "20260101090000" : "20260101080000"},
          {"txnAmt", refund ? "50" : "101"},
          {"currencyCode", "156"},
          {"queryId", "202601010800001234567"},
          {"qrCode", "https://qr.95516.com/TESTONLY01"},
          {"respCode", resp_code},
          {"respMsg", "成功[0000000]"}};
}

ChannelReport answered(const ChannelCall& call, const FormFields& fields, UnixUs at_us = now_us) {
  return union_pay::parse_answer(account_of(rsa_config()), call, answer_of(fields), at_us);
}

V became(const ChannelCall& call, const std::string& orig_resp_code, UnixUs at_us = now_us) {
  FormFields fields = answer_to(call, "00");
  fields.emplace_back("origRespCode", orig_resp_code);
  return answered(call, fields, at_us).verdict;
}

FormFields with(FormFields fields, const std::string& name, const std::string& value) {
  for (auto& field : fields)
    if (field.first == name) {
      field.second = value;
      return fields;
    }
  fields.emplace_back(name, value);
  return fields;
}

FormFields notification(bool of_refund = false) {
  const ChannelCall call = call_for(of_refund ? O::refund : O::create);
  FormFields fields = answer_to(call, "00");
  fields = with(fields, "txnType", of_refund ? "04" : "01");
  if (of_refund) fields = with(fields, "reqReserved", call.channel_order_no);
  return fields;
}

CallbackVerdict heard(const FormFields& fields) {
  return union_pay::parse_callback(account_of(rsa_config()), notification_of(fields), now_us);
}

// Every code that UnionPay has: a test names those that mean something, and of all others it shows
// that they mean nothing.
std::vector<std::string> codes_but(std::initializer_list<const char*> named) {
  std::vector<std::string> codes{"A6", ""};
  for (int i = 0; i < 100; ++i)
    codes.push_back({static_cast<char>('0' + i / 10), static_cast<char>('0' + i % 10)});
  for (const char* code : named)
    codes.erase(std::remove(codes.begin(), codes.end(), code), codes.end());
  return codes;
}

}  // namespace

TEST_CASE("a code to scan is asked for with the order's own number and time") {
  const FormFields fields =
      sent(account_of(rsa_config()), call_for(O::create), "/gateway/api/backTransReq.do");
  const std::pair<const char*, std::string> expected[] = {
      {"version", "5.1.0"},
      {"encoding", "UTF-8"},
      {"certId", "68759625161"},
      {"txnType", "01"},
      {"txnSubType", "07"},
      {"bizType", "000000"},
      {"merId", "777290058110048"},
      {"orderId", call_for(O::create).channel_order_no},
      {"txnTime", "20260101080000"},
      {"txnAmt", "101"},
      {"currencyCode", "156"},
      {"payTimeout", "20260101083000"},
      {"backUrl", "https://pay.example.com/notify/unionpay"}};
  for (const auto& [name, value] : expected) {
    CAPTURE(name);
    CHECK(field_of(fields, name) == value);
  }
}

TEST_CASE("page and wap orders are a form that the payer's browser posts") {
  const union_pay::Account account = account_of(rsa_config());
  for (const auto& [way, channel_type] : {std::pair{"page", "07"}, std::pair{"wap", "08"}}) {
    ChannelCall call = call_for(O::create);
    call.method = way;
    call.subject = "A&B={x}";
    const EncodedCall encoded = union_pay::encode_call(account, call, context);
    const auto* report = std::get_if<ChannelReport>(&encoded);
    REQUIRE(report);
    CHECK(report->verdict == V::accepted);
    CHECK(report->amount_minor == 101);
    CHECK(report->next_action.type == "form");
    const std::string& page = report->next_action.value;
    CHECK(page.find("action=\"https://gateway.95516.com/gateway/api/frontTransReq.do\"") !=
          std::string::npos);
    const auto input = [](const std::string& name, const std::string& value) {
      return "name=\"" + name + "\" value=\"" + value + "\"";
    };
    CHECK(page.find(input("channelType", channel_type)) != std::string::npos);
    CHECK(page.find(input("txnSubType", "01")) != std::string::npos);
    CHECK(page.find(input("frontUrl", "https://shop.example.com/back")) != std::string::npos);
    CHECK(page.find(input("payTimeout", "20260101083000")) != std::string::npos);
    CHECK(page.find(input("riskRateInfo", "{commodityName=A B  x }")) != std::string::npos);
  }
}

TEST_CASE("a query names the transaction by the time it was made, not by the time of asking") {
  const union_pay::Account account = account_of(rsa_config());
  for (const ChannelCall& call :
       {call_for(O::create, true), call_for(O::close), call_for(O::close, true)}) {
    const FormFields fields = sent(account, call, "/gateway/api/queryTrans.do");
    CHECK(field_of(fields, "txnType") == "00");
    CHECK(field_of(fields, "orderId") == call.channel_order_no);
    CHECK(field_of(fields, "txnTime") == "20260101080000");
    CHECK(field_of(fields, "txnAmt").empty());
  }
  const ChannelCall refund = call_for(O::refund, true);
  const FormFields fields = sent(account, refund, "/gateway/api/queryTrans.do");
  CHECK(field_of(fields, "orderId") == refund.channel_refund_no);
  CHECK(field_of(fields, "txnTime") == "20260101090000");
}

TEST_CASE("a refund names the payment by UnionPay's number and takes the order's number along") {
  const ChannelCall call = call_for(O::refund);
  const FormFields fields = sent(account_of(rsa_config()), call, "/gateway/api/backTransReq.do");
  CHECK(field_of(fields, "txnType") == "04");
  CHECK(field_of(fields, "orderId") == call.channel_refund_no);
  CHECK(field_of(fields, "txnTime") == "20260101090000");
  CHECK(field_of(fields, "txnAmt") == "50");
  CHECK(field_of(fields, "origQryId") == "202601010800001234567");
  CHECK(field_of(fields, "reqReserved") == call.channel_order_no);
}

TEST_CASE("only a whole refund on the order's settlement day is an undo, and only when wanted") {
  union_pay::AccountConfig config = rsa_config();
  const auto type = [&config](std::int64_t amount_minor, UnixUs refund_at_us) {
    ChannelCall call = call_for(O::refund);
    call.amount_minor = amount_minor;
    call.refund_created_at_us = refund_at_us;
    return std::string(
        field_of(sent(account_of(config), call, "/gateway/api/backTransReq.do"), "txnType"));
  };
  constexpr UnixUs day_ends_us = now_us + 15 * 3600 * us_per_s;  // 23:00 in Beijing
  CHECK(type(101, now_us) == "04");
  config.undo_same_day = true;
  CHECK(type(101, now_us) == "31");
  CHECK(type(101, day_ends_us - 1) == "31");
  CHECK(type(101, day_ends_us) == "04");
  CHECK(type(100, now_us) == "04");
}

TEST_CASE("what UnionPay cannot do is refused before anything is sent, by the field") {
  const union_pay::Account account = account_of(rsa_config());
  const auto field = [&account](const ChannelCall& call) {
    const EncodedCall encoded = union_pay::encode_call(account, call, context);
    REQUIRE(std::holds_alternative<Problem>(encoded));
    return std::get<Problem>(encoded).field;
  };
  CHECK(field(call_for(O::capture)) == "/capture");
  CHECK(field(call_for(O::void_)) == "/capture");
  ChannelCall call = call_for(O::create);
  call.manual_capture = true;
  CHECK(field(call) == "/capture");
  call = call_for(O::create);
  call.currency = *Currency::parse("USD");
  CHECK(field(call) == "/currency");
  call = call_for(O::create);
  call.amount_minor = 1'000'000'000'000;
  CHECK(field(call) == "/amount");
  call = call_for(O::create);
  call.method = "h5";
  CHECK(field(call) == "/method");
  call = call_for(O::create);
  call.method = "page";
  call.return_url.clear();
  CHECK(field(call) == "/return_url");
  call = call_for(O::refund);
  call.channel_reference.clear();
  CHECK(field(call) == "/channel_reference");
}

TEST_CASE("each code means what it says when a code to scan is asked for") {
  const ChannelCall call = call_for(O::create);
  const ChannelReport open = answered(call, answer_to(call, "00"));
  CHECK(open.verdict == V::accepted);
  CHECK(open.next_action.type == "qr_code");
  CHECK(open.next_action.value == "https://qr.95516.com/TESTONLY01");
  CHECK(open.amount_minor == 101);
  CHECK(answered(call, with(answer_to(call, "00"), "qrCode", "")).verdict == V::unknown);
  for (const char* code : {"01", "10", "13", "14", "30", "33", "38"})
    CHECK(answered(call, answer_to(call, code)).verdict == V::refused);
  for (const char* code : {"02", "11", "31", "32", "39"})
    CHECK(answered(call, answer_to(call, code)).verdict == V::not_taken);
  for (const std::string& code :
       codes_but({"00", "01", "10", "13", "14", "30", "33", "38", "02", "11", "31", "32", "39"}))
    CHECK(answered(call, answer_to(call, code)).verdict == V::unknown);
}

TEST_CASE("a refund that is taken is not done, and only a definite no is a no") {
  const ChannelCall call = call_for(O::refund);
  CHECK(answered(call, answer_to(call, "00")).verdict == V::refund_pending);
  for (const char* code : {"01", "30", "31", "32", "33", "35", "36", "38"})
    CHECK(answered(call, answer_to(call, code)).verdict == V::refund_refused);
  for (const std::string& code : codes_but({"00", "01", "30", "31", "32", "33", "35", "36", "38"}))
    CHECK(answered(call, answer_to(call, code)).verdict == V::unknown);
}

TEST_CASE("a UnionPay query of a payment says what became of it") {
  const ChannelCall call = call_for(O::create, true);
  for (const char* code : {"00", "A6"}) CHECK(became(call, code) == V::paid);
  for (const char* code : {"03", "04", "05"}) CHECK(became(call, code) == V::accepted);
  for (const std::string& code :
       codes_but({"00", "A6", "03", "04", "05", "01", "30", "31", "32", "33", "38", "40", "41",
                  "60", "61", "62", "63", "64", "65", "66", "73", "77", "78", "79", "99"}))
    CHECK(became(call, code) == V::unknown);
  FormFields paid = with(answer_to(call, "00"), "origRespCode", "00");
  const ChannelReport report = answered(call, paid);
  CHECK(report.source == ReportSource::query);
  CHECK(report.amount_minor == 101);
  CHECK(report.currency.code() == "CNY");
  CHECK(report.channel_reference == "202601010800001234567");
  CHECK(report.merchant_by_account);
  CHECK(answered(call, with(paid, "txnAmt", "999")).amount_minor == 999);
  for (const char* amount : {"", "0", "-1", "+101", "1.01", "1x", " 101", "99999999999999999999"})
    CHECK(answered(call, with(paid, "txnAmt", amount)).verdict == V::unknown);
  CHECK(answered(call, with(paid, "currencyCode", "840")).verdict == V::unknown);
  CHECK(answered(call, with(paid, "queryId", "")).verdict == V::unknown);
}

TEST_CASE("a failed try ends nothing before the order's time is over") {
  const ChannelCall create = call_for(O::create, true);
  const UnixUs end_us = create.expires_at_us;
  for (const char* code : {"01", "30", "31", "32", "33", "38", "40", "41", "60", "61",
                           "62", "63", "64", "65", "66", "73", "77", "78", "79", "99"}) {
    CHECK(became(create, code, end_us - 1) == V::accepted);
    CHECK(became(create, code, end_us) == V::refused);
    CHECK(became(call_for(O::close), code, end_us - 1) == V::accepted);
    CHECK(became(call_for(O::close), code, end_us) == V::closed);
  }
  CHECK(became(call_for(O::close), "00", end_us) == V::paid);
}

TEST_CASE("an order the payer has not begun waits for him until its time is over") {
  for (ChannelCall call : {call_for(O::create, true), call_for(O::close)}) {
    const UnixUs end_us = call.expires_at_us;
    const FormFields absent = answer_to(call, "34");
    CHECK(answered(call, absent, end_us - 1).verdict == V::not_found);
    call.order_accepted = true;
    CHECK(answered(call, absent, end_us - 1).verdict == V::accepted);
    CHECK(answered(call, absent, end_us).verdict == V::not_found);
    for (const char* code : {"03", "05", "06", "11", "37", "99", ""})
      CHECK(answered(call, answer_to(call, code)).verdict == V::unknown);
  }
}

TEST_CASE("a UnionPay query of a refund says what became of it") {
  const ChannelCall call = call_for(O::refund, true);
  for (const char* code : {"00", "A6"}) CHECK(became(call, code) == V::refunded);
  for (const char* code : {"03", "04", "05"}) CHECK(became(call, code) == V::refund_pending);
  for (const char* code : {"01", "30", "31", "32", "33", "35", "36", "38", "40", "41", "60",
                           "61", "62", "63", "64", "65", "66", "73", "77", "78", "79", "99"})
    CHECK(became(call, code) == V::refund_refused);
  for (const std::string& code : codes_but({"00", "A6", "03", "04", "05", "01", "30", "31", "32",
                                            "33", "35", "36", "38", "40", "41", "60", "61", "62",
                                            "63", "64", "65", "66", "73", "77", "78", "79", "99"}))
    CHECK(became(call, code) == V::unknown);
  CHECK(answered(call, answer_to(call, "34")).verdict == V::not_found);
  CHECK(answered(call, with(answer_to(call, "00"), "origRespCode", "00")).amount_minor == 50);
}

TEST_CASE("an answer that is not signed, or about another transaction, decides nothing") {
  const union_pay::Account account = account_of(rsa_config());
  const ChannelCall call = call_for(O::create, true);
  const FormFields good = with(answer_to(call, "00"), "origRespCode", "00");
  REQUIRE(answered(call, good).verdict == V::paid);
  CHECK(answered(call, with(good, "orderId", "T1")).code == "other_order");
  CHECK(answered(call, with(good, "txnTime", "20260101080001")).code == "other_order");
  CHECK(answered(call, with(good, "merId", "777290058110049")).code == "other_order");
  const auto judge = [&](int status, const std::string& body) {
    return union_pay::parse_answer(account, call, {status, {}, body}, now_us);
  };
  std::string body = answer_of(good).body;
  CHECK(judge(502, body).verdict == V::unknown);
  CHECK(judge(200, "").verdict == V::unknown);
  CHECK(judge(200, "<html>busy</html>").code == "unreadable_answer");
  body.replace(body.find("txnAmt=101"), 10, "txnAmt=102");
  CHECK(judge(200, body).verdict == V::unknown);
  CHECK(judge(200, body).code == "bad_signature");
  CHECK(judge(200, "respCode=00&origRespCode=00&signMethod=01").code == "unknown_serial");
}

TEST_CASE("a UnionPay notification that an order was paid is a report of it") {
  const CallbackVerdict verdict = heard(notification());
  REQUIRE(std::holds_alternative<ChannelReport>(verdict));
  const auto& report = std::get<ChannelReport>(verdict);
  CHECK(report.verdict == V::paid);
  CHECK(report.operation == O::create);
  CHECK(report.source == ReportSource::callback);
  CHECK(report.payment == payment_id_of("m_1", "order-1"));
  CHECK(report.amount_minor == 101);
  CHECK(report.channel_reference == "202601010800001234567");
  CHECK(report.id ==
        call_for(O::create).channel_order_no + "/20260101080000/01/202601010800001234567");
  CHECK(std::get<ChannelReport>(heard(with(notification(), "respCode", "A6"))).verdict == V::paid);
  for (const char* code : {"01", "05", "99", ""})
    CHECK(std::get<ChannelReport>(heard(with(notification(), "respCode", code))).verdict ==
          V::unknown);
}

TEST_CASE(
    "a notification of a refund or an undo finds its payment by what the request took along") {
  for (const char* type : {"04", "31"}) {
    const CallbackVerdict verdict = heard(with(notification(true), "txnType", type));
    REQUIRE(std::holds_alternative<ChannelReport>(verdict));
    const auto& report = std::get<ChannelReport>(verdict);
    CHECK(report.verdict == V::refunded);
    CHECK(report.operation == O::refund);
    CHECK(report.refund_id == call_for(O::refund).refund_id);
    CHECK(report.channel_order_no == call_for(O::refund).channel_order_no);
    CHECK(report.payment == payment_id_of("m_1", "order-1"));
    CHECK(report.amount_minor == 50);
  }
}

TEST_CASE("a refund under a strange number of an order of ours was made at UnionPay's desk") {
  const FormFields fields =
      with(with(notification(true), "orderId", "T1"), "origQryId", "211612310001");
  const CallbackVerdict verdict = heard(fields);
  REQUIRE(std::holds_alternative<ChannelReport>(verdict));
  const auto& report = std::get<ChannelReport>(verdict);
  CHECK(report.outside_refund);
  CHECK(report.refund_id.empty());
  CHECK(report.verdict == V::refunded);
  CHECK(report.channel_reference == field_of(fields, "queryId"));
  CHECK(report.charge_reference == "211612310001");
  CHECK(report.amount_minor == 50);
}

TEST_CASE("a notification that is not for us is refused or put aside with its reason") {
  const auto code = [](const CallbackVerdict& verdict) {
    REQUIRE(std::holds_alternative<CallbackRefused>(verdict));
    return std::get<CallbackRefused>(verdict).problem.code;
  };
  CHECK(code(heard(with(notification(), "merId", "777290058110049"))) ==
        ProblemCode::wrong_account);
  CHECK(code(heard(with(notification(), "txnAmt", "x"))) == ProblemCode::malformed_callback);
  CHECK(code(heard(with(notification(), "currencyCode", "840"))) ==
        ProblemCode::malformed_callback);
  CHECK(code(heard(with(notification(), "queryId", ""))) == ProblemCode::malformed_callback);
  CHECK(code(heard(with(notification(), "orderId", "T1"))) == ProblemCode::invalid_value);
  CHECK(code(heard(with(notification(true), "reqReserved", ""))) == ProblemCode::invalid_value);
  CHECK(std::holds_alternative<CallbackIgnored>(heard(with(notification(), "txnType", "02"))));
  const union_pay::Account account = account_of(rsa_config());
  CHECK(code(union_pay::parse_callback(account, {"union_pay", {}, "a=1&a=1"}, now_us)) ==
        ProblemCode::malformed_callback);
  RawCallback spoiled = notification_of(notification());
  spoiled.body.replace(spoiled.body.find("txnAmt=101"), 10, "txnAmt=102");
  const CallbackVerdict verdict = union_pay::parse_callback(account, spoiled, now_us);
  CHECK(code(verdict) == ProblemCode::bad_signature);
  CHECK(std::get<CallbackRefused>(verdict).channel_order_no ==
        call_for(O::create).channel_order_no);
}

TEST_CASE("UnionPay is told by the status alone") {
  CHECK(union_pay::taken().http_status == 200);
  CHECK(union_pay::not_taken().http_status != 200);
}

TEST_CASE("UnionPay's answers in GBK mean what they say, whatever half a character looks like") {
  ChannelCall call = call_for(O::create, /*query=*/true);
  call.order_accepted = false;
  // "失败" in GBK, and characters whose second bytes are those of } and {.
  const std::string words = "\xCA\xA7\xB0\xDC\x81\x7D\x81\x7B";
  FormFields fields = with(answer_to(call, "34"), "respMsg", words + "[2600000]");
  for (const char* type : {"text/html;charset=GBK", "text/html;charset=UTF-8", ""}) {
    CAPTURE(type);
    WireAnswer answer = answer_of(fields);
    if (*type) answer.headers.emplace_back("content-type", type);
    const ChannelReport report =
        union_pay::parse_answer(account_of(rsa_config()), call, answer, now_us);
    CHECK(report.verdict == V::not_found);
    CHECK(report.code == "34");
    CHECK(report.message.find("失败") == 0);
    CHECK(report.message.find("[2600000]") != std::string::npos);
  }
}

TEST_CASE("the daily file comes out of a signed answer, or does not come") {
  const union_pay::Account account = account_of(rsa_config());
  const WireRequest request = union_pay::encode_bill_request(account, "0101", context);
  CHECK(request.target == "/");
  const auto fields = parse_form(request.body);
  REQUIRE(fields);
  CHECK(field_of(*fields, "txnType") == "76");
  CHECK(field_of(*fields, "settleDate") == "0101");
  CHECK(field_of(*fields, "txnTime") == "20260101080007");
  const FormFields answer{{"merId", "777290058110048"},
                          {"respCode", "00"},
                          {"fileContent", vector_file("bills/unionpay_fileContent.txt")}};
  const auto file = union_pay::parse_bill_answer(account, answer_of(answer), now_us);
  REQUIRE(std::holds_alternative<union_pay::BillZip>(file));
  CHECK(std::get<union_pay::BillZip>(file).bytes ==
        vector_file("bills/unionpay_777290058110048_20260101.zip"));
  const auto code = [&account](const WireAnswer& wire) {
    const auto none = union_pay::parse_bill_answer(account, wire, now_us);
    REQUIRE(std::holds_alternative<union_pay::NoBill>(none));
    return std::get<union_pay::NoBill>(none).code;
  };
  CHECK(code(answer_of(with(answer, "respCode", "98"))) == "98");
  CHECK(code(answer_of(with(answer, "fileContent", "eJyL"))) == "unreadable_file");
  CHECK(code(answer_of(with(answer, "merId", "777290058110049"))) == "other_merchant");
  WireAnswer spoiled = answer_of(answer);
  spoiled.body.replace(spoiled.body.find("respCode=00"), 11, "respCode=98");
  CHECK(code(spoiled) == "bad_signature");
}
