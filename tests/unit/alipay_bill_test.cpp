// Alipay's bill files, whole and spoiled.
#include "protocol/channels/alipay/bill.hpp"

#include <catch2/catch.hpp>

#include "protocol/channels/gbk.hpp"
#include "tests/support/vectors.hpp"

using namespace welkin;

namespace {

std::string detail() { return vector_file("bills/alipay_detail_20260101.gbk.csv"); }
std::string summary() { return vector_file("bills/alipay_summary_20260101.gbk.csv"); }

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

std::string field_of_fault(const std::string& csv) {
  const auto bill = alipay::parse_detail_bill(csv);
  REQUIRE(std::holds_alternative<Problem>(bill));
  return std::get<Problem>(bill).field;
}

constexpr UnixUs eight_us = 1'767'225'600 * us_per_s;

}  // namespace

TEST_CASE("GBK is read as UTF-8, and what is not GBK is not") {
  CHECK(utf8_of_gbk("a\xD2\xB5\xCE\xF1") == "a业务");
  CHECK(utf8_of_gbk("") == "");
  CHECK(utf8_of_gbk(std::string(10'000, 'x') + "\xD2\xB5") == std::string(10'000, 'x') + "业");
  CHECK_FALSE(utf8_of_gbk("a\xD2"));
  CHECK_FALSE(utf8_of_gbk("\xFF\xFF"));
}

TEST_CASE("the detail bill has the payment and its refund") {
  const auto parsed = alipay::parse_detail_bill(detail());
  if (const auto* problem = std::get_if<Problem>(&parsed)) FAIL(problem->field + problem->detail);
  const auto& bill = std::get<alipay::DetailBill>(parsed);
  CHECK(bill.account == "20880000000009990156");
  REQUIRE(bill.rows.size() == 2);
  const alipay::TradeRow& payment = bill.rows[0];
  CHECK(payment.kind == alipay::TradeKind::payment);
  CHECK(payment.trade_no == "2026010122001400000000000001");
  CHECK(payment.order_no == "T202601010800000002");
  CHECK(payment.subject == "测试商品 A&B=1");
  CHECK(payment.created_at_us == eight_us + 5 * us_per_s);
  CHECK(payment.finished_at_us == eight_us + 30 * us_per_s);
  CHECK(payment.order_minor == 101);
  CHECK(payment.received_minor == 101);
  CHECK(payment.fee_minor == -1);
  CHECK(payment.refund_no.empty());
  const alipay::TradeRow& refund = bill.rows[1];
  CHECK(refund.kind == alipay::TradeKind::refund);
  CHECK(refund.refund_no == "R202601010800000002");
  CHECK(refund.order_minor == -50);
  CHECK(refund.fee_minor == 0);
}

TEST_CASE("a merchant's text with commas in it moves no other column") {
  const auto parsed = alipay::parse_detail_bill(replaced(detail(), "A&B=1,", "A,B,,C,"));
  REQUIRE(std::holds_alternative<alipay::DetailBill>(parsed));
  const auto& row = std::get<alipay::DetailBill>(parsed).rows[0];
  CHECK(row.subject == "测试商品 A,B,,C");
  CHECK(row.order_minor == 101);
  CHECK(row.fee_minor == -1);
}

TEST_CASE("a detail bill that is cut, or whose totals do not fit, is no bill") {
  const std::string csv = detail();
  for (std::size_t size = 0; size < csv.size() - 2; size += 37)
    if (std::holds_alternative<alipay::DetailBill>(alipay::parse_detail_bill(csv.substr(0, size))))
      // Behind the totals only the time of the export follows, which nothing hangs on.
      CHECK(size > csv.find("-0.50\xD4\xAA"));
  CHECK(field_of_fault(replaced(csv, ",1.01,1.01,", ",1.01,1.02,")) == "交易合计：");
  CHECK(field_of_fault(replaced(csv, ",-0.50,-0.50,", ",-0.50,-0.51,")) == "退款合计：");
  CHECK(field_of_fault(replaced(csv, "1.01,1.01", "1.01x,1.01")) == "line 6");
  CHECK(field_of_fault(replaced(csv, "2026-01-01 08:00:05", "2026-02-30 08:00:05")) == "line 6");
  CHECK(field_of_fault(replaced(csv, "\xBD\xBB\xD2\xD7\t,", "x\t,")) == "line 6");
  CHECK(field_of_fault(replaced(csv, ",-0.01,0.00,", ",-0.01")) == "line 6");
  CHECK(field_of_fault("") == "");
  CHECK(field_of_fault("\xFF") == "");
}

TEST_CASE("the summary bill has the sum over all stores") {
  const auto parsed = alipay::parse_summary_bill(summary());
  if (const auto* problem = std::get_if<Problem>(&parsed)) FAIL(problem->field + problem->detail);
  const auto& bill = std::get<alipay::SummaryBill>(parsed);
  CHECK(bill.account == "20880000000009990156");
  CHECK(bill.payments == 1);
  CHECK(bill.refunds == 1);
  CHECK(bill.order_minor == 51);
  CHECK(bill.received_minor == 51);
  CHECK(bill.fee_minor == -1);
  CHECK(bill.net_minor == 50);
  CHECK(std::holds_alternative<Problem>(alipay::parse_summary_bill(detail())));
  CHECK(std::holds_alternative<Problem>(
      alipay::parse_summary_bill(replaced(summary(), "\xBA\xCF\xBC\xC6\t", "S1\t"))));
  CHECK(std::holds_alternative<Problem>(
      alipay::parse_summary_bill(replaced(summary(), ",1,1,", ",1,-1,"))));
}
