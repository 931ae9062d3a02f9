// WeChat Pay's platform certificates as it hands them out, sealed and signed, with the vectors'
// keys.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/wechat_fixture.hpp"

namespace welkin {

// An account that has yet to learn the platform's keys.
inline wechat_pay::AccountConfig wechat_config_without_keys() {
  wechat_pay::AccountConfig config = wechat_config();
  config.platform_certificates.clear();
  config.public_keys.clear();
  return config;
}

struct PlatformCertificate {
  std::string pem;
  crypto::PrivateKey key;
  std::string serial;
};
// "wechat_platform", or any other pair of the vectors as the next one.
inline PlatformCertificate platform_certificate(const std::string& name) {
  std::string pem = vector_key(name + "_cert");
  const auto loaded = std::get<crypto::Certificate>(crypto::Certificate::from_pem(pem));
  return {pem,
          std::get<crypto::PrivateKey>(crypto::PrivateKey::from_pem(vector_key(name + "_key"))),
          loaded.serial_hex()};
}

inline WireAnswer signed_by(const PlatformCertificate& signer, std::string body,
                            UnixUs at_us = vectors_now_us) {
  WireAnswer answer{200, {}, std::move(body)};
  answer.headers = wechat_pay::sign_message(signer.serial, signer.key, answer.body,
                                            {at_us, vectors_context().nonce});
  return answer;
}

inline WireAnswer certificates_answer(const std::vector<PlatformCertificate>& certificates,
                                      const PlatformCertificate& signer,
                                      const std::string& api_v3_key = wechat_config().api_v3_key,
                                      UnixUs at_us = vectors_now_us) {
  nlohmann::json data = nlohmann::json::array();
  for (const PlatformCertificate& certificate : certificates)
    data.push_back(
        {{"serial_no", certificate.serial},
         {"encrypt_certificate",
          {{"algorithm", "AEAD_AES_256_GCM"},
           {"nonce", "61f9c719728a"},
           {"associated_data", "certificate"},
           {"ciphertext", crypto::base64(*crypto::aes_256_gcm_encrypt(
                              api_v3_key, "61f9c719728a", "certificate", certificate.pem))}}}});
  return signed_by(signer, nlohmann::json{{"data", data}}.dump(), at_us);
}

}  // namespace welkin
