// The archives that bills come in.
#include <catch2/catch.hpp>

#include "protocol/channels/gbk.hpp"
#include "protocol/channels/zip.hpp"
#include "tests/support/vectors.hpp"

using namespace welkin;

namespace {
std::string alipay_zip() {
  return vector_file("bills/alipay_20880000000009990156_20260101.csv.zip");
}
}  // namespace

TEST_CASE("Alipay's archive holds the detail and the summary under names in GBK") {
  const auto entries = unzip(alipay_zip(), {});
  REQUIRE(entries);
  REQUIRE(entries->size() == 2);
  CHECK(utf8_of_gbk(entries->at(0).name) == "20880000000009990156_20260101_业务明细.csv");
  CHECK(utf8_of_gbk(entries->at(1).name) == "20880000000009990156_20260101_业务明细(汇总).csv");
  CHECK(entries->at(0).bytes == vector_file("bills/alipay_detail_20260101.gbk.csv"));
  CHECK(entries->at(1).bytes == vector_file("bills/alipay_summary_20260101.gbk.csv"));
}

TEST_CASE("UnionPay's archive holds the transactions, and the errors even when there are none") {
  const auto entries = unzip(vector_file("bills/unionpay_777290058110048_20260101.zip"), {});
  REQUIRE(entries);
  REQUIRE(entries->size() == 2);
  CHECK(entries->at(0).name == "INN26010188ZM_777290058110048");
  CHECK(entries->at(0).bytes == vector_file("bills/unionpay_INN26010188ZM_777290058110048"));
  CHECK(entries->at(1).bytes.empty());
}

TEST_CASE("an archive is unpacked within its limits or not at all") {
  const std::size_t size = vector_file("bills/alipay_detail_20260101.gbk.csv").size() +
                           vector_file("bills/alipay_summary_20260101.gbk.csv").size();
  CHECK(unzip(alipay_zip(), {2, size}));
  CHECK_FALSE(unzip(alipay_zip(), {2, size - 1}));
  CHECK_FALSE(unzip(alipay_zip(), {1, size}));
}

TEST_CASE("an archive that is cut or spoiled is not unpacked") {
  const std::string whole = alipay_zip();
  for (std::size_t cut = 0; cut < whole.size(); cut += 11)
    CHECK_FALSE(unzip(whole.substr(0, cut), {}));
  // Within the packed bytes of the first entry, which its checksum covers.
  for (std::size_t at = 120; at < 600; at += 17) {
    std::string spoiled = whole;
    spoiled[at] = static_cast<char>(spoiled[at] ^ 0x55);
    CHECK_FALSE(unzip(spoiled, {}));
  }
  CHECK_FALSE(unzip("", {}));
  CHECK_FALSE(unzip("no archive", {}));
}
