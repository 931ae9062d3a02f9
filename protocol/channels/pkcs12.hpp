// A merchant's key and certificate in one PKCS#12 file (.pfx), as UnionPay hands them out.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "protocol/channels/crypto.hpp"

namespace welkin::crypto {

struct KeyAndCertificate {
  PrivateKey key;
  Certificate certificate;  // the key's own, whatever others the file holds
};

// `bytes` is the file. Ciphers of old (40-bit RC2) are known for this call alone.
std::variant<KeyAndCertificate, KeyFault> read_pkcs12(std::string_view bytes,
                                                      const std::string& password);

}  // namespace welkin::crypto
