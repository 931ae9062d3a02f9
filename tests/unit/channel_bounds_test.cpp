// Whatever a channel signs, what is made of it can be recorded: names are plain, words are text and
// bounded, money has an amount.
#include <openssl/err.h>
#include <catch2/catch.hpp>

#include "protocol/channels/certificate_chain.hpp"
#include "protocol/channels/pkcs12.hpp"
#include "protocol/channels/report_bounds.hpp"
#include "protocol/channels/stripe/bill.hpp"
#include "protocol/channels/union_pay/bill.hpp"
#include "protocol/channels/wechat_pay/bill.hpp"
#include "protocol/utf8.hpp"
#include "tests/support/alipay_fixture.hpp"
#include "tests/support/stripe_fixture.hpp"
#include "tests/support/union_pay_fixture.hpp"
#include "tests/support/wechat_fixture.hpp"

using namespace welkin;
using namespace std::string_literals;
using O = ChannelOperation;
using V = ChannelVerdict;

namespace {

ChannelReport paid_report() {
  ChannelReport report = report_about(example_query(O::create));
  report.verdict = V::paid;
  report.amount_minor = 101;
  report.currency = *Currency::parse("CNY");
  report.channel_reference = "4200000000202601010000000001";
  return report;
}

ProblemCode refusal_of(const CallbackVerdict& verdict) {
  REQUIRE(std::holds_alternative<CallbackRefused>(verdict));
  return std::get<CallbackRefused>(verdict).problem.code;
}

FormFields alipay_paid(const std::string& notify_id) {
  return {{"app_id", "2021000000000001"},
          {"seller_id", "2088000000000999"},
          {"notify_type", "trade_status_sync"},
          {"notify_id", notify_id},
          {"out_trade_no", example_call(O::create).channel_order_no},
          {"trade_no", "2026010122001400000000000001"},
          {"total_amount", "1.01"},
          {"trade_status", "TRADE_SUCCESS"}};
}

FormFields union_pay_paid(const std::string& query_id, const std::string& amount) {
  return {{"merId", "777290058110048"},
          {"orderId", example_call(O::create).channel_order_no},
          {"txnTime", "20260101080000"},
          {"txnType", "01"},
          {"txnAmt", amount},
          {"currencyCode", "156"},
          {"queryId", query_id},
          {"respCode", "00"}};
}

CallbackVerdict alipay_hears(const FormFields& fields) {
  return alipay::parse_callback(alipay_test::account_of(alipay_test::public_key_config()),
                                alipay_test::notification_of(fields));
}
CallbackVerdict union_pay_hears(const FormFields& fields) {
  return union_pay::parse_callback(union_pay_test::account_of(union_pay_test::rsa_config()),
                                   union_pay_test::notification_of(fields), vectors_now_us);
}

}  // namespace

TEST_CASE("a stranger's words become text of a bounded length") {
  CHECK(readable_text("余额不足", 100) == "余额不足");
  CHECK(readable_text("余额不足", 4) == "余");
  CHECK(readable_text("a\xff\xfe"
                      "b\0c\n"s,
                      100) == "a??b c ");
  CHECK(readable_text("\xe4\xbd", 100) == "??");
  CHECK(readable_text("0" + std::string(80, '\x97'), 64) == "0" + std::string(63, '?'));
  CHECK(readable_text(std::string(80, '\x97'), 64) == std::string(64, '?'));
  CHECK(is_plain_text("交易 1", 64));
  CHECK_FALSE(is_plain_text("a\0b"s, 64));
  CHECK_FALSE(is_plain_text("a\x7f", 64));
  CHECK_FALSE(is_plain_text("\xff", 64));
  CHECK_FALSE(is_plain_text("abc", 2));
}

TEST_CASE("UTF-8 is valid in its shortest form only, and without halves of pairs") {
  for (const char* good : {"", "a", "é", "业", "😀", "\xf4\x8f\xbf\xbf"}) CHECK(is_utf8(good));
  for (const char* bad : {"\x80", "\xc0\x80", "\xc3", "\xe0\x80\x80", "\xed\xa0\x80", "\xe4\xbd",
                          "\xf0\x80\x80\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80"})
    CHECK_FALSE(is_utf8(bad));
}

