// Stripe's balance report, itemized: CSV with a header, amounts in major units. Read by the names
// of its columns, which a report has in the order they were asked for.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "protocol/ids.hpp"
#include "protocol/money.hpp"
#include "protocol/problem.hpp"

namespace welkin::stripe {

struct BalanceRow {
  std::string balance_transaction_id;
  UnixUs at_us = 0;
  Currency currency;             // of the settlement, which may be another than the charge's
  std::int64_t gross_minor = 0;  // below 0 for refunds
  std::int64_t fee_minor = 0;
  std::int64_t net_minor = 0;
  std::string reporting_category;  // "charge", "refund", "payout", …
  std::string source_id;           // "ch_…", "re_…"
  std::string payment_intent_id;   // empty where it is about none
};
// A Problem's field is the line that is wrong. A row whose net is not gross less fee is.
std::variant<std::vector<BalanceRow>, Problem> parse_balance_report(std::string_view csv);

}  // namespace welkin::stripe
