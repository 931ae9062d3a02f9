// What WeChat Pay is asked, and what its answers and callbacks are made of: each word once, and
// whatever is not certain is unknown.
#include <catch2/catch.hpp>

#include "protocol/channels/wechat_pay/meanings.hpp"
#include "tests/support/wechat_fixture.hpp"

using namespace welkin;
using namespace welkin::wechat_pay;
using Op = ChannelOperation;
using V = ChannelVerdict;
using nlohmann::json;

namespace {

WireRequest encoded(const ChannelCall& call) {
  auto made = encode_call(wechat_account(), call, vectors_context());
  REQUIRE(std::holds_alternative<WireRequest>(made));
  return std::get<WireRequest>(std::move(made));
}

ChannelReport answered(const ChannelCall& call, const WireAnswer& answer) {
  return parse_answer(wechat_account(), call, answer, vectors_context());
}

std::string code_of(const CallbackVerdict& verdict) {
  if (const auto* refused = std::get_if<CallbackRefused>(&verdict))
    return std::string(spec_of(refused->problem.code).name);
  return std::holds_alternative<ChannelReport>(verdict) ? "report" : "ignored";
}

std::string wrong_field(void (*bend)(AccountConfig&), UnixUs now_us = vectors_now_us) {
  AccountConfig config = wechat_config();
  bend(config);
  const auto made = make_account(config, now_us);
  const auto* faults = std::get_if<AccountFaults>(&made);
  return faults != nullptr ? faults->front().field : "none";
}

}  // namespace

