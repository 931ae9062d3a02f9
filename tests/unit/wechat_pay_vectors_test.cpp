// WeChat Pay against messages that its SDKs signed, and against variants that must be refused.
#include <catch2/catch.hpp>

#include "protocol/channels/channel_json.hpp"
#include "protocol/channels/wechat_pay/bill.hpp"
#include "tests/support/wechat_fixture.hpp"

using namespace welkin;
using namespace welkin::wechat_pay;

namespace {

const nlohmann::json& vectors() {
  static const nlohmann::json file = vector_json("wechat.json");
  return file.at("vectors");
}

std::size_t judged(const char* kind) {
  std::size_t count = 0;
  for (const auto& vector : vectors()) count += vector["kind"] == kind;
  return count;
}

std::string code_of(const CallbackVerdict& verdict) {
  if (const auto* refused = std::get_if<CallbackRefused>(&verdict))
    return std::string(spec_of(refused->problem.code).name);
  return std::holds_alternative<ChannelReport>(verdict) ? "report" : "ignored";
}

}  // namespace

TEST_CASE("WeChat Pay: our signature of each request is the SDKs', byte for byte") {
  CHECK(judged("request-signature") == 7);
  for (const auto& vector : vectors()) {
    if (vector["kind"] != "request-signature") continue;
    CAPTURE(vector["name"].get<std::string>());
    const auto& in = vector["in"];
    const std::string method = in["method"];
    const std::string uri = in["uri"];
    const std::string body = in["body"];
    CHECK(request_text(method, uri, in["timestamp"], in["nonce"].get<std::string>(), body) ==
          vector["canonical"].get<std::string>());
    Account account = wechat_account();
    account.public_key_id.clear();
    const WireRequest request = sign_request(account, method, uri, body, vectors_context());
    CHECK(only_header(request.headers, "authorization") ==
          vector["out"]["authorization_axios_plugin_order"].get<std::string>());
    CHECK(request.target == uri);
    CHECK(request.body == body);
    CHECK(only_header(request.headers, "wechatpay-serial").empty());
  }
}

TEST_CASE("WeChat Pay: the parameters of a JSAPI order are signed as the SDKs do") {
  CHECK(judged("client-params") == 1);
  for (const auto& vector : vectors()) {
    if (vector["kind"] != "client-params") continue;
    const auto parameters = nlohmann::json::parse(jsapi_parameters(
        wechat_account(), "wx201410272009395522657a690389285100", vectors_context()));
    CHECK(parameters["package"] == vector["in"]["package"]);
    CHECK(parameters["timeStamp"] == vector["in"]["timeStamp"]);
    CHECK(parameters["signType"] == "RSA");
    CHECK(parameters["paySign"] == vector["out"]["paySign"]);
  }
}

TEST_CASE("WeChat Pay: answers the platform signed are believed, and none that was touched") {
  CHECK(judged("response-signature") == 4);
  const std::vector<PlatformKey> keys = wechat_account().platform_keys;
  for (const auto& vector : vectors()) {
    if (vector["kind"] != "response-signature") continue;
    CAPTURE(vector["name"].get<std::string>());
    const WireHeaders headers = headers_of(vector["in"]["headers"]);
    const std::string body = vector["in"]["body"];
    CHECK_FALSE(check_message(keys, headers, body, vectors_now_us));
    CHECK(check_message(keys, headers, body + " ", vectors_now_us)->code ==
          ProblemCode::bad_signature);
    CHECK(check_message({}, headers, body, vectors_now_us)->code == ProblemCode::unknown_serial);
    for (std::size_t i = 0; i < headers.size(); ++i) {
      WireHeaders fewer = headers;
      fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
      WireHeaders twice = headers;
      twice.push_back(headers[i]);
      const bool optional = headers[i].first == "wechatpay-signature-type";
      CHECK(check_message(keys, fewer, body, vectors_now_us).has_value() == !optional);
      CHECK(check_message(keys, twice, body, vectors_now_us).has_value() == !optional);
    }
  }
}

