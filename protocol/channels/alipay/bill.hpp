// Alipay's daily bill of trades: two CSV files in GBK out of one zip file, amounts in yuan. Read by
// the names of the columns, because files of other years have others, and believed only when the
// totals at the end agree with the rows: half a file is no bill.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "protocol/ids.hpp"
#include "protocol/problem.hpp"

namespace welkin::alipay {

enum class TradeKind : std::uint8_t { payment, refund };

struct TradeRow {
  TradeKind kind = TradeKind::payment;
  std::string trade_no;
  std::string order_no;
  std::string refund_no;  // refunds only
  std::string subject;
  UnixUs created_at_us = 0;
  UnixUs finished_at_us = 0;
  // Below zero for refunds, as the bill has them.
  std::int64_t order_minor = 0;
  std::int64_t received_minor = 0;
  std::int64_t fee_minor = 0;  // below zero when the merchant pays it
};
struct DetailBill {
  std::string account;  // as the bill's head names it
  std::vector<TradeRow> rows;
};
// A Problem's field is the row ("line 6") or the column that is wrong.
std::variant<DetailBill, Problem> parse_detail_bill(std::string_view gbk_csv);

// The line of the sum over all stores.
struct SummaryBill {
  std::string account;
  std::int64_t payments = 0;
  std::int64_t refunds = 0;
  std::int64_t order_minor = 0;
  std::int64_t received_minor = 0;
  std::int64_t fee_minor = 0;
  std::int64_t net_minor = 0;
};
std::variant<SummaryBill, Problem> parse_summary_bill(std::string_view gbk_csv);

}  // namespace welkin::alipay
