// Alipay's signatures against the vectors made with its own SDK, and every way to spoil them.
#include <catch2/catch.hpp>

#include "protocol/channels/alipay/answer_text.hpp"
#include "tests/support/alipay_fixture.hpp"

using namespace welkin;
using namespace welkin::alipay_test;

namespace {

nlohmann::json vectors() { return vector_json("alipay.json")["vectors"]; }

FormFields fields_in_order(const std::string& encoded) {
  auto fields = parse_form(encoded);
  REQUIRE(fields);
  return *std::move(fields);
}

std::string body_with(FormFields fields, std::string_view name, const std::string& value) {
  for (auto& field : fields)
    if (field.first == name) field.second = value;
  return encode_form(fields, FormSpace::plus);
}

bool genuine(const alipay::Account& account, const std::string& body) {
  const auto fields = parse_form(body);
  return fields && alipay::is_genuine(account, *fields);
}

}  // namespace

TEST_CASE("each request of the SDK is signed as the SDK signs it, byte for byte") {
  const alipay::Account account = account_of(public_key_config());
  int seen = 0;
  for (const auto& vector : vectors()) {
    if (vector["kind"] != "request-signature") continue;
    CAPTURE(vector["name"].get<std::string>());
    const auto encoded = vector["out"]["encoded"].get<std::string>();
    FormFields fields = fields_in_order(encoded);
    REQUIRE(fields.back().first == "sign");
    fields.pop_back();
    CHECK(sorted_text(fields) == vector["canonical"].get<std::string>());
    alipay::sign_fields(account, fields);
    CHECK(fields.back().second == vector["out"]["sign"].get<std::string>());
    CHECK(encode_form(fields, FormSpace::percent_20) == encoded);
    ++seen;
  }
  CHECK(seen == 9);
}

TEST_CASE("certificates have the numbers that the SDK gives them") {
  const alipay::Account account = account_of(certificate_config());
  CHECK(account.app_certificate_number == "71844ecdd5bbbc20b8aa09cea917333e");
  CHECK(account.root_certificate_number == "df4e854949ea9be5a4d4b7aee2794159");
  REQUIRE(account.alipay_keys.size() == 1);
  CHECK(account.alipay_keys[0].certificate_number == "32c7bb36ef8e2a9027cd195822a8a2e0");
  const std::string root = vector_key("alipay_root_cert");
  CHECK(alipay::root_certificate_number(root + vector_key("alipay_app_cert")) ==
        "df4e854949ea9be5a4d4b7aee2794159_71844ecdd5bbbc20b8aa09cea917333e");
  CHECK(alipay::root_certificate_number("nothing").empty());
}

TEST_CASE("each answer of the vectors verifies, and none of it may be touched") {
  int seen = 0;
  for (const auto& vector : vectors()) {
    if (vector["kind"] != "response-signature") continue;
    const auto name = vector["name"].get<std::string>();
    CAPTURE(name);
    const alipay::Account account =
        account_of(name == "resp_cert_mode" ? certificate_config() : public_key_config());
    const auto body = vector["in"]["body"].get<std::string>();
    const auto node_name = vector["in"]["response_key"].get<std::string>();
    const auto verified = alipay::verify_answer(account, body, node_name);
    REQUIRE(std::holds_alternative<alipay::VerifiedAnswer>(verified));
    const auto node = vector["canonical"].get<std::string>();
    CHECK(std::get<alipay::VerifiedAnswer>(verified).node == node);
    // Every byte of the signed text, one at a time.
    const std::size_t from = body.find(node);
    for (std::size_t i = from; i < from + node.size(); i += 3) {
      std::string spoiled = body;
      spoiled[i] = spoiled[i] == '1' ? '2' : '1';
      CHECK_FALSE(std::holds_alternative<alipay::VerifiedAnswer>(
          alipay::verify_answer(account, spoiled, node_name)));
    }
    CHECK_FALSE(std::holds_alternative<alipay::VerifiedAnswer>(
        alipay::verify_answer(account, body, "alipay_trade_close_response")));
    ++seen;
  }
  CHECK(seen == 6);
}

