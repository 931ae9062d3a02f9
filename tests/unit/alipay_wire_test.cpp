// What Alipay is asked, what its words are taken to mean, and what is not believed.
#include <catch2/catch.hpp>

#include "protocol/channels/alipay/meanings.hpp"
#include "tests/support/alipay_fixture.hpp"

#include <nlohmann/json.hpp>

using namespace welkin;
using namespace welkin::alipay_test;
using Json = nlohmann::json;
using O = ChannelOperation;
using V = ChannelVerdict;
using Q = alipay::Question;

namespace {

const SigningContext context{now_us, "nonce"};

// The fields of a request, after its signature was checked with the application's public key.
FormFields sent(const alipay::Account& account, const ChannelCall& call) {
  const EncodedCall encoded = alipay::encode_call(account, call, context);
  const auto* request = std::get_if<WireRequest>(&encoded);
  REQUIRE(request);
  CHECK(request->method == "POST");
  const std::string start = "/gateway.do?";
  REQUIRE(request->target.substr(0, start.size()) == start);
  const auto in_url = parse_form(request->target.substr(start.size()));
  const auto in_body = parse_form(request->body);
  REQUIRE(in_url);
  REQUIRE(in_body);
  REQUIRE(in_body->size() == 1);
  FormFields fields = *in_url;
  fields.push_back(in_body->front());
  const auto sign = crypto::parse_base64(field_of(fields, "sign"));
  REQUIRE(sign);
  CHECK(
      account.app_key.public_key().rsa_sha256_verify(sorted_text_without(fields, {"sign"}), *sign));
  return fields;
}

Json content(const FormFields& fields) {
  return Json::parse(std::string(field_of(fields, "biz_content")));
}

ChannelReport answered(const ChannelCall& call, const std::string& method_node, const Json& node,
                       UnixUs at_us = now_us) {
  return alipay::parse_answer(account_of(public_key_config()), call,
                              answer_of(method_node, node.dump()), at_us);
}

struct Asked {
  Q question;
  ChannelCall call;
  std::string node;
};
Asked asked(Q question) {
  switch (question) {
    case Q::create:
      return {question, call_for(O::create), "alipay_trade_precreate_response"};
    case Q::query:
      return {question, call_for(O::create, true), "alipay_trade_query_response"};
    case Q::close:
      return {question, call_for(O::close), "alipay_trade_close_response"};
    case Q::refund:
      return {question, call_for(O::refund), "alipay_trade_refund_response"};
    case Q::refund_query:
      break;
  }
  return {question, call_for(O::refund, true), "alipay_trade_fastpay_refund_query_response"};
}

Json good_node(const Asked& a) {
  Json node{{"code", "10000"},
            {"msg", "Success"},
            {"out_trade_no", a.call.channel_order_no},
            {"trade_no", "2026010122001400000000000001"},
            {"total_amount", "1.01"}};
  if (a.question == Q::create) node["qr_code"] = "https://qr.alipay.com/TESTONLY01";
  if (a.question == Q::query) node["trade_status"] = "TRADE_SUCCESS";
  if (a.question == Q::refund) node["fund_change"] = "Y", node["refund_fee"] = "0.50";
  if (a.question == Q::refund_query) {
    node["refund_status"] = "REFUND_SUCCESS";
    node["out_request_no"] = a.call.channel_refund_no;
    node["refund_amount"] = "0.50";
  }
  return node;
}

Json refusal(const std::string& sub_code) {
  return {
      {"code", "40004"}, {"msg", "Business Failed"}, {"sub_code", sub_code}, {"sub_msg", "why"}};
}

FormFields notification(std::string status = "TRADE_SUCCESS") {
  return {{"app_id", "2021000000000001"},
          {"seller_id", "2088000000000999"},
          {"notify_type", "trade_status_sync"},
          {"notify_id", "2026010101222080031000000000000001"},
          {"out_trade_no", channel_order_no(payment_id_of("m_1", "order-1"), 1)},
          {"trade_no", "2026010122001400000000000001"},
          {"total_amount", "1.01"},
          {"subject", "100% 棉 A&B=1"},
          {"trade_status", std::move(status)}};
}

CallbackVerdict heard(FormFields fields) {
  return alipay::parse_callback(account_of(public_key_config()),
                                notification_of(std::move(fields)));
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

}  // namespace

TEST_CASE("a QR order is asked for with its amount in yuan and its end in Beijing time") {
  const alipay::Account account = account_of(public_key_config());
  const FormFields fields = sent(account, call_for(O::create));
  CHECK(field_of(fields, "method") == "alipay.trade.precreate");
  CHECK(field_of(fields, "app_id") == "2021000000000001");
  CHECK(field_of(fields, "timestamp") == "2026-01-01 08:00:00");
  CHECK(field_of(fields, "notify_url") == "https://pay.example.com/notify/alipay");
  CHECK(field_of(fields, "app_cert_sn").empty());
  CHECK(content(fields) == Json{{"out_trade_no", call_for(O::create).channel_order_no},
                                {"total_amount", "1.01"},
                                {"subject", "测试商品 A&B"},
                                {"time_expire", "2026-01-01 08:30:00"},
                                {"product_code", "FACE_TO_FACE_PAYMENT"}});
}

TEST_CASE("in certificate mode a request names the certificates") {
  const FormFields fields = sent(account_of(certificate_config()), call_for(O::create));
  CHECK(field_of(fields, "app_cert_sn") == "71844ecdd5bbbc20b8aa09cea917333e");
  CHECK(field_of(fields, "alipay_root_cert_sn") == "df4e854949ea9be5a4d4b7aee2794159");
}

TEST_CASE("each other question is its own method with just its own content") {
  const alipay::Account account = account_of(public_key_config());
  const std::string order = call_for(O::create).channel_order_no;
  const std::string refund = call_for(O::refund).channel_refund_no;
  const auto check = [&](const ChannelCall& call, const char* method, const Json& expected) {
    CAPTURE(method);
    const FormFields fields = sent(account, call);
    CHECK(field_of(fields, "method") == method);
    CHECK(field_of(fields, "notify_url").empty());
    CHECK(content(fields) == expected);
  };
  check(call_for(O::create, true), "alipay.trade.query", {{"out_trade_no", order}});
  check(call_for(O::close, true), "alipay.trade.query", {{"out_trade_no", order}});
  check(call_for(O::close), "alipay.trade.close", {{"out_trade_no", order}});
  check(call_for(O::refund), "alipay.trade.refund",
        {{"out_trade_no", order}, {"refund_amount", "0.50"}, {"out_request_no", refund}});
  check(call_for(O::refund, true), "alipay.trade.fastpay.refund.query",
        {{"out_trade_no", order},
         {"out_request_no", refund},
         {"query_options", Json::array({"gmt_refund_pay"})}});
}

TEST_CASE("Alipay page and wap orders go with the payer's browser and nobody is called") {
  const alipay::Account account = account_of(public_key_config());
  for (const auto& [way, method, product] :
       {std::tuple{"page", "alipay.trade.page.pay", "FAST_INSTANT_TRADE_PAY"},
        std::tuple{"wap", "alipay.trade.wap.pay", "QUICK_WAP_WAY"}}) {
    CAPTURE(way);
    ChannelCall call = call_for(O::create);
    call.method = way;
    const EncodedCall encoded = alipay::encode_call(account, call, context);
    const auto* report = std::get_if<ChannelReport>(&encoded);
    REQUIRE(report);
    CHECK(report->verdict == V::accepted);
    CHECK(report->payment == call.payment);
    CHECK(report->amount_minor == 101);
    CHECK(report->merchant_by_account);
    CHECK(report->next_action.type == "redirect");
    const std::string start = "https://openapi.alipay.com/gateway.do?";
    REQUIRE(report->next_action.value.substr(0, start.size()) == start);
    const auto fields = parse_form(report->next_action.value.substr(start.size()));
    REQUIRE(fields);
    CHECK(field_of(*fields, "method") == method);
    CHECK(field_of(*fields, "return_url") == "https://shop.example.com/back");
    CHECK(content(*fields)["product_code"] == product);
    CHECK(content(*fields).contains("quit_url") == (std::string(way) == "wap"));
    const auto sign = crypto::parse_base64(field_of(*fields, "sign"));
    REQUIRE(sign);
    CHECK(account.app_key.public_key().rsa_sha256_verify(sorted_text_without(*fields, {"sign"}),
                                                         *sign));
  }
}

TEST_CASE("what Alipay cannot do is refused before anything is sent, by the field") {
  const alipay::Account account = account_of(public_key_config());
  const auto field = [&account](const ChannelCall& call) {
    const EncodedCall encoded = alipay::encode_call(account, call, context);
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
  call.amount_minor = 10'000'000'001;
  CHECK(field(call) == "/amount");
  call = call_for(O::create);
  call.method = "native";
  CHECK(field(call) == "/method");
}

TEST_CASE("a subject is cut between characters, and an empty one is the order's number") {
  const alipay::Account account = account_of(public_key_config());
  ChannelCall call = call_for(O::create);
  call.subject.clear();
  for (int i = 0; i < 300; ++i) call.subject += "茶";
  CHECK(content(sent(account, call))["subject"].get<std::string>() == call.subject.substr(0, 768));
  call.subject.clear();
  CHECK(content(sent(account, call))["subject"] == call.channel_order_no);
}

TEST_CASE("each word of the table means what it says, in a signed answer") {
  // Spelled out beside the table, so that a slip in it is seen.
  struct Row {
    Q question;
    const char* word;
    V verdict;
  };
  const Row rows[] = {
      {Q::query, "WAIT_BUYER_PAY", V::accepted},
      {Q::query, "TRADE_SUCCESS", V::paid},
      {Q::query, "TRADE_FINISHED", V::paid},
      {Q::query, "TRADE_CLOSED", V::closed},
      {Q::query, "TRADE_SOMETHING_NEW", V::unknown},
      {Q::query, "", V::unknown},
      {Q::refund, "Y", V::refunded},
      {Q::refund, "N", V::refund_pending},
      {Q::refund, "", V::unknown},
      {Q::refund_query, "REFUND_SUCCESS", V::refunded},
      {Q::refund_query, "", V::not_found},
      {Q::refund_query, "REFUND_PROCESSING", V::unknown},
  };
  for (const Row& row : rows) {
    const Asked a = asked(row.question);
    CAPTURE(a.node, row.word);
    Json node = good_node(a);
    node[row.question == Q::query    ? "trade_status"
         : row.question == Q::refund ? "fund_change"
                                     : "refund_status"] = row.word;
    CHECK(answered(a.call, a.node, node).verdict == row.verdict);
  }
}

TEST_CASE("a refusal is believed only where it is definite") {
  struct Row {
    Q question;
    const char* sub_code;
    V verdict;
  };
  const Row rows[] = {
      {Q::create, "ACQ.INVALID_PARAMETER", V::refused},
      {Q::create, "ACQ.SELLER_BEEN_BLOCKED", V::not_taken},
      {Q::create, "ACQ.ACCESS_FORBIDDEN", V::not_taken},
      {Q::refund, "ACQ.ACCESS_FORBIDDEN", V::refund_refused},
      {Q::create, "ACQ.TOTAL_FEE_EXCEED", V::refused},
      {Q::create, "ACQ.BUYER_BALANCE_NOT_ENOUGH", V::refused},
      {Q::create, "ACQ.PAYMENT_FAIL", V::refused},
      {Q::create, "ACQ.SYSTEM_ERROR", V::unknown},
      {Q::create, "ACQ.TRADE_HAS_SUCCESS", V::unknown},
      {Q::create, "ACQ.TRADE_HAS_CLOSE", V::unknown},
      {Q::create, "ACQ.TRADE_HAS_FINISHED", V::unknown},
      {Q::create, "ACQ.TRADE_NOT_EXIST", V::unknown},
      {Q::create, "ACQ.CONCURRENT_OPERATE", V::unknown},
      {Q::create, "ACQ.CONTEXT_INCONSISTENT", V::unknown},
      {Q::create, "ACQ.NEVER_SEEN", V::unknown},
      {Q::query, "ACQ.TRADE_NOT_EXIST", V::not_found},
      {Q::query, "ACQ.SYSTEM_ERROR", V::unknown},
      {Q::query, "ACQ.INVALID_PARAMETER", V::unknown},
      {Q::close, "ACQ.TRADE_HAS_CLOSE", V::closed},
      {Q::close, "ACQ.TRADE_HAS_SUCCESS", V::refused},
      {Q::close, "ACQ.TRADE_HAS_FINISHED", V::refused},
      {Q::close, "ACQ.TRADE_STATUS_ERROR", V::refused},
      {Q::close, "ACQ.REASON_TRADE_STATUS_INVALID", V::refused},
      {Q::close, "ACQ.REASON_ILLEGAL_STATUS", V::refused},
      {Q::close, "ACQ.TRADE_NOT_EXIST", V::not_found},
      {Q::close, "ACQ.SYSTEM_ERROR", V::unknown},
      {Q::refund, "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL", V::refund_refused},
      {Q::refund, "ACQ.TRADE_NOT_ALLOW_REFUND", V::refund_refused},
      {Q::refund, "ACQ.TRADE_HAS_FINISHED", V::refund_refused},
      {Q::refund, "ACQ.SELLER_BALANCE_NOT_ENOUGH", V::refund_needs_action},
      {Q::refund, "ACQ.INVALID_PARAMETER", V::refund_refused},
      {Q::refund, "ACQ.TRADE_NOT_EXIST", V::unknown},
      {Q::refund, "ACQ.TRADE_STATUS_ERROR", V::unknown},
      {Q::refund, "ACQ.REASON_TRADE_STATUS_INVALID", V::unknown},
      {Q::refund, "ACQ.REASON_ILLEGAL_STATUS", V::unknown},
      {Q::refund, "ACQ.DISCORDANT_REPEAT_REQUEST", V::unknown},
      {Q::refund, "ACQ.SYSTEM_ERROR", V::unknown},
      {Q::refund_query, "ACQ.TRADE_NOT_EXIST", V::unknown},
      {Q::refund_query, "ACQ.SYSTEM_ERROR", V::unknown},
  };
  for (const Row& row : rows) {
    const Asked a = asked(row.question);
    CAPTURE(a.node, row.sub_code);
    const ChannelReport report = answered(a.call, a.node, refusal(row.sub_code));
    CHECK(report.verdict == row.verdict);
    CHECK(report.code == row.sub_code);
    CHECK(report.message == "why");
  }
  for (const char* code : {"20000", "10003", "40004", "99999", ""})
    for (const Q question : {Q::create, Q::query, Q::close, Q::refund, Q::refund_query}) {
      const Asked a = asked(question);
      CHECK(answered(a.call, a.node, {{"code", code}, {"msg", "m"}}).verdict == V::unknown);
    }
  // What is about the account, and not the order, takes no order; of all else it says nothing.
  for (const char* code : {"20001", "40002", "40003", "40005", "40006"})
    for (const Q question : {Q::create, Q::query, Q::close, Q::refund, Q::refund_query}) {
      const Asked a = asked(question);
      CHECK(answered(a.call, a.node, {{"code", code}, {"msg", "m"}}).verdict ==
            (question == Q::create ? V::not_taken : V::unknown));
    }
  // A parameter is missing, which the order's own next account would miss too.
  for (const Q question : {Q::create, Q::query, Q::close, Q::refund, Q::refund_query}) {
    const Asked a = asked(question);
    CHECK(answered(a.call, a.node, {{"code", "40001"}, {"msg", "m"}}).verdict ==
          (question == Q::create ? V::refused : V::unknown));
  }
}

TEST_CASE(
    "an order paid at Alipay says how much, under which number, and that the account was checked") {
  const Asked a = asked(Q::query);
  const ChannelReport report = answered(a.call, a.node, good_node(a));
  CHECK(report.verdict == V::paid);
  CHECK(report.source == ReportSource::query);
  CHECK(report.payment == a.call.payment);
  CHECK(report.amount_minor == 101);
  CHECK(report.currency.code() == "CNY");
  CHECK(report.channel_reference == "2026010122001400000000000001");
  CHECK(report.merchant_by_account);
  Json other = good_node(a);
  other["total_amount"] = "9.99";
  CHECK(answered(a.call, a.node, other).amount_minor == 999);
}

TEST_CASE("an answer that lacks what it must say is unknown") {
  const auto verdict_without = [](Q question, const char* field) {
    const Asked a = asked(question);
    Json node = good_node(a);
    node.erase(field);
    return answered(a.call, a.node, node).verdict;
  };
  for (const Q question : {Q::create, Q::query, Q::close, Q::refund, Q::refund_query})
    CHECK(verdict_without(question, "out_trade_no") == V::unknown);
  CHECK(verdict_without(Q::create, "qr_code") == V::unknown);
  CHECK(verdict_without(Q::query, "total_amount") == V::unknown);
  CHECK(verdict_without(Q::query, "trade_no") == V::unknown);
  CHECK(verdict_without(Q::refund, "refund_fee") == V::unknown);
  CHECK(verdict_without(Q::refund_query, "out_request_no") == V::unknown);
  CHECK(verdict_without(Q::refund_query, "refund_amount") == V::unknown);
}

TEST_CASE("an amount that is not written as yuan are is none") {
  const auto verdict_of = [](Q question, const char* field, const Json& amount) {
    const Asked a = asked(question);
    Json node = good_node(a);
    node[field] = amount;
    return answered(a.call, a.node, node).verdict;
  };
  const Json amounts[] = {"01.01", "1.010", "1,01",   "1e2", "+1.01", "-1.01", " 1.01",
                          "0.00",  ".01",   "1.01元", "1.",  1.01,    101,     "99999999999999.99"};
  for (const Json& amount : amounts) {
    CAPTURE(amount);
    CHECK(verdict_of(Q::query, "total_amount", amount) == V::unknown);
    CHECK(verdict_of(Q::refund_query, "refund_amount", amount) == V::unknown);
  }
  CHECK(verdict_of(Q::query, "total_amount", "1.1") == V::paid);
}

TEST_CASE("an answer about another order or another refund is unknown") {
  for (const Q question : {Q::create, Q::query, Q::close, Q::refund, Q::refund_query}) {
    const Asked a = asked(question);
    Json node = good_node(a);
    node["out_trade_no"] = "T1";
    CHECK(answered(a.call, a.node, node).verdict == V::unknown);
  }
  const Asked a = asked(Q::refund_query);
  Json node = good_node(a);
  node["out_request_no"] = "R1";
  CHECK(answered(a.call, a.node, node).verdict == V::unknown);
}

TEST_CASE("the total of all refunds is not taken for this one's amount") {
  const Asked a = asked(Q::refund);
  Json node = good_node(a);
  node["refund_fee"] = "0.90";
  CHECK(answered(a.call, a.node, node).verdict == V::refunded);
  CHECK(answered(a.call, a.node, node).amount_minor == 50);
  node["refund_fee"] = "0.49";
  CHECK(answered(a.call, a.node, node).verdict == V::unknown);
}

TEST_CASE("an order the payer has not scanned yet waits for him until it expires") {
  const Json not_exist = refusal("ACQ.TRADE_NOT_EXIST");
  for (const Q question : {Q::query, Q::close}) {
    Asked a = asked(question);
    const UnixUs end_us = a.call.expires_at_us;
    // Before the create was answered nobody can scan anything: it is to be repeated.
    CHECK(answered(a.call, a.node, not_exist, end_us - 1).verdict == V::not_found);
    a.call.order_accepted = true;
    CHECK(answered(a.call, a.node, not_exist, end_us - 1).verdict == V::accepted);
    CHECK(answered(a.call, a.node, not_exist, end_us).verdict == V::not_found);
  }
}

TEST_CASE("nothing that is not signed, or not as the answer to this, decides anything") {
  const alipay::Account account = account_of(public_key_config());
  const Asked a = asked(Q::query);
  const std::string node = good_node(a).dump();
  const auto judge = [&](int status, const std::string& body) {
    return alipay::parse_answer(account, a.call, {status, {}, body}, now_us);
  };
  const std::string good = answer_of(a.node, node).body;
  REQUIRE(judge(200, good).verdict == V::paid);
  CHECK(judge(500, good).verdict == V::unknown);
  CHECK(judge(302, good).verdict == V::unknown);
  CHECK(judge(200, "").code == "unreadable_answer");
  CHECK(judge(200, "<html>busy</html>").code == "unreadable_answer");
  CHECK(judge(200, good + " x").code == "unreadable_answer");
  CHECK(judge(200, answer_of("alipay_trade_close_response", node).body).code ==
        "unreadable_answer");
  CHECK(judge(200, "{\"" + a.node + "\":" + node + "}").code == "10000");
  CHECK(judge(200, "{\"" + a.node + "\":" + node + "}").verdict == V::unknown);
  const ChannelReport error = judge(
      200,
      R"({"error_response":{"code":"40002","msg":"Invalid","sub_code":"isv.invalid-signature"}})");
  CHECK(error.verdict == V::unknown);
  CHECK(error.code == "isv.invalid-signature");
  // Signed, and with a key that stands twice: two readers could see two amounts.
  std::string twice = node;
  twice.insert(1, R"("total_amount":"0.01",)");
  CHECK(alipay::parse_answer(account, a.call, answer_of(a.node, twice), now_us).code ==
        "unreadable_answer");
  CHECK(alipay::parse_answer(account, a.call, answer_of(a.node, "\"x\""), now_us).code ==
        "unreadable_answer");
}

TEST_CASE("an Alipay notification that an order was paid is a report of it") {
  const CallbackVerdict verdict = heard(notification());
  REQUIRE(std::holds_alternative<ChannelReport>(verdict));
  const auto& report = std::get<ChannelReport>(verdict);
  CHECK(report.verdict == V::paid);
  CHECK(report.source == ReportSource::callback);
  CHECK(report.operation == O::create);
  CHECK(report.payment == payment_id_of("m_1", "order-1"));
  CHECK(report.id == "2026010101222080031000000000000001");
  CHECK(report.amount_minor == 101);
  CHECK(report.currency.code() == "CNY");
  CHECK(report.channel_reference == "2026010122001400000000000001");
  CHECK(report.merchant_by_account);
  CHECK(std::get<ChannelReport>(heard(notification("TRADE_FINISHED"))).verdict == V::paid);
  CHECK(std::get<ChannelReport>(heard(notification("TRADE_CLOSED"))).verdict == V::closed);
  CHECK(std::get<ChannelReport>(heard(notification("TRADE_NEW"))).verdict == V::unknown);
  CHECK(std::holds_alternative<CallbackIgnored>(heard(notification("WAIT_BUYER_PAY"))));
}

TEST_CASE("a notification of a refund is not read as a second payment or as a close") {
  const RefundId refund = refund_id_of(payment_id_of("m_1", "order-1"), "refund-1");
  for (const char* status : {"TRADE_SUCCESS", "TRADE_CLOSED"}) {
    FormFields fields = notification(status);
    fields = with(fields, "refund_fee", "0.50");
    fields = with(fields, "gmt_refund", "2026-01-01 09:00:00.123");
    fields = with(fields, "out_biz_no", channel_refund_no(refund));
    const CallbackVerdict verdict = heard(fields);
    REQUIRE(std::holds_alternative<ChannelReport>(verdict));
    CHECK(std::get<ChannelReport>(verdict).operation == O::refund);
    CHECK(std::get<ChannelReport>(verdict).refund_id == refund.text());
    CHECK(std::get<ChannelReport>(verdict).verdict == V::refund_pending);
  }
  // Zero refunded is no refund.
  CHECK(std::get<ChannelReport>(heard(with(notification(), "refund_fee", "0.00"))).verdict ==
        V::paid);
}

TEST_CASE("a refund under a strange number was made at Alipay's desk, and is told by its total") {
  for (const char* number : {"2026010100001", ""}) {
    FormFields fields = with(notification("TRADE_SUCCESS"), "refund_fee", "0.50");
    fields = with(fields, "gmt_refund", "2026-01-01 09:00:00.123");
    fields = with(fields, "out_biz_no", number);
    const CallbackVerdict verdict = heard(fields);
    REQUIRE(std::holds_alternative<ChannelReport>(verdict));
    const auto& report = std::get<ChannelReport>(verdict);
    CHECK(report.operation == O::refund);
    CHECK(report.verdict == V::refunded);
    CHECK(report.outside_refund);
    CHECK(report.amount_is_total);
    CHECK(report.amount_minor == 50);
    CHECK(report.refund_id.empty());
    CHECK(report.channel_reference == (*number ? number : "refund_fee/0.50"));
    CHECK(report.charge_reference == field_of(notification(), "trade_no"));
    for (const auto& [name, value] : {std::pair("refund_fee", "x"), std::pair("trade_no", "")}) {
      const CallbackVerdict bent = heard(with(fields, name, value));
      CHECK(std::get<CallbackRefused>(bent).problem.code == ProblemCode::malformed_callback);
    }
  }
}

TEST_CASE("a second payment of one order is given back by Alipay's own number for it") {
  for (const bool query : {false, true}) {
    ChannelCall call = call_for(O::refund, query);
    call.surplus = true;
    call.channel_reference = "2026010122001400000000000002";
    const EncodedCall encoded = alipay::encode_call(account_of(public_key_config()), call, context);
    const auto fields = parse_form(std::get<WireRequest>(encoded).body);
    REQUIRE(fields);
    const Json content = Json::parse(field_of(*fields, "biz_content"));
    CHECK(content.at("trade_no") == "2026010122001400000000000002");
    CHECK_FALSE(content.contains("out_trade_no"));
    CHECK(content.at("out_request_no") == call.channel_refund_no);
  }
}

TEST_CASE("an answer about the first payment says nothing about a refund of the second") {
  ChannelCall call = call_for(O::refund);
  call.surplus = true;
  call.channel_reference = "2026010122001400000000000002";
  const auto told = [&call](const char* trade_no) {
    const Json node{
        {"code", "10000"},      {"msg", "Success"},   {"out_trade_no", call.channel_order_no},
        {"trade_no", trade_no}, {"fund_change", "Y"}, {"refund_fee", "0.50"}};
    return alipay::parse_answer(account_of(public_key_config()), call,
                                answer_of("alipay_trade_refund_response", node.dump()),
                                context.now_us);
  };
  CHECK(told("2026010122001400000000000002").verdict == V::refunded);
  CHECK(told("2026010122001400000000000001").verdict == V::unknown);
}

TEST_CASE("a genuine notification for somebody else is refused with its reason") {
  const auto code = [](const CallbackVerdict& verdict) {
    REQUIRE(std::holds_alternative<CallbackRefused>(verdict));
    return std::get<CallbackRefused>(verdict).problem.code;
  };
  CHECK(code(heard(with(notification(), "app_id", "2021000000000002"))) ==
        ProblemCode::wrong_account);
  CHECK(code(heard(with(notification(), "seller_id", "2088000000000998"))) ==
        ProblemCode::wrong_account);
  CHECK(code(heard(with(notification(), "notify_id", ""))) == ProblemCode::malformed_callback);
  CHECK(code(heard(with(notification(), "total_amount", "1.011"))) ==
        ProblemCode::malformed_callback);
  CHECK(code(heard(with(notification(), "trade_no", ""))) == ProblemCode::malformed_callback);
  const alipay::Account account = account_of(public_key_config());
  CHECK(code(alipay::parse_callback(account, {"alipay", {}, "a=1&a=2"})) ==
        ProblemCode::malformed_callback);
  CHECK(code(alipay::parse_callback(account, {"alipay", {}, ""})) == ProblemCode::bad_signature);
  RawCallback spoiled = notification_of(notification());
  spoiled.body[spoiled.body.find("1.01")] = '9';
  CHECK(code(alipay::parse_callback(account, spoiled)) == ProblemCode::bad_signature);
  CHECK(code(heard(with(notification(), "out_trade_no", "T1"))) == ProblemCode::invalid_value);
  CHECK(std::holds_alternative<CallbackIgnored>(heard(with(notification(), "notify_type", "x"))));
}

TEST_CASE("Alipay is told success in exactly seven bytes") {
  CHECK(alipay::taken().http_status == 200);
  CHECK(alipay::taken().body == "success");
  CHECK(alipay::not_taken().http_status != 200);
  CHECK(alipay::not_taken().body != "success");
}

TEST_CASE("the bill's place is asked for by day, and there may be none") {
  const alipay::Account account = account_of(public_key_config());
  const WireRequest request = alipay::encode_bill_request(account, "2026-01-01", context);
  CHECK(request.body ==
        "biz_content=%7B%22bill_type%22%3A%22trade%22%2C%22bill_date%22%3A%222026-01-01%22%7D");
  const std::string node = "alipay_data_dataservice_bill_downloadurl_query_response";
  const auto found = alipay::parse_bill_answer(
      account, answer_of(node, R"({"code":"10000","bill_download_url":"https:\/\/b.example\/x"})"));
  REQUIRE(std::holds_alternative<alipay::BillUrl>(found));
  CHECK(std::get<alipay::BillUrl>(found).url == "https://b.example/x");
  const auto none =
      alipay::parse_bill_answer(account, answer_of(node, refusal("isp.bill_not_exist").dump()));
  REQUIRE(std::holds_alternative<alipay::NoBill>(none));
  CHECK(std::get<alipay::NoBill>(none).code == "isp.bill_not_exist");
  const auto forged = alipay::parse_bill_answer(
      account,
      {200, {}, "{\"" + node + R"(":{"code":"10000","bill_download_url":"https://evil"}})"});
  CHECK(std::holds_alternative<alipay::NoBill>(forged));
}
