// Keys, signatures, seals and encodings, against vectors of others and by refusal.
#include <catch2/catch.hpp>

#include "protocol/channels/crypto.hpp"
#include "tests/support/vectors.hpp"

using namespace welkin;
using crypto::KeyFault;

namespace {

template <class Key>
KeyFault fault_of(const std::string& pem) {
  auto loaded = Key::from_pem(pem);
  const auto* fault = std::get_if<KeyFault>(&loaded);
  REQUIRE(fault);
  return *fault;
}

crypto::PrivateKey merchant_key() {
  return std::get<crypto::PrivateKey>(
      crypto::PrivateKey::from_pem(vector_key("wechat_merchant_key")));
}

}  // namespace

TEST_CASE("a key that cannot be used says why") {
  CHECK(fault_of<crypto::PrivateKey>("") == KeyFault::missing);
  CHECK(fault_of<crypto::PrivateKey>(" \n") == KeyFault::missing);
  CHECK(fault_of<crypto::PrivateKey>("no key") == KeyFault::unreadable);
  CHECK(fault_of<crypto::PrivateKey>(vector_key("wechat_platform_pub")) == KeyFault::unreadable);
  CHECK(fault_of<crypto::PrivateKey>(vector_key("wechat_merchant_cert")) == KeyFault::unreadable);
  CHECK(fault_of<crypto::PrivateKey>(vector_key("rsa_1024")) == KeyFault::wrong_size);
  CHECK(fault_of<crypto::PrivateKey>(vector_key("ec_p256")) == KeyFault::not_rsa);
  std::string cut = vector_key("wechat_merchant_key");
  cut.erase(cut.size() / 2, 4);
  CHECK(fault_of<crypto::PrivateKey>(cut) == KeyFault::unreadable);
  CHECK(fault_of<crypto::PrivateKey>("-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n"
                                     "-----END ENCRYPTED PRIVATE KEY-----\n") ==
        KeyFault::encrypted);
  CHECK(fault_of<crypto::PublicKey>("") == KeyFault::missing);
  CHECK(fault_of<crypto::PublicKey>(vector_key("wechat_merchant_key")) == KeyFault::unreadable);
  CHECK(fault_of<crypto::PublicKey>(vector_key("wechat_platform_cert")) == KeyFault::unreadable);
  CHECK(fault_of<crypto::Certificate>("") == KeyFault::missing);
  CHECK(fault_of<crypto::Certificate>(vector_key("wechat_platform_pub")) == KeyFault::unreadable);
}

TEST_CASE("what RSA signs, only its own public key verifies, and only that text") {
  const crypto::PrivateKey key = merchant_key();
  CHECK(key.bits() == 2048);
  const std::string signature = key.rsa_sha256_sign("text");
  CHECK(signature.size() == 256);
  CHECK(key.public_key().rsa_sha256_verify("text", signature));
  CHECK_FALSE(key.public_key().rsa_sha256_verify("texT", signature));
  CHECK_FALSE(key.public_key().rsa_sha256_verify("text", ""));
  CHECK_FALSE(key.public_key().rsa_sha256_verify("text", signature.substr(1)));
  std::string bent = signature;
  bent.back() = static_cast<char>(bent.back() ^ 1);
  CHECK_FALSE(key.public_key().rsa_sha256_verify("text", bent));
  const auto other =
      std::get<crypto::PublicKey>(crypto::PublicKey::from_pem(vector_key("wechat_platform_pub")));
  CHECK_FALSE(other.rsa_sha256_verify("text", signature));
  CHECK_FALSE(other == key.public_key());
}

TEST_CASE("a public key is the same in its own file, in PEM again, and in its certificate") {
  const auto alone =
      std::get<crypto::PublicKey>(crypto::PublicKey::from_pem(vector_key("wechat_platform_pub")));
  const auto certificate = std::get<crypto::Certificate>(
      crypto::Certificate::from_pem(vector_key("wechat_platform_cert")));
  CHECK(certificate.public_key() == alone);
  CHECK(std::get<crypto::PublicKey>(crypto::PublicKey::from_pem(alone.pem())) == alone);
}