TEST_CASE("each notification of the vectors is judged as the SDK judges it") {
  const alipay::Account account = account_of(public_key_config());
  int seen = 0;
  for (const auto& vector : vectors()) {
    if (vector["kind"] != "callback") continue;
    const auto name = vector["name"].get<std::string>();
    CAPTURE(name);
    const auto body = vector["in"]["body"].get<std::string>();
    CHECK(genuine(account, body) == vector["out"]["valid"].get<bool>());
    const CallbackVerdict verdict = alipay::parse_callback(account, {"alipay", {}, body});
    REQUIRE(std::holds_alternative<CallbackRefused>(verdict));
    const auto& refused = std::get<CallbackRefused>(verdict);
    // Those that are genuine are about an order number that is none of ours.
    CHECK(refused.problem.code == (vector["out"]["valid"].get<bool>()
                                       ? ProblemCode::invalid_value
                                       : ProblemCode::bad_signature));
    CHECK(refused.channel_order_no == "T202601010800000002");
    ++seen;
  }
  CHECK(seen == 8);
}

TEST_CASE("a notification with any of its fields changed, gone or added is not genuine") {
  const alipay::Account account = account_of(public_key_config());
  int seen = 0;
  for (const auto& vector : vectors()) {
    if (vector["name"] != "notify_trade_success") continue;
    ++seen;
    const FormFields fields = fields_in_order(vector["in"]["body"].get<std::string>());
    REQUIRE(genuine(account, encode_form(fields, FormSpace::plus)));
    for (const auto& field : fields) {
      CAPTURE(field.first);
      CHECK_FALSE(genuine(account, body_with(fields, field.first, field.second + "1")));
      CHECK_FALSE(genuine(account, body_with(fields, field.first, "")));
    }
    CHECK_FALSE(genuine(account, encode_form(fields, FormSpace::plus) + "&a=1"));
    CHECK_FALSE(genuine(account, encode_form(fields, FormSpace::plus) + "&total_amount=1.01"));
    CHECK_FALSE(genuine(account, ""));
    // Signed by somebody else who has a good key.
    FormFields forged = fields;
    forged.erase(forged.end() - 2, forged.end());
    const std::string text = sorted_text(forged);
    forged.emplace_back("sign_type", "RSA2");
    forged.emplace_back("sign", crypto::base64(account.app_key.rsa_sha256_sign(text)));
    CHECK_FALSE(genuine(account, encode_form(forged, FormSpace::plus)));
  }
  CHECK(seen == 1);
}

TEST_CASE("an answer signed under a certificate that is not known is not believed") {
  const alipay::Account account = account_of(certificate_config());
  const std::string node = R"({"code":"10000"})";
  const auto verify = [&](const std::string& number) {
    return alipay::verify_answer(account,
                                 "{\"x_response\":" + node + ",\"alipay_cert_sn\":\"" + number +
                                     "\",\"sign\":\"" + signed_by_alipay(node) + "\"}",
                                 "x_response");
  };
  CHECK(std::holds_alternative<alipay::VerifiedAnswer>(verify("32c7bb36ef8e2a9027cd195822a8a2e0")));
  const auto other = verify("71844ecdd5bbbc20b8aa09cea917333e");
  REQUIRE(std::holds_alternative<alipay::UnverifiedAnswer>(other));
  CHECK(std::get<alipay::UnverifiedAnswer>(other).code == "unknown_serial");
  CHECK(std::holds_alternative<alipay::UnverifiedAnswer>(verify("")));
}

TEST_CASE("a notification signed under a certificate that is not known is refused as such") {
  const alipay::Account account = account_of(certificate_config());
  const auto judge = [&](const std::string& number) {
    const auto verdict = alipay::parse_callback(
        account, notification_of({{"alipay_cert_sn", number}, {"out_trade_no", "T1"}}));
    REQUIRE(std::holds_alternative<CallbackRefused>(verdict));
    return std::get<CallbackRefused>(verdict).problem.code;
  };
  CHECK(judge("71844ecdd5bbbc20b8aa09cea917333e") == ProblemCode::unknown_serial);
  CHECK(judge("32c7bb36ef8e2a9027cd195822a8a2e0") == ProblemCode::wrong_account);
}

TEST_CASE("the outer object is taken apart as it was written") {
  const auto members = alipay::split_members(
      " {\"a\" : {\"x\":\"}\\\"]\",\"y\":[1,{}]} ,\"b\":\"\\/\",\"c\":12} \n");
  REQUIRE(members);
  CHECK(*members == alipay::RawMembers{
                        {"a", "{\"x\":\"}\\\"]\",\"y\":[1,{}]}"}, {"b", "\"\\/\""}, {"c", "12"}});
}