TEST_CASE("WeChat Pay: a message is fresh for 300 seconds to either side") {
  const std::vector<PlatformKey> keys = wechat_account().platform_keys;
  const WireAnswer answer = signed_answer(200, "{}");
  const auto judge_at = [&](std::int64_t offset_s) {
    return check_message(keys, answer.headers, answer.body, vectors_now_us + offset_s * us_per_s);
  };
  CHECK_FALSE(judge_at(300));
  CHECK_FALSE(judge_at(-300));
  CHECK(judge_at(301)->code == ProblemCode::stale_timestamp);
  CHECK(judge_at(-301)->code == ProblemCode::stale_timestamp);
}

TEST_CASE("WeChat Pay: callbacks the SDK signed and sealed open to its plaintext, others do not") {
  CHECK(judged("callback") == 9);
  CHECK(judged("aead") == 1);
  for (const auto& vector : vectors()) {
    CAPTURE(vector["name"].get<std::string>());
    if (vector["kind"] == "aead") {
      const auto& in = vector["in"];
      const auto sealed = crypto::parse_base64(in["ciphertext"].get<std::string>());
      REQUIRE(sealed);
      CHECK_FALSE(crypto::aes_256_gcm_decrypt(in["api_v3_key"].get<std::string>(),
                                              in["resource_nonce"].get<std::string>(),
                                              in["associated_data"].get<std::string>(), *sealed));
    }
    if (vector["kind"] != "callback") continue;
    RawCallback callback{"wechat_pay", headers_of(vector["in"]["headers"]), vector["in"]["body"]};
    const auto problem = check_message(wechat_account().platform_keys, callback.headers,
                                       callback.body, vectors_now_us);
    CHECK(problem.has_value() == !vector["out"]["valid"].get<bool>());
    const std::string code = code_of(parse_callback(wechat_account(), callback, vectors_now_us));
    if (!vector["out"]["valid"].get<bool>()) {
      CHECK(code == (vector["name"] == "neg_unknown_serial" ? "unknown_serial" : "bad_signature"));
      continue;
    }
    const auto opened = open_callback(wechat_account(), callback.body);
    REQUIRE(std::holds_alternative<std::string>(opened));
    CHECK(std::get<std::string>(opened) == vector["decrypt"]["plaintext"].get<std::string>());
    // Genuine, and about an order number that is none of ours.
    CHECK(code == "invalid_value");
  }
}

TEST_CASE("WeChat Pay: the certificates' answer is believed by the key it brings") {
  CHECK(vectors().back()["name"] == "response_certificates");
  for (const auto& vector : vectors()) {
    if (vector["name"] != "response_certificates") continue;
    AccountConfig config = wechat_config();
    config.platform_certificates.clear();
    config.public_keys.clear();
    const Account account = std::get<Account>(make_account(config, vectors_now_us));
    WireAnswer answer{200, headers_of(vector["in"]["headers"]), vector["in"]["body"]};
    const auto keys = parse_certificates(account, answer, vectors_now_us);
    REQUIRE(std::holds_alternative<std::vector<PlatformKey>>(keys));
    CHECK(std::get<std::vector<PlatformKey>>(keys).size() == 1);
    CHECK(std::get<std::vector<PlatformKey>>(keys).front().serial == wechat_platform_serial);
    const Account renewed = with_platform_keys(account, std::get<std::vector<PlatformKey>>(keys));
    CHECK_FALSE(check_message(renewed.platform_keys, answer.headers, answer.body, vectors_now_us));

    Account other_key = account;
    other_key.api_v3_key.front() = 'x';
    CHECK(std::get<Problem>(parse_certificates(other_key, answer, vectors_now_us)).code ==
          ProblemCode::broken_ciphertext);
    answer.body += " ";
    CHECK(std::get<Problem>(parse_certificates(account, answer, vectors_now_us)).code ==
          ProblemCode::bad_signature);
  }
}

