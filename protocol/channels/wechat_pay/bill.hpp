// WeChat Pay's daily bills: CSV in UTF-8 with every value behind a backtick, amounts in yuan. Read
// by the names of the columns, because there are more of them every few years, and believed only
// when the summary at the end agrees with the rows: half a file is no bill.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "protocol/ids.hpp"
#include "protocol/money.hpp"
#include "protocol/problem.hpp"

namespace welkin::wechat_pay {

enum class TradeKind : std::uint8_t { payment, refund, reversal };

// One row of the trade bill ALL. A refunded order keeps its payment row and gets a refund row on
// the day the refund was asked for, whose state is not brought up to date later.
struct TradeRow {
  TradeKind kind = TradeKind::payment;
  UnixUs at_us = 0;
  std::string app_id;
  std::string merchant_id;
  std::string transaction_id;
  std::string order_no;
  std::string trade_type;  // "NATIVE"
  Currency currency;
  std::int64_t order_minor = 0;  // what was asked; what payments are matched by
  std::int64_t settled_minor = 0;
  std::string refund_id;
  std::string refund_no;
  std::int64_t refund_asked_minor = 0;  // what refunds are matched by
  std::int64_t refunded_minor = 0;
  std::string refund_status;
  std::int64_t fee_hundred_thousandths = 0;  // of a yuan, as the bill states it; below 0 on refunds
};
struct TradeBill {
  std::vector<TradeRow> rows;
};
// A Problem's field is the row ("line 3") or the column that is wrong.
std::variant<TradeBill, Problem> parse_trade_bill(std::string_view csv);

struct FundFlowRow {
  UnixUs at_us = 0;
  std::string business_id;  // the payment's or the refund's own number at WeChat
  std::string flow_id;
  std::string business_name;  // "交易", "退款", "扣除交易手续费"
  std::string business_type;
  bool income = false;
  std::int64_t amount_minor = 0;
  std::int64_t balance_minor = 0;
  std::string voucher_no;  // our order's or refund's number
};
struct FundFlowBill {
  std::vector<FundFlowRow> rows;
};
std::variant<FundFlowBill, Problem> parse_fund_flow(std::string_view csv);

}  // namespace welkin::wechat_pay