TEST_CASE("in GBK half a character is no bracket, quote or backslash") {
  // The second bytes are those of \\, }, ], { and [.
  const std::string words = "\xD5\x5C\x81\x7D\x81\x5D\x81\x7B\x81\x5B\xD5\x5C";
  const std::string body = "{\"a\":{\"x\":\"" + words + "\"},\"b\":\"" + words + "\"}";
  const auto members = alipay::split_members(body, Charset::gbk);
  REQUIRE(members);
  CHECK(*members == alipay::RawMembers{
                        {"a", std::string_view(body).substr(5, words.size() + 8)},
                        {"b", std::string_view(body).substr(words.size() + 18, words.size() + 2)}});
  CHECK_FALSE(alipay::split_members(body, Charset::utf8));
}

TEST_CASE("what is not one object is not taken apart") {
  const auto body =
      GENERATE(as<std::string>{}, "", "{", "{}", "[]", "x", "{\"a\"}", "{\"a\":}", "{\"a\":1",
               "{\"a\":{]}}", "{\"a\":\"", "{\"a\":\"\\", "{\"a\":1}x", "{\"a\":1}{}", "{\"a\":1,}",
               "{\"a\":1,\"a\":2}", "{\"a\":{\"b\":\"}}", "{,\"a\":1}", "<html></html>");
  CAPTURE(body);
  CHECK_FALSE(alipay::split_members(body));
  CHECK_FALSE(
      alipay::split_members("{\"a\":" + std::string(100, '[') + std::string(100, ']') + "}"));
  std::string many = "{\"0\":0";
  for (int i = 1; i <= 16; ++i) many += ",\"" + std::to_string(i) + "\":0";
  CHECK_FALSE(alipay::split_members(many + "}"));
}

TEST_CASE("an Alipay account that cannot work names the field") {
  struct Row {
    const char* field;
    void (*spoil)(alipay::AccountConfig&);
    bool certificates;
  };
  using C = alipay::AccountConfig;
  const Row rows[] = {
      {"base_url", [](C& c) { c.base_url = "openapi.alipay.com"; }, false},
      {"base_url", [](C& c) { c.base_url = ""; }, false},
      {"base_url", [](C& c) { c.base_url += "/"; }, false},
      {"app_id", [](C& c) { c.app_id = "1"; }, false},
      {"seller_id", [](C& c) { c.seller_id.clear(); }, false},
      {"notify_url", [](C& c) { c.notify_url.clear(); }, false},
      {"app_private_key", [](C& c) { c.app_private_key.clear(); }, false},
      {"app_private_key", [](C& c) { c.app_private_key = vector_key("rsa_1024"); }, false},
      {"alipay_public_key", [](C& c) { c.alipay_public_key.clear(); }, false},
      {"alipay_public_key", [](C& c) { c.alipay_public_key = vector_key("alipay_app_pub"); },
       false},
      {"alipay_public_key", [](C& c) { c.alipay_public_key = vector_key("alipay_platform_pub"); },
       true},
      {"app_certificate", [](C& c) { c.app_certificate.clear(); }, true},
      {"app_certificate", [](C& c) { c.app_certificate = vector_key("alipay_platform_cert"); },
       true},
      {"app_certificate", [](C& c) { c.app_certificate = vector_key("unionpay_merchant_cert"); },
       true},
      {"alipay_certificates", [](C& c) { c.alipay_certificates.clear(); }, true},
      {"alipay_certificates",
       [](C& c) { c.alipay_certificates = vector_key("unionpay_platform_cert"); }, true},
      {"alipay_certificates", [](C& c) { c.alipay_certificates = vector_key("alipay_root_cert"); },
       true},
      {"alipay_root_certificates", [](C& c) { c.alipay_root_certificates = "x"; }, true},
  };
  for (const Row& row : rows) {
    CAPTURE(row.field);
    alipay::AccountConfig config = row.certificates ? certificate_config() : public_key_config();
    row.spoil(config);
    const auto made = alipay::make_account(config, now_us);
    REQUIRE(std::holds_alternative<AccountFaults>(made));
    CHECK(std::get<AccountFaults>(made).front().field == row.field);
    CHECK_FALSE(std::get<AccountFaults>(made).front().detail.empty());
  }
  constexpr UnixUs year_2100_us = 4'102'444'801 * us_per_s;
  const auto expired = alipay::make_account(certificate_config(), year_2100_us);
  REQUIRE(std::holds_alternative<AccountFaults>(expired));
  CHECK(std::get<AccountFaults>(expired).front().field == "alipay_root_certificates");
  CHECK(std::get<AccountFaults>(expired).front().detail.find("expired") != std::string::npos);
}