TEST_CASE("a certificate tells its serial number, its name and its validity") {
  const auto certificate = std::get<crypto::Certificate>(
      crypto::Certificate::from_pem(vector_key("wechat_platform_cert")));
  CHECK(certificate.serial_hex() == "7132D72A03E93CDDF8C03BBD1F37EEDF00000001");
  CHECK(certificate.serial_decimal() == "646249737801553860214244709215100082476665536513");
  CHECK(certificate.common_name() == "Tenpay.com test");
  const UnixUs from_us = 1'577'836'800 * us_per_s;
  const UnixUs to_us = 4'102'444'799 * us_per_s;
  CHECK(certificate.valid_from_us() == from_us);
  CHECK(certificate.valid_to_us() == to_us);
  CHECK(certificate.judge_dates(from_us - 1) == KeyFault::not_yet_valid);
  CHECK_FALSE(certificate.judge_dates(from_us));
  CHECK_FALSE(certificate.judge_dates(to_us));
  CHECK(certificate.judge_dates(to_us + 1) == KeyFault::expired);
}

TEST_CASE("digests are those of the published examples") {
  CHECK(crypto::sha1_hex("abc") == "a9993e364706816aba3e25717850c26c9cd0d89d");
  CHECK(crypto::md5_hex("abc") == "900150983cd24fb0d6963f7d28e17f72");
  CHECK(crypto::hex(crypto::sha256_bytes("abc")) ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(crypto::hex(crypto::hmac_sha256("Jefe", "what do ya want for nothing?")) ==
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST_CASE("a seal opens only with its key, nonce, associated data and tag untouched") {
  const std::string key(32, 'k');
  const std::string nonce = "123456789012";
  const auto sealed = crypto::aes_256_gcm_encrypt(key, nonce, "about", "secret");
  REQUIRE(sealed);
  CHECK(sealed->size() == 6 + 16);
  CHECK(crypto::aes_256_gcm_decrypt(key, nonce, "about", *sealed) == "secret");
  for (std::size_t i = 0; i < sealed->size(); ++i) {
    std::string bent = *sealed;
    bent[i] = static_cast<char>(bent[i] ^ 1);
    CHECK_FALSE(crypto::aes_256_gcm_decrypt(key, nonce, "about", bent));
  }
  CHECK_FALSE(crypto::aes_256_gcm_decrypt(std::string(32, 'K'), nonce, "about", *sealed));
  CHECK_FALSE(crypto::aes_256_gcm_decrypt(key, "123456789013", "about", *sealed));
  CHECK_FALSE(crypto::aes_256_gcm_decrypt(key, nonce, "", *sealed));
  CHECK_FALSE(crypto::aes_256_gcm_decrypt(key, nonce, "about", sealed->substr(0, 15)));
  CHECK_FALSE(crypto::aes_256_gcm_decrypt(key, "", "about", *sealed));
  CHECK_FALSE(crypto::aes_256_gcm_decrypt(std::string(31, 'k'), nonce, "about", *sealed));
  const auto empty = crypto::aes_256_gcm_encrypt(key, nonce, "", "");
  REQUIRE(empty);
  CHECK(crypto::aes_256_gcm_decrypt(key, nonce, "", *empty) == "");
}

TEST_CASE("base64 has one text for each bytes and takes no other") {
  const auto row = GENERATE(table<std::string, std::string>(
      {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"\xff\xef\xbe", "/+++"}}));
  CHECK(crypto::base64(std::get<0>(row)) == std::get<1>(row));
  CHECK(crypto::parse_base64(std::get<1>(row)) == std::get<0>(row));
}

TEST_CASE("what is not strict base64 is refused") {
  const auto text =
      GENERATE(as<std::string>{}, "Zg", "Zg=", "Zh==", "Zg==\n",
               " Zg==", "Zg= =", "Z===", "====", "Zm9v=", "Zm9_", "Zm-v", "Zg==Zg==", "\n\n\n\n");
  CAPTURE(text);
  CHECK_FALSE(crypto::parse_base64(text));
}

TEST_CASE("hex is written in lower case and read in either") {
  CHECK(crypto::hex(std::string("\x00\xfe\x0a", 3)) == "00fe0a");
  CHECK(crypto::parse_hex("00FE0a") == std::string("\x00\xfe\x0a", 3));
  CHECK_FALSE(crypto::parse_hex("0"));
  CHECK_FALSE(crypto::parse_hex("0g"));
}

TEST_CASE("equal texts are equal, of whatever length") {
  CHECK(crypto::equal_in_constant_time("", ""));
  CHECK(crypto::equal_in_constant_time("ab", "ab"));
  CHECK_FALSE(crypto::equal_in_constant_time("ab", "ac"));
  CHECK_FALSE(crypto::equal_in_constant_time("ab", "abc"));
}
