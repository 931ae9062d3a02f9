// UnionPay's signatures against the vectors, and every way to spoil them.
#include <catch2/catch.hpp>

#include "protocol/channels/certificate_chain.hpp"
#include "protocol/channels/inflate.hpp"
#include "protocol/channels/pkcs12.hpp"
#include "tests/support/union_pay_fixture.hpp"

using namespace welkin;
using namespace welkin::union_pay_test;

namespace {

nlohmann::json vectors() { return vector_json("unionpay.json")["vectors"]; }

// A message of the vectors as our parsers read it off its wire.
FormFields message_of(const nlohmann::json& vector) {
  const auto body = vector["in"]["body"].get<std::string>();
  auto fields =
      vector["kind"] == "callback" ? parse_form(body) : union_pay::parse_answer_fields(body);
  REQUIRE(fields);
  return *std::move(fields);
}

union_pay::Account believing(const std::string& vector_name) {
  union_pay::AccountConfig config = rsa_config();
  config.test_environment = vector_name != "notify_consume_success_prod_cn";
  return account_of(config);
}

bool genuine(const union_pay::Account& account, const FormFields& fields) {
  return !union_pay::signature_fault(account, fields, now_us);
}

FormFields with(FormFields fields, std::string_view name, const std::string& value) {
  for (auto& field : fields)
    if (field.first == name) field.second = value;
  return fields;
}

}  // namespace

TEST_CASE("each request of the vectors is signed and encoded byte for byte") {
  int seen = 0;
  for (const auto& vector : vectors()) {
    const bool secret = vector["kind"] == "request-signature-secret";
    if (vector["kind"] != "request-signature" && !secret) continue;
    CAPTURE(vector["name"].get<std::string>());
    const union_pay::Account account = account_of(secret ? secret_config() : rsa_config());
    // The vectors' objects come sorted from the parser; the wire has its own order.
    FormFields fields;
    if (secret) {
      for (const auto& item : vector["in"]["fields"].items())
        fields.emplace_back(item.key(), item.value().get<std::string>());
    } else {
      const auto wire = parse_form(vector["out"]["body"].get<std::string>());
      REQUIRE(wire);
      fields.assign(wire->begin(), wire->end() - 1);
      fields.emplace_back("left_out", "");
    }
    CHECK(sorted_text(fields) == vector["canonical"].get<std::string>());
    union_pay::sign_fields(account, fields);
    CHECK(field_of(fields, "signature") == vector["out"]["signature"].get<std::string>());
    if (!secret)
      CHECK(encode_form(fields, FormSpace::plus) == vector["out"]["body"].get<std::string>());
    ++seen;
  }
  CHECK(seen == 9);
}

TEST_CASE("each message of the vectors is judged as it must be") {
  int seen = 0;
  for (const auto& vector : vectors()) {
    if (vector["kind"] != "callback" && vector["kind"] != "response-signature") continue;
    const auto name = vector["name"].get<std::string>();
    CAPTURE(name);
    const FormFields fields = message_of(vector);
    CHECK(fields.size() == vector["in"]["fields"].size());
    for (const auto& item : vector["in"]["fields"].items())
      CHECK(field_of(fields, item.key()) == item.value().get<std::string>());
    if (vector["out"]["valid"].get<bool>())
      CHECK(sorted_text_without(fields, {"signature"}) == vector["canonical"].get<std::string>());
    CHECK(genuine(believing(name), fields) == vector["out"]["valid"].get<bool>());
    ++seen;
  }
  CHECK(seen == 12);
}

TEST_CASE("a merchant's certificate of the same authority signs nothing in UnionPay's name") {
  int seen = 0;
  for (const auto& vector : vectors()) {
    if (vector["name"] != "neg_notify_merchant_cert_cn" &&
        vector["name"] != "neg_notify_foreign_cert")
      continue;
    const auto fault =
        union_pay::signature_fault(account_of(rsa_config()), message_of(vector), now_us);
    REQUIRE(fault);
    CHECK(fault->code == ProblemCode::unknown_serial);
    ++seen;
  }
  CHECK(seen == 2);
}

