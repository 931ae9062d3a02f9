// Bytes cut at fixed places; see the header.
#include "protocol/channels/union_pay/bill.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <numeric>
#include <utility>

#include "protocol/channels/beijing_time.hpp"
#include "protocol/money.hpp"
#include "protocol/utf8.hpp"

namespace welkin::union_pay {
namespace {

// The widths of the first forty columns. What follows them has been cut in three ways over the
// years, and nothing in it is needed.
constexpr std::array<std::size_t, 40> widths = {
    3, 11, 11, 6, 10, 19, 12, 4,  2, 21, 2,  32, 2,  6, 10, 13, 13, 4,  15, 2,
    2, 6,  2,  4, 32, 1,  21, 15, 1, 15, 32, 13, 13, 8, 32, 13, 13, 12, 2,  1};
constexpr std::size_t line_bytes = 607;
constexpr std::size_t line_bytes_of_late_issues = 608;  // their tail has four spaces inside
constexpr std::size_t max_bill_rows = 5'000'000;

// Columns by their numbers in UnionPay's description, which begin with 1.
enum Column : std::size_t {
  transmitted_at = 5,
  card = 6,
  amount = 7,
  query_id = 10,
  order_id = 12,
  fee = 16,
  settled = 17,
  txn_type = 20,
  txn_sub_type = 21,
  original_query_id = 27,
  merchant = 28,
};

constexpr std::size_t offset_of(std::size_t column) {
  std::size_t offset = 0;
  for (std::size_t i = 0; i + 1 < column; ++i) offset += widths[i] + 1;
  return offset;
}
static_assert(offset_of(41) + 32 + 1 + 98 == line_bytes);

std::string_view field(std::string_view line, Column column) {
  std::string_view text = line.substr(offset_of(column), widths[column - 1]);
  const std::size_t last = text.find_last_not_of(' ');
  return last == std::string_view::npos ? std::string_view{} : text.substr(0, last + 1);
}

// Between two columns there is a space: a file that was converted to characters, or cut, has
// others.
bool is_cut_right(std::string_view line) {
  if (line.size() != line_bytes && line.size() != line_bytes_of_late_issues) return false;
  for (std::size_t column = 2; column <= widths.size() + 1; ++column)
    if (line[offset_of(column) - 1] != ' ') return false;
  return true;
}

std::optional<std::int64_t> fen(std::string_view digits) {
  std::int64_t value = 0;
  if (digits.size() != 12 ||
      !std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; }))
    return std::nullopt;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

// "C" is for the merchant, "D" against him.
std::optional<std::int64_t> signed_fen(std::string_view text) {
  if (text.empty() || (text.front() != 'C' && text.front() != 'D')) return std::nullopt;
  const auto value = fen(text.substr(1));
  if (!value) return std::nullopt;
  return text.front() == 'C' ? *value : -*value;
}

int two_digits(std::string_view text, std::size_t at) {
  if (at + 2 > text.size() || text[at] < '0' || text[at] > '9' || text[at + 1] < '0' ||
      text[at + 1] > '9')
    return -1;
  return (text[at] - '0') * 10 + (text[at + 1] - '0');
}

std::optional<UnixUs> time_of(std::string_view text, const BillFile& file) {
  CivilTime time{file.year,           two_digits(text, 0), two_digits(text, 2),
                 two_digits(text, 4), two_digits(text, 6), two_digits(text, 8)};
  if (file.month == 1 && time.month == 12) --time.year;
  return from_beijing(time);
}

BillKind kind_of(std::string_view type) {
  if (type == "01") return BillKind::payment;
  if (type == "04") return BillKind::refund;
  return type == "31" ? BillKind::undo : BillKind::other;
}

std::variant<BillRow, std::string> read_row(std::string_view line, const BillFile& file) {
  if (!is_cut_right(line)) return "The line does not have the form of a ZM file.";
  BillRow row;
  row.txn_type = field(line, txn_type);
  row.kind = kind_of(row.txn_type);
  row.txn_sub_type = field(line, txn_sub_type);
  row.order_no = field(line, order_id);
  row.query_id = field(line, query_id);
  row.original_query_id = field(line, original_query_id);
  row.merchant_id = field(line, merchant);
  row.card = field(line, card);
  const auto at_us = time_of(field(line, transmitted_at), file);
  const auto amount_minor = fen(field(line, amount));
  const auto fee_minor = signed_fen(field(line, fee));
  const auto settled_minor = signed_fen(field(line, settled));
  if (!at_us) return "The time cannot be read.";
  if (!amount_minor || !fee_minor || !settled_minor) return "An amount cannot be read.";
  if (row.order_no.empty() || row.query_id.empty()) return "It has no number.";
  // What is read of a line are numbers and codes; a shop's name in GBK stands behind them.
  for (const std::string& text : {row.txn_type, row.txn_sub_type, row.order_no, row.query_id,
                                  row.original_query_id, row.card})
    if (!is_plain_text(text, line_bytes)) return "A number is no text.";
  if (row.merchant_id != file.merchant_id) return "It is of another merchant.";
  row.at_us = *at_us;
  row.amount_minor = *amount_minor;
  row.fee_minor = *fee_minor;
  row.settled_minor = *settled_minor;
  return row;
}

}  // namespace

std::optional<BillFile> parse_bill_file_name(std::string_view name) {
  if (name.substr(0, 3) != "INN" || name.size() < 14) return std::nullopt;
  BillFile file;
  file.year = two_digits(name, 3);
  file.month = two_digits(name, 5);
  file.day = two_digits(name, 7);
  if (file.year < 0 || two_digits(name, 9) < 0) return std::nullopt;
  file.year += 2000;
  if (!from_beijing({file.year, file.month, file.day, 0, 0, 0})) return std::nullopt;
  std::string_view rest = name.substr(11);
  if (rest.substr(0, 3) == "ZM_")
    rest.remove_prefix(3);
  else if (rest.substr(0, 4) == "ZME_")
    file.errors = true, rest.remove_prefix(4);
  else
    return std::nullopt;
  if (rest.size() != 15) return std::nullopt;
  file.merchant_id = rest;
  return file;
}

std::variant<Bill, Problem> parse_bill(std::string_view bytes, const BillFile& file) {
  Bill bill;
  for (std::size_t number = 1; !bytes.empty(); ++number) {
    const std::size_t end = bytes.find('\n');
    const auto fault = [number](std::string detail) {
      return Problem{ProblemCode::invalid_value, std::move(detail),
                     "line " + std::to_string(number)};
    };
    // Every line has its end, so that the last one cannot have been cut short unseen.
    if (end == std::string_view::npos) return fault("The file ends within a line.");
    std::string_view line = bytes.substr(0, end);
    bytes.remove_prefix(end + 1);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    auto row = read_row(line, file);
    if (auto* why = std::get_if<std::string>(&row)) return fault(std::move(*why));
    if (bill.rows.size() >= max_bill_rows) return fault("There are too many lines.");
    bill.rows.push_back(std::get<BillRow>(std::move(row)));
  }
  return bill;
}

}  // namespace welkin::union_pay
