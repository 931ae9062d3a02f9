// How UnionPay checks, answers and notifies; see the header.
#include "sandbox/union_pay_desk.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "protocol/channels/beijing_time.hpp"
#include "protocol/channels/union_pay/wire.hpp"
#include "protocol/sha256.hpp"
#include "sandbox/channel_numbers.hpp"
#include "sandbox/pages.hpp"

namespace welkin::sandbox {
namespace {

using sandbox_wire::CallbackEvent;
using sandbox_wire::OrderStatus;
using sandbox_wire::RefundStatus;

constexpr std::size_t number_digits = 7;
constexpr std::string_view form_type = "application/x-www-form-urlencoded;charset=UTF-8";
constexpr std::string_view html_type = "text/html;charset=UTF-8";

Currency cny() { return *Currency::parse("CNY"); }

// As UnionPay puts a certificate into a message: from its first dash on, with CRLF.
std::string in_message(const std::string& pem) {
  std::string out;
  const std::size_t begin = std::min(pem.find("-----BEGIN"), pem.size());
  for (const char c : pem.substr(begin, pem.find_last_not_of("\r\n") + 1 - begin)) {
    if (c == '\r') continue;
    if (c == '\n') out.push_back('\r');
    out.push_back(c);
  }
  return out;
}

FormFields says(std::string_view code, std::string_view message) {
  return {{"respCode", std::string(code)}, {"respMsg", std::string(message)}};
}

std::optional<std::int64_t> amount_in(std::string_view text) {
  std::int64_t amount = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), amount);
  if (error != std::errc{} || end != text.data() + text.size() || text.size() > 12 || amount < 1)
    return std::nullopt;
  return amount;
}

bool is_number(std::string_view text) {
  return text.size() >= 8 && text.size() <= 40 &&
         text.find_first_not_of("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") ==
             std::string_view::npos;
}

// A certificate is known by its serial number, and a transaction by the day and this.
std::string query_id_of(UnixUs created_at_us, std::string_view transaction_id) {
  return beijing_compact(created_at_us) + digits_of(number_of(transaction_id), number_digits);
}
std::string query_id_of(const OrderFacts& facts) {
  return query_id_of(facts.created_at_us, facts.order.transaction_id);
}
std::string query_id_of(const BookResult& refund) {
  return query_id_of(refund.refund_facts.created_at_us, refund.refund->transaction_id);
}