TEST_CASE("an answer beyond a bound says nothing for certain") {
  CHECK(within_bounds(paid_report()).verdict == V::paid);
  const auto spoiled = [](auto spoil) {
    ChannelReport report = paid_report();
    spoil(report);
    return within_bounds(report);
  };
  for (const std::int64_t amount : {std::int64_t{0}, std::int64_t{-101}, max_amount_minor + 1})
    CHECK(spoiled([&](ChannelReport& r) { r.amount_minor = amount; }).verdict == V::unknown);
  CHECK(spoiled([](ChannelReport& r) { r.channel_reference += "\n"; }).verdict == V::unknown);
  const ChannelReport long_number =
      spoiled([](ChannelReport& r) { r.channel_reference = std::string(65, '1'); });
  CHECK(long_number.verdict == V::unknown);
  CHECK(long_number.code == "wrong_shape");
  CHECK(long_number.channel_reference.empty());
  const ChannelReport long_action = spoiled([](ChannelReport& r) {
    r.verdict = V::accepted;
    r.next_action = {"qr_code", std::string(max_next_action_bytes + 1, 'x')};
  });
  CHECK(long_action.verdict == V::unknown);
  CHECK(long_action.next_action.value.empty());
  // Nothing has moved, so nothing has to have an amount.
  const auto open = [](ChannelReport& r) { r.verdict = V::accepted, r.amount_minor = 0; };
  CHECK(spoiled(open).verdict == V::accepted);
}

TEST_CASE("words are cut between characters, and what is unknown says so") {
  ChannelReport report = paid_report();
  report.verdict = V::unknown;
  CHECK(within_bounds(report).code == "no_code");
  CHECK_FALSE(within_bounds(report).message.empty());
  report.code = std::string(80, 'X');
  report.message = "a";
  for (int i = 0; i < 200; ++i) report.message += "错";
  CHECK(within_bounds(report).code == std::string(64, 'X'));
  CHECK(within_bounds(report).message.size() == 511);
  CHECK(is_utf8(within_bounds(report).message));
  report.code = std::string(80, '\x97');
  CHECK(within_bounds(report).code == std::string(64, '?'));
}

TEST_CASE("a long refusal of WeChat's is recorded as text") {
  std::string message = "a";
  for (int i = 0; i < 200; ++i) message += "错";
  const ChannelReport report = wechat_pay::parse_answer(
      wechat_account(), example_call(O::create),
      signed_answer(400, nlohmann::json{{"code", "PARAM_ERROR"}, {"message", message}}.dump()),
      vectors_context());
  CHECK(report.verdict == V::refused);
  CHECK(is_utf8(report.message));
}

TEST_CASE("UnionPay's words in another encoding do not reach the journal as they are") {
  const ChannelCall call = union_pay_test::call_for(O::create, true);
  FormFields fields = union_pay_paid("202601010800001234567", "101");
  for (auto& [name, value] : fields)
    if (name == "respCode") value = "34";
  fields.emplace_back("respMsg", "\xce\xde\xb4\xcb\xbd\xbb\xd2\xd7");
  const ChannelReport report =
      union_pay::parse_answer(union_pay_test::account_of(union_pay_test::rsa_config()), call,
                              union_pay_test::answer_of(fields), vectors_now_us);
  CHECK(report.code == "34");
  CHECK(is_plain_text(report.message, 64));
  CHECK(report.message.find("\xce\xde") == std::string::npos);
}

TEST_CASE("a callback whose id or number cannot be recorded is refused") {
  CHECK(std::holds_alternative<ChannelReport>(alipay_hears(alipay_paid("n-1"))));
  for (const std::string& id : {"n\0001"s, "n\n1"s, "\xff"s, std::string(256, '1')})
    CHECK(refusal_of(alipay_hears(alipay_paid(id))) == ProblemCode::malformed_callback);
  CHECK(std::holds_alternative<ChannelReport>(union_pay_hears(union_pay_paid("1", "101"))));
  for (const std::string& number : {"\xff"s, "1\0"s, std::string(65, '1')})
    CHECK(refusal_of(union_pay_hears(union_pay_paid(number, "101"))) ==
          ProblemCode::malformed_callback);
}

TEST_CASE("a success that moves no money is refused") {
  CHECK(refusal_of(union_pay_hears(union_pay_paid("1", "0"))) == ProblemCode::malformed_callback);
  nlohmann::json transaction = wechat_transaction("SUCCESS");
  for (const std::int64_t total : {std::int64_t{0}, std::int64_t{-101}, max_amount_minor + 1}) {
    transaction["amount"]["total"] = total;
    CHECK(refusal_of(wechat_pay::parse_callback(
              wechat_account(), wechat_callback("TRANSACTION.SUCCESS", transaction),
              vectors_now_us)) == ProblemCode::malformed_callback);
  }
  nlohmann::json intent = stripe_intent("succeeded");
  intent["amount_received"] = 0;
  CHECK(refusal_of(stripe::parse_callback(
            stripe_account(), stripe_callback(stripe_event("payment_intent.succeeded", intent)),
            vectors_now_us)) == ProblemCode::malformed_callback);
}

