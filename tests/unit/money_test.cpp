#include "protocol/money.hpp"

#include <catch2/catch.hpp>

using namespace welkin;

TEST_CASE("each currency has the exponent ISO 4217 gives it") {
  struct Row {
    const char* code;
    int exponent;
  };
  const auto row = GENERATE(values<Row>(
      {{"CNY", 2}, {"USD", 2}, {"EUR", 2}, {"HKD", 2}, {"IDR", 2}, {"JPY", 0}, {"KRW", 0},
       {"VND", 0}, {"CLP", 0}, {"ISK", 0}, {"XAF", 0}, {"UGX", 0}, {"KWD", 3}, {"BHD", 3},
       {"TND", 3}, {"OMR", 3}, {"JOD", 3}, {"IQD", 3}, {"LYD", 3}, {"AED", 2}, {"ZWL", 2}}));
  CAPTURE(row.code);
  const auto currency = Currency::parse(row.code);
  REQUIRE(currency);
  CHECK(currency->code() == row.code);
  CHECK(currency->exponent() == row.exponent);
}

TEST_CASE("what is no currency to pay in is not parsed") {
  const auto code = GENERATE(as<std::string>{}, "", "C", "CN", "CNYY", "cny", "Cny", " CNY", "CNY ",
                             "XXX", "XAU", "XTS", "AAA", "ZZZ", "ＣＮＹ", "€");
  CAPTURE(code);
  CHECK_FALSE(Currency::parse(code));
}

TEST_CASE("a code with a null byte inside is another code") {
  CHECK_FALSE(Currency::parse(std::string_view("CN\0", 3)));
  CHECK_FALSE(Currency::parse(std::string_view("CNY\0", 4)));
}

TEST_CASE("sums are right up to the edge and refused beyond it") {
  constexpr std::int64_t largest = std::numeric_limits<std::int64_t>::max();
  constexpr std::int64_t smallest = std::numeric_limits<std::int64_t>::min();
  CHECK(checked_add(1, 2) == 3);
  CHECK(checked_add(largest - 1, 1) == largest);
  CHECK_FALSE(checked_add(largest, 1));
  CHECK(checked_add(smallest, largest) == -1);
  CHECK_FALSE(checked_add(smallest, -1));
  CHECK(checked_sub(5, 7) == -2);
  CHECK(checked_sub(smallest + 1, 1) == smallest);
  CHECK_FALSE(checked_sub(smallest, 1));
  CHECK_FALSE(checked_sub(0, smallest));
  CHECK(checked_sub(-1, smallest) == largest);
}

TEST_CASE("a thousand refunds of the largest amount still fit a sum") {
  CHECK(max_amount_minor == 999'999'999'999'999);
  CHECK(max_amount_minor <= std::numeric_limits<std::int64_t>::max() / 1'000);
}

TEST_CASE("amounts are shown in major units with the currency's digits") {
  const Currency cny = *Currency::parse("CNY");
  CHECK(format_major(1234, cny) == "12.34");
  CHECK(format_major(100, cny) == "1.00");
  CHECK(format_major(99, cny) == "0.99");
  CHECK(format_major(5, cny) == "0.05");
  CHECK(format_major(0, cny) == "0.00");
  CHECK(format_major(-5, cny) == "-0.05");
  CHECK(format_major(-1234, cny) == "-12.34");
  CHECK(format_major(1234, *Currency::parse("JPY")) == "1234");
  CHECK(format_major(0, *Currency::parse("JPY")) == "0");
  CHECK(format_major(1, *Currency::parse("KWD")) == "0.001");
  CHECK(format_major(12345, *Currency::parse("KWD")) == "12.345");
  CHECK(format_major(max_amount_minor, cny) == "9999999999999.99");
  CHECK(format_major(std::numeric_limits<std::int64_t>::min(), cny) == "-92233720368547758.08");
}

TEST_CASE("amounts in major units are read to the last minor unit") {
  const Currency cny = *Currency::parse("CNY");
  const Currency jpy = *Currency::parse("JPY");
  const Currency kwd = *Currency::parse("KWD");
  CHECK(parse_major("1.01", cny) == 101);
  CHECK(parse_major("0.01", cny) == 1);
  CHECK(parse_major("-0.50", cny) == -50);
  CHECK(parse_major("20", cny) == 2000);
  CHECK(parse_major("20.5", cny) == 2050);
  CHECK(parse_major("100000000.00", cny) == 10'000'000'000);
  CHECK(parse_major("12", jpy) == 12);
  CHECK(parse_major("1.234", kwd) == 1234);
  CHECK(parse_major("9999999999999.99", cny) == max_amount_minor);
}

TEST_CASE("what is no amount of its currency is not read") {
  const Currency cny = *Currency::parse("CNY");
  const auto text = GENERATE(as<std::string>{}, "", "-", ".", "1.", ".5", "1.011", "01.00", "00",
                             "+1.00", " 1.00", "1.00 ", "1,000.00", "1e3", "1.0x", "--1", "1.-1",
                             "1.0.0", "10000000000000.00", "99999999999999999999", "NaN");
  CAPTURE(text);
  CHECK_FALSE(parse_major(text, cny));
  CHECK_FALSE(parse_major("1.0", *Currency::parse("JPY")));
}

TEST_CASE("what is shown in major units is read back as it was") {
  const Currency cny = *Currency::parse("CNY");
  for (const std::int64_t amount : {0L, 1L, 9L, 10L, 99L, 100L, 101L, 12345L, -1L, -12345L})
    CHECK(parse_major(format_major(amount, cny), cny) == amount);
}
