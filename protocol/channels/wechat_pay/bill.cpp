#include "protocol/channels/wechat_pay/bill.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

#include "protocol/channels/beijing_time.hpp"
#include "protocol/utf8.hpp"

namespace welkin::wechat_pay {
namespace {

constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
constexpr std::size_t fee_digits = 5;

Problem wrong(std::string detail, std::string where) {
  return {ProblemCode::invalid_value, std::move(detail), std::move(where)};
}

std::vector<std::string_view> split(std::string_view text, std::string_view separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + separator.size());
  }
}

// Values begin with a backtick, and a comma alone may be part of one.
std::optional<std::vector<std::string_view>> split_values(std::string_view line) {
  if (line.empty() || line.front() != '`') return std::nullopt;
  return split(line.substr(1), ",`");
}

// A decimal number as an integer of its last digit; "1.01" with two digits is 101.
std::optional<std::int64_t> parse_decimal(std::string_view text, std::size_t digits) {
  const bool negative = !text.empty() && text.front() == '-';
  if (negative) text.remove_prefix(1);
  const std::size_t point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  const std::string_view fraction =
      point == std::string_view::npos ? std::string_view() : text.substr(point + 1);
  if (whole.empty() || fraction.size() > digits) return std::nullopt;
  std::int64_t value = 0;
  const auto take = [&value](char digit) {
    if (digit < '0' || digit > '9' || value > max_amount_minor) return false;
    value = value * 10 + (digit - '0');
    return true;
  };
  for (const char digit : whole)
    if (!take(digit)) return std::nullopt;
  for (std::size_t i = 0; i < digits; ++i)
    if (!take(i < fraction.size() ? fraction[i] : '0')) return std::nullopt;
  return negative ? -value : value;
}

// A table of named columns: the first is a column of every row, and then the summary's.
struct Sheet {
  std::vector<std::string_view> columns;
  std::vector<std::vector<std::string_view>> rows;
  std::vector<std::string_view> summary_columns;
  std::vector<std::string_view> summary;
};

std::variant<Sheet, Problem> read_sheet(std::string_view csv) {
  if (csv.substr(0, byte_order_mark.size()) == byte_order_mark)
    csv.remove_prefix(byte_order_mark.size());
  if (!is_utf8(csv)) return wrong("The bill is not in UTF-8.", "line 1");
  std::vector<std::string_view> lines = split(csv, "\n");
  for (std::string_view& line : lines)
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  while (!lines.empty() && lines.back().empty()) lines.pop_back();
  if (lines.size() < 3) return wrong("The bill has no summary.", "line 1");
  Sheet sheet;
  sheet.columns = split(lines.front(), ",");
  for (std::size_t i = 1; i + 2 < lines.size(); ++i) {
    auto values = split_values(lines[i]);
    if (!values || values->size() != sheet.columns.size())
      return wrong("The row does not have the header's columns.", "line " + std::to_string(i + 1));
    sheet.rows.push_back(std::move(*values));
  }
  sheet.summary_columns = split(lines[lines.size() - 2], ",");
  auto summary = split_values(lines.back());
  if (!summary || summary->size() != sheet.summary_columns.size())
    return wrong("The bill has no summary.", "line " + std::to_string(lines.size()));
  sheet.summary = std::move(*summary);
  return sheet;
}

// Reads one row by the names of its columns and keeps the first fault.
class Row {
 public:
  Row(const std::vector<std::string_view>& columns, const std::vector<std::string_view>& values,
      std::string where)
      : columns_(columns), values_(values), where_(std::move(where)) {}

  std::string_view text(std::string_view column) {
    const auto it = std::find(columns_.begin(), columns_.end(), column);
    if (it != columns_.end()) return values_[static_cast<std::size_t>(it - columns_.begin())];
    fail("The bill has no such column.", column);
    return {};
  }
  std::int64_t number(std::string_view column, std::size_t digits) {
    const auto value = parse_decimal(text(column), digits);
    if (!value) fail("This is no amount.", column);
    return value.value_or(0);
  }
  UnixUs time(std::string_view column) {
    const auto value = parse_beijing_dashed(text(column));
    if (!value) fail("This is no time.", column);
    return value.value_or(0);
  }
  void fail(std::string detail, std::string_view column) {
    if (!problem_)
      problem_ =
          wrong(std::move(detail), where_ + (column.empty() ? "" : ": ") + std::string(column));
  }
  const std::optional<Problem>& problem() const { return problem_; }

 private:
  const std::vector<std::string_view>& columns_;
  const std::vector<std::string_view>& values_;
  std::string where_;
  std::optional<Problem> problem_;
};

// A sum that no summary can state is one that the rows do not have.
void add_up(Row& row, std::int64_t& sum, std::int64_t value, std::string_view column) {
  const auto more = checked_add(sum, value);
  if (!more) return row.fail("The sum is too large.", column);
  sum = *more;
}

std::string line_of(std::size_t row) { return "line " + std::to_string(row + 2); }