TEST_CASE("a refused callback's order number is one that can be looked up, or none") {
  FormFields fields = alipay_paid("n-1");
  for (auto& [name, value] : fields)
    if (name == "out_trade_no") value = "a\0b"s;
  const CallbackVerdict verdict =
      alipay::parse_callback(alipay_test::account_of(alipay_test::public_key_config()),
                             {"alipay", {}, encode_form(fields, FormSpace::plus)});
  CHECK(refusal_of(verdict) == ProblemCode::bad_signature);
  CHECK(std::get<CallbackRefused>(verdict).channel_order_no.empty());
}

TEST_CASE("a WeChat bill whose sums overflow, or which is no text, is none") {
  const std::string bill = vector_file("bills/wechat_fundflow_basic_2026-01-01.csv");
  REQUIRE(std::holds_alternative<wechat_pay::FundFlowBill>(wechat_pay::parse_fund_flow(bill)));
  CHECK(std::holds_alternative<Problem>(wechat_pay::parse_fund_flow(bill + "\xff")));
  std::string rows;
  std::string row = bill.substr(bill.find('\n') + 1);
  row = row.substr(0, row.find('\n') + 1);
  const std::size_t amount = row.find("1.01");
  REQUIRE(amount != std::string::npos);
  row.replace(amount, 4, "9999999999999.99");
  for (int i = 0; i < 10'000; ++i) rows += row;
  const auto parsed = wechat_pay::parse_fund_flow(bill.substr(0, bill.find('\n') + 1) + rows +
                                                  bill.substr(bill.find("资金流水总笔数")));
  REQUIRE(std::holds_alternative<Problem>(parsed));
  CHECK(std::get<Problem>(parsed).detail == "The sum is too large.");
}

TEST_CASE("a bill of UnionPay's or Stripe's whose numbers are no text is none") {
  const auto file = union_pay::parse_bill_file_name("INN26010188ZM_777290058110048");
  std::string lines = vector_file("bills/unionpay_INN26010188ZM_777290058110048");
  REQUIRE(std::holds_alternative<union_pay::Bill>(union_pay::parse_bill(lines, *file)));
  const std::size_t number = lines.find("202601010800");
  REQUIRE(number != std::string::npos);
  lines[number] = '\xff';
  CHECK(std::holds_alternative<Problem>(union_pay::parse_bill(lines, *file)));
  std::string report = vector_file("bills/stripe_balance_change_itemized_2026-01-01.csv");
  REQUIRE_FALSE(std::holds_alternative<Problem>(stripe::parse_balance_report(report)));
  report[report.find("charge")] = '\xff';
  CHECK(std::holds_alternative<Problem>(stripe::parse_balance_report(report)));
}

TEST_CASE("a pfx that asks for hours of work is not opened") {
  std::string pfx = vector_file("keys/unionpay_merchant.TESTONLY.pfx");
  // The last field of the file is how often the password is hashed: 2048. The three lengths around
  // it grow by the two bytes more.
  REQUIRE(pfx.substr(pfx.size() - 4) == "\x02\x02\x08\x00"s);
  pfx.replace(pfx.size() - 4, 4, "\x02\x04\x7f\xff\xff\xff");
  pfx[4235] = static_cast<char>(pfx[4235] + 2);
  pfx[3] = static_cast<char>(pfx[3] + 2);
  CHECK(std::get<crypto::KeyFault>(crypto::read_pkcs12(pfx, "000000")) ==
        crypto::KeyFault::too_costly);
}

TEST_CASE("nor is one that asks for them to open what is inside") {
  std::string pfx = vector_file("keys/unionpay_merchant_rc2.TESTONLY.pfx");
  // How often the password is hashed for the certificates, behind its salt of eight bytes: 2048,
  // and now a number below zero; the lengths stay as they are.
  const std::string rc2_40 = "\x06\x0a\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x01\x06\x30\x0e\x04\x08"s;
  const std::size_t algorithm = pfx.find(rc2_40);
  REQUIRE(algorithm != std::string::npos);
  const std::size_t iterations = algorithm + rc2_40.size() + 8;
  REQUIRE(pfx.substr(iterations, 4) == "\x02\x02\x08\x00"s);
  pfx.replace(iterations, 4, "\x02\x02\x80\x01"s);
  CHECK(std::get<crypto::KeyFault>(crypto::read_pkcs12(pfx, "000000")) ==
        crypto::KeyFault::too_costly);
}

TEST_CASE("judging a certificate leaves no error of OpenSSL's behind") {
  ERR_clear_error();
  const auto stranger = crypto::rsa_certificates(vector_key("alipay_app_cert"));
  const auto roots = crypto::rsa_certificates(vector_key("unionpay_root_cert"));
  REQUIRE(stranger.size() == 1);
  CHECK(crypto::chain_fault(stranger[0], {}, roots, vectors_now_us));
  CHECK(ERR_peek_error() == 0);
}
