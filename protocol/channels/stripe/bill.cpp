#include "protocol/channels/stripe/bill.hpp"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <optional>
#include <utility>

#include "protocol/channels/beijing_time.hpp"
#include "protocol/utf8.hpp"

namespace welkin::stripe {
namespace {

using Record = std::vector<std::string>;

// RFC 4180: values may stand in quotes, a quote in them is doubled, and line ends in them are text.
std::optional<std::vector<Record>> read_csv(std::string_view csv) {
  std::vector<Record> records;
  Record record;
  std::string value;
  bool quoted = false;
  for (std::size_t i = 0; i < csv.size(); ++i) {
    const char c = csv[i];
    if (quoted) {
      if (c != '"')
        value.push_back(c);
      else if (i + 1 < csv.size() && csv[i + 1] == '"')
        value.push_back(csv[++i]);
      else
        quoted = false;
    } else if (c == '"' && value.empty()) {
      quoted = true;
    } else if (c == ',') {
      record.push_back(std::exchange(value, {}));
    } else if (c == '\n') {
      record.push_back(std::exchange(value, {}));
      records.push_back(std::exchange(record, {}));
    } else if (c != '\r') {
      value.push_back(c);
    }
  }
  // A file that ends within a line or a value was cut.
  if (quoted || !value.empty() || !record.empty()) return std::nullopt;
  return records;
}

Problem wrong(std::string detail, std::size_t line) {
  return {ProblemCode::invalid_value, std::move(detail), "line " + std::to_string(line)};
}

constexpr std::string_view columns[] = {
    "balance_transaction_id", "created_utc", "currency",         "gross", "fee", "net",
    "reporting_category",     "source_id",   "payment_intent_id"};
enum Column { transaction, created, currency, gross, fee, net, category, source, intent, count };
static_assert(std::size(columns) == count);

// Stripe counts some currencies in hundredths that have none, and may write them: "1500.00".
std::optional<std::int64_t> minor_of(std::string_view text, Currency currency) {
  const std::string_view no_hundredths = ".00";
  if (currency.exponent() == 0 && text.size() > no_hundredths.size() &&
      text.substr(text.size() - no_hundredths.size()) == no_hundredths)
    text.remove_suffix(no_hundredths.size());
  return parse_major(text, currency);
}

std::optional<BalanceRow> read_row(const Record& record, const std::size_t (&place)[count]) {
  const auto text = [&](Column column) -> const std::string& { return record[place[column]]; };
  std::string code = text(currency);
  for (char& c : code)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  const auto known = Currency::parse(code);
  const auto beijing_us = parse_beijing_dashed(text(created));
  if (!known || !beijing_us || text(transaction).empty()) return std::nullopt;
  const auto gross_minor = minor_of(text(gross), *known);
  const auto fee_minor = minor_of(text(fee), *known);
  const auto net_minor = minor_of(text(net), *known);
  if (!gross_minor || !fee_minor || !net_minor || *gross_minor - *fee_minor != *net_minor)
    return std::nullopt;
  // The same form as Beijing's, and eight hours less far on.
  constexpr UnixUs beijing_ahead_us = 8 * 3'600 * us_per_s;
  return BalanceRow{text(transaction),
                    *beijing_us + beijing_ahead_us,
                    *known,
                    *gross_minor,
                    *fee_minor,
                    *net_minor,
                    text(category),
                    text(source),
                    text(intent)};
}

}  // namespace

std::variant<std::vector<BalanceRow>, Problem> parse_balance_report(std::string_view csv) {
  if (!is_utf8(csv)) return wrong("The file is not in UTF-8.", 1);
  const auto records = read_csv(csv);
  if (!records) return wrong("The file ends in the middle of a line.", 0);
  if (records->empty()) return wrong("The file has no header.", 1);
  const Record& header = records->front();
  std::size_t place[count] = {};
  for (std::size_t i = 0; i < count; ++i) {
    const auto it = std::find(header.begin(), header.end(), columns[i]);
    if (it == header.end()) return wrong("The file has no column " + std::string(columns[i]), 1);
    place[i] = static_cast<std::size_t>(it - header.begin());
  }
  std::vector<BalanceRow> rows;
  for (std::size_t line = 1; line < records->size(); ++line) {
    const Record& record = (*records)[line];
    if (record.size() != header.size())
      return wrong("The row does not have the header's columns.", line + 1);
    auto row = read_row(record, place);
    if (!row) return wrong("The row does not hold together.", line + 1);
    rows.push_back(std::move(*row));
  }
  return rows;
}

}  // namespace welkin::stripe
