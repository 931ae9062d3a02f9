// UnionPay's daily file of transactions (ZM): GBK, one line each, fields of fixed widths in bytes
// with a space between them, amounts in fen.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "protocol/ids.hpp"
#include "protocol/problem.hpp"

namespace welkin::union_pay {

// "INN26010188ZM_777290058110048": the settlement day and the merchant of a file.
struct BillFile {
  int year = 0;
  int month = 0;
  int day = 0;
  bool errors = false;  // a ZME file: chargebacks and corrections
  std::string merchant_id;
};
std::optional<BillFile> parse_bill_file_name(std::string_view name);

enum class BillKind : std::uint8_t { payment, refund, undo, other };

struct BillRow {
  BillKind kind = BillKind::other;
  std::string txn_type;  // "01" payment, "04" refund, "31" undo
  std::string txn_sub_type;
  UnixUs at_us = 0;      // when it was transmitted
  std::string order_no;  // of a refund: the refund's
  std::string query_id;
  std::string original_query_id;  // of a refund or an undo: the payment's
  std::string merchant_id;
  std::string card;  // masked by UnionPay
  std::int64_t amount_minor = 0;
  // What the merchant gets by it: below zero is taken from him.
  std::int64_t fee_minor = 0;
  std::int64_t settled_minor = 0;
};
struct Bill {
  std::vector<BillRow> rows;
};
// The lines name no year: `file` says which, and a line of December in a file of January is of the
// year before. A Problem's field is the line that is wrong.
std::variant<Bill, Problem> parse_bill(std::string_view bytes, const BillFile& file);

}  // namespace welkin::union_pay
