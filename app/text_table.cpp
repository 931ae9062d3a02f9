#include "app/text_table.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

#include "protocol/utf8.hpp"

namespace welkin {
namespace {

// Columns a terminal gives to the sequence: East Asian letters take two.
std::size_t columns_of(std::string_view sequence) {
  if (sequence.size() == 4) return 2;
  if (sequence.size() < 3) return 1;
  const unsigned point = (static_cast<unsigned>(sequence[0]) & 0x0f) << 12 |
                         (static_cast<unsigned>(sequence[1]) & 0x3f) << 6 |
                         (static_cast<unsigned>(sequence[2]) & 0x3f);
  const bool wide = (point >= 0x1100 && point <= 0x115f) || (point >= 0x2e80 && point <= 0xa4cf) ||
                    (point >= 0xac00 && point <= 0xd7a3) || (point >= 0xf900 && point <= 0xfaff) ||
                    (point >= 0xfe30 && point <= 0xfe6f) || (point >= 0xff00 && point <= 0xff60);
  return wide ? 2 : 1;
}

std::size_t width_of(std::string_view text) {
  std::size_t width = 0;
  while (!text.empty()) {
    const std::size_t length = std::max<std::size_t>(utf8_length(text), 1);
    width += columns_of(text.substr(0, length));
    text.remove_prefix(length);
  }
  return width;
}

std::string format_parts(const char* pattern, UnixUs at_us) {
  const UnixUs whole_s = (at_us >= 0 ? at_us : at_us - us_per_s + 1) / us_per_s;
  const std::time_t seconds = static_cast<std::time_t>(whole_s);
  std::tm parts{};
  // A time beyond what a calendar holds can only come from a damaged row.
  if (!gmtime_r(&seconds, &parts)) return std::to_string(at_us) + "us";
  std::array<char, 96> text{};
  std::snprintf(text.data(), text.size(), pattern, parts.tm_year + 1900, parts.tm_mon + 1,
                parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                static_cast<int>(at_us - whole_s * us_per_s));
  return text.data();
}

std::string format_tenths(std::int64_t value, std::int64_t unit, const char* name) {
  const std::int64_t tenths = value / (unit / 10);
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + name;
}

std::string format_pair(std::int64_t high, const char* high_unit, std::int64_t low,
                        const char* low_unit) {
  return std::to_string(high) + high_unit + (low < 10 ? "0" : "") + std::to_string(low) + low_unit;
}

std::string format_span(UnixUs span_us) {
  if (span_us < us_per_ms) return std::to_string(span_us) + "us";
  if (span_us < us_per_s) return format_tenths(span_us, us_per_ms, "ms");
  if (span_us < 60 * us_per_s) return format_tenths(span_us, us_per_s, "s");
  const std::int64_t seconds = span_us / us_per_s;
  if (seconds < 3'600) return format_pair(seconds / 60, "m", seconds % 60, "s");
  if (seconds < 86'400) return format_pair(seconds / 3'600, "h", seconds / 60 % 60, "m");
  return format_pair(seconds / 86'400, "d", seconds / 3'600 % 24, "h");
}

}  // namespace

TextTable::TextTable(std::vector<std::string> header, std::vector<std::size_t> right_aligned)
    : right_aligned_(std::move(right_aligned)) {
  rows_.push_back(std::move(header));
}

void TextTable::add(std::vector<std::string> cells) {
  for (std::string& cell : cells) cell = printable(cell);
  cells.resize(rows_.front().size());
  rows_.push_back(std::move(cells));
}

bool TextTable::is_right_aligned(std::size_t column) const {
  return std::find(right_aligned_.begin(), right_aligned_.end(), column) != right_aligned_.end();
}

void TextTable::write(std::ostream& out) const {
  const std::size_t columns = rows_.front().size();
  std::vector<std::size_t> widths(columns, 0);
  for (const auto& row : rows_)
    for (std::size_t i = 0; i < columns; ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t i = 0; i < columns; ++i) {
      const std::string padding(widths[i] - width_of(row[i]), ' ');
      if (i > 0) line += "  ";
      line += is_right_aligned(i) ? padding + row[i] : row[i] + padding;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out << line << '\n';
  }
}

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    const auto first = static_cast<unsigned char>(text[0]);
    const bool control =
        first < 0x20 || first == 0x7f ||
        (length == 2 && first == 0xc2 && static_cast<unsigned char>(text[1]) < 0xa0);
    if (length == 0 || control)
      out.push_back('?');
    else
      out.append(text.substr(0, length));
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out;
}

std::string format_time(UnixUs at_us) {
  return format_parts("%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", at_us);
}

std::string format_clock(UnixUs at_us) {
  return format_parts("%04d-%02d-%02d %02d:%02d:%02d.%06d", at_us);
}

std::string format_gap(UnixUs gap_us) {
  // Clocks are set back now and then; the journal shows it rather than hides it.
  if (gap_us == INT64_MIN) return "-?";
  return gap_us < 0 ? "-" + format_span(-gap_us) : "+" + format_span(gap_us);
}

std::string format_amount(std::int64_t amount_minor, Currency currency) {
  return format_major(amount_minor, currency) + " " + std::string(currency.code());
}

std::string format_bytes(std::uint64_t bytes) {
  constexpr const char* units[] = {" B", " KiB", " MiB", " GiB", " TiB"};
  std::size_t unit = 0;
  std::uint64_t scale = 1;
  while (unit < 4 && bytes / scale >= 1'024) {
    scale *= 1'024;
    ++unit;
  }
  if (unit == 0) return std::to_string(bytes) + units[0];
  return std::to_string(bytes / scale) + "." + std::to_string(bytes % scale * 10 / scale) +
         units[unit];
}

}  // namespace welkin