TEST_CASE("a production certificate is not believed in the test environment, nor the other way") {
  for (const auto& vector : vectors()) {
    const auto name = vector["name"].get<std::string>();
    if (name != "notify_consume_success_prod_cn" && name != "notify_consume_success") continue;
    union_pay::AccountConfig config = rsa_config();
    for (const bool test : {true, false}) {
      config.test_environment = test;
      CHECK(genuine(account_of(config), message_of(vector)) ==
            (test == (name == "notify_consume_success")));
    }
  }
}

TEST_CASE("a UnionPay message with any of its fields changed, gone or added is not genuine") {
  const union_pay::Account account = account_of(rsa_config());
  int seen = 0;
  for (const auto& vector : vectors()) {
    if (vector["name"] != "notify_consume_success") continue;
    const FormFields fields = message_of(vector);
    REQUIRE(genuine(account, fields));
    for (const auto& field : fields) {
      CAPTURE(field.first);
      // Behind its end a certificate may have anything, so its change is made inside.
      std::string changed = field.second;
      changed[changed.size() / 2] = changed[changed.size() / 2] == '1' ? '2' : '1';
      CHECK_FALSE(genuine(account, with(fields, field.first, changed)));
      CHECK_FALSE(genuine(account, with(fields, field.first, "")));
    }
    CHECK_FALSE(genuine(account, with(fields, "signPubKeyCert",
                                      std::string(field_of(fields, "signPubKeyCert")) + "\r\n")));
    FormFields more = fields;
    more.emplace_back("a", "1");
    CHECK_FALSE(genuine(account, more));
    CHECK_FALSE(genuine(account, {}));
    // A certificate of the year 2020 to 2099, judged outside of it.
    CHECK(union_pay::signature_fault(account, fields, 1'500'000'000 * us_per_s));
    CHECK(union_pay::signature_fault(account, fields, 4'200'000'000 * us_per_s));
    ++seen;
  }
  CHECK(seen == 1);
}

TEST_CASE("a message cannot choose how it is judged") {
  const union_pay::Account secret = account_of(secret_config());
  FormFields fields{{"signMethod", "11"}, {"respCode", "00"}};
  union_pay::sign_fields(secret, fields);
  CHECK(genuine(secret, fields));
  CHECK_FALSE(genuine(secret, with(fields, "respCode", "01")));
  CHECK_FALSE(genuine(account_of(rsa_config()), fields));
  CHECK_FALSE(genuine(secret, signed_by_union_pay({{"respCode", "00"}})));
}

TEST_CASE("an answer is split outside of braces only, and kept as it is") {
  const auto fields = union_pay::parse_answer_fields("a=1&b={x=1&y=[2&z=3]}&c=+%2B=&d=[&]&e=");
  REQUIRE(fields);
  CHECK(*fields ==
        FormFields{{"a", "1"}, {"b", "{x=1&y=[2&z=3]}"}, {"c", "+%2B="}, {"d", "[&]"}, {"e", ""}});
  for (const char* bad : {"a", "=1", "a=1&a=2", "a={", "a=}", "a={]", "a=1&b", "<html></html>"}) {
    CAPTURE(bad);
    CHECK_FALSE(union_pay::parse_answer_fields(bad));
  }
  CHECK(union_pay::parse_answer_fields("")->empty());
}

TEST_CASE("the pfx gives the merchant's own key and certificate, not those of its chain") {
  const std::string pfx = vector_file("keys/unionpay_merchant.TESTONLY.pfx");
  union_pay::AccountConfig config = rsa_config();
  config.private_key.clear();
  config.certificate.clear();
  config.pfx = pfx;
  config.pfx_password = "000000";
  CHECK(account_of(config).rsa->certificate_id == "68759625161");
  CHECK(account_of(rsa_config()).rsa->certificate_id == "68759625161");
  const auto fault = [](const std::string& bytes, const char* password) {
    return std::get<crypto::KeyFault>(crypto::read_pkcs12(bytes, password));
  };
  CHECK(fault("", "000000") == crypto::KeyFault::missing);
  CHECK(fault(pfx, "000001") == crypto::KeyFault::wrong_password);
  CHECK(fault(pfx.substr(0, pfx.size() / 2), "000000") == crypto::KeyFault::broken_file);
  CHECK(fault("no pfx", "000000") == crypto::KeyFault::not_pkcs12);
}

TEST_CASE("a UnionPay account that cannot work names the field") {
  struct Row {
    const char* field;
    void (*spoil)(union_pay::AccountConfig&);
  };
  using C = union_pay::AccountConfig;
  const Row rows[] = {
      {"base_url", [](C& c) { c.base_url = "gateway"; }},
      {"merchant_id", [](C& c) { c.merchant_id = "77729005811004"; }},
      {"merchant_id", [](C& c) { c.merchant_id = "77729005811004-"; }},
      {"notify_url", [](C& c) { c.notify_url.clear(); }},
      {"return_url", [](C& c) { c.return_url = "x"; }},
      {"private_key", [](C& c) { c.private_key.clear(); }},
      {"private_key", [](C& c) { c.private_key = vector_key("rsa_1024"); }},
      {"private_key", [](C& c) { c.private_key = vector_key("ec_p256"); }},
      {"certificate", [](C& c) { c.certificate.clear(); }},
      {"certificate", [](C& c) { c.certificate = vector_key("unionpay_platform_cert"); }},
      {"private_key", [](C& c) { c.pfx = "x"; }},
      {"pfx", [](C& c) { c.pfx = "x", c.private_key.clear(), c.certificate.clear(); }},
      {"middle_certificates", [](C& c) { c.middle_certificates.clear(); }},
      {"middle_certificates", [](C& c) { c.middle_certificates = vector_key("alipay_app_cert"); }},
      {"root_certificates", [](C& c) { c.root_certificates.clear(); }},
      {"secure_key", [](C& c) { c.secure_key = "88888888"; }},
  };
  for (const Row& row : rows) {
    CAPTURE(row.field);
    union_pay::AccountConfig config = rsa_config();
    row.spoil(config);
    const auto made = union_pay::make_account(config, now_us);
    REQUIRE(std::holds_alternative<AccountFaults>(made));
    CHECK(std::get<AccountFaults>(made).front().field == row.field);
  }
  const auto expired = union_pay::make_account(rsa_config(), 4'200'000'000 * us_per_s);
  REQUIRE(std::holds_alternative<AccountFaults>(expired));
  CHECK(std::get<AccountFaults>(expired).front().field == "certificate");
  CHECK(std::get<AccountFaults>(expired).front().detail.find("expired") != std::string::npos);
}

TEST_CASE("a certificate is vouched for by its own root alone") {
  const auto certificate = [](const char* name) {
    return std::get<crypto::Certificate>(crypto::Certificate::from_pem(vector_key(name)));
  };
  const auto leaf = certificate("unionpay_platform_cert");
  const auto middle = certificate("unionpay_middle_cert");
  const auto root = certificate("unionpay_root_cert");
  CHECK_FALSE(crypto::chain_fault(leaf, {middle}, {root}, now_us));
  CHECK(crypto::chain_fault(leaf, {}, {root}, now_us));
  CHECK(crypto::chain_fault(leaf, {middle}, {}, now_us));
  CHECK(crypto::chain_fault(leaf, {middle}, {certificate("alipay_root_cert")}, now_us));
  CHECK(crypto::is_authority(root));
  CHECK_FALSE(crypto::is_authority(leaf));
  CHECK(crypto::split_certificates(vector_key("unionpay_root_cert") + "x" +
                                   vector_key("unionpay_middle_cert"))
            .size() == 2);
}

TEST_CASE("what is packed is unpacked whole, within its bound, or not at all") {
  int seen = 0;
  for (const auto& vector : vectors()) {
    if (vector["kind"] != "codec") continue;
    const auto packed = crypto::parse_base64(vector["in"]["fileContent"].get<std::string>());
    REQUIRE(packed);
    const auto bytes = inflate_zlib(*packed, 100);
    REQUIRE(bytes);
    CHECK(crypto::hex(*bytes) == vector["out"]["inflated_hex"].get<std::string>());
    CHECK(inflate_zlib(*packed, bytes->size()));
    CHECK_FALSE(inflate_zlib(*packed, bytes->size() - 1));
    CHECK_FALSE(inflate_zlib(packed->substr(0, packed->size() - 1), 100));
    CHECK_FALSE(inflate_zlib(*packed + "x", 100));
    CHECK_FALSE(inflate_zlib("", 100));
    CHECK_FALSE(inflate_zlib("no zlib", 100));
    ++seen;
  }
  CHECK(seen == 1);
}