TEST_CASE("WeChat Pay: the trade bill is read to the last fen and checked by its summary") {
  const std::string csv = vector_file("bills/wechat_tradebill_all_2026-01-01.csv");
  const auto parsed = parse_trade_bill(csv);
  REQUIRE(std::holds_alternative<TradeBill>(parsed));
  const auto& rows = std::get<TradeBill>(parsed).rows;
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].kind == TradeKind::payment);
  CHECK(rows[0].at_us == vectors_now_us + 30 * us_per_s);
  CHECK(rows[0].order_no == "T202601010800000001");
  CHECK(rows[0].transaction_id == "4200000000202601010000000001");
  CHECK(rows[0].order_minor == 101);
  CHECK(rows[0].fee_hundred_thousandths == 1'000);
  CHECK(rows[0].refund_no.empty());
  CHECK(rows[1].kind == TradeKind::refund);
  CHECK(rows[1].refund_no == "R202601010800000001");
  CHECK(rows[1].refund_asked_minor == 50);
  CHECK(rows[1].refunded_minor == 50);
  CHECK(rows[1].refund_status == "SUCCESS");
  CHECK(std::get<TradeBill>(parse_trade_bill(vector_file("bills/wechat_tradebill_all_empty.csv")))
            .rows.empty());

  const auto fault = [](const std::string& text) {
    const auto bad = parse_trade_bill(text);
    return std::holds_alternative<Problem>(bad) ? std::get<Problem>(bad).field : "none";
  };
  const std::size_t second = csv.find("\r\n", csv.find("\r\n") + 2) + 2;
  std::string shorter = csv;
  shorter.erase(second, csv.find("\r\n", second) + 2 - second);
  CHECK(fault(shorter) == "summary: 总交易单数");
  CHECK(fault(replaced(csv, "`1.01,`0.00,`\r", "`1.02,`0.00,`\r")) == "summary: 订单总金额");
  CHECK(fault(replaced(csv, "`0.01000", "`0.02000")) == "summary: 手续费总金额");
  CHECK(fault(replaced(csv, "NATIVE,`SUCCESS", "NATIVE,`SOLD")) == "line 2: 交易状态");
  CHECK(fault(replaced(csv, "商户订单号", "订单号")) == "line 2: 商户订单号");
  CHECK(fault(csv.substr(0, csv.size() / 2)) != "none");
  CHECK(fault("") == "line 1");
}

TEST_CASE("WeChat Pay: a bill is the one that was signed for, or is not read") {
  const std::string csv = vector_file("bills/wechat_tradebill_all_2026-01-01.csv");
  const std::string upper = "E1ACB5BDE456671DC127C29408182E398E79939F";
  CHECK(is_bill_of({"", upper}, csv));
  CHECK_FALSE(is_bill_of({"", upper}, csv + "\n"));
  CHECK_FALSE(is_bill_of({"", upper}, ""));
  CHECK_FALSE(is_bill_of({"", ""}, csv));
}

TEST_CASE("WeChat Pay: the fund flow is read and checked by its summary") {
  const std::string csv = vector_file("bills/wechat_fundflow_basic_2026-01-01.csv");
  const auto parsed = parse_fund_flow(csv);
  REQUIRE(std::holds_alternative<FundFlowBill>(parsed));
  const auto& rows = std::get<FundFlowBill>(parsed).rows;
  REQUIRE(rows.size() == 3);
  CHECK(rows[0].income);
  CHECK(rows[0].amount_minor == 101);
  CHECK(rows[0].balance_minor == 10'101);
  CHECK_FALSE(rows[1].income);
  CHECK(rows[1].business_name == "扣除交易手续费");
  CHECK(rows[2].voucher_no == "R202601010800000001");
  CHECK(std::holds_alternative<Problem>(
      parse_fund_flow(replaced(csv, "`0.50,`100.50", "`0.60,`100.50"))));
  CHECK(std::holds_alternative<Problem>(parse_fund_flow(replaced(csv, "`3.0,`1.0", "`4.0,`1.0"))));
}
