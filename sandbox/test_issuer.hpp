// Keys and certificates for tests, as PEM texts: what a channel's authority would issue.
#pragma once

#include <optional>
#include <string>

namespace welkin::sandbox {

// Of 2048 bits. Empty only when OpenSSL itself fails.
std::string make_rsa_key();
std::string public_key_of(const std::string& private_key);

struct CertificateOrder {
  std::string common_name;
  bool authority = false;
  int serial_bytes = 20;  // 40 hex digits, as WeChat's; UnionPay's are shorter
};
// Signed by the issuer's key, or by its own when there is none. Valid from a day ago for ten years.
std::string issue_certificate(const CertificateOrder& order, const std::string& key,
                              const std::string& issuer_key = {},
                              const std::string& issuer_certificate = {});

// `length` random characters of "A-Za-z0-9".
std::string random_text(std::size_t length);

}  // namespace welkin::sandbox
