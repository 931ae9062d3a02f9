// The channels' daily bills: what is taken as one is whole, its amounts are in range and its texts
// can be shown, and half of it is none.
//
// The first line of an input says which: "wechat_trade", "wechat_funds", "alipay_detail",
// "alipay_summary", "union_pay", "union_pay_name" or "stripe"; what follows is the file.
#include "protocol/channels/alipay/bill.hpp"
#include "protocol/channels/beijing_time.hpp"
#include "protocol/channels/stripe/bill.hpp"
#include "protocol/channels/union_pay/bill.hpp"
#include "protocol/channels/wechat_pay/bill.hpp"
#include "tests/fuzz/claims.hpp"

namespace welkin::fuzz {
namespace {

constexpr std::int64_t fee_scale_max = 10;  // WeChat's fees have their amounts' digits and more
// 9999-12-31T16:00:00Z, when Beijing's last year ends.
constexpr UnixUs last_us = 253'402'272'000 * us_per_s;

void claim_amount(std::int64_t amount) {
  claim(amount >= -max_amount_minor * fee_scale_max - 9 &&
            amount <= max_amount_minor * fee_scale_max + 9,
        "an amount is in range");
}
void claim_time(UnixUs at_us) {
  claim(at_us >= -8 * 3'600 * us_per_s && at_us <= last_us, "a time is one of a calendar");
}
template <class... Texts>
void claim_texts(const Texts&... texts) {
  (claim(is_utf8(texts), "a bill's text is UTF-8"), ...);
}
void claim_refusal(const Problem& problem) {
  claim(is_utf8(problem.field) && is_utf8(problem.detail) && !problem.detail.empty(),
        "a refusal says why, as text");
}

// The same file without its last line, and cut within it.
template <class Parse>
void claim_whole(std::string_view file, const Parse& parse) {
  const std::size_t last = file.find_last_not_of("\r\n");
  if (last == std::string_view::npos) return;
  const std::size_t line = file.rfind('\n', last);
  claim(line == std::string_view::npos || !parse(file.substr(0, line + 1)),
        "a bill without its last line is none");
}

void check_wechat_trade(std::string_view csv) {
  const auto parsed = wechat_pay::parse_trade_bill(csv);
  if (const auto* problem = std::get_if<Problem>(&parsed)) return claim_refusal(*problem);
  for (const auto& row : std::get<wechat_pay::TradeBill>(parsed).rows) {
    for (const std::int64_t amount : {row.order_minor, row.settled_minor, row.refund_asked_minor,
                                      row.refunded_minor, row.fee_hundred_thousandths})
      claim_amount(amount);
    claim_time(row.at_us);
    claim_texts(row.app_id, row.merchant_id, row.transaction_id, row.order_no, row.refund_id,
                row.refund_no, row.trade_type, row.refund_status);
    claim(row.kind != wechat_pay::TradeKind::payment || row.refund_no.empty(),
          "a payment has no refund");
  }
  claim_whole(csv, [](std::string_view cut) {
    return std::holds_alternative<wechat_pay::TradeBill>(wechat_pay::parse_trade_bill(cut));
  });
}

void check_wechat_funds(std::string_view csv) {
  const auto parsed = wechat_pay::parse_fund_flow(csv);
  if (const auto* problem = std::get_if<Problem>(&parsed)) return claim_refusal(*problem);
  for (const auto& row : std::get<wechat_pay::FundFlowBill>(parsed).rows) {
    claim_amount(row.amount_minor);
    claim_amount(row.balance_minor);
    claim_time(row.at_us);
    claim_texts(row.business_id, row.flow_id, row.business_name, row.business_type, row.voucher_no);
  }
  claim_whole(csv, [](std::string_view cut) {
    return std::holds_alternative<wechat_pay::FundFlowBill>(wechat_pay::parse_fund_flow(cut));
  });
}

void check_alipay_detail(std::string_view csv) {
  const auto parsed = alipay::parse_detail_bill(csv);
  if (const auto* problem = std::get_if<Problem>(&parsed)) return claim_refusal(*problem);
  const auto& bill = std::get<alipay::DetailBill>(parsed);
  claim(!bill.account.empty(), "a bill names its account");
  claim_texts(bill.account);
  for (const auto& row : bill.rows) {
    for (const std::int64_t amount : {row.order_minor, row.received_minor, row.fee_minor})
      claim_amount(amount);
    claim_time(row.created_at_us);
    claim_time(row.finished_at_us);
    claim(!row.trade_no.empty() && !row.order_no.empty(), "a row has its numbers");
    claim_texts(row.trade_no, row.order_no, row.refund_no, row.subject);
  }
}

void check_alipay_summary(std::string_view csv) {
  const auto parsed = alipay::parse_summary_bill(csv);
  if (const auto* problem = std::get_if<Problem>(&parsed)) return claim_refusal(*problem);
  const auto& bill = std::get<alipay::SummaryBill>(parsed);
  claim(bill.payments >= 0 && bill.refunds >= 0, "a count is none below zero");
  for (const std::int64_t amount :
       {bill.order_minor, bill.received_minor, bill.fee_minor, bill.net_minor})
    claim_amount(amount);
  claim_texts(bill.account);
}

void check_union_pay(std::string_view bytes) {
  const auto file = union_pay::parse_bill_file_name("INN26010188ZM_777290058110048");
  claim(file.has_value(), "the file's name is one");
  const auto parsed = union_pay::parse_bill(bytes, *file);
  if (const auto* problem = std::get_if<Problem>(&parsed)) return claim_refusal(*problem);
  const auto& bill = std::get<union_pay::Bill>(parsed);
  for (const auto& row : bill.rows) {
    for (const std::int64_t amount : {row.amount_minor, row.fee_minor, row.settled_minor})
      claim_amount(amount);
    claim_time(row.at_us);
    claim(row.merchant_id == file->merchant_id, "a row is of the file's merchant");
    claim(!row.order_no.empty() && !row.query_id.empty(), "a row has its numbers");
    claim_texts(row.txn_type, row.txn_sub_type, row.order_no, row.query_id, row.original_query_id,
                row.card);
  }
  if (!bill.rows.empty())
    claim(std::holds_alternative<Problem>(
              union_pay::parse_bill(bytes.substr(0, bytes.size() - 1), *file)),
          "a file that ends within a line is none");
}

void check_union_pay_name(std::string_view name) {
  const auto file = union_pay::parse_bill_file_name(name);
  if (!file) return;
  claim(from_beijing({file->year, file->month, file->day, 0, 0, 0}).has_value(), "a day is one");
  claim(file->merchant_id.size() == 15, "a merchant's number has its length");
}

void check_stripe(std::string_view csv) {
  const auto parsed = stripe::parse_balance_report(csv);
  if (const auto* problem = std::get_if<Problem>(&parsed)) return claim_refusal(*problem);
  const auto& rows = std::get<std::vector<stripe::BalanceRow>>(parsed);
  for (const stripe::BalanceRow& row : rows) {
    for (const std::int64_t amount : {row.gross_minor, row.fee_minor, row.net_minor})
      claim_amount(amount);
    claim(row.gross_minor - row.fee_minor == row.net_minor, "gross less fee is net");
    claim_time(row.at_us - 8 * 3'600 * us_per_s);
    claim(!row.balance_transaction_id.empty(), "a row has its number");
    claim_texts(row.balance_transaction_id, row.reporting_category, row.source_id,
                row.payment_intent_id);
  }
}

void check(std::string_view input) {
  const std::string_view what = take_line(input);
  if (what == "wechat_trade") return check_wechat_trade(input);
  if (what == "wechat_funds") return check_wechat_funds(input);
  if (what == "alipay_detail") return check_alipay_detail(input);
  if (what == "alipay_summary") return check_alipay_summary(input);
  if (what == "union_pay") return check_union_pay(input);
  if (what == "union_pay_name") return check_union_pay_name(input);
  check_stripe(input);
}

}  // namespace
}  // namespace welkin::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  welkin::fuzz::check(welkin::fuzz::view_of(data, size));
  return 0;
}
