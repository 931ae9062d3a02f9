// Rows between two marks, cells between commas; see the header.
#include "protocol/channels/alipay/bill.hpp"

#include <charconv>
#include <optional>
#include <utility>

#include "protocol/channels/beijing_time.hpp"
#include "protocol/channels/gbk.hpp"
#include "protocol/money.hpp"

namespace welkin::alipay {
namespace {

constexpr std::size_t max_rows = 5'000'000;

Problem fault(std::string field, std::string detail) {
  return {ProblemCode::invalid_value, std::move(detail), std::move(field)};
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::string_view trimmed(std::string_view text) {
  const std::size_t from = text.find_first_not_of(" \t\r");
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(" \t\r") - from + 1);
}

std::optional<std::int64_t> yuan(std::string_view text) {
  return parse_major(text, *Currency::parse("CNY"));
}

std::optional<std::int64_t> count(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

// What stands between two marks of a line; empty when it does not have them in this order.
std::string_view between(std::string_view line, std::string_view before, std::string_view after) {
  const std::size_t from = line.find(before);
  if (from == std::string_view::npos) return {};
  const std::size_t start = from + before.size();
  const std::size_t end = line.find(after, start);
  return end == std::string_view::npos ? std::string_view{} : line.substr(start, end - start);
}

// One file: the head's account, the columns' names, the rows as cells, and the lines behind them.
struct Table {
  std::string text;  // what the views below look into
  std::string_view account;
  std::vector<std::string_view> names;
  struct Row {
    std::size_t line = 0;
    std::vector<std::string_view> cells;
  };
  std::vector<Row> rows;
  std::vector<std::string_view> behind;
};

// A name without the one merchant text in it is all the rest: when a row has more cells than there
// are names, that text has held commas.
std::optional<std::vector<std::string_view>> cells_of(std::string_view line,
                                                      const std::vector<std::string_view>& names) {
  std::vector<std::string_view> cells = split(line, ',');
  if (cells.size() < names.size()) return std::nullopt;
  const std::size_t more = cells.size() - names.size();
  if (more > 0) {
    std::size_t subject = 0;
    while (subject < names.size() && names[subject] != "商品名称") ++subject;
    if (subject == names.size()) return std::nullopt;
    const char* begin = cells[subject].data();
    const std::string_view last = cells[subject + more];
    cells[subject] = {begin, static_cast<std::size_t>(last.data() + last.size() - begin)};
    cells.erase(cells.begin() + static_cast<std::ptrdiff_t>(subject) + 1,
                cells.begin() + static_cast<std::ptrdiff_t>(subject + more) + 1);
  }
  for (std::string_view& cell : cells) cell = trimmed(cell);
  return cells;
}

std::optional<Problem> read_table(std::string_view gbk_csv, std::string_view end_mark, Table& out) {
  auto text = utf8_of_gbk(gbk_csv);
  if (!text) return fault("", "The file is not in GBK.");
  out.text = *std::move(text);
  bool ended = false;
  std::size_t number = 0;
  for (const std::string_view raw : split(out.text, '\n')) {
    ++number;
    const std::string_view line = trimmed(raw);
    if (line.empty()) continue;
    if (ended) {
      out.behind.push_back(line);
    } else if (line.front() == '#') {
      if (out.account.empty()) out.account = between(line, "账号：[", "]");
      ended = line.find(end_mark) != std::string_view::npos;
    } else if (out.names.empty()) {
      out.names = split(line, ',');
      for (std::string_view& name : out.names) {
        name = trimmed(name);
        for (const std::string_view unit : {"（元）", "(元)"})
          if (name.size() > unit.size() && name.substr(name.size() - unit.size()) == unit)
            name.remove_suffix(unit.size());
      }
    } else {
      auto cells = cells_of(raw, out.names);
      if (!cells || out.rows.size() >= max_rows)
        return fault("line " + std::to_string(number), "The row does not fit the columns.");
      out.rows.push_back({number, *std::move(cells)});
    }
  }
  if (out.names.empty()) return fault("", "There are no columns.");
  if (!ended) return fault("", "The file ends before its end mark.");
  if (out.account.empty()) return fault("", "The file names no account.");
  return std::nullopt;
}

// Cells of one row by the columns' names; what is wrong is kept, and reading goes on.
class RowReader {
 public:
  RowReader(const Table& table, const Table::Row& row) : table_(table), row_(row) {}

  std::string_view text(std::string_view name) {
    for (std::size_t i = 0; i < table_.names.size(); ++i)
      if (table_.names[i] == name) return row_.cells[i];
    fail(std::string(name), "There is no such column.");
    return {};
  }
  std::int64_t amount(std::string_view name) { return value(name, yuan, "This is no amount."); }
  std::int64_t number(std::string_view name) { return value(name, count, "This is no number."); }
  UnixUs time(std::string_view name) {
    return value(name, parse_beijing_dashed, "This is no time.");
  }
  void fail(std::string field, std::string detail) {
    if (!problem_) problem_ = fault(std::move(field), std::move(detail));
  }
  void fail_row(std::string detail) {
    fail("line " + std::to_string(row_.line), std::move(detail));
  }
  const std::optional<Problem>& problem() const { return problem_; }

 private:
  std::int64_t value(std::string_view name, std::optional<std::int64_t> (*read)(std::string_view),
                     const char* otherwise) {
    const auto read_value = read(text(name));
    if (!read_value) fail_row(std::string(name) + ": " + otherwise);
    return read_value.value_or(0);
  }

  const Table& table_;
  const Table::Row& row_;
  std::optional<Problem> problem_;
};

TradeRow read_trade(RowReader& row) {
  TradeRow trade;
  const std::string_view kind = row.text("业务类型");
  if (kind == "退款")
    trade.kind = TradeKind::refund;
  else if (kind != "交易")
    row.fail_row("It is neither a payment nor a refund.");
  trade.trade_no = row.text("支付宝交易号");
  trade.order_no = row.text("商户订单号");
  trade.subject = row.text("商品名称");
  trade.created_at_us = row.time("创建时间");
  trade.finished_at_us = row.time("完成时间");
  trade.order_minor = row.amount("订单金额");
  trade.received_minor = row.amount("商家实收");
  trade.fee_minor = row.amount("服务费");
  if (trade.kind == TradeKind::refund) trade.refund_no = row.text("退款批次号/请求号");
  if (trade.trade_no.empty() || trade.order_no.empty()) row.fail_row("It has no number.");
  return trade;
}

// "#交易合计：1笔，商家实收共1.01元，…" against the rows of that kind.
std::optional<Problem> check_total(const Table& table, std::string_view mark,
                                   std::string_view received_mark, TradeKind kind,
                                   const std::vector<TradeRow>& rows) {
  std::int64_t rows_of_kind = 0;
  std::int64_t received_minor = 0;
  for (const TradeRow& row : rows) {
    if (row.kind != kind) continue;
    ++rows_of_kind;
    const auto sum = checked_add(received_minor, row.received_minor);
    if (!sum) return fault(std::string(mark), "The sum is too large.");
    received_minor = *sum;
  }
  for (const std::string_view line : table.behind) {
    const std::string_view stated_count = between(line, mark, "笔");
    if (stated_count.empty()) continue;
    if (count(stated_count) != rows_of_kind)
      return fault(std::string(mark), "The rows are not as many as stated.");
    if (yuan(between(line, received_mark, "元")) != received_minor)
      return fault(std::string(mark), "The rows' sum is not the one stated.");
    return std::nullopt;
  }
  return fault(std::string(mark), "The total is missing.");
}

}  // namespace

std::variant<DetailBill, Problem> parse_detail_bill(std::string_view gbk_csv) {
  Table table;
  if (auto problem = read_table(gbk_csv, "业务明细列表结束", table)) return *std::move(problem);
  DetailBill bill;
  bill.account = table.account;
  for (const Table::Row& cells : table.rows) {
    RowReader row(table, cells);
    bill.rows.push_back(read_trade(row));
    if (row.problem()) return *row.problem();
  }
  if (auto problem = check_total(table, "交易合计：", "商家实收共", TradeKind::payment, bill.rows))
    return *std::move(problem);
  if (auto problem =
          check_total(table, "退款合计：", "商家实收退款共", TradeKind::refund, bill.rows))
    return *std::move(problem);
  return bill;
}

std::variant<SummaryBill, Problem> parse_summary_bill(std::string_view gbk_csv) {
  Table table;
  if (auto problem = read_table(gbk_csv, "业务汇总列表结束", table)) return *std::move(problem);
  if (table.rows.empty() || table.rows.back().cells.front() != "合计")
    return fault("", "The last row is not the sum.");
  RowReader row(table, table.rows.back());
  SummaryBill bill;
  bill.account = table.account;
  bill.payments = row.number("交易订单总笔数");
  bill.refunds = row.number("退款订单总笔数");
  bill.order_minor = row.amount("订单金额");
  bill.received_minor = row.amount("商家实收");
  bill.fee_minor = row.amount("服务费");
  bill.net_minor = row.amount("实收净额");
  if (row.problem()) return *row.problem();
  return bill;
}

}  // namespace welkin::alipay