TradeRow read_trade_row(Row& row) {
  TradeRow trade;
  const std::string_view state = row.text("交易状态");
  if (state == "REFUND")
    trade.kind = TradeKind::refund;
  else if (state == "REVOKED")
    trade.kind = TradeKind::reversal;
  else if (state != "SUCCESS")
    row.fail("This is no state.", "交易状态");
  trade.at_us = row.time("交易时间");
  trade.app_id = row.text("公众账号ID");
  trade.merchant_id = row.text("商户号");
  trade.transaction_id = row.text("微信订单号");
  trade.order_no = row.text("商户订单号");
  trade.trade_type = row.text("交易类型");
  const auto currency = Currency::parse(row.text("货币种类"));
  if (!currency) row.fail("This is no currency.", "货币种类");
  trade.currency = currency.value_or(Currency{});
  trade.order_minor = row.number("订单金额", 2);
  trade.settled_minor = row.number("应结订单金额", 2);
  trade.refund_asked_minor = row.number("申请退款金额", 2);
  trade.refunded_minor = row.number("退款金额", 2);
  trade.fee_hundred_thousandths = row.number("手续费", fee_digits);
  if (trade.kind != TradeKind::payment) {
    trade.refund_id = row.text("微信退款单号");
    trade.refund_no = row.text("商户退款单号");
    trade.refund_status = row.text("退款状态");
  }
  return trade;
}

}  // namespace

std::variant<TradeBill, Problem> parse_trade_bill(std::string_view csv) {
  auto read = read_sheet(csv);
  if (auto* problem = std::get_if<Problem>(&read)) return std::move(*problem);
  const Sheet& sheet = std::get<Sheet>(read);
  TradeBill bill;
  std::int64_t order_minor = 0;
  std::int64_t asked_minor = 0;
  std::int64_t fee = 0;
  for (std::size_t i = 0; i < sheet.rows.size(); ++i) {
    Row row(sheet.columns, sheet.rows[i], line_of(i));
    bill.rows.push_back(read_trade_row(row));
    const TradeRow& trade = bill.rows.back();
    add_up(row, order_minor, trade.order_minor, "订单金额");
    add_up(row, asked_minor, trade.refund_asked_minor, "申请退款金额");
    add_up(row, fee, trade.fee_hundred_thousandths, "手续费");
    if (row.problem()) return *row.problem();
  }
  Row summary(sheet.summary_columns, sheet.summary, "summary");
  if (summary.number("总交易单数", 0) != static_cast<std::int64_t>(bill.rows.size()))
    summary.fail("The rows are another number than the summary says.", "总交易单数");
  if (summary.number("订单总金额", 2) != order_minor)
    summary.fail("The rows add up to something else.", "订单总金额");
  if (summary.number("申请退款总金额", 2) != asked_minor)
    summary.fail("The rows add up to something else.", "申请退款总金额");
  if (summary.number("手续费总金额", fee_digits) != fee)
    summary.fail("The rows add up to something else.", "手续费总金额");
  if (summary.problem()) return *summary.problem();
  return bill;
}

std::variant<FundFlowBill, Problem> parse_fund_flow(std::string_view csv) {
  auto read = read_sheet(csv);
  if (auto* problem = std::get_if<Problem>(&read)) return std::move(*problem);
  const Sheet& sheet = std::get<Sheet>(read);
  FundFlowBill bill;
  std::int64_t count[2] = {0, 0};
  std::int64_t sum_minor[2] = {0, 0};
  for (std::size_t i = 0; i < sheet.rows.size(); ++i) {
    Row row(sheet.columns, sheet.rows[i], line_of(i));
    FundFlowRow flow;
    flow.at_us = row.time("记账时间");
    flow.business_id = row.text("微信支付业务单号");
    flow.flow_id = row.text("资金流水单号");
    flow.business_name = row.text("业务名称");
    flow.business_type = row.text("业务类型");
    const std::string_view direction = row.text("收支类型");
    flow.income = direction == "收入";
    if (!flow.income && direction != "支出") row.fail("This is no direction.", "收支类型");
    flow.amount_minor = row.number("收支金额（元）", 2);
    flow.balance_minor = row.number("账户结余（元）", 2);
    flow.voucher_no = row.text("业务凭证号");
    add_up(row, sum_minor[flow.income], flow.amount_minor, "收支金额（元）");
    if (row.problem()) return *row.problem();
    ++count[flow.income];
    bill.rows.push_back(std::move(flow));
  }
  // Counts are printed as "20.0".
  Row summary(sheet.summary_columns, sheet.summary, "summary");
  const auto expect = [&summary](std::string_view column, std::size_t digits, std::int64_t value) {
    if (summary.number(column, digits) != value)
      summary.fail("The rows add up to something else.", column);
  };
  expect("资金流水总笔数", 1, (count[0] + count[1]) * 10);
  expect("收入笔数", 1, count[1] * 10);
  expect("收入金额", 2, sum_minor[1]);
  expect("支出笔数", 1, count[0] * 10);
  expect("支出金额", 2, sum_minor[0]);
  if (summary.problem()) return *summary.problem();
  return bill;
}

}  // namespace welkin::wechat_pay
