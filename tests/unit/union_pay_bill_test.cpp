// UnionPay's ZM files, whole and spoiled.
#include "protocol/channels/union_pay/bill.hpp"

#include <catch2/catch.hpp>

#include "tests/support/vectors.hpp"

using namespace welkin;

namespace {

const char* file_name = "INN26010188ZM_777290058110048";
std::string bytes() { return vector_file(std::string("bills/unionpay_") + file_name); }

std::variant<union_pay::Bill, Problem> parsed(const std::string& text) {
  return union_pay::parse_bill(text, *union_pay::parse_bill_file_name(file_name));
}

std::string spoiled(std::size_t at, const std::string& with) {
  std::string text = bytes();
  return text.replace(at, with.size(), with);
}

constexpr UnixUs eight_us = 1'767'225'600 * us_per_s;

}  // namespace

TEST_CASE("a ZM file has the payment and its refund") {
  const auto result = parsed(bytes());
  if (const auto* problem = std::get_if<Problem>(&result)) FAIL(problem->field + problem->detail);
  const auto& rows = std::get<union_pay::Bill>(result).rows;
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].kind == union_pay::BillKind::payment);
  CHECK(rows[0].txn_type == "01");
  CHECK(rows[0].txn_sub_type == "01");
  CHECK(rows[0].at_us == eight_us + 30 * us_per_s);
  CHECK(rows[0].order_no == "T202601010800000004");
  CHECK(rows[0].query_id == "202601010800001234567");
  CHECK(rows[0].original_query_id.empty());
  CHECK(rows[0].merchant_id == "777290058110048");
  CHECK(rows[0].card == "621626*********0018");
  CHECK(rows[0].amount_minor == 101);
  CHECK(rows[0].fee_minor == -1);
  CHECK(rows[0].settled_minor == 100);
  CHECK(rows[1].kind == union_pay::BillKind::refund);
  CHECK(rows[1].order_no == "R202601010800000004");
  CHECK(rows[1].original_query_id == "202601010800001234567");
  CHECK(rows[1].amount_minor == 50);
  CHECK(rows[1].fee_minor == 0);
  CHECK(rows[1].settled_minor == -50);
}

TEST_CASE("a line of December in a file of January is of the year before") {
  std::string text = bytes();
  text.replace(35, 10, "1231235959");
  const auto result = parsed(text);
  REQUIRE(std::holds_alternative<union_pay::Bill>(result));
  CHECK(std::get<union_pay::Bill>(result).rows[0].at_us ==
        eight_us - 8 * 3600 * us_per_s - us_per_s);
}

TEST_CASE("later issues have one byte more, and an empty file no line") {
  std::string text = bytes();
  text.insert(text.find("\r\n"), " ");
  CHECK(std::holds_alternative<union_pay::Bill>(parsed(text)));
  CHECK(std::get<union_pay::Bill>(parsed("")).rows.empty());
}

TEST_CASE("a ZM file that is cut or spoiled is no bill") {
  const std::string whole = bytes();
  for (std::size_t size = 1; size < whole.size(); size += 13)
    CHECK(std::holds_alternative<union_pay::Bill>(parsed(whole.substr(0, size))) == (size == 609));
  const auto field = [](const std::string& text) {
    const auto result = parsed(text);
    REQUIRE(std::holds_alternative<Problem>(result));
    return std::get<Problem>(result).field;
  };
  const std::size_t amount_at = whole.find("000000000101");
  CHECK(field(spoiled(amount_at, "00000000010x")) == "line 1");
  CHECK(field(spoiled(amount_at - 1, "x")) == "line 1");
  CHECK(field(spoiled(whole.find("C000000000100"), "X")) == "line 1");
  CHECK(field(spoiled(35, "1301")) == "line 1");
  CHECK(field(spoiled(609 + 35, "0001")) == "line 2");
  CHECK(field(spoiled(whole.find("777290058110048"), "1")) == "line 1");
  CHECK(field("\r\n") == "line 1");
  std::string shorter = whole;
  CHECK(field(shorter.erase(300, 1)) == "line 1");
}

TEST_CASE("a file's name says its day and its merchant") {
  const auto file = union_pay::parse_bill_file_name(file_name);
  REQUIRE(file);
  CHECK(file->year == 2026);
  CHECK(file->month == 1);
  CHECK(file->day == 1);
  CHECK_FALSE(file->errors);
  CHECK(file->merchant_id == "777290058110048");
  const auto errors = union_pay::parse_bill_file_name("INN26010188ZME_777290058110048");
  REQUIRE(errors);
  CHECK(errors->errors);
  for (const char* bad : {"", "INN", "RD26010188ZM_777290058110048",
                          "INN26130188ZM_777290058110048", "INN26010188ZX_777290058110048",
                          "INN26010188ZM_77729005811004", "INN260101xxZM_777290058110048"}) {
    CAPTURE(bad);
    CHECK_FALSE(union_pay::parse_bill_file_name(bad));
  }
}