TEST_CASE("WeChat Pay: an account that cannot work names the field") {
  CHECK(wrong_field([](AccountConfig&) {}) == "none");
  CHECK(wrong_field([](AccountConfig& c) { c.base_url = "ftp://x"; }) == "base_url");
  CHECK(wrong_field([](AccountConfig& c) { c.app_id = ""; }) == "app_id");
  CHECK(wrong_field([](AccountConfig& c) { c.merchant_id = "19x"; }) == "merchant_id");
  CHECK(wrong_field([](AccountConfig& c) { c.api_v3_key += "0"; }) == "api_v3_key");
  CHECK(wrong_field([](AccountConfig& c) { c.notify_url += "?a=1"; }) == "notify_url");
  CHECK(wrong_field([](AccountConfig& c) { c.private_key = ""; }) == "private_key");
  CHECK(wrong_field([](AccountConfig& c) { c.private_key = vector_key("rsa_1024"); }) ==
        "private_key");
  CHECK(wrong_field([](AccountConfig& c) {
          c.merchant_certificate = vector_key("wechat_platform_cert");
        }) == "merchant_certificate");
  CHECK(wrong_field([](AccountConfig&) {}, 4'102'444'800 * us_per_s) == "merchant_certificate");
  CHECK(wrong_field([](AccountConfig& c) { c.platform_certificates.push_back("x"); }) ==
        "platform_certificates/1");
  CHECK(wrong_field([](AccountConfig& c) {
          c.platform_certificates = {vector_key("wechat_merchant_cert")};
        }) == "platform_certificates/0");
  CHECK(wrong_field([](AccountConfig& c) { c.public_keys[0].id = "1"; }) == "public_keys/0/id");
  CHECK(wrong_field([](AccountConfig& c) { c.public_keys[0].pem = "1"; }) == "public_keys/0/pem");
}

TEST_CASE("WeChat Pay: each way to pay is asked for as it wants") {
  ChannelCall call = example_call(Op::create);
  WireRequest request = encoded(call);
  CHECK(request.method == "POST");
  CHECK(request.target == "/v3/pay/transactions/native");
  CHECK(only_header(request.headers, "content-type") == "application/json");
  CHECK(only_header(request.headers, "accept") == "application/json");
  CHECK_FALSE(only_header(request.headers, "user-agent").empty());
  CHECK(only_header(request.headers, "wechatpay-serial") == wechat_public_key_id);
  CHECK(json::parse(request.body) == json{{"appid", "wx0000000000000001"},
                                          {"mchid", "1900000109"},
                                          {"description", "测试商品 A&B"},
                                          {"out_trade_no", call.channel_order_no},
                                          {"time_expire", "2026-01-01T08:30:00+08:00"},
                                          {"notify_url", "https://pay.example.com/notify/wechat"},
                                          {"amount", {{"total", 101}, {"currency", "CNY"}}}});
  // The same call is the same order, so that a repeat is recognised.
  CHECK(encoded(call).body == request.body);

  call.method = "jsapi";
  call.payer_id = "oTEST";
  request = encoded(call);
  CHECK(request.target == "/v3/pay/transactions/jsapi");
  CHECK(json::parse(request.body)["payer"] == json{{"openid", "oTEST"}});

  call.method = "h5";
  call.payer_ip = "203.0.113.7";
  request = encoded(call);
  CHECK(request.target == "/v3/pay/transactions/h5");
  CHECK(json::parse(request.body)["scene_info"] ==
        json{{"payer_client_ip", "203.0.113.7"}, {"h5_info", {{"type", "Wap"}}}});
}

TEST_CASE("WeChat Pay: a long description is cut between characters") {
  ChannelCall call = example_call(Op::create);
  call.subject.clear();
  for (int i = 0; i < 60; ++i) call.subject += "茶";
  const std::string description = json::parse(encoded(call).body)["description"];
  CHECK(description.size() == 126);
  CHECK(call.subject.substr(0, 126) == description);
}

TEST_CASE("WeChat Pay: query, close, refund and its query go where they belong") {
  const std::string number = example_call(Op::create).channel_order_no;
  const std::string order = "/v3/pay/transactions/out-trade-no/" + number;
  for (const Op operation : {Op::create, Op::close}) {
    const WireRequest query = encoded(example_query(operation));
    CHECK(query.method == "GET");
    CHECK(query.target == order + "?mchid=1900000109");
    CHECK(query.body.empty());
  }
  const WireRequest close = encoded(example_call(Op::close));
  CHECK(close.target == order + "/close");
  CHECK(close.body == R"({"mchid":"1900000109"})");

  ChannelCall call = example_call(Op::refund);
  const WireRequest refund = encoded(call);
  CHECK(refund.target == "/v3/refund/domestic/refunds");
  CHECK(json::parse(refund.body) ==
        json{{"out_trade_no", number},
             {"out_refund_no", call.channel_refund_no},
             {"notify_url", "https://pay.example.com/notify/wechat"},
             {"amount", {{"refund", 50}, {"total", 101}, {"currency", "CNY"}}}});
  call.surplus = true;
  call.channel_reference = "42";
  CHECK(json::parse(encoded(call).body)["transaction_id"] == "42");
  CHECK(encoded(example_query(Op::refund)).target ==
        "/v3/refund/domestic/refunds/" + call.channel_refund_no);
}

TEST_CASE("WeChat Pay: what it cannot do is refused before anything is sent") {
  struct Row {
    const char* field;
    void (*bend)(ChannelCall&);
  };
  const Row rows[] = {
      {"/currency", [](ChannelCall& c) { c.currency = *Currency::parse("USD"); }},
      {"/capture", [](ChannelCall& c) { c.manual_capture = true; }},
      {"/capture", [](ChannelCall& c) { c.operation = Op::capture; }},
      {"/capture", [](ChannelCall& c) { c.operation = Op::void_; }},
      {"/method", [](ChannelCall& c) { c.method = "app"; }},
      {"/payer/id", [](ChannelCall& c) { c.method = "jsapi"; }},
      {"/payer/ip", [](ChannelCall& c) { c.method = "h5"; }},
  };
  for (const Row& row : rows) {
    CAPTURE(row.field);
    ChannelCall call = example_call(Op::create);
    row.bend(call);
    const auto made = encode_call(wechat_account(), call, vectors_context());
    REQUIRE(std::holds_alternative<Problem>(made));
    CHECK(std::get<Problem>(made).field == row.field);
  }
}

TEST_CASE("WeChat Pay: an accepted order tells the payer what to do") {
  ChannelCall call = example_call(Op::create);
  ChannelReport report = answered(call, signed_answer(200, R"({"code_url":"weixin://x"})"));
  CHECK(report.verdict == V::accepted);
  CHECK(report.next_action.type == "qr_code");
  CHECK(report.next_action.value == "weixin://x");
  CHECK(report.amount_minor == 101);
  CHECK(report.currency == call.currency);
  CHECK(report.merchant_by_account);
  call.method = "h5";
  report = answered(call, signed_answer(200, R"({"h5_url":"https://wx.example/p?a=1"})"));
  CHECK(report.next_action.type == "redirect");
  CHECK(report.next_action.value ==
        "https://wx.example/p?a=1&redirect_url=https%3A%2F%2Fshop.example.com%2Fback");
  call.method = "jsapi";
  report = answered(call, signed_answer(200, R"({"prepay_id":"wx1"})"));
  CHECK(report.next_action.type == "client_parameters");
  CHECK(json::parse(report.next_action.value)["package"] == "prepay_id=wx1");
  CHECK(answered(call, signed_answer(200, "{}")).code == "wrong_shape");
}

TEST_CASE("WeChat Pay: each state of an order and of a refund means one thing") {
  struct Row {
    const char* state;
    V order;
    V refund;
  };
  const Row rows[] = {
      {"NOTPAY", V::accepted, V::unknown},
      {"USERPAYING", V::accepted, V::unknown},
      {"ACCEPT", V::accepted, V::unknown},
      {"SUCCESS", V::paid, V::refunded},
      {"REFUND", V::paid, V::unknown},
      {"CLOSED", V::closed, V::refund_refused},
      {"REVOKED", V::closed, V::unknown},
      {"PAYERROR", V::refused, V::unknown},
      {"PROCESSING", V::unknown, V::refund_pending},
      {"ABNORMAL", V::unknown, V::refund_needs_action},
      {"success", V::unknown, V::unknown},
      {"", V::unknown, V::unknown},
      {"SOMETHING_NEW", V::unknown, V::unknown},
  };
  for (const Row& row : rows) {
    CAPTURE(row.state);
    ChannelCall query = example_query(Op::create);
    query.order_accepted = true;
    const ChannelReport order =
        answered(query, signed_answer(200, wechat_transaction(row.state).dump()));
    CHECK(order.verdict == row.order);
    CHECK(order.source == ReportSource::query);
    const std::string refund = wechat_refund("status", row.state).dump();
    CHECK(answered(example_query(Op::refund), signed_answer(200, refund)).verdict == row.refund);
    CHECK(answered(example_call(Op::refund), signed_answer(200, refund)).verdict == row.refund);
  }
}

TEST_CASE("WeChat Pay: an open order whose code was lost is asked for again until it expires") {
  const auto open = [](const ChannelCall& call, UnixUs now_us) {
    const std::string body = wechat_transaction("NOTPAY").dump();
    return parse_answer(wechat_account(), call, signed_answer(200, body, now_us), {now_us, "n"})
        .verdict;
  };
  ChannelCall call = example_query(Op::create);
  call.expires_at_us = vectors_now_us + 60 * us_per_s;
  CHECK(open(call, vectors_now_us) == V::not_found);
  // Then it is to be closed, and not to be forgotten.
  CHECK(open(call, call.expires_at_us) == V::accepted);
  // Somebody has asked for its end.
  call.operation = Op::close;
  CHECK(open(call, vectors_now_us) == V::accepted);
  // The payer has got his code, and the answer to the first create may yet come.
  call.operation = Op::create;
  call.order_accepted = true;
  CHECK(open(call, vectors_now_us) == V::accepted);
}

TEST_CASE("WeChat Pay: a paid order reports the order's amount, not what a coupon left of it") {
  const ChannelReport report =
      answered(example_query(Op::create), signed_answer(200, wechat_transaction("SUCCESS").dump()));
  CHECK(report.amount_minor == 101);
  CHECK(report.currency.code() == "CNY");
  CHECK(report.channel_reference == "4200000000202601010000000001");
  const ChannelReport refund = answered(
      example_query(Op::refund), signed_answer(200, wechat_refund("status", "SUCCESS").dump()));
  CHECK(refund.amount_minor == 50);
  CHECK(refund.refund_id == example_call(Op::refund).refund_id);
}

TEST_CASE("WeChat Pay: an answer that does not hold together is unknown and says why") {
  const auto order = [](void (*bend)(json&)) {
    json transaction = wechat_transaction("SUCCESS");
    bend(transaction);
    return answered(example_query(Op::create), signed_answer(200, transaction.dump()));
  };
  const ChannelReport reports[] = {
      order([](json& t) { t["mchid"] = "1900000110"; }),
      order([](json& t) { t["appid"] = "wx0000000000000002"; }),
      order([](json& t) { t["out_trade_no"] = "other"; }),
      order([](json& t) { t["amount"].erase("total"); }),
      order([](json& t) { t["amount"]["total"] = "101"; }),
      order([](json& t) { t["amount"]["total"] = 101.0; }),
      order([](json& t) { t["amount"]["total"] = -101; }),
      order([](json& t) { t["amount"]["total"] = 0; }),
      order([](json& t) { t["amount"]["total"] = 18'446'744'073'709'551'615ULL; }),
      order([](json& t) { t["amount"]["currency"] = "YUAN"; }),
      order([](json& t) { t.erase("transaction_id"); }),
      answered(example_query(Op::create), signed_answer(200, "[]")),
      answered(example_query(Op::create), signed_answer(200, "")),
      answered(example_query(Op::create),
               signed_answer(200, R"({"out_trade_no":"1","out_trade_no":"2"})")),
      answered(example_query(Op::create), signed_answer(200, wechat_transaction("SUCCESS").dump(),
                                                        vectors_now_us - 301'000'000)),
      answered(example_query(Op::create), {200, {}, wechat_transaction("SUCCESS").dump()}),
      answered(example_call(Op::close), signed_answer(200, "{}")),
      answered(example_call(Op::close), {204, {}, ""}),
  };
  for (const ChannelReport& report : reports) {
    CHECK(report.verdict == V::unknown);
    CHECK_FALSE(report.code.empty());
    CHECK_FALSE(report.message.empty());
  }
  json refund = wechat_refund("status", "SUCCESS");
  refund["amount"]["total"] = 102;
  CHECK(answered(example_query(Op::refund), signed_answer(200, refund.dump())).code ==
        "wrong_amount");
  CHECK(answered(example_call(Op::close), signed_answer(204, "")).verdict == V::closed);
}

TEST_CASE("WeChat Pay: each refusal means what its table says, in either spelling") {
  struct Row {
    Op operation;
    bool query;
    int status;
    const char* code;
    V verdict;
  };
  const Row rows[] = {
      {Op::create, false, 400, "PARAM_ERROR", V::refused},
      {Op::create, false, 400, "INVALID_REQUEST", V::refused},
      {Op::create, false, 400, "APPID_MCHID_NOT_MATCH", V::not_taken},
      {Op::create, false, 400, "MCH_NOT_EXISTS", V::not_taken},
      {Op::create, false, 403, "NO_AUTH", V::not_taken},
      {Op::create, false, 403, "TRADE_ERROR", V::refused},
      {Op::create, false, 403, "RULE_LIMIT", V::not_taken},
      {Op::create, false, 403, "RULELIMIT", V::not_taken},
      {Op::create, false, 403, "ACCOUNT_ERROR", V::refused},
      {Op::create, false, 403, "USER_ACCOUNT_ABNORMAL", V::refused},
      {Op::create, false, 400, "ORDER_CLOSED", V::closed},
      {Op::create, false, 400, "ORDERPAID", V::unknown},
      {Op::create, false, 403, "OUT_TRADE_NO_USED", V::unknown},
      {Op::create, false, 401, "SIGN_ERROR", V::not_taken},
      {Op::create, false, 400, "SIGN_ERROR", V::unknown},
      {Op::create, false, 429, "FREQUENCY_LIMITED", V::not_taken},
      {Op::create, false, 429, "RATELIMIT_EXCEEDED", V::not_taken},
      {Op::create, false, 500, "SYSTEM_ERROR", V::unknown},
      {Op::create, false, 500, "BANK_ERROR", V::unknown},
      {Op::create, false, 404, "ORDER_NOT_EXIST", V::unknown},
      {Op::create, false, 403, "NOT_ENOUGH", V::unknown},
      {Op::create, false, 400, "SOMETHING_NEW", V::unknown},
      {Op::create, false, 500, "PARAM_ERROR", V::unknown},
      {Op::create, false, 202, "USERPAYING", V::unknown},
      {Op::create, true, 404, "ORDER_NOT_EXIST", V::not_found},
      {Op::create, true, 404, "ORDERNOTEXIST", V::not_found},
      {Op::create, true, 404, "RESOURCE_NOT_EXISTS", V::unknown},
      {Op::create, true, 400, "PARAM_ERROR", V::unknown},
      {Op::close, false, 400, "ORDER_CLOSED", V::closed},
      {Op::close, false, 400, "ORDERPAID", V::refused},
      {Op::close, false, 404, "ORDER_NOT_EXIST", V::not_found},
      {Op::close, false, 429, "RATELIMIT_EXCEEDED", V::unknown},
      {Op::refund, false, 400, "PARAM_ERROR", V::refund_refused},
      {Op::refund, false, 400, "INVALID_REQUEST", V::refund_refused},
      {Op::refund, false, 403, "NO_AUTH", V::refund_refused},
      {Op::refund, false, 403, "USER_ACCOUNT_ABNORMAL", V::refund_refused},
      {Op::refund, false, 403, "NOT_ENOUGH", V::refund_needs_action},
      {Op::refund, false, 403, "NOTENOUGH", V::refund_needs_action},
      {Op::refund, false, 401, "SIGN_ERROR", V::unknown},
      {Op::refund, false, 404, "RESOURCE_NOT_EXISTS", V::unknown},
      {Op::refund, false, 429, "FREQUENCY_LIMITED", V::unknown},
      {Op::refund, false, 500, "SYSTEMERROR", V::unknown},
      {Op::refund, true, 404, "RESOURCE_NOT_EXISTS", V::not_found},
      {Op::refund, true, 404, "ORDER_NOT_EXIST", V::unknown},
  };
  for (const Row& row : rows) {
    CAPTURE(name_of(row.operation), row.query, row.status, row.code);
    ChannelCall call = example_call(row.operation);
    call.query = row.query;
    const std::string body = json{{"code", row.code}, {"message", "why"}}.dump();
    const ChannelReport report = answered(call, signed_answer(row.status, body));
    CHECK(report.verdict == row.verdict);
    CHECK(report.code == row.code);
    // A gateway on the way could have said it: without a signature it is a hint.
    CHECK(answered(call, {row.status, {}, body}).verdict == V::unknown);
    WireAnswer forged = signed_answer(row.status, body);
    forged.body += " ";
    CHECK(answered(call, forged).code == "bad_signature");
  }
}

TEST_CASE("WeChat Pay: an order that is there with other parameters is no refusal") {
  const std::string body =
      json{{"code", "INVALID_REQUEST"}, {"message", "请求重入时，参数与首次请求时不一致"}}.dump();
  CHECK(answered(example_call(Op::create), signed_answer(400, body)).verdict == V::unknown);
  CHECK(answered(example_call(Op::refund), signed_answer(400, body)).verdict == V::unknown);
}

TEST_CASE("WeChat Pay: a success's callback is a report of the payment it names") {
  const auto verdict = parse_callback(
      wechat_account(), wechat_callback("TRANSACTION.SUCCESS", wechat_transaction("SUCCESS")),
      vectors_now_us);
  REQUIRE(std::holds_alternative<ChannelReport>(verdict));
  const auto& report = std::get<ChannelReport>(verdict);
  CHECK(report.source == ReportSource::callback);
  CHECK(report.id == "n-1");
  CHECK(report.payment == payment_id_of("m_1", "order-1"));
  CHECK(report.verdict == V::paid);
  CHECK(report.amount_minor == 101);
  CHECK(report.merchant_by_account);
}

TEST_CASE("WeChat Pay: refund callbacks report what became of the refund") {
  const auto row = GENERATE(table<std::string, V>({{"SUCCESS", V::refunded},
                                                   {"CLOSED", V::refund_refused},
                                                   {"ABNORMAL", V::refund_needs_action}}));
  const std::string& status = std::get<0>(row);
  const auto verdict = parse_callback(
      wechat_account(), wechat_callback("REFUND." + status, wechat_refund("refund_status", status)),
      vectors_now_us);
  REQUIRE(std::holds_alternative<ChannelReport>(verdict));
  const auto& report = std::get<ChannelReport>(verdict);
  CHECK(report.verdict == std::get<1>(row));
  CHECK(report.refund_id == example_call(Op::refund).refund_id);
  CHECK(report.amount_minor == 50);
  CHECK(report.currency.code() == "CNY");
}

TEST_CASE("WeChat Pay: a refund of an order of ours under a strange number was made at its desk") {
  json refund = wechat_refund("refund_status", "SUCCESS");
  refund["out_refund_no"] = "50300000002026010100000000001";
  const auto verdict =
      parse_callback(wechat_account(), wechat_callback("REFUND.SUCCESS", refund), vectors_now_us);
  REQUIRE(std::holds_alternative<ChannelReport>(verdict));
  const auto& report = std::get<ChannelReport>(verdict);
  CHECK(report.outside_refund);
  CHECK(report.refund_id.empty());
  CHECK(report.verdict == V::refunded);
  CHECK(report.payment == payment_id_of("m_1", "order-1"));
  CHECK(report.channel_reference == refund["refund_id"]);
  CHECK(report.charge_reference == refund.value("transaction_id", ""));
  CHECK(report.amount_minor == 50);
  CHECK_FALSE(report.amount_is_total);
  refund.erase("refund_id");
  CHECK(code_of(parse_callback(wechat_account(), wechat_callback("REFUND.SUCCESS", refund),
                               vectors_now_us)) == "malformed_callback");
  refund["out_trade_no"] = "T1";
  CHECK(code_of(parse_callback(wechat_account(), wechat_callback("REFUND.SUCCESS", refund),
                               vectors_now_us)) == "invalid_value");
}

TEST_CASE("WeChat Pay: a callback that does not hold is refused with its reason") {
  const auto judge = [](const RawCallback& callback, UnixUs now_us = vectors_now_us) {
    return code_of(parse_callback(wechat_account(), callback, now_us));
  };
  const auto paid = [](void (*bend)(json&)) {
    json transaction = wechat_transaction("SUCCESS");
    bend(transaction);
    return wechat_callback("TRANSACTION.SUCCESS", transaction);
  };
  const RawCallback good = paid([](json&) {});
  CHECK(judge(good) == "report");
  CHECK(judge(good, vectors_now_us + 301 * us_per_s) == "stale_timestamp");
  CHECK(judge(good, vectors_now_us - 301 * us_per_s) == "stale_timestamp");
  RawCallback bent = good;
  bent.body.back() = ' ';
  CHECK(judge(bent) == "bad_signature");
  CHECK(judge(paid([](json& t) { t["mchid"] = "1900000110"; })) == "wrong_account");
  CHECK(judge(paid([](json& t) { t["appid"] = "wx2"; })) == "wrong_account");
  CHECK(judge(paid([](json& t) { t["out_trade_no"] = "T1"; })) == "invalid_value");
  CHECK(judge(paid([](json& t) { t["trade_state"] = "CLOSED"; })) == "malformed_callback");
  CHECK(judge(paid([](json& t) { t["amount"].erase("total"); })) == "malformed_callback");
  CHECK(judge(wechat_callback("REFUND.SUCCESS", wechat_refund("refund_status", "CLOSED"))) ==
        "malformed_callback");
  CHECK(judge(wechat_callback("REFUND.SUCCESS", wechat_refund("status", "SUCCESS"))) ==
        "malformed_callback");
  CHECK(judge(wechat_callback("VIOLATION.PUNISH", json::object())) == "ignored");

  const auto signed_body = [](const std::string& body) {
    return RawCallback{"wechat_pay", signed_answer(200, body).headers, body};
  };
  CHECK(judge(signed_body("{}")) == "malformed_callback");
  CHECK(judge(signed_body("null")) == "malformed_callback");
  CHECK(judge(signed_body(R"({"id":"1","event_type":"TRANSACTION.SUCCESS"})")) ==
        "malformed_callback");
  CHECK(judge(signed_body(replaced(good.body, "fdasflkja484", "fdasflkja485"))) ==
        "broken_ciphertext");
  CHECK(judge(signed_body(replaced(good.body, "AEAD_AES_256_GCM", "AEAD_SM4_GCM"))) ==
        "malformed_callback");
  const auto of_dollars = parse_callback(
      wechat_account(), paid([](json& t) { t["amount"]["currency"] = "USD"; }), vectors_now_us);
  CHECK(std::get<ChannelReport>(of_dollars).currency.code() == "USD");
  // Who it claims to be about stands beside the refusal.
  const auto refused = parse_callback(
      wechat_account(), paid([](json& t) { t["mchid"] = "1900000110"; }), vectors_now_us);
  CHECK(std::get<CallbackRefused>(refused).channel_order_no ==
        example_call(Op::create).channel_order_no);
}

TEST_CASE(
    "WeChat Pay: what is taken is answered with 200, what is not with a status that is none") {
  CHECK(taken().http_status == 200);
  CHECK(not_taken().http_status == 500);
  CHECK(json::parse(not_taken().body)["code"] == "FAIL");
}

TEST_CASE("WeChat Pay: where a bill lies is believed only with a signature") {
  const std::string url = "https://api.mch.weixin.qq.com/v3/billdownload/file?token=t%2Bk";
  const std::string body = json{
      {"hash_type", "SHA1"},
      {"hash_value", std::string(40, 'a')},
      {"download_url", url}}.dump();
  const auto located =
      parse_bill_location(wechat_account(), signed_answer(200, body), vectors_now_us);
  REQUIRE(std::holds_alternative<BillLocation>(located));
  CHECK(encode_bill_download(wechat_account(), std::get<BillLocation>(located), vectors_context())
            .target == "/v3/billdownload/file?token=t%2Bk");
  CHECK(std::get<NoBill>(parse_bill_location(wechat_account(), {200, {}, body}, vectors_now_us))
            .code == "bad_signature");
  CHECK(std::get<NoBill>(parse_bill_location(wechat_account(),
                                             signed_answer(400, R"({"code":"NO_STATEMENT_EXIST"})"),
                                             vectors_now_us))
            .code == "NO_STATEMENT_EXIST");
}

TEST_CASE("WeChat Pay: while keys change, messages signed with the old and the new are believed") {
  Account account = wechat_account();
  for (const char* serial :
       {wechat_platform_serial, wechat_public_key_id, "7132d72a03e93cddf8c03bbd1f37eedf00000001"}) {
    const WireHeaders headers =
        sign_message(serial, wechat_platform_key(), "{}", {vectors_now_us, "nonce"});
    CHECK_FALSE(check_message(account.platform_keys, headers, "{}", vectors_now_us));
  }
  // A certificate that has run out is no key any more.
  account.platform_keys.front().valid_to_us = vectors_now_us - 1;
  const WireHeaders headers =
      sign_message(wechat_platform_serial, wechat_platform_key(), "{}", {vectors_now_us, "nonce"});
  CHECK(check_message(account.platform_keys, headers, "{}", vectors_now_us)->code ==
        ProblemCode::unknown_serial);
}
