// A merchant's pfx as authorities issue it, with the ciphers of old, and why one cannot be opened.
#include "protocol/channels/pkcs12.hpp"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pkcs12.h>
#include <openssl/provider.h>

#include <catch2/catch.hpp>

#include "tests/support/union_pay_fixture.hpp"

using namespace welkin;
using namespace welkin::union_pay_test;

TEST_CASE("a pfx under 40-bit RC2, as UnionPay issues it, opens, and says why when it does not") {
  const std::string pfx = vector_file("keys/unionpay_merchant_rc2.TESTONLY.pfx");
  union_pay::AccountConfig config = rsa_config();
  config.private_key.clear();
  config.certificate.clear();
  config.pfx = pfx;
  config.pfx_password = "000000";
  CHECK(account_of(config).rsa->certificate_id == "68759625161");
  const auto fault = [](const std::string& bytes, const char* password) {
    return std::get<crypto::KeyFault>(crypto::read_pkcs12(bytes, password));
  };
  CHECK(fault(pfx, "000001") == crypto::KeyFault::wrong_password);
  CHECK(fault(pfx, "") == crypto::KeyFault::wrong_password);
  CHECK(fault(pfx.substr(0, pfx.size() - 1), "000000") == crypto::KeyFault::broken_file);
  CHECK(fault(pfx.substr(0, 20), "000000") == crypto::KeyFault::broken_file);
  // A byte of the sealed certificate: the password still opens the key beside it.
  std::string changed = pfx;
  changed[300] = static_cast<char>(changed[300] ^ 1);
  CHECK(fault(changed, "000000") == crypto::KeyFault::broken_file);
  CHECK(fault(vector_key("unionpay_merchant_key"), "000000") == crypto::KeyFault::not_pkcs12);
  CHECK(fault(std::string(2'000, '\0'), "000000") == crypto::KeyFault::not_pkcs12);
  config.pfx_password = "000001";
  const auto made = union_pay::make_account(config, now_us);
  const auto* faults = std::get_if<AccountFaults>(&made);
  REQUIRE(faults);
  REQUIRE(faults->size() == 1);
  CHECK(faults->front().field == "pfx");
  CHECK(faults->front().detail.find("wrong_password") != std::string::npos);
}

TEST_CASE(
    "a pfx that is whole and encrypted in an unknown way says so, and one without a key too") {
  const std::string pfx = vector_file("keys/unionpay_merchant_rc2.TESTONLY.pfx");
  const auto* data = reinterpret_cast<const unsigned char*>(pfx.data());
  PKCS12* file = d2i_PKCS12(nullptr, &data, static_cast<long>(pfx.size()));
  STACK_OF(PKCS7)* parts = PKCS12_unpack_authsafes(file);
  REQUIRE(sk_PKCS7_num(parts) == 2);
  const auto resealed_fault = [&] {
    REQUIRE(PKCS12_pack_authsafes(file, parts) == 1);
    REQUIRE(PKCS12_set_mac(file, "000000", -1, nullptr, 0, 1, EVP_sha1()) == 1);
    unsigned char* bytes = nullptr;
    const int length = i2d_PKCS12(file, &bytes);
    REQUIRE(length > 0);
    const auto read = crypto::read_pkcs12(
        {reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(length)}, "000000");
    OPENSSL_free(bytes);
    return std::get<crypto::KeyFault>(read);
  };
  X509_ALGOR* algorithm = sk_PKCS7_value(parts, 0)->d.encrypted->enc_data->algorithm;
  ASN1_OBJECT* const rc2 = algorithm->algorithm;
  algorithm->algorithm = OBJ_txt2obj("1.2.840.113549.1.12.1.99", 1);
  CHECK(resealed_fault() == crypto::KeyFault::unsupported_algorithm);
  ASN1_OBJECT_free(algorithm->algorithm);
  algorithm->algorithm = rc2;
  PKCS7_free(sk_PKCS7_delete(parts, 1));
  CHECK(resealed_fault() == crypto::KeyFault::no_key_inside);
  sk_PKCS7_pop_free(parts, PKCS7_free);
  PKCS12_free(file);
}

TEST_CASE("the ciphers of old are there for a pfx alone") {
  const std::string pfx = vector_file("keys/unionpay_merchant_rc2.TESTONLY.pfx");
  CHECK(std::holds_alternative<crypto::KeyAndCertificate>(crypto::read_pkcs12(pfx, "000000")));
  CHECK(EVP_CIPHER_fetch(nullptr, "RC2-40-CBC", nullptr) == nullptr);
  CHECK(OSSL_PROVIDER_available(nullptr, "legacy") == 0);
  ERR_clear_error();
}