FormFields money(std::string_view amount, UnixUs at_us, const std::string& query_id) {
  return {{"txnAmt", std::string(amount)},
          {"currencyCode", "156"},
          {"settleAmt", std::string(amount)},
          {"settleCurrencyCode", "156"},
          {"settleDate", beijing_compact(at_us + 3'600 * us_per_s).substr(4, 4)},
          {"traceNo", query_id.substr(query_id.size() - 6)},
          {"traceTime", beijing_compact(at_us).substr(4)},
          {"queryId", query_id}};
}

// What the payment's subject asks of the sandbox. On its way here brackets and equals signs have
// become spaces, as no form of UnionPay's may hold them: " sandbox:delay 50 " was
// "[sandbox:delay=50]".
SubjectTags tags_of(std::string_view risk_information) {
  constexpr std::string_view opening = " sandbox:";
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  std::string restored;
  for (std::size_t at = risk_information.find(opening); at != std::string_view::npos;
       at = risk_information.find(opening, at)) {
    at += opening.size();
    std::string_view rest = risk_information.substr(at);
    const std::size_t end = std::min(rest.find(' '), rest.size());
    restored.append("[sandbox:").append(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    std::size_t digits = 0;
    while (digits < rest.size() && is_digit(rest[digits])) ++digits;
    if (digits > 0) restored.append("=").append(rest.substr(0, digits));
    restored.push_back(']');
  }
  return parse_subject(restored);
}

void append(FormFields& fields, FormFields more) {
  for (auto& field : more) fields.push_back(std::move(field));
}

FormFields order_state(const OrderFacts& facts) {
  FormFields fields = says("00", "成功[0000000]");
  if (facts.order.status == OrderStatus::paid) {
    append(fields, {{"origRespCode", "00"},
                    {"origRespMsg", "成功[0000000]"},
                    {"accNo", "6216***********0018"},
                    {"payCardType", "01"}});
    append(fields,
           money(std::to_string(facts.order.amount_minor), facts.paid_at_us, query_id_of(facts)));
  } else if (facts.declined_tries > 0) {
    append(fields,
           {{"origRespCode", "61"}, {"origRespMsg", "输入的卡号无效，请确认后输入[1000005]"}});
  } else {
    append(fields,
           {{"origRespCode", "05"}, {"origRespMsg", "交易已受理，请稍后查询交易结果[6154037]"}});
  }
  return fields;
}

FormFields refund_state(const BookResult& result) {
  FormFields fields = says("00", "成功[0000000]");
  const auto& refund = *result.refund;
  switch (refund.status) {
    case RefundStatus::pending:
    case RefundStatus::stuck:  // UnionPay has no word for it
      append(fields,
             {{"origRespCode", "05"}, {"origRespMsg", "交易已受理，请稍后查询交易结果[6154037]"}});
      break;
    case RefundStatus::failed:
      append(fields, {{"origRespCode", "30"},
                      {"origRespMsg", "交易未通过，请尝试其他银联卡支付[2040004]"}});
      break;
    case RefundStatus::succeeded:
      append(fields, {{"origRespCode", "00"}, {"origRespMsg", "成功[0000000]"}});
      append(fields, money(std::to_string(refund.amount_minor), result.refund_facts.settled_at_us,
                           query_id_of(result)));
      append(fields, {{"origQryId", query_id_of(result.facts)}});
      break;
  }
  return fields;
}

FormFields refusal_of(const Refusal& refusal) {
  if (refusal.code == "ORDER_NOT_FOUND" || refusal.code == "REFUND_NOT_FOUND")
    return says("34", "查无此交易[2600000]");
  if (refusal.code == "ORDER_NOT_PAID") return says("35", "原交易状态不正确[2050004]");
  if (refusal.code == "AMOUNT_EXCEEDS_REFUNDABLE") return says("36", "退货金额超限[2040004]");
  if (refusal.code == "SANDBOX_FULL") return says("06", "系统繁忙，请稍后再试[6000006]");
  return says("12", "重复交易[5100012]");
}

}  // namespace

UnionPayDesk::UnionPayDesk(Bank& bank, UnionPaySide side)
    : bank_(bank),
      side_(std::move(side)),
      signer_in_message_(in_message(side_.signer_certificate)),
      merchant_in_message_(in_message(side_.merchant_certificate)) {}

DeskAnswer UnionPayDesk::answer(const DeskRequest& request) {
  const auto asked = parse_form(request.body);
  if (request.method != "POST" || !asked)
    return {400, std::string(html_type), notice_page("400", "Invalid request"), {}};
  const bool by_browser = request.path() == union_pay::front_path;
  const auto fault = fault_of(*asked);
  Outcome outcome = fault ? Outcome{*fault, Mishap::none, {}} : judge(request.path(), *asked);
  if (outcome.mishap == Mishap::unreadable)
    return {200, std::string(html_type), std::string(garbage), {}};
  if (outcome.mishap != Mishap::none) return {503, "text/plain", "service unavailable", {}};
  if (!by_browser) return answer_with(*asked, std::move(outcome.fields));
  return {200,
          std::string(html_type),
          outcome.order ? order_page(*outcome.order)
                        : notice_page(field_of(outcome.fields, "respCode"),
                                      field_of(outcome.fields, "respMsg")),
          {}};
}

std::optional<FormFields> UnionPayDesk::fault_of(const FormFields& asked) const {
  const auto value = [&asked](std::string_view name) { return field_of(asked, name); };
  if (value("version") != "5.1.0" || value("encoding") != "UTF-8" || value("signMethod") != "01" ||
      value("accessType") != "0")
    return says("10", "报文格式错误[5100010]");
  if (value("merId") != side_.account.merchant_id) return says("31", "商户状态不正确[5131008]");
  const auto signature = crypto::parse_base64(value("signature"));
  const std::string digest = sha256_hex(sorted_text_without(asked, {"signature"}));
  if (value("certId") != side_.account.rsa->certificate_id || !signature ||
      !side_.account.rsa->key.public_key().rsa_sha256_verify(digest, *signature))
    return says("11", "验证签名失败[9100004]");
  if (!is_number(value("orderId")) || !parse_beijing_compact(value("txnTime")))
    return says("10", "报文格式错误[5100010]");
  return std::nullopt;
}

UnionPayDesk::Outcome UnionPayDesk::judge(std::string_view path, const FormFields& asked) {
  const std::string type =
      std::string(field_of(asked, "txnType")) + "/" + std::string(field_of(asked, "txnSubType"));
  if (path == union_pay::query_path && type == "00/00") return query(asked);
  if (path == union_pay::front_path && type == "01/01")
    return consume(asked, field_of(asked, "channelType") == "08" ? "wap" : "page");
  if (path == union_pay::back_path && type == "01/07") return consume(asked, "qr");
  if (path == union_pay::back_path && (type == "04/00" || type == "31/00")) return give_back(asked);
  return {says("13", "报文交易要素缺失[5100013]"), Mishap::none, {}};
}

// An order's number is used once: who asks again learns that it is there, and no more.
UnionPayDesk::Outcome UnionPayDesk::consume(const FormFields& asked, std::string_view method) {
  const auto value = [&asked](std::string_view name) { return std::string(field_of(asked, name)); };
  const auto amount = amount_in(value("txnAmt"));
  const std::string timeout = value("payTimeout");
  const bool by_browser = method != "qr";
  if (!amount || value("currencyCode") != "156" || value("backUrl").empty() ||
      (by_browser && value("frontUrl").empty()) ||
      (!timeout.empty() && !parse_beijing_compact(timeout)))
    return {says("10", "报文格式错误[5100010]"), Mishap::none, {}};
  sandbox_wire::CreateOrder order;
  order.out_order_no = value("orderId");
  order.merchant_id = side_.account.merchant_id;
  order.amount_minor = *amount;
  order.currency = cny();
  order.subject = value("riskRateInfo");
  order.return_url = value("frontUrl");
  order.notify_url = value("backUrl");
  order.expires_at_us = parse_beijing_compact(timeout).value_or(0);
  OrderTerms terms;
  terms.desk = name();
  terms.method = method;
  terms.channel_time = value("txnTime");
  terms.details = value("reqReserved");
  terms.decline_ends_it = false;
  Served served = bank_.serve({name(), order.out_order_no, "create", false, tags_of(order.subject)},
                              [&](OrderBook& book, UnixUs now_us) {
                                BookResult made = book.create(order, {}, now_us, terms);
                                if (made.created)
                                  book.context(order.out_order_no)->tags = tags_of(order.subject);
                                if (!made.created && made.order)
                                  made.refusal = Refusal{409, "DUPLICATE", {}};
                                return made;
                              });
  if (served.result.refusal) return {refusal_of(*served.result.refusal), served.mishap, {}};
  FormFields fields = says("00", "成功[0000000]");
  if (!by_browser) fields.emplace_back("qrCode", "https://qr.95516.test/" + order.out_order_no);
  return {std::move(fields), served.mishap, std::move(served.result.facts)};
}

UnionPayDesk::Outcome UnionPayDesk::query(const FormFields& asked) {
  const std::string number(field_of(asked, "orderId"));
  const std::string_view time = field_of(asked, "txnTime");
  const BookResult refund = bank_.read([&](const OrderBook& book) {
    BookResult found = book.find_refund(number);
    return found.refund_facts.terms.channel_time == time ? found : BookResult{};
  });
  const std::string order_no = refund.refund ? refund.refund->out_order_no : number;
  const Served served = bank_.serve(
      {name(), order_no, refund.refund ? "query_refund" : "query", true, {}},
      [&](OrderBook& book, UnixUs now_us) {
        BookResult found = refund.refund ? book.find_refund(number) : book.find(number, now_us);
        const bool unknown =
            found.order &&
            (found.facts.terms.channel_time != time ||
             // What was never paid in its time has never been.
             (found.order->status == OrderStatus::closed && found.facts.declined_tries == 0));
        if (unknown) found.refusal = Refusal{404, "ORDER_NOT_FOUND", {}};
        return found;
      });
  const BookResult& found = served.result;
  if (found.refusal) return {refusal_of(*found.refusal), served.mishap, {}};
  return {found.refund ? refund_state(found) : order_state(found.facts), served.mishap, {}};
}

UnionPayDesk::Outcome UnionPayDesk::give_back(const FormFields& asked) {
  const auto value = [&asked](std::string_view name) { return std::string(field_of(asked, name)); };
  const auto amount = amount_in(value("txnAmt"));
  if (!amount || value("backUrl").empty())
    return {says("10", "报文格式错误[5100010]"), Mishap::none, {}};
  sandbox_wire::CreateRefund refund;
  refund.out_refund_no = value("orderId");
  refund.out_order_no = order_of_query_id(value("origQryId"));
  refund.merchant_id = side_.account.merchant_id;
  refund.amount_minor = *amount;
  refund.currency = cny();
  RefundTerms terms{value("backUrl"), value("txnType"), value("txnTime"), value("reqReserved")};
  const bool undoes = terms.type == "31";
  const Served served = bank_.serve(
      {name(), refund.out_order_no, "refund", false, {}}, [&](OrderBook& book, UnixUs now_us) {
        BookResult order = book.find(refund.out_order_no, now_us);
        BookResult refused;
        if (!order.order) return order;
        // An undo is of the whole, and of the same day.
        if (undoes && refund.amount_minor != order.order->amount_minor)
          refused.refusal = Refusal{422, "AMOUNT_EXCEEDS_REFUNDABLE", {}};
        if (undoes && union_pay::settlement_day_of(now_us) !=
                          union_pay::settlement_day_of(order.facts.paid_at_us))
          refused.refusal = Refusal{409, "ORDER_NOT_PAID", {}};
        if (refused.refusal) return refused;
        BookResult made = book.refund(refund, now_us, terms);
        if (!made.created && made.refund) made.refusal = Refusal{409, "DUPLICATE", {}};
        return made;
      });
  if (served.result.refusal) return {refusal_of(*served.result.refusal), served.mishap, {}};
  if (served.mishap == Mishap::not_done) return {{}, served.mishap, {}};
  FormFields fields = says("00", "成功[0000000]");
  fields.emplace_back("queryId", query_id_of(served.result));
  return {std::move(fields), served.mishap, {}};
}

std::string UnionPayDesk::order_of_query_id(const std::string& query_id) {
  return bank_.read([&](OrderBook& book) {
    const std::string order_no = book.order_of_transaction(number_in(query_id, number_digits));
    const BookResult found = book.find(order_no, wall_clock_us());
    return found.order && query_id_of(found.facts) == query_id ? order_no : std::string();
  });
}

void UnionPayDesk::sign(FormFields& fields) const {
  fields.emplace_back("signMethod", "01");
  fields.emplace_back("signPubKeyCert", signer_in_message_);
  fields.emplace_back(
      "signature",
      crypto::base64(side_.signer_key.rsa_sha256_sign(sha256_hex(sorted_text(fields)))));
}

// What was asked, said back, and the answer to it; as text that is not encoded.
DeskAnswer UnionPayDesk::answer_with(const FormFields& asked, FormFields fields) const {
  constexpr std::string_view not_said_back[] = {"signature", "signMethod",   "certId",    "backUrl",
                                                "frontUrl",  "riskRateInfo", "payTimeout"};
  for (const auto& [name, value] : asked) {
    const bool left_out = std::find(std::begin(not_said_back), std::end(not_said_back), name) !=
                          std::end(not_said_back);
    if (!left_out && field_of(fields, name).empty()) fields.emplace_back(name, value);
  }
  sign(fields);
  std::string body;
  for (const auto& [name, value] : fields)
    body.append(body.empty() ? "" : "&").append(name).append("=").append(value);
  return {200, std::string(html_type), std::move(body), {}};
}

// UnionPay tells of what succeeded, and of nothing else.
std::optional<Seal> UnionPayDesk::tell(const BookResult& news, UnixUs) const {
  const OrderFacts& facts = news.facts;
  FormFields fields = says("00", "成功[0000000]");
  append(fields, {{"version", "5.1.0"},
                  {"encoding", "UTF-8"},
                  {"accessType", "0"},
                  {"merId", side_.account.merchant_id},
                  {"bizType", facts.terms.method == "qr" ? "000000" : "000201"}});
  if (news.event == CallbackEvent::order_paid) {
    append(fields,
           money(std::to_string(facts.order.amount_minor), facts.paid_at_us, query_id_of(facts)));
    append(fields, {{"txnType", "01"},
                    {"txnSubType", facts.terms.method == "qr" ? "07" : "01"},
                    {"orderId", facts.order.out_order_no},
                    {"txnTime", facts.terms.channel_time},
                    {"accNo", "6216***********0018"}});
    if (!facts.terms.details.empty()) fields.emplace_back("reqReserved", facts.terms.details);
  } else if (news.event == CallbackEvent::refund_succeeded) {
    const RefundTerms& terms = news.refund_facts.terms;
    append(fields, money(std::to_string(news.refund->amount_minor), news.refund_facts.settled_at_us,
                         query_id_of(news)));
    // Made at UnionPay's own desk, it has neither.
    const std::string& order_no = terms.details.empty() ? facts.order.out_order_no : terms.details;
    append(fields, {{"txnType", terms.type.empty() ? "04" : terms.type},
                    {"txnSubType", "00"},
                    {"orderId", news.refund->out_refund_no},
                    {"txnTime", terms.channel_time},
                    {"origQryId", query_id_of(facts)},
                    {"reqReserved", order_no}});
  } else {
    return std::nullopt;
  }
  // Forged, it is signed by a merchant, whose certificate is of the same authority as UnionPay's.
  return [this, fields](const SigningContext&, bool forged) {
    FormFields sent = fields;
    if (forged) {
      sent.emplace_back("signMethod", "01");
      sent.emplace_back("signPubKeyCert", merchant_in_message_);
      sent.emplace_back(
          "signature",
          crypto::base64(side_.account.rsa->key.rsa_sha256_sign(sha256_hex(sorted_text(sent)))));
    } else {
      sign(sent);
    }
    return SignedMessage{{}, std::string(form_type), encode_form(sent, FormSpace::plus)};
  };
}

bool UnionPayDesk::is_taken(int http_status, std::string_view) const { return http_status == 200; }

}  // namespace welkin::sandbox
